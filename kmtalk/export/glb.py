"""GLB: the face as a glTF 2.0 mesh with morph targets, one animation of their weights and of the head."""

import json
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from kmtalk.motion import Animation
from kmtalk.render.surface import EYE, MOUTH, PLAIN, Surface, make_surface

_COMPONENTS = {"float32": 5126, "uint32": 5125, "uint16": 5123, "uint8": 5121}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_STILL = 2e-5  # metres; vertices that a shape moves less are left out of it
_MATERIALS = {PLAIN: "skin", MOUTH: "mouth", EYE: "eyes"}


def write(animation: Animation, file: BinaryIO) -> None:
    """Write a binary glTF 2.0 file that loads in three.js, Babylon, Blender and Unity.

    The mesh is the one that is drawn (the face's look, or its plain mesh), in metres, +Y up. Its morph targets are
    named as the face's basis, and one animation moves their weights. The head's motion turns and shifts the joint
    ``head``, to which every vertex is bound by its head weight: exactly what the renderer does.
    """
    glb = _Buffer()
    surface = make_surface(animation.face)
    node = animation.face.name or "face"
    content = {
        "asset": {"version": "2.0", "generator": "kmtalk"},
        "scene": 0,
        "scenes": [{"nodes": [0, 1]}],
        "nodes": [
            {"name": node, "mesh": 0, "skin": 0},
            {"name": "body", "children": [2]},
            {"name": "head", "translation": animation.face.head_pivot.tolist()},
        ],
        "meshes": [_mesh(glb, surface, node)],
        "skins": [_skin(glb, animation.face.head_pivot)],
        "animations": [_animation(glb, animation)],
        **_materials(glb, surface),
        "accessors": glb.accessors,
        "bufferViews": glb.views,
        "buffers": [{"byteLength": glb.size}],
    }
    _write_chunks(content, glb, file)


@dataclass
class _Buffer:
    """The binary chunk of a GLB as it grows, with its bufferViews and accessors."""

    pieces: list[bytes] = field(default_factory=list)
    views: list[dict] = field(default_factory=list)
    accessors: list[dict] = field(default_factory=list)
    size: int = 0

    def view(self, content: bytes, target: int | None = None) -> int:
        """Add bytes, aligned to 4; return the bufferView's index."""
        view = {"buffer": 0, "byteOffset": self.size, "byteLength": len(content)}
        self.views.append(view if target is None else view | {"target": target})
        self.pieces.append(content + bytes(-len(content) % 4))
        self.size += len(self.pieces[-1])
        return len(self.views) - 1

    def accessor(self, array: np.ndarray, target: int | None = None, bounds: bool = False, **more: object) -> int:
        """Add an array (n,) or (n, components); return the accessor's index."""
        view = self.view(np.ascontiguousarray(array).tobytes(), target)
        return self._accessor(array, bounds, bufferView=view, **more)

    def sparse(self, array: np.ndarray, moved: np.ndarray, index_view: int) -> int:
        """Add an (n, 3) float32 array that is zero but for its rows ``moved``; return the accessor's index."""
        if not len(moved):
            return self._accessor(array, bounds=True)
        indices = {"bufferView": index_view, "componentType": _COMPONENTS[_index_type(len(array))]}
        values = {"bufferView": self.view(array[moved].tobytes())}
        return self._accessor(array, True, sparse={"count": len(moved), "indices": indices, "values": values})

    def _accessor(self, array: np.ndarray, bounds: bool, **more: object) -> int:
        width = 1 if array.ndim == 1 else array.shape[1]
        accessor = {"componentType": _COMPONENTS[str(array.dtype)], "count": len(array), "type": _TYPES[width]}
        if bounds:
            limits = np.stack([array.min(0), array.max(0)]).reshape(2, -1).tolist()
            accessor |= {"min": limits[0], "max": limits[1]}
        self.accessors.append(accessor | more)
        return len(self.accessors) - 1


def _mesh(glb: _Buffer, surface: Surface, name: str) -> dict:
    names = surface.face.basis_names
    shapes = [surface.pose(weights) for weights in np.eye(len(names), dtype=np.float32)]
    rest = surface.pose(np.zeros(len(names), np.float32))
    # Frames of a mesh in foreign units are drawn in metres before the camera; the file keeps the face's own place.
    place = [(positions / surface.scale + surface.center, normals) for positions, normals in (rest, *shapes)]
    kind = surface.material[surface.triangles, 3].max(1)
    primitives = [
        _primitive(glb, surface, place[0], place[1:], surface.triangles[kind == material], index)
        for index, material in enumerate(_used_materials(surface))
    ]
    return {"name": name, "primitives": primitives, "weights": [0] * len(names), "extras": {"targetNames": list(names)}}


def _used_materials(surface: Surface) -> list[float]:
    return np.unique(surface.material[surface.triangles, 3].max(1)).tolist()


