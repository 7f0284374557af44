import numpy as np
import pytest
import replicas
import trimesh

from kmtalk.data.meshes import area, read_mesh
from kmtalk.errors import InputError

FACE = replicas.tiny_face()


def test_an_obj_keeps_its_order_whatever_its_textures(tmp_path):
    replicas.write_obj(tmp_path / "a.obj", FACE.vertices, FACE.triangles)
    mesh = read_mesh(tmp_path / "a.obj")
    np.testing.assert_allclose(mesh.vertices, FACE.vertices, atol=1e-6)
    np.testing.assert_array_equal(mesh.triangles, FACE.triangles)


@pytest.mark.parametrize("binary", [False, True])
def test_a_ply_keeps_its_order(tmp_path, binary):
    replicas.write_ply(tmp_path / "a.ply", FACE.vertices, FACE.triangles, binary)
    mesh = read_mesh(tmp_path / "a.ply")
    np.testing.assert_allclose(mesh.vertices, FACE.vertices, atol=1e-6)
    np.testing.assert_array_equal(mesh.triangles, FACE.triangles)


def test_a_ply_of_another_writer(tmp_path):
    trimesh.Trimesh(FACE.vertices, FACE.triangles, process=False).export(tmp_path / "a.ply")
    np.testing.assert_array_equal(read_mesh(tmp_path / "a.ply").triangles, FACE.triangles)


def test_quads_and_counting_from_the_end(tmp_path):
    (tmp_path / "a.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0 0.5 0.5 0.5\nvn 0 0 1\nf -4//1 -3//1 -2//1 -1//1\n"
    )
    mesh = read_mesh(tmp_path / "a.obj")
    assert mesh.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert area(mesh.vertices, mesh.triangles) == pytest.approx(1)


def test_area_of_many_frames():
    frames = np.stack([FACE.vertices, FACE.vertices * 2])
    one, four = area(frames, FACE.triangles)
    assert four == pytest.approx(4 * one)
    assert one == pytest.approx(trimesh.Trimesh(FACE.vertices, FACE.triangles, process=False).area)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.stl", "solid", "give a .ply or .obj"),
        ("a.obj", "hello", "no vertices"),
        ("a.obj", "v 0 0", "damaged"),
        ("a.obj", "v 0 0 0\nf 1 2 3", "triangles of vertices"),
        ("a.obj", "v nan 0 0", "no numbers"),
        ("a.ply", "ply\nformat ascii 1.0\nelement vertex 3\n", "damaged"),
        ("a.ply", "", "damaged"),
    ],
)
def test_what_is_no_mesh(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        read_mesh(tmp_path / name)


def test_a_mesh_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no file .*face.ply"):
        read_mesh(tmp_path / "face.ply")
