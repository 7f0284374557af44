"""Anyone's own recordings: a folder of sound, vertices and a template.

vertices/NAME.npy   (T, V, 3) or (T, V * 3) numbers (also found in vertices_npy/, npy/ or the folder itself)
wav/NAME.wav        the sound of the same name (or audio/, or beside the vertices)
template.ply        the neutral face with its triangles (or .obj); or templates/SUBJECT.ply, one for each subject,
                    whose clips are then named SUBJECT_SENTENCE
regions.json        optional: {"lips": [vertex numbers], "upper_face": [...], "landmarks": {"chin": number}}
splits.json         optional: {"train": [names], "validation": [...], "test": [...]}
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kmtalk.data.meshes import read_mesh
from kmtalk.data.source import Source, SourceClip, SourceOptions, safe_name, sounds, stored_array
from kmtalk.errors import InputError

_MESHES = (".ply", ".obj")
_EVERY = 10  # one clip in ten is held out for validation, and one for the test


def find(folder: Path, options: SourceOptions) -> Source:
    """Find the recordings of a folder. Errors: InputError where a piece is not there or does not fit."""
    if options.source_fps is None:
        raise InputError("how fast the stored vertices run is not known: give --source-fps, such as --source-fps 60")
    templates, triangles = _templates(folder)
    count = len(next(iter(templates.values())))
    heard, clips, notes = sounds([folder / "wav", folder / "audio", folder]), [], []
    for path in _arrays(folder):
        subject, sentence = _who(path.stem, templates)
        if subject is None:
            notes.append(f"{path.stem} left out: no template of {', '.join(templates)} begins its name")
            continue
        try:
            frames, read = stored_array(path, count)
        except InputError as error:
            notes.append(f"left out: {error}")
            continue
        times, audio = np.arange(frames) / options.source_fps, heard.get(path.stem.lower())
        clips.append(SourceClip(safe_name(path.stem), subject, sentence, times, read, audio))
    if not clips:
        reason = notes[0] if notes else "put NAME.npy files into its folder vertices"
        raise InputError(f"no clip in {folder}: {reason}")
    regions, landmarks, origins = _regions(folder / "regions.json", count)
    return Source(
        name=folder.resolve().name,
        fps=options.fps or _rate(options.source_fps),
        metres_per_unit=options.unit or 1.0,
        templates=templates,
        triangles=triangles,
        clips=tuple(clips),
        splits=_splits(folder / "splits.json", [clip.name for clip in clips], notes),
        regions=regions,
        landmarks=landmarks,
        origins=origins,
        notes=tuple(notes),
    )


def _arrays(folder: Path) -> list[Path]:
    for place in (folder / "vertices", folder / "vertices_npy", folder / "npy", folder):
        if found := sorted(path for path in place.glob("*.npy") if not path.name.startswith("template")):
            return found
    return []


def _templates(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    found = {path.stem: path for path in sorted((folder / "templates").glob("*")) if path.suffix.lower() in _MESHES}
    if not found:
        single = [folder / f"template{suffix}" for suffix in _MESHES if (folder / f"template{suffix}").is_file()]
        found = {"face": single[0]} if single else {}
    meshes = {safe_name(subject): read_mesh(path) for subject, path in found.items()}
    if not meshes:
        raise InputError(f"no template.ply or template.obj in {folder}: put the neutral face with its triangles there")
    first = next(iter(meshes.values()))
    if any(len(mesh.vertices) != len(first.vertices) for mesh in meshes.values()):
        raise InputError(f"the templates in {folder} differ in their number of vertices: prepare each mesh by itself")
    if not len(first.triangles):
        raise InputError(f"the template in {folder} has no triangles: save it as a mesh, not as points")
    return {subject: mesh.vertices for subject, mesh in meshes.items()}, first.triangles


def _who(name: str, templates: Mapping[str, np.ndarray]) -> tuple[str | None, str]:
    """The subject and the sentence of a clip."""
    if list(templates) == ["face"]:
        return "face", name
    fitting = [subject for subject in templates if name.startswith(f"{subject}_")]
    subject = max(fitting, key=len, default=None)
    return subject, name if subject is None else name[len(subject) + 1 :]


def _rate(stored: float) -> float:
    """The stored rate if it is 30 or less, else its whole part that is 30 or 25, else 30."""
    if stored <= 30:
        return stored
    return next((rate for rate in (30.0, 25.0) if stored % rate == 0), 30.0)


def _regions(path: Path, count: int) -> tuple[dict[str, np.ndarray], dict[str, int], dict[str, str]]:
    if not path.is_file():
        return {}, {}, {}
    values = _json(path)
    landmarks = values.pop("landmarks", {})
    try:
        regions = {name: _numbers(indices) for name, indices in values.items()}
        landmarks = {name: int(index) for name, index in landmarks.items()}
        numbers = np.concatenate([*regions.values(), np.array(list(landmarks.values()), np.int64)])
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{path} must be name -> list of vertex numbers, and landmarks -> numbers ({error})"
        ) from error
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < count:
        raise InputError(f"{path} names vertices outside 0 to {count - 1}: correct it")
    return regions, landmarks, dict.fromkeys([*regions, *landmarks], path.name)


def _numbers(indices: list) -> np.ndarray:
    """Return a list of whole numbers, each once and in order; ValueError for anything else."""
    numbers = np.array(indices)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise ValueError("a region is a list of whole numbers, at least one")
    return np.unique(numbers).astype(np.int64)


def _splits(path: Path, names: list[str], notes: list[str]) -> dict[str, tuple[str, ...]]:
    if path.is_file():
        splits = _json(path)
        if not all(isinstance(wanted, list) and all(isinstance(n, str) for n in wanted) for wanted in splits.values()):
            raise InputError(f'{path} must be split -> list of clip names, such as {{"train": ["a", "b"]}}')
        unknown = sorted({name for wanted in splits.values() for name in wanted} - set(names))
        if unknown:
            notes.append(f"{len(unknown)} clips of splits.json are not there, the first of them {unknown[0]}")
        if not splits.get("train"):
            raise InputError(f'{path} has no clip to train on: give {{"train": [names], "validation": [...]}}')
        return {split: tuple(name for name in names if name in wanted) for split, wanted in splits.items()}
    if len(names) < 3:
        notes.append(f"with {len(names)} clips nothing is held out: validation and test are empty")
        return {"train": tuple(names), "validation": (), "test": ()}
    step = min(_EVERY, len(names))
    test, validation = names[step - 1 :: step], names[step - 2 :: step]
    held = {*test, *validation}
    train = tuple(name for name in names if name not in held)
    return {"train": train, "validation": tuple(validation), "test": tuple(test)}


def _json(path: Path) -> dict:
    try:
        values = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid JSON ({error}): correct it") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} must be a JSON object of names and lists: correct it")
    return values