def _primitive(
    glb: _Buffer, surface: Surface, rest: tuple, shapes: list[tuple], triangles: np.ndarray, material: int
) -> dict:
    """Add the vertices of these triangles; return the glTF primitive."""
    used, corners = np.unique(triangles, return_inverse=True)
    positions, normals = (values[used].astype(np.float32) for values in rest)
    joints, weights = _binding((surface.refine @ surface.face.head_weight)[used])
    attributes = {
        "POSITION": glb.accessor(positions, _ARRAY_BUFFER, bounds=True),
        "NORMAL": glb.accessor(normals, _ARRAY_BUFFER),
        "COLOR_0": glb.accessor(_vertex_colors(surface)[used], _ARRAY_BUFFER, normalized=True),
        "JOINTS_0": glb.accessor(joints, _ARRAY_BUFFER),
        "WEIGHTS_0": glb.accessor(weights, _ARRAY_BUFFER, normalized=True),
    }
    if surface.texture is not None:
        # glTF has its origin at the top left.
        uv = np.float32([0, 1]) + surface.uv[used] * np.float32([1, -1])
        attributes["TEXCOORD_0"] = glb.accessor(uv, _ARRAY_BUFFER)
    targets = []
    for shape_positions, shape_normals in shapes:
        shift = shape_positions[used] - positions
        moved = np.flatnonzero(np.linalg.norm(shift, axis=1) > _STILL)
        targets.append(_target(glb, shift, shape_normals[used] - normals, moved))
    indices = glb.accessor(corners.ravel().astype(_index_type(len(used))), _ELEMENT_ARRAY_BUFFER)
    return {"attributes": attributes, "indices": indices, "targets": targets, "material": material}


def _target(glb: _Buffer, shift: np.ndarray, turn: np.ndarray, moved: np.ndarray) -> dict:
    """Add one morph target, which keeps only the rows that move."""
    view = glb.view(moved.astype(_index_type(len(shift))).tobytes()) if len(moved) else -1
    still = np.ones(len(shift), bool)
    still[moved] = False
    shift, turn = shift.astype(np.float32), turn.astype(np.float32)
    shift[still], turn[still] = 0, 0
    return {"POSITION": glb.sparse(shift, moved, view), "NORMAL": glb.sparse(turn, moved, view)}


def _index_type(count: int) -> str:
    return "uint16" if count < 65535 else "uint32"


def _vertex_colors(surface: Surface) -> np.ndarray:
    """Return (R, 4) uint16, linear, darkened where little light comes in: viewers know nothing of the mouth's depth."""
    light = 0.3 + 0.7 * surface.material[:, 2:3]
    color = np.concatenate([surface.color * light, np.ones_like(light)], axis=1)
    return np.rint(np.clip(color, 0, 1) * 65535).astype(np.uint16)


def _binding(head_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the joints (body and head) and their weights, which add up to 255, both (n, 4) uint8."""
    head = np.rint(np.clip(head_weight, 0, 1) * 255).astype(np.uint8)
    none = np.zeros_like(head)
    return np.stack([none, (head > 0).astype(np.uint8), none, none], 1), np.stack([255 - head, head, none, none], 1)


def _skin(glb: _Buffer, pivot: np.ndarray) -> dict:
    inverse = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    inverse[1, 3, :3] = -pivot  # column-major
    return {"joints": [1, 2], "skeleton": 1, "inverseBindMatrices": glb.accessor(inverse.reshape(2, 16))}


def _animation(glb: _Buffer, animation: Animation) -> dict:
    from scipy.spatial.transform import Rotation

    pose = animation.motion.head_pose
    time = glb.accessor((np.arange(animation.frames) / animation.fps).astype(np.float32), bounds=True)
    tracks = [
        (0, "weights", animation.weights.astype(np.float32).ravel()),
        (2, "rotation", Rotation.from_rotvec(pose[:, :3]).as_quat(canonical=True).astype(np.float32)),
        (2, "translation", (animation.face.head_pivot + pose[:, 3:]).astype(np.float32)),
    ]
    samplers = [{"input": time, "output": glb.accessor(values), "interpolation": "LINEAR"} for _, _, values in tracks]
    channels = [
        {"sampler": index, "target": {"node": node, "path": path}} for index, (node, path, _) in enumerate(tracks)
    ]
    return {"name": "speech", "samplers": samplers, "channels": channels}


def _materials(glb: _Buffer, surface: Surface) -> dict:
    """Return the materials in the order of _used_materials(), with the texture where there is one."""
    base: dict = {"metallicFactor": 0.0}
    content: dict = {}
    if surface.texture is not None:
        kind = "image/png" if surface.texture.suffix.lower() == ".png" else "image/jpeg"
        content["images"] = [{"bufferView": glb.view(surface.texture.read_bytes()), "mimeType": kind}]
        content["textures"] = [{"source": 0, "sampler": 0}]
        content["samplers"] = [{"magFilter": 9729, "minFilter": 9987}]
        base["baseColorTexture"] = {"index": 0}
    content["materials"] = []
    for material in _used_materials(surface):
        roughness = float(surface.material[surface.material[:, 3] == material, 0].mean())
        content["materials"].append(
            {
                "name": _MATERIALS[material],
                "pbrMetallicRoughness": base | {"roughnessFactor": round(roughness, 3)},
                "doubleSided": not surface.solid,
            }
        )
    return content


def _write_chunks(content: dict, glb: _Buffer, file: BinaryIO) -> None:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    file.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + glb.size))
    file.write(struct.pack("<I4s", len(text), b"JSON") + text)
    file.write(struct.pack("<I4s", glb.size, b"BIN\0"))
    for piece in glb.pieces:
        file.write(piece)
