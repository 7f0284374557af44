"""Faces packed for the viewer, read back by a reader of its own."""

import gzip
import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from kmtalk.face import IDENTITIES, Face, load_face
from kmtalk.render.surface import EYE, PLAIN, make_surface, move_head
from kmtalk.web.geometry import FORMAT, pack, write_face

MICROMETRE = 1e-6


def unpack(packed):
    """The header and the arrays, as the format's description says."""
    data = gzip.decompress(packed)
    (length,) = struct.unpack_from("<I", data)
    header, arrays = json.loads(data[4 : 4 + length]), {}
    for name, about in header["arrays"].items():
        rows, columns = about["shape"][0], int(np.prod(about["shape"][1:]))
        start = 4 + length + about["place"]
        stored = np.frombuffer(data, np.dtype(about["type"]).newbyteorder("<"), rows * columns, start)
        values = np.cumsum(stored.reshape(columns, rows), axis=1, dtype=about["type"]).T
        if "low" in about:
            values = about["low"] + values * np.array(about["step"])
        arrays[name] = values.reshape(about["shape"])
    return header, arrays


def posed(header, arrays, weights, head_pose=None):
    """Where the drawn vertices are, from the file alone: (R, 3) metres."""
    vertices = arrays["template"].copy()
    shape = np.repeat(np.arange(len(weights)), arrays["basis_count"])
    moves = arrays["basis_move"] * (np.array(header["basis_step"]) * weights)[shape, None]
    np.add.at(vertices, arrays["basis_vertex"], moves)
    if head_pose is not None:
        carried = replace(
            BLOB,
            template=vertices,
            head_weight=arrays["head_weight"][:, 0],
            head_pivot=np.array(header["pivot"]),
        )
        vertices = move_head(carried, vertices, head_pose * np.repeat([1, header["scale"]], 3))
    row = np.repeat(np.arange(len(arrays["refine_count"])), arrays["refine_count"])
    drawn = np.zeros((len(arrays["refine_count"]), 3))
    weights = arrays["refine_weight"] * header["refine_step"]
    np.add.at(drawn, row, weights[:, None] * vertices[arrays["refine_vertex"]])
    return drawn


def blob(vertices=400, shapes=6, size=1.0, seed=0):
    """A closed lumpy ball without a look whose learned basis moves every vertex; size: metres to a unit."""
    random = np.random.default_rng(seed)
    around = random.normal(size=(vertices, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    from scipy.spatial import ConvexHull

    return Face(
        name="blob",
        template=np.float32(around * 0.1 / size),
        triangles=ConvexHull(around).simplices.astype(np.int32),
        basis=np.float32(np.linalg.qr(random.normal(size=(vertices * 3, shapes)))[0].T.reshape(shapes, vertices, 3)),
        basis_names=tuple(f"component {index}" for index in range(shapes)),
        regions={},
        landmarks={},
        head_weight=np.ones(vertices, np.float32),
        head_pivot=np.zeros(3, np.float32),
    )


BLOB = blob()


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_packed_head_poses_within_twenty_micrometres(name):
    surface = make_surface(load_face(name))
    header, arrays = unpack(pack(surface))
    random = np.random.default_rng(1)
    head_pose = np.float32([0.1, -0.2, 0.05, 0.01, -0.02, 0.005])
    for weights in (np.zeros(54), np.eye(54)[16], random.uniform(0, 0.5, 54), random.uniform(-0.2, 1, 54)):
        expected, _ = surface.pose(weights, head_pose)
        assert np.abs(posed(header, arrays, weights, head_pose) - expected).max() < 20 * MICROMETRE


def test_a_packed_head_keeps_its_look(face):
    surface = make_surface(face)
    header, arrays = unpack(pack(surface))
    assert header["format"] == FORMAT
    assert header["solid"] is True
    assert header["shapes"] == list(face.basis_names)
    for name in ("lashes", "tongue"):
        np.testing.assert_array_equal(arrays[name], getattr(surface, name))
    assert {tuple(triangle) for triangle in arrays["triangles"]} == {tuple(triangle) for triangle in surface.triangles}
    np.testing.assert_array_equal(arrays["kind"], surface.material[:, 3])
    np.testing.assert_allclose(arrays["material"], surface.material[:, :3], atol=1e-5)
    np.testing.assert_allclose(arrays["color"], surface.color, atol=1e-5)
    np.testing.assert_allclose(arrays["uv"], surface.uv, atol=0.05 / 2048)  # of a pixel of its texture


def test_clay_follows_from_the_skin(face):
    clay = make_surface(face, "clay")
    header, arrays = unpack(pack(make_surface(face)))
    np.testing.assert_array_equal(arrays["triangles"][: header["bald"]], clay.triangles)
    np.testing.assert_allclose(clay.color, np.tile(header["clay"]["color"], (len(clay.color), 1)), atol=1e-6)
    material = np.column_stack([arrays["material"], np.where(arrays["kind"] == EYE, PLAIN, arrays["kind"])])
    material[:, :2] = header["clay"]["gloss"]
    np.testing.assert_allclose(clay.material, material, atol=1e-5)
    header, arrays = unpack(pack(make_surface(BLOB)))
    assert header["bald"] == len(arrays["triangles"])


def test_the_wireframe_has_the_quadrilaterals_that_the_head_was_built_from(face):
    _, arrays = unpack(pack(make_surface(face)))
    assert arrays["mesh"].shape == (len(face.triangles) // 2, 4)
    np.testing.assert_array_equal(arrays["mesh"][:, :3], face.triangles[: len(face.triangles) // 2])
    _, arrays = unpack(pack(make_surface(BLOB)))
    np.testing.assert_array_equal(arrays["mesh"], BLOB.triangles)


@pytest.mark.parametrize("size", [1.0, 1e-3])
def test_a_face_with_a_learned_basis_and_no_look_poses_as_exactly(size):
    surface = make_surface(blob(size=size))
    header, arrays = unpack(pack(surface))
    assert header["solid"] is False
    weights = np.random.default_rng(2).normal(size=6) * 0.05 / size  # vertices move by some millimetres
    head_pose = np.float32([0.1, 0.2, 0, 0.01 / size, 0, 0])
    expected, _ = surface.pose(weights, head_pose)
    rest, _ = surface.pose(np.zeros(6))
    assert np.abs(expected - rest).max() > 1e-3
    assert np.abs(posed(header, arrays, weights, head_pose) - expected).max() < 20 * MICROMETRE


def test_a_still_vertex_is_not_stored(face):
    header, arrays = unpack(pack(make_surface(face)))
    moved = face.basis.any(axis=2)
    np.testing.assert_array_equal(arrays["basis_count"], moved.sum(axis=1))
    assert len(arrays["basis_vertex"]) == moved.sum() < 0.2 * moved.size


def test_files_are_small_named_after_their_content_and_written_once(face, tmp_path):
    files = write_face(face, tmp_path)
    assert files.geometry.stat().st_size < 600_000
    assert files.texture.read_bytes() == face.look.texture.read_bytes()
    before = files.geometry.stat().st_mtime_ns
    assert write_face(face, tmp_path) == files
    assert files.geometry.stat().st_mtime_ns == before
    assert write_face(load_face("ben"), tmp_path).geometry != files.geometry
    moved = replace(face, template=face.template + np.float32(0.01))
    assert write_face(moved, tmp_path).geometry != files.geometry
    assert write_face(BLOB, tmp_path).texture is None
