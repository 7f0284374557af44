"""BIWI B3D(AC)^2: 14 people, 40 sentences each, 23,370 vertices at 25 frames a second.

Reads the published files (faces/ with a .vl file a frame or a .tar of them a sentence, rigid_scans/ with the templates,
and audio/, wav/ or videos/), or the folders vertices_npy/ and wav/ with templates.pkl that CodeTalker's scripts make.
Splits as published: "test" is BIWI-Test-A, "test-b" is BIWI-Test-B.
"""

from pathlib import Path

import numpy as np

from kmtalk.data.biwi_scans import find_scans, normalise
from kmtalk.data.meshes import read_mesh
from kmtalk.data.source import (
    Frames,
    Source,
    SourceClip,
    SourceOptions,
    check_templates,
    lacking,
    safe_name,
    sounds,
    stored_array,
    topology,
)
from kmtalk.data.unpickle import read_pickle
from kmtalk.errors import InputError

FPS = 25
METRES_PER_UNIT = 0.2
"""Faces are scaled to an area of 1; UniTalker takes a unit as 0.2 m (0.174 to 0.201 m were fitted to the subjects)."""

SEEN = tuple("F2 F3 F4 M3 M4 M5".split())
UNSEEN = tuple("F1 F5 F6 F7 F8 M1 M2 M6".split())
SPLITS = {
    "train": (SEEN, range(1, 33)),
    "validation": (SEEN, range(33, 37)),
    "test": (SEEN, range(37, 41)),
    "test-b": (UNSEEN, range(37, 41)),
}
"""Subjects and sentence numbers of each split, as in the loaders of FaceFormer, CodeTalker and SelfTalk."""


def find(folder: Path, options: SourceOptions) -> Source:
    """Find BIWI in a folder. Errors: InputError where a file that it needs is not there or damaged."""
    options.refuse_layout("BIWI")
    raw = (folder / "faces").is_dir()
    if not raw and not (folder / "vertices_npy").is_dir():
        raise InputError(
            f"no BIWI in {folder}: it needs faces/ and rigid_scans/ as published, or vertices_npy/ and templates.pkl"
        )
    templates, triangles = _scanned(folder) if raw else _converted(folder)
    count = len(next(iter(templates.values())))
    clips, notes = _clips(folder, raw, options.everything, templates, triangles)
    found = {clip.name for clip in clips}
    regions, origins = _masks(folder, count)
    return Source(
        name="biwi",
        fps=options.fps or FPS,
        metres_per_unit=METRES_PER_UNIT,
        templates={subject: templates[subject] for subject in sorted(templates)},
        triangles=triangles,
        clips=tuple(clips),
        splits={
            split: tuple(f"{s}_e{n:02d}" for s in subjects for n in numbers if f"{s}_e{n:02d}" in found)
            for split, (subjects, numbers) in SPLITS.items()
        },
        regions=regions,
        origins=origins,
        missing=lacking(SPLITS, "e{:02d}", found, set()),
        notes=tuple(notes),
    )


def _clips(
    folder: Path, raw: bool, everything: bool, templates: dict[str, np.ndarray], triangles: np.ndarray
) -> tuple[list[SourceClip], list[str]]:
    """The clips that are wanted and whole, and notes on the others."""
    count, heard = len(next(iter(templates.values()))), sounds([folder / name for name in ("wav", "audio", "videos")])
    wanted = {f"{s}_e{n:02d}" for subjects, numbers in SPLITS.values() for s in subjects for n in numbers}
    names, clips, notes = _sentences(folder, raw), [], []
    for name, path in names.items():
        subject, _, sentence = name.rpartition("_")
        if name not in wanted and not everything:
            continue
        if subject not in templates:
            notes.append(f"{name} left out: subject {subject} has no template")
            continue
        try:
            times, read, note = find_scans(path, count, triangles) if raw else (*_array(path, count), "")
        except InputError as error:
            notes.append(f"{name} left out: {error}")
            continue
        clips.append(SourceClip(safe_name(name), subject, sentence, times, read, heard.get(name.lower()), note))
    if unused := sum(name not in wanted for name in names) * (not everything):
        notes.append(f"{unused} clips that no split uses were left out; --everything takes them")
    return clips, notes


