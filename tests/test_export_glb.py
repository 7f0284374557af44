"""GLB files, judged by Khronos' validator and read back by three.js, by trimesh, and by a few lines of our own."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kmtalk.export import export
from kmtalk.face import Face, load_face
from kmtalk.motion import Animation, Motion
from kmtalk.render.surface import make_surface, move_head

FRAMES = 5
TYPES = {5126: "<f4", 5125: "<u4", 5123: "<u2", 5121: "u1"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
VALIDATE = """
import { readFileSync } from "node:fs";
import validator from "gltf-validator";
const { issues, info } = await validator.validateBytes(new Uint8Array(readFileSync(process.argv[1])));
console.log(JSON.stringify({ messages: issues.messages, hasSkins: info.hasSkins, vertices: info.totalVertexCount }));
"""


def moving(face, turn=0.04):
    """An animation of random weights, two of them partly life, whose head turns by up to about 4 degrees."""
    generator = np.random.default_rng(0)
    weights = generator.uniform(0, 0.4, (FRAMES, len(face.basis_names))).astype(np.float32)
    pose = generator.uniform(-1, 1, (FRAMES, 6)).astype(np.float32) * np.float32([turn] * 3 + [0.001] * 3)
    life = np.where(np.arange(len(face.basis_names)) < 2, weights / 2, 0).astype(np.float32)
    motion = Motion(weights, face.basis_names, 25.0, pose, life)
    return Animation(np.zeros(3200, np.float32), face, motion, (), np.array([0, FRAMES - 1]), weights[[0, -1]])


def square_face():
    """A square that two shapes bend, in no look, its second corner pair carried by the head."""
    template = np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    basis = np.zeros((3, 4, 3), np.float32)
    basis[0, 2:, 2], basis[1, 0, 0] = 0.5, -0.25
    triangles = np.int32([[0, 1, 2], [0, 2, 3]])
    head_weight, pivot = np.float32([0, 0, 1, 0.5]), np.float32([0.5, 0.5, 0])
    return Face("square", template, triangles, basis, ("bend", "pull", "nothing"), {}, {}, head_weight, pivot)


def learned_face():
    """The cage of a shipped head with a basis that was not drawn by hand: every shape moves every vertex."""
    cage = replace(load_face("ben"), look=None)
    basis = np.random.default_rng(1).normal(0, 1e-3, (7, *cage.template.shape)).astype(np.float32)
    return replace(cage, basis=basis, basis_names=tuple(f"shape {index}" for index in range(7)))


def expected(animation, frame):
    """Return where the face's vertices are in a frame, the head's turn included: (V, 3)."""
    return move_head(animation.face, animation.vertices(frame, frame + 1)[0], animation.motion.head_pose[frame])


class Glb:
    """What lies in a GLB file."""

    def __init__(self, path):
        content = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", content)
        assert (magic, version, length) == (b"glTF", 2, len(content))
        size, kind = struct.unpack_from("<I4s", content, 12)
        assert kind == b"JSON"
        self.json = json.loads(content[20 : 20 + size])
        self.binary = content[28 + size :]
        self.primitives = self.json["meshes"][0]["primitives"]

    def array(self, index):
        accessor = self.json["accessors"][index]
        width = WIDTHS[accessor["type"]]
        view = self.json["bufferViews"][accessor["bufferView"]]
        kind = np.dtype(TYPES[accessor["componentType"]])
        count = view["byteLength"] // kind.itemsize
        return np.frombuffer(self.binary, kind, count, view["byteOffset"]).reshape(-1, width)

    def track(self, path):
        animation = self.json["animations"][0]
        channel = next(c for c in animation["channels"] if c["target"]["path"] == path)
        sampler = animation["samplers"][channel["sampler"]]
        return self.array(sampler["input"]).ravel(), self.array(sampler["output"])


FACES = {
    "ari": lambda: load_face("ari"),
    "cage": lambda: replace(load_face("ben"), look=None),
    "learned": learned_face,
    "square": square_face,
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a face's animation and its GLB file, written once."""
    made = {}

    def write(name):
        if name not in made:
            animation = moving(FACES[name](), turn=0.5 if name == "square" else 0.04)
            made[name] = animation, export(animation, tmp_path_factory.mktemp("glb") / f"{name}.glb")
        return made[name]

    return write


