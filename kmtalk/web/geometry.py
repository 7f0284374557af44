"""A face as one compact file for the page's 3D viewer, which poses and draws it with the renderer's own shaders.

The file is gzip over, little-endian: the header's length in bytes, uint32; the header, JSON padded with spaces to a
multiple of 4 bytes; the arrays. ``header["arrays"]`` gives each array's type, shape and place in bytes behind the
header. An array stands column by column, and each value is stored as its difference from the one above it, wrapping
round: that compresses well. Arrays with ``low`` and ``step`` (one a column) mean low + step * value.

V vertices of the face, K shapes, R drawn vertices. In metres as drawn, Surface.center and scale applied:

- template (V, 3), pivot (3,) in the header; head_weight (V, 1); scale: what head_pose's translation is multiplied with
- basis_count (K,), basis_vertex (N,), basis_move (N, 3) times the header's basis_step (K,): the vertices that a shape
  moves, one shape after the other, and where to at weight 1
- refine_count (R,), refine_vertex (M,), refine_weight (M,) times the header's refine_step: a drawn vertex is the
  weighted sum of some vertices
- triangles (F, 3): the last of them, from the header's bald on, are lashes, which clay leaves out; lashes, tongue,
  uv (R, 2), color (R, 3): as in Surface; material (R, 3) and kind (R,): Surface.material
- mesh (Q, 3 or 4): the face's own triangles, or the quadrilaterals that they were cut from, for the wireframe

Quantisation errors, at most: template and head_weight half a step of 1/65535 of their range (4 micrometres on a head),
a shape 5 micrometres at weight 1 and 1/4094 of its own reach; after refinement about 10 micrometres in all.
"""

import gzip
import hashlib
import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmtalk.face import Face
from kmtalk.files import replacing
from kmtalk.render.surface import Surface, make_surface

FORMAT = "kmtalk face 1"
_FINEST = 1e-5  # metres; finer steps would store noise
_STEPS = 2047  # of a shape's reach at least, so that small shapes under large weights stay exact


@dataclass(frozen=True)
class FaceFiles:
    """Where a face's files lie: the packed geometry, and the texture's image if it has one."""

    geometry: Path
    texture: Path | None


def write_face(face: Face, folder: Path) -> FaceFiles:
    """Write a face's geometry and texture into a folder and return the paths.

    The names carry a hash of the contents: a browser may keep them for good, and what is there is not written again.
    """
    surface = make_surface(face)
    geometry = _stored(folder, face.name, ".face", pack(surface))
    texture = surface.texture and _stored(folder, face.name, surface.texture.suffix, surface.texture.read_bytes())
    return FaceFiles(geometry, texture)


