"""GLB: the face as a glTF 2.0 mesh with morph targets, one animation of their weights and of the head."""

from typing import BinaryIO

import numpy as np

from kmtalk.export.gltf import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Buffer, index_type, write_chunks
from kmtalk.motion import Animation, Motion
from kmtalk.render.surface import EYE, MOUTH, PLAIN, Surface, make_surface

_STILL = 5e-6  # metres; vertices that a shape moves less are left out of it
_MATERIALS = {PLAIN: "skin", MOUTH: "mouth", EYE: "eyes"}


def write(animation: Animation, file: BinaryIO) -> None:
    """Write a binary glTF 2.0 file that loads in three.js, Babylon, Blender and Unity.

    The mesh is the one that is drawn (the face's look, or its plain mesh), in metres, +Y up. Its morph targets are
    named as the face's basis, and the one animation, ``speech``, moves their weights. The head's motion turns and
    shifts the joint ``head``, to which every vertex is bound by its head weight, as the renderer does it: the nape
    of the shipped heads lies within 0.1 mm of it for turns up to 4 degrees, the face itself within 0.01 mm.
    The animation's ``extras.life`` names the targets that life moves; with the joint they are all of it.
    """
    buffer = Buffer()
    surface = make_surface(animation.face)
    pivot = np.asarray(animation.face.head_pivot, np.float32)
    node = animation.face.name or "face"
    content = {
        "asset": {"version": "2.0", "generator": "kmtalk"},
        "scene": 0,
        "scenes": [{"nodes": [0, 1]}],
        "nodes": [
            {"name": node, "mesh": 0, "skin": 0},
            {"name": "body", "children": [2]},
            {"name": "head", "translation": pivot.tolist()},
        ],
        "meshes": [_mesh(buffer, surface, node)],
        "skins": [_skin(buffer, pivot)],
        "animations": [_animation(buffer, animation.motion, pivot)],
        **_materials(buffer, surface),
    }
    write_chunks(content, buffer, file)


def _mesh(buffer: Buffer, surface: Surface, name: str) -> dict:
    names = surface.face.basis_names
    shapes = [surface.pose(weights) for weights in np.eye(len(names), dtype=np.float32)]
    rest = surface.pose(np.zeros(len(names), np.float32))
    # Frames of a mesh in foreign units are drawn in metres before the camera; the file keeps the face's own place.
    place = [(positions / surface.scale + surface.center, normals) for positions, normals in (rest, *shapes)]
    kind = surface.material[surface.triangles, 3].max(1)
    primitives = [
        _primitive(buffer, surface, place[0], place[1:], surface.triangles[kind == material], index)
        for index, material in enumerate(_used_materials(surface))
    ]
    return {"name": name, "primitives": primitives, "weights": [0] * len(names), "extras": {"targetNames": list(names)}}


def _used_materials(surface: Surface) -> list[float]:
    return np.unique(surface.material[surface.triangles, 3].max(1)).tolist()


def _primitive(
    buffer: Buffer, surface: Surface, rest: tuple, shapes: list[tuple], triangles: np.ndarray, material: int
) -> dict:
    """Add the vertices of these triangles; return the glTF primitive."""
    used, corners = np.unique(triangles, return_inverse=True)
    positions, normals = (values[used].astype(np.float32) for values in rest)
    joints, weights = _binding((surface.refine @ surface.face.head_weight)[used])
    attributes = {
        "POSITION": buffer.accessor(positions, ARRAY_BUFFER, bounds=True),
        "NORMAL": buffer.accessor(normals, ARRAY_BUFFER),
        "COLOR_0": buffer.accessor(_vertex_colors(surface)[used], ARRAY_BUFFER, normalized=True),
        "JOINTS_0": buffer.accessor(joints, ARRAY_BUFFER),
        "WEIGHTS_0": buffer.accessor(weights, ARRAY_BUFFER, normalized=True),
    }
    if surface.texture is not None:
        # glTF has its origin at the top left.
        uv = np.float32([0, 1]) + surface.uv[used] * np.float32([1, -1])
        attributes["TEXCOORD_0"] = buffer.accessor(uv, ARRAY_BUFFER)
    targets = [_target(buffer, shape[0][used] - positions, shape[1][used] - normals) for shape in shapes]
    indices = buffer.accessor(corners.ravel().astype(index_type(len(used))), ELEMENT_ARRAY_BUFFER)
    return {"attributes": attributes, "indices": indices, "targets": targets, "material": material}


def _target(buffer: Buffer, shift: np.ndarray, turn: np.ndarray) -> dict:
    """Add one morph target, which keeps only the rows that move."""
    moves = np.linalg.norm(shift, axis=1) > _STILL
    rows = [np.where(moves[:, None], values, 0).astype(np.float32) for values in (shift, turn)]
    return dict(zip(("POSITION", "NORMAL"), buffer.rows(rows, np.flatnonzero(moves)), strict=True))


def _vertex_colors(surface: Surface) -> np.ndarray:
    """Return (R, 4) uint16, linear, darkened where little light comes in: viewers know nothing of the mouth's depth."""
    light = 0.3 + 0.7 * surface.material[:, 2:3]
    color = np.concatenate([surface.color * light, np.ones_like(light)], axis=1)
    return np.rint(np.clip(color, 0, 1) * 65535).astype(np.uint16)


def _binding(head_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the joints (body and head), (n, 4) uint8, and their weights, which add up to 65535, (n, 4) uint16."""
    head = np.rint(np.clip(head_weight, 0, 1) * 65535).astype(np.uint16)
    none = np.zeros_like(head)
    # The validator wants joint 0 wherever a weight is 0.
    joints = np.stack([none, head > 0, none, none], axis=1).astype(np.uint8)
    return joints, np.stack([65535 - head, head, none, none], axis=1)


def _skin(buffer: Buffer, pivot: np.ndarray) -> dict:
    inverse = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    inverse[1, 3, :3] = -pivot  # column-major
    return {"joints": [1, 2], "skeleton": 1, "inverseBindMatrices": buffer.accessor(inverse.reshape(2, 16))}


def _animation(buffer: Buffer, motion: Motion, pivot: np.ndarray) -> dict:
    from scipy.spatial.transform import Rotation

    time = buffer.accessor((np.arange(len(motion.weights)) / motion.fps).astype(np.float32), bounds=True)
    tracks = [
        (0, "weights", motion.weights.astype(np.float32).ravel()),
        (2, "rotation", Rotation.from_rotvec(motion.head_pose[:, :3]).as_quat(canonical=True).astype(np.float32)),
        (2, "translation", (pivot + motion.head_pose[:, 3:]).astype(np.float32)),
    ]
    samplers = [{"input": time, "output": buffer.accessor(values), "interpolation": "LINEAR"} for *_, values in tracks]
    channels = [
        {"sampler": index, "target": {"node": node, "path": path}} for index, (node, path, _) in enumerate(tracks)
    ]
    life = [name for name, moved in zip(motion.names, motion.life.any(axis=0), strict=True) if moved]
    return {"name": "speech", "samplers": samplers, "channels": channels, "extras": {"life": life}}


def _materials(buffer: Buffer, surface: Surface) -> dict:
    """Return the materials in the order of _used_materials(), with the texture where there is one."""
    base: dict = {"metallicFactor": 0.0}
    content: dict = {}
    if surface.texture is not None:
        kind = "image/png" if surface.texture.suffix.lower() == ".png" else "image/jpeg"
        content["images"] = [{"bufferView": buffer.view(surface.texture.read_bytes()), "mimeType": kind}]
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