def _scanned(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Templates of rigid_scans/, normalised as the frames are, and their triangles."""
    meshes = {path.stem: read_mesh(path) for path in sorted((folder / "rigid_scans").glob("*.obj"))}
    if not meshes:
        raise InputError(f"no templates in {folder / 'rigid_scans'}: unpack the published rigid_scans there")
    if len({len(mesh.vertices) for mesh in meshes.values()}) != 1:
        raise InputError(
            f"the templates in {folder / 'rigid_scans'} differ in their number of vertices: copy them again"
        )
    triangles = next((mesh.triangles for mesh in meshes.values() if len(mesh.triangles)), None)
    if triangles is None:
        count = len(next(iter(meshes.values())).vertices)
        triangles = topology([folder / "BIWI.ply"], count, "put BIWI.ply of CodeTalker's repository into the folder")
    return {safe_name(name): normalise(mesh.vertices, triangles) for name, mesh in meshes.items()}, triangles


def _converted(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    path = folder / "templates.pkl"
    if not path.is_file():
        raise InputError(f"no templates.pkl in {folder}: it holds the neutral faces that vertices_npy/ moves")
    templates = check_templates(read_pickle(path), path)
    places = [folder / "BIWI.ply", folder / "templates" / "BIWI.ply"]
    count = len(next(iter(templates.values())))
    return templates, topology(places, count, "put BIWI.ply of CodeTalker's repository into the folder")


def _sentences(folder: Path, raw: bool) -> dict[str, Path]:
    """Clip name -> its folder or archive of frames, or its array."""
    if not raw:
        return {path.stem: path for path in sorted((folder / "vertices_npy").glob("*.npy"))}
    found: dict[str, Path] = {}
    for subject in sorted(path for path in (folder / "faces").iterdir() if path.is_dir()):
        for path in sorted(subject.iterdir()):
            if path.is_dir() or path.suffix.lower() == ".tar":
                found.setdefault(f"{subject.name}_{path.stem}", path)
    return found


def _array(path: Path, count: int) -> tuple[np.ndarray, Frames]:
    frames, read = stored_array(path, count)
    return np.arange(frames) / FPS, read


def _masks(folder: Path, count: int) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The regions of CodeTalker's regions/lve.txt and regions/fdd.txt where the user has put them."""
    regions, origins = {}, {}
    for name, file in (("lips", "lve.txt"), ("upper_face", "fdd.txt")):
        path = next((p for p in (folder / "regions" / file, folder / file) if p.is_file()), None)
        if path is not None:
            regions[name], origins[name] = _indices(path, count), f"regions/{file}"
    lips = folder / "BIWI_lip.pkl"
    if "lips" not in regions and lips.is_file():
        regions["lips"] = _checked(np.asarray(read_pickle(lips)), lips, count)
        origins["lips"] = lips.name
    return regions, origins


def _indices(path: Path, count: int) -> np.ndarray:
    try:
        indices = np.array([int(word) for word in path.read_text("ascii").replace(",", " ").split()], np.int64)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no list of vertex numbers: copy it from CodeTalker's repository again") from error
    return _checked(indices, path, count)


def _checked(indices: np.ndarray, path: Path, count: int) -> np.ndarray:
    if (
        indices.dtype.kind not in "iu"
        or indices.ndim != 1
        or not indices.size
        or not 0 <= indices.min() <= indices.max() < count
    ):
        raise InputError(f"{path} does not hold vertex numbers from 0 to {count - 1}: copy it again")
    return np.unique(indices.astype(np.int64))
