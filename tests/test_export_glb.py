"""GLB files, read back by a small reader of our own, by trimesh, and by Khronos' validator where it is installed."""

import json
import shutil
import struct
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from kmtalk.export import export
from kmtalk.face import Face, load_face
from kmtalk.motion import Animation, Motion
from kmtalk.render.surface import make_surface

TYPES = {5126: "<f4", 5125: "<u4", 5123: "<u2", 5121: "u1"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
VALIDATE = """
const fs = require('fs'), validator = require('gltf-validator');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1]))).then(
  report => console.log(JSON.stringify(report.issues)));
"""


def moving(face, frames=5):
    generator = np.random.default_rng(0)
    weights = generator.uniform(0, 0.4, (frames, len(face.basis_names))).astype(np.float32)
    pose = generator.normal(0, 0.1, (frames, 6)).astype(np.float32) * np.float32([1, 1, 1, 0.1, 0.1, 0.1])
    motion = Motion(weights, face.basis_names, 25.0, pose)
    return Animation(np.zeros(3200, np.float32), face, motion, (), np.array([0, frames - 1]), weights[[0, -1]])


def plain_face():
    """A square that two shapes bend, in no look, its second corner pair carried by the head."""
    template = np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    basis = np.zeros((3, 4, 3), np.float32)
    basis[0, 2:, 2], basis[1, 0, 0] = 0.5, -0.25
    triangles = np.int32([[0, 1, 2], [0, 2, 3]])
    return Face(
        "square",
        template,
        triangles,
        basis,
        ("bend", "pull", "nothing"),
        {},
        {},
        np.float32([0, 0, 1, 1]),
        np.float32([0.5, 0.5, 0]),
    )


class Glb:
    """What a viewer would make of a GLB file, frame by frame."""

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
        if "bufferView" in accessor:
            values = self.view(accessor["bufferView"], accessor["componentType"]).reshape(-1, width)
        else:
            values = np.zeros((accessor["count"], width), np.float32)
        if sparse := accessor.get("sparse"):
            rows = self.view(sparse["indices"]["bufferView"], sparse["indices"]["componentType"])
            values[rows] = self.view(sparse["values"]["bufferView"], accessor["componentType"]).reshape(-1, width)
        assert len(values) == accessor["count"]
        return values / np.iinfo(values.dtype).max if accessor.get("normalized") else values

    def view(self, index, component):
        view = self.json["bufferViews"][index]
        return np.frombuffer(
            self.binary, TYPES[component], view["byteLength"] // np.dtype(TYPES[component]).itemsize, view["byteOffset"]
        ).copy()

    def track(self, path):
        animation = self.json["animations"][0]
        channel = next(c for c in animation["channels"] if c["target"]["path"] == path)
        sampler = animation["samplers"][channel["sampler"]]
        return self.array(sampler["input"]).ravel(), self.array(sampler["output"])

    def triangles(self, frame):
        """Return the (F, 3, 3) corners of all triangles in one frame."""
        weights = self.track("weights")[1].reshape(-1, len(self.json["meshes"][0]["weights"]))[frame]
        turn, head = self.track("rotation")[1][frame], self.track("translation")[1][frame]
        inverse = self.array(self.json["skins"][0]["inverseBindMatrices"]).reshape(2, 4, 4).transpose(0, 2, 1)
        joint = np.eye(4)
        joint[:3, :3], joint[:3, 3] = rotation(turn), head
        bones = np.stack([np.eye(4) @ inverse[0], joint @ inverse[1]])
        return np.concatenate([self.posed(primitive, weights, bones) for primitive in self.primitives])

    def posed(self, primitive, weights, bones):
        points = self.array(primitive["attributes"]["POSITION"]).astype(np.float64)
        for weight, target in zip(weights, primitive["targets"], strict=True):
            points += weight * self.array(target["POSITION"])
        shares = self.array(primitive["attributes"]["WEIGHTS_0"])
        blended = np.einsum("vj,vjab->vab", shares, bones[self.array(primitive["attributes"]["JOINTS_0"])])
        moved = np.einsum("vab,vb->va", blended, np.column_stack([points, np.ones(len(points))]))
        return moved[self.array(primitive["indices"]).ravel(), :3].reshape(-1, 3, 3)


def rotation(quaternion):
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def drawn(animation, frame):
    """Return the (F, 3, 3) corners that the renderer draws."""
    surface = make_surface(animation.face)
    positions, _ = surface.pose(animation.weights[frame], animation.motion.head_pose[frame])
    return surface.triangles, (positions / surface.scale + surface.center)[surface.triangles]


@pytest.fixture(scope="module")
def ari(tmp_path_factory):
    animation = moving(load_face("ari"))
    return animation, export(animation, tmp_path_factory.mktemp("glb") / "ari.glb")


@pytest.fixture(scope="module")
def square(tmp_path_factory):
    animation = moving(plain_face())
    return animation, export(animation, tmp_path_factory.mktemp("glb") / "square.glb")


@pytest.mark.parametrize("which", ["ari", "square"])
def test_targets_are_named_as_the_basis(which, request):
    animation, path = request.getfixturevalue(which)
    mesh = Glb(path).json["meshes"][0]
    assert mesh["extras"]["targetNames"] == list(animation.face.basis_names)
    assert {len(primitive["targets"]) for primitive in mesh["primitives"]} == {len(animation.face.basis_names)}


@pytest.mark.parametrize("which", ["ari", "square"])
def test_one_animation_holds_the_weights(which, request):
    animation, path = request.getfixturevalue(which)
    glb = Glb(path)
    assert len(glb.json["animations"]) == 1
    times, weights = glb.track("weights")
    assert np.allclose(times, np.arange(5) / 25)
    assert np.array_equal(weights.reshape(animation.weights.shape), animation.weights)


def test_the_file_moves_as_the_renderer_draws(ari):
    animation, path = ari
    for frame in (0, 3):
        triangles, expected = drawn(animation, frame)
        material = make_surface(animation.face).material[triangles, 3].max(1)
        expected = np.concatenate([expected[material == kind] for kind in np.unique(material)])
        # Shapes leave out motions below 0.02 mm, and the file turns the drawn mesh where the renderer turns the cage.
        assert np.abs(Glb(path).triangles(frame) - expected).max() < 4e-4
        assert np.abs(Glb(path).triangles(frame) - expected).mean() < 2e-5


def test_a_plain_mesh_keeps_its_own_units(square):
    animation, path = square
    face, weights, pose = animation.face, animation.weights[2], animation.motion.head_pose[2].astype(np.float64)
    from scipy.spatial.transform import Rotation

    still = face.vertices(weights[None])[0]
    carried = Rotation.from_rotvec(pose[:3]).apply(still - face.head_pivot) + face.head_pivot + pose[3:]
    expected = np.where(face.head_weight[:, None] > 0, carried, still)[face.triangles]
    assert np.allclose(Glb(path).triangles(2), expected, atol=1e-5)
    assert "images" not in Glb(path).json


def test_a_face_without_its_look_is_written_as_its_own_mesh(tmp_path):
    animation = moving(replace(load_face("ben"), look=None))
    glb = Glb(export(animation, tmp_path / "ben.glb"))
    assert sum(glb.json["accessors"][p["attributes"]["POSITION"]]["count"] for p in glb.primitives) == 6296
    assert len(glb.triangles(0)) == len(animation.face.triangles)


def test_the_file_is_small_enough_to_send(ari):
    assert ari[1].stat().st_size < 10e6


def test_trimesh_loads_it(ari):
    import trimesh

    scene = trimesh.load(ari[1])
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == len(ari[0].face.look.triangles)
    assert scene.extents[1] == pytest.approx(np.ptp(ari[0].face.template[:, 1]), rel=0.05)


def validator_is_installed():
    node = shutil.which("node")
    return node and not subprocess.run([node, "-e", "require('gltf-validator')"], capture_output=True).returncode


@pytest.mark.skipif(not validator_is_installed(), reason="needs node and the npm package gltf-validator")
@pytest.mark.parametrize("which", ["ari", "square"])
def test_khronos_validator_finds_nothing(which, request):
    path = request.getfixturevalue(which)[1]
    said = subprocess.run(["node", "-e", VALIDATE, str(path)], capture_output=True, check=True, text=True).stdout
    assert json.loads(said)["messages"] == []
