"""Meshes: PLY and OBJ files as vertices and triangles in the file's own order, and a mesh's area."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmtalk.errors import InputError


@dataclass(frozen=True)
class Mesh:
    """vertices: (V, 3) float64, in the file's unit; triangles: (F, 3) int32, empty where the file has none."""

    vertices: np.ndarray
    triangles: np.ndarray


def read_mesh(path: Path) -> Mesh:
    """Read a .ply or .obj file; quads are cut into triangles. Errors: InputError for anything else or damaged."""
    if path.suffix.lower() not in (".ply", ".obj"):
        raise InputError(f"{path} is no mesh: give a .ply or .obj file")
    if not path.is_file():
        raise InputError(f"there is no file {path}: check its name")
    try:
        vertices, triangles = _obj(path) if path.suffix.lower() == ".obj" else _ply(path)
    except Exception as error:  # parsers of damaged files raise nearly anything
        raise InputError(f"{path} is damaged or no mesh ({error}): download it again") from error
    if not len(vertices):
        raise InputError(f"{path} holds no vertices: give the mesh of the face")
    if not np.isfinite(vertices).all():
        raise InputError(f"{path} holds vertices that are no numbers: download it again")
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < len(vertices):
        raise InputError(f"{path} has triangles of vertices that it does not hold: download it again")
    return Mesh(vertices, triangles)


def area(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the (...) surface areas of (..., V, 3) vertices, in the square of their unit."""
    a, b, c = (vertices[..., triangles[:, corner], :] for corner in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=-1).sum(-1) / 2


def _obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    # Not trimesh: it reorders the vertices of files whose corners have textures of their own.
    vertices, triangles = [], []
    with path.open(encoding="latin1") as file:
        for line in file:
            word, *values = line.split() or [""]
            if word == "v":
                vertices.append([float(value) for value in values[:3]])
            elif word == "f":
                corners = [int(value.split("/")[0]) for value in values]
                corners = [corner - 1 if corner > 0 else len(vertices) + corner for corner in corners]
                triangles += [(corners[0], *pair) for pair in zip(corners[1:-1], corners[2:], strict=True)]
    return np.array(vertices, np.float64).reshape(-1, 3), np.array(triangles, np.int32).reshape(-1, 3)


def _ply(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    with path.open("rb") as file:
        mesh = trimesh.load(file, file_type="ply", process=False, maintain_order=True)
    triangles = getattr(mesh, "faces", np.zeros((0, 3)))
    return np.asarray(mesh.vertices, np.float64), np.asarray(triangles, np.int32).reshape(-1, 3)
