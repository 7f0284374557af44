"""Source: a data set as its readers find it, clip by clip, before it is written in kmtalk's layout."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kmtalk.audio import Speech
from kmtalk.data.meshes import read_mesh
from kmtalk.data.rows import StoredRows
from kmtalk.errors import InputError


@dataclass(frozen=True)
class SourceOptions:
    """What a reader may be told; None leaves it to the reader.

    fps: of the motion to write; source_fps: of the motion as it is stored; unit: metres that one unit of the stored
    vertices is; everything: also the clips that no split uses.
    """

    fps: float | None = None
    source_fps: float | None = None
    unit: float | None = None
    everything: bool = False

    def refuse_layout(self, name: str) -> None:
        """Raise InputError where a rate or unit is given for a data set that has its own."""
        if self.source_fps is not None or self.unit is not None:
            raise InputError(f"{name} has its own frame rate and unit: leave out --source-fps and --unit")


BLOCK = 64
"""Frames of vertices in memory at a time: 18 MB of the largest faces."""

Frames = Callable[[np.ndarray], np.ndarray]
"""Row numbers (n,) -> vertices (n, V, 3) in the source's own unit."""


@dataclass(frozen=True)
class SourceClip:
    """One sentence as it is stored.

    times: (N,) seconds of the stored frames, increasing, from 0; frames: reads some of them by their row numbers;
    audio: where the sound is, None where there is none; note: what is odd about the clip, empty where nothing is.
    """

    name: str
    subject: str
    sentence: str
    times: np.ndarray
    frames: Frames
    audio: Speech | None
    note: str = ""


@dataclass(frozen=True)
class Source:
    """A data set found on disk.

    fps: of the motion to write; metres_per_unit: scale of the published unit; templates: subject -> (V, 3) in that
    unit; triangles: (F, 3) int32; splits: name -> clip names wanted; regions, landmarks: vertex indices as published;
    origins: where each of those comes from; missing, notes: sentences for the report.
    """

    name: str
    fps: float
    metres_per_unit: float
    templates: Mapping[str, np.ndarray]
    triangles: np.ndarray
    clips: tuple[SourceClip, ...]
    splits: Mapping[str, tuple[str, ...]]
    regions: Mapping[str, np.ndarray] = field(default_factory=dict)
    landmarks: Mapping[str, int] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def output_frames(times: np.ndarray, fps: float) -> int:
    """Return how many frames at fps fit from the first to the last of (N,) seconds: [::2] of 60 for 30 fps."""
    return int(np.floor((times[-1] - times[0]) * fps + 1e-6)) + 1


def read_at(clip: SourceClip, fps: float, start: int, stop: int) -> np.ndarray:
    """Return frames start to stop at fps, (n, V, 3), in the source's unit.

    Stored frames are taken as they are where one lies at the wanted time, else blended linearly from their neighbours,
    which also fills gaps.
    """
    wanted = clip.times[0] + np.arange(start, stop) / fps
    position = np.interp(wanted, clip.times, np.arange(len(clip.times)))
    position = np.where(np.abs(position - np.rint(position)) < 1e-3, np.rint(position), position)
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, len(clip.times) - 1)
    share = position - below
    rows = np.unique(np.concatenate([below, above[share > 0]]))
    stored = clip.frames(rows)
    low, mixed = stored[np.searchsorted(rows, below)], np.flatnonzero(share > 0)
    if len(mixed):
        high, part = stored[np.searchsorted(rows, above[mixed])], share[mixed, None, None]
        low[mixed] = low[mixed] * (1 - part) + high * part
    return low


def blocks(frames: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of up to BLOCK frames each."""
    for start in range(0, frames, BLOCK):
        yield start, min(frames, start + BLOCK)


def stored_array(path: Path, vertices: int) -> tuple[int, Frames]:
    """Open a .npy of (T, V * 3) or (T, V, 3) numbers: return T and what reads its rows. Errors: InputError."""
    rows = StoredRows(path)
    if rows.shape[1:] not in ((vertices * 3,), (vertices, 3)) or not len(rows):
        raise InputError(f"{path} has shape {rows.shape}, which is not frames of {vertices} vertices")
    return len(rows), lambda numbers: rows[numbers].reshape(-1, vertices, 3)


def topology(candidates: list[Path], vertices: int, remedy: str) -> np.ndarray:
    """Return the (F, 3) int32 triangles of the first mesh file that exists, or say which file is needed."""
    for path in candidates:
        if path.is_file():
            mesh = read_mesh(path)
            if len(mesh.vertices) != vertices or not len(mesh.triangles):
                raise InputError(
                    f"{path} has {len(mesh.vertices)} vertices and {len(mesh.triangles)} triangles, "
                    f"but the faces have {vertices} vertices: {remedy}"
                )
            return mesh.triangles
    raise InputError(f"no mesh says which vertices form triangles: {remedy}")


def check_templates(values: object, path: Path) -> dict[str, np.ndarray]:
    """Return subject -> (V, 3) float64 of a templates.pkl, or say what is wrong with it."""
    templates = {}
    for subject, template in values.items() if isinstance(values, dict) else ():
        array = np.asarray(template)
        if array.dtype.kind not in "fiu" or not array.size or array.size % 3 or not np.isfinite(array).all():
            raise InputError(f"{path} holds no vertices for {subject}: download it again")
        templates[safe_name(str(subject))] = array.reshape(-1, 3).astype(np.float64)
    if len({len(template) for template in templates.values()}) != 1:
        raise InputError(f"{path} must hold one template of the same number of vertices for each subject")
    return templates


def lacking(
    splits: Mapping[str, tuple[tuple[str, ...], range]], form: str, found: set[str], holes: set[tuple[str, int]]
) -> tuple[str, ...]:
    """Return a sentence for each subject of a split whose clips are not all found.

    splits: name -> (subjects, sentence numbers); form: how a number becomes a sentence's name, such as "e{:02d}";
    holes: (subject, number) that the published set lacks too.
    """
    sentences = []
    for split, (subjects, numbers) in splits.items():
        for subject in subjects:
            left = [number for number in numbers if f"{subject}_{form.format(number)}" not in found]
            known = [number for number in left if (subject, number) in holes]
            if len(left) == len(numbers):
                sentences.append(f"{subject} ({split}): none of its {len(numbers)} sentences")
            elif left:
                hole = f" ({_ranges(known, form)}: a known hole of the published set)" if known else ""
                sentences.append(f"{subject} ({split}): {_ranges(left, form)}{hole}")
    return tuple(sentences)


def _ranges(numbers: list[int], form: str) -> str:
    """1, 2, 3, 7 as "e01 to e03, e07"."""
    starts = [number for number in numbers if number - 1 not in numbers]
    ends = [number for number in numbers if number + 1 not in numbers]
    return ", ".join(
        form.format(start) if start == end else f"{form.format(start)} to {form.format(end)}"
        for start, end in zip(starts, ends, strict=True)
    )


def safe_name(name: str) -> str:
    """Return a name that is to become a file's, or say that it cannot."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        raise InputError(f"{name!r} cannot be the name of a file: rename the clip with letters, digits, . _ and -")
    return name


def sounds(folders: list[Path]) -> dict[str, Path]:
    """Return every sound or video file below some folders: its stem in lower case -> path."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.suffix.lower() in (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".flv", ".mp4", ".mov", ".avi"):
                found.setdefault(path.stem.lower(), path)
                found.setdefault(f"{path.parent.name}_{path.stem}".lower(), path)
    return found