def pack(surface: Surface) -> bytes:
    """Return a surface in the format that this module's docstring describes."""
    header, arrays = {"format": FORMAT, "name": surface.face.name, "solid": surface.solid}, {}
    for part, packed in (_pack_face(surface), _pack_refinement(surface), _pack_look(surface)):
        header |= part
        arrays |= packed
    header["arrays"], blocks, place = {}, [], 0
    for name, values in arrays.items():
        columns = values.reshape(len(values), math.prod(values.shape[1:])).T
        block = np.diff(columns, axis=1, prepend=np.zeros((len(columns), 1), values.dtype)).tobytes()
        header["arrays"][name] = {"type": values.dtype.name, "shape": values.shape, "place": place}
        header["arrays"][name] |= header.pop(f"{name} range", {})
        blocks.append(block + bytes(-len(block) % 4))
        place += len(blocks[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return gzip.compress(struct.pack("<I", len(text)) + text + b"".join(blocks), mtime=0)


def _pack_face(surface: Surface) -> tuple[dict, dict[str, np.ndarray]]:
    face, scale = surface.face, surface.scale
    template = (face.template - surface.center) * scale
    basis = face.basis * np.float32(scale)
    shape, vertex = np.nonzero(basis.any(axis=2))
    reach = np.abs(basis).max(axis=(1, 2), initial=1e-12).astype(np.float64)
    step = np.maximum(np.minimum(_FINEST, reach / _STEPS), reach / 32767)
    header = {
        "scale": scale,
        "pivot": ((face.head_pivot - surface.center) * scale).tolist(),
        "shapes": list(face.basis_names),
        "basis_step": step.tolist(),
    }
    arrays = {
        "basis_count": np.bincount(shape, minlength=len(basis)).astype(np.uint32),
        "basis_vertex": _indices(vertex),
        "basis_move": np.rint(basis[shape, vertex] / step[shape, None]).astype(np.int16),
        "mesh": _indices(_quadrilaterals(face.triangles)),
    }
    return _quantised(header, arrays, template=template, head_weight=face.head_weight[:, None])


def _pack_refinement(surface: Surface) -> tuple[dict, dict[str, np.ndarray]]:
    refine = surface.refine
    step = 2.0 ** float(np.ceil(np.log2(np.abs(refine.data).max() / 32767)))
    weight = np.rint(refine.data / step).astype(np.int64)
    rows = np.repeat(np.arange(refine.shape[0]), np.diff(refine.indptr))
    # A row that no longer summed to 1 would pull its vertex towards the origin: its largest weight takes the rest.
    missing = np.rint(np.asarray(refine.sum(axis=1)).ravel() / step) - np.bincount(rows, weight, refine.shape[0])
    largest = np.lexsort((-np.abs(weight), rows))[refine.indptr[:-1]]
    weight[largest] += missing.astype(np.int64)
    arrays = {
        "refine_count": _indices(np.diff(refine.indptr)),
        "refine_vertex": _indices(refine.indices),
        "refine_weight": weight.astype(np.int16),
    }
    return {"refine_step": step}, arrays


def _pack_look(surface: Surface) -> tuple[dict, dict[str, np.ndarray]]:
    lash = np.isin(surface.triangles, surface.lashes).any(axis=1)
    arrays = {
        "triangles": _indices(np.concatenate([surface.triangles[~lash], surface.triangles[lash]])),
        "kind": surface.material[:, 3].astype(np.uint8),
        "lashes": _indices(surface.lashes),
        "tongue": _indices(surface.tongue),
    }
    header = {"bald": int(np.count_nonzero(~lash)), "clay": _clay(surface)}
    return _quantised(header, arrays, uv=surface.uv, color=surface.color, material=surface.material[:, :3])


def _clay(surface: Surface) -> dict[str, list[float]]:
    """Return the colour, and the roughness and scattering, of every vertex where the face is made of clay."""
    clay = make_surface(surface.face, "clay")
    return {"color": clay.color[0].tolist(), "gloss": clay.material[0, :2].tolist()}


def _quantised(header: dict, arrays: dict[str, np.ndarray], **values: np.ndarray) -> tuple[dict, dict[str, np.ndarray]]:
    """Return header and arrays with further arrays in 65,536 steps from the least to the greatest of each column."""
    for name, array in values.items():
        low, high = array.min(axis=0).astype(np.float64), array.max(axis=0).astype(np.float64)
        step = (high - low) / 65535
        arrays[name] = np.rint((array - low) / np.where(step > 0, step, 1)).astype(np.uint16)
        header[f"{name} range"] = {"low": low.tolist(), "step": step.tolist()}
    return header, arrays


def _indices(values: np.ndarray) -> np.ndarray:
    small = values.max(initial=0) < 2**16
    return values.astype(np.uint16 if small else np.uint32)


def _quadrilaterals(triangles: np.ndarray) -> np.ndarray:
    """Return (Q, 4) where the second half of the triangles completes the first to quadrilaterals, else them."""
    first, second = np.array_split(triangles, 2)
    if len(first) == len(second) and np.array_equal(first[:, [0, 2]], second[:, [0, 1]]):
        return np.hstack([first, second[:, 2:]])
    return triangles


def _stored(folder: Path, name: str, suffix: str, content: bytes) -> Path:
    path = folder / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    return path