@pytest.fixture
def three(node, tmp_path):
    """Return what three.js sees in a GLB file, and its vertices at all frames: (frames, vertices, 3)."""
    script = (Path(__file__).parent / "pose_in_three.mjs").read_text()

    def load(path):
        seen = json.loads(node(script, path, tmp_path / "positions", *(frame / 25 for frame in range(FRAMES))))
        return seen, np.fromfile(tmp_path / "positions", "<f4").reshape(FRAMES, -1, 3)

    return load


@pytest.mark.parametrize("name", FACES)
def test_khronos_validator_finds_nothing(name, written, node):
    animation, path = written(name)
    report = json.loads(node(VALIDATE, path))
    assert report["messages"] == []  # errors, warnings, infos and hints alike
    assert report["hasSkins"]
    assert report["vertices"] >= len(animation.face.template)


@pytest.mark.parametrize("name", FACES)
def test_three_finds_targets_named_as_the_basis(name, written, three):
    animation, path = written(name)
    seen, _ = three(path)
    assert seen["animations"] == [{"name": "speech", "duration": pytest.approx((FRAMES - 1) / 25)}]
    assert {tuple(mesh["targets"]) for mesh in seen["meshes"]} == {animation.face.basis_names}
    assert {mesh["textured"] for mesh in seen["meshes"]} == {name == "ari"}
    assert [mesh["material"] for mesh in seen["meshes"]] == (["skin", "mouth", "eyes"] if name == "ari" else ["skin"])


@pytest.mark.parametrize("name", ["cage", "learned", "square"])
def test_three_moves_the_vertices_as_the_animation_does(name, written, three):
    animation, path = written(name)
    _, positions = three(path)
    for frame in range(FRAMES):
        # Weights are kept to 1/65535; shapes leave out what moves less than 5 micrometres.
        assert np.abs(positions[frame] - expected(animation, frame)).max() < 5e-5


def test_three_moves_the_drawn_mesh_as_the_renderer_does(written, three):
    animation, path = written("ari")
    _, positions = three(path)
    surface = make_surface(animation.face)
    kinds = surface.material[surface.triangles, 3].max(1)
    order = np.concatenate([np.unique(surface.triangles[kinds == kind]) for kind in np.unique(kinds)])
    carried = (surface.refine @ animation.face.head_weight)[order] > 0.999
    for frame in range(FRAMES):
        drawn, _ = surface.pose(animation.weights[frame], animation.motion.head_pose[frame])
        error = np.linalg.norm(positions[frame] - drawn[order], axis=1)
        assert error.max() < 1e-4
        assert error[carried].max() < 1e-5


@pytest.mark.parametrize("name", ["ari", "square"])
def test_one_animation_holds_the_weights_and_the_head(name, written):
    animation, path = written(name)
    glb = Glb(path)
    assert len(glb.json["animations"]) == 1
    times, weights = glb.track("weights")
    assert np.allclose(times, np.arange(FRAMES) / 25)
    assert np.array_equal(weights.reshape(animation.weights.shape), animation.weights)
    assert glb.json["animations"][0]["extras"] == {"life": list(animation.face.basis_names[:2])}
    head = glb.json["nodes"][2]
    assert head["name"] == "head"
    shifts = glb.track("translation")[1] - np.float32(head["translation"])
    assert np.allclose(shifts, animation.motion.head_pose[:, 3:], atol=1e-7)
    turns = 2 * np.arccos(glb.track("rotation")[1][:, 3])
    assert np.allclose(turns, np.linalg.norm(animation.motion.head_pose[:, :3], axis=1), atol=1e-3)


def test_a_face_without_its_look_is_written_as_its_own_mesh(written):
    animation, path = written("cage")
    glb = Glb(path)
    assert "images" not in glb.json
    corners = glb.array(glb.primitives[0]["indices"]).reshape(-1, 3)
    assert np.array_equal(corners, animation.face.triangles)
    assert np.allclose(glb.array(glb.primitives[0]["attributes"]["POSITION"]), animation.face.template, atol=1e-6)


def test_files_are_small_enough_to_send(written):
    assert written("ari")[1].stat().st_size < 10e6
    face = written("learned")[0].face
    # A learned basis is kept as it is: twelve bytes a vertex and shape, and as many for the normals.
    assert written("learned")[1].stat().st_size < 24 * face.basis.size / 3 + 100 * len(face.template)


def test_trimesh_loads_it(written):
    import trimesh

    animation, path = written("ari")
    scene = trimesh.load(path)
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == len(animation.face.look.triangles)
    assert scene.extents[1] == pytest.approx(np.ptp(animation.face.template[:, 1]), rel=0.05)
