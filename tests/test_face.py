"""Face: vertices from weights, distances, Gram matrices, and what load_face refuses."""

from pathlib import Path

import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.face import Face, load_face


@pytest.fixture(scope="module")
def tetrahedron() -> Face:
    template = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    basis = np.zeros((2, 4, 3), np.float32)
    basis[0, 1] = 1, 0, 0
    basis[1, 2:] = 0, 2, 0
    return Face(
        name="tetrahedron",
        template=template,
        triangles=np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32),
        basis=basis,
        basis_names=("stretch", "lift"),
        regions={"base": np.array([0, 1])},
        landmarks={"origin": 0, "right": 1, "top": 2},
        head_weight=np.ones(4, np.float32),
        head_pivot=np.zeros(3, np.float32),
    )


@pytest.fixture(scope="module")
def motion() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (5, 54)).astype(np.float32)


def test_vertices_by_hand(tetrahedron):
    vertices = tetrahedron.vertices(np.array([[0, 0], [0.5, 0], [1, 0.25]]))
    assert vertices.shape == (3, 4, 3)
    assert vertices.dtype == np.float32
    assert np.array_equal(vertices[0], tetrahedron.template)
    assert np.array_equal(vertices[1, 1], [1.5, 0, 0])
    assert np.array_equal(vertices[2], [[0, 0, 0], [2, 0, 0], [0, 1.5, 0], [0, 0.5, 1]])


def test_vertices_are_linear(motion):
    face = load_face("ari")
    parts = face.vertices(motion) - face.template
    assert np.allclose(face.vertices(motion[:1] + motion[1:2]) - face.template, parts[:1] + parts[1:2], atol=1e-6)
    assert np.allclose(face.vertices(0.25 * motion) - face.template, 0.25 * parts, atol=1e-6)


def test_distance_by_hand(tetrahedron):
    weights = np.array([[0, 0], [1, 0], [2, 1.0]])
    assert np.allclose(tetrahedron.distance(weights, "origin", "right"), [1, 2, 3])
    assert np.allclose(tetrahedron.distance(weights, "right", "top"), [2**0.5, 5**0.5, 18**0.5])


def test_distance_equals_that_of_the_vertices(motion):
    face = load_face("ben")
    vertices = face.vertices(motion)
    for first, second in (("lip_inner_upper", "lip_inner_lower"), ("lip_corner_left", "lip_corner_right")):
        apart = vertices[:, face.landmark(first)] - vertices[:, face.landmark(second)]
        assert np.allclose(face.distance(motion, first, second), np.linalg.norm(apart, axis=1), atol=1e-6)


def test_gram_by_hand(tetrahedron):
    assert np.array_equal(tetrahedron.gram(), [[1, 0], [0, 8]])
    assert np.array_equal(tetrahedron.gram("base"), [[1, 0], [0, 0]])


@pytest.mark.parametrize("region", [None, "lips", "upper_face"])
def test_gram_gives_the_squared_vertex_distance(motion, region):
    face = load_face("cleo")
    moved = face.vertices(motion[:4]).astype(np.float64) - face.vertices(motion[1:]).astype(np.float64)
    squares = (moved if region is None else moved[:, face.regions[region]]) ** 2
    step = motion[:4].astype(np.float64) - motion[1:]
    assert np.allclose(np.einsum("ti,ij,tj->t", step, face.gram(region), step), squares.sum(axis=(1, 2)), rtol=1e-4)


def test_an_unknown_landmark_is_a_sentence(tetrahedron):
    with pytest.raises(InputError, match=r"face 'tetrahedron' has no landmark 'chin' \(it has: origin, right, top\)"):
        tetrahedron.distance(np.zeros((1, 2)), "origin", "chin")


def test_a_shipped_head_may_be_named_as_a_path():
    assert load_face(Path("ben")).name == "ben"


def test_an_unknown_face_is_a_sentence(tmp_path):
    for wrong in ("zoe", tmp_path):
        with pytest.raises(InputError, match="use one of ari, ben, cleo, or a folder with head.npz in it"):
            load_face(wrong)


def test_a_file_that_is_no_head_is_a_sentence(tmp_path):
    damaged = bytearray(load_face("ari").look.texture.with_name("head.npz").read_bytes())
    damaged[1000:2000] = bytes(1000)
    for content in (b"", b"no archive at all", bytes(damaged)):
        (tmp_path / "head.npz").write_bytes(content)
        with pytest.raises(InputError, match="cannot be read: use a NumPy .npz file"):
            load_face(tmp_path)


def test_a_head_without_its_arrays_names_what_is_missing(tmp_path):
    np.savez(tmp_path / "head.npz", verts=np.zeros((3, 3)))
    with pytest.raises(InputError, match="has no 'quads'"):
        load_face(tmp_path)


def test_a_head_whose_arrays_do_not_fit_is_a_sentence(tmp_path):
    shipped = load_face("ari").look.texture
    (tmp_path / "skin.jpg").write_bytes(shipped.read_bytes())
    with np.load(shipped.with_name("head.npz")) as packed:
        arrays = {name: packed[name] for name in packed.files}
    wrong = {
        "verts": arrays["verts"][:100],
        "basis": arrays["basis"].reshape(54, -1),
        "quads": arrays["quads"] + 6296,
        "tris": arrays["tris"] - 1,
        "lm_ids": arrays["lm_ids"][:2],
        "S_indptr": arrays["S_indptr"][:5],
        "uv": arrays["uv"][:7],
        "mask_head_weight": np.zeros(3, np.uint8),
        "basis_scale": np.array("a"),
    }
    for name, array in wrong.items():
        np.savez(tmp_path / "head.npz", **{**arrays, name: array})
        with pytest.raises(InputError, match="do not fit each other"):
            load_face(tmp_path)


def test_a_head_without_its_skin_is_a_sentence(tmp_path):
    shipped = load_face("ari").look.texture.with_name("head.npz")
    (tmp_path / "head.npz").write_bytes(shipped.read_bytes())
    with pytest.raises(InputError, match="no skin.jpg"):
        load_face(tmp_path)


def test_a_folder_in_the_same_layout_loads(tmp_path):
    shipped = load_face("ari")
    for name in ("head.npz", "skin.jpg"):
        (tmp_path / name).write_bytes(shipped.look.texture.with_name(name).read_bytes())
    copied = load_face(tmp_path)
    assert copied.name == tmp_path.name
    assert np.array_equal(copied.template, shipped.template)
    assert copied.look.texture == tmp_path / "skin.jpg"
