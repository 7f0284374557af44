"""The face that a checkpoint brings along: face.json and face.safetensors beside the weights."""

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.files import replacing

FACE = "face.json"
FACE_ARRAYS = "face.safetensors"
_REGION = "region."


def save_face(face: Face, folder: Path) -> None:
    """Write a face's geometry, basis, regions and landmarks into a folder; its look is not kept."""
    arrays = {
        "template": face.template.astype(np.float32),
        "triangles": face.triangles.astype(np.int32),
        "basis": face.basis.astype(np.float32),
        "head_weight": face.head_weight.astype(np.float32),
        "head_pivot": face.head_pivot.astype(np.float32),
        **{_REGION + name: np.asarray(vertices).astype(np.int32) for name, vertices in face.regions.items()},
    }
    landmarks = {name: int(vertex) for name, vertex in face.landmarks.items()}
    described = {"name": face.name, "basis_names": list(face.basis_names), "landmarks": landmarks}
    with replacing(folder / FACE_ARRAYS) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary)
    with replacing(folder / FACE) as temporary:
        temporary.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def read_face(described: Path, arrays: Path, basis_names: tuple[str, ...]) -> Face:
    """Read a face that save_face wrote, for a model of some basis.

    Raises InputError, in one sentence, for anything missing, of another shape, not finite, or of another basis.
    """
    try:
        text = json.loads(described.read_text(encoding="utf-8"))
        held = load_file(arrays)
        face = Face(
            name=str(text["name"]),
            template=held["template"],
            triangles=held["triangles"],
            basis=held["basis"],
            basis_names=tuple(text["basis_names"]),
            regions={name.removeprefix(_REGION): array for name, array in held.items() if name.startswith(_REGION)},
            landmarks={name: int(vertex) for name, vertex in text["landmarks"].items()},
            head_weight=held["head_weight"],
            head_pivot=held["head_pivot"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise InputError(
            f"the face in {described.parent} cannot be read ({type(error).__name__}: {error}): save the model again"
        ) from error
    if face.basis_names != basis_names:
        raise InputError(f"{described} has another basis than the model beside it: save them together")
    _check(face, arrays)
    return face


def _check(face: Face, path: Path) -> None:
    vertices = face.template.shape[:1]
    shapes = {
        "template": (face.template, (*vertices, 3)),
        "triangles": (face.triangles, (*face.triangles.shape[:1], 3)),
        "basis": (face.basis, (len(face.basis_names), *vertices, 3)),
        "head_weight": (face.head_weight, vertices),
        "head_pivot": (face.head_pivot, (3,)),
    }
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise InputError(f"{path}: {name} has shape {array.shape}, expected {shape}: save the model again")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{path}: {name} holds values that are not finite: train or save the model again")
    pointers = [face.triangles.ravel(), np.array(list(face.landmarks.values()), np.int64), *face.regions.values()]
    if any(part.ndim != 1 or part.dtype.kind not in "iu" for part in pointers):
        raise InputError(f"{path}: triangles and regions must be lists of whole numbers: save the model again")
    count = len(face.template)
    if any(len(part) and not 0 <= part.min() <= part.max() < count for part in pointers):
        raise InputError(f"{path}: triangles, regions or landmarks name vertices beyond the {count} there are")
