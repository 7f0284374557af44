"""Prepared: a data set in kmtalk's own layout, memory-mapped, whatever files it came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from kmtalk.audio import load_audio
from kmtalk.data.rows import StoredRows
from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.npz import read_npz
from kmtalk.phonemes import Phoneme
from kmtalk.textgrid import read_textgrid

INDEX = "prepared.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class PreparedClip:
    """One sentence said by one subject: frames of motion, and seconds of sound (0 where there is none)."""

    name: str
    subject: str
    sentence: str
    frames: int
    seconds: float


@dataclass(frozen=True)
class Prepared:
    """A prepared data set; arrays stay on disk until they are asked for.

    fps: frames a second; metres_per_unit: what one unit of the published files is, 1 where they are in metres;
    splits: name ("train", "validation", "test", perhaps more) -> clip names; regions: name -> (n,) int64 vertex
    indices; landmarks: name -> vertex index; origins: region or landmark -> the file or method that it comes from;
    error_mm: split -> root mean square distance in mm that the basis leaves, empty without a basis;
    missing, notes: what the source lacks and what was done about it, in sentences.
    """

    folder: Path
    name: str
    fps: float
    metres_per_unit: float
    subjects: tuple[str, ...]
    splits: Mapping[str, tuple[str, ...]]
    index: Mapping[str, PreparedClip]
    regions: Mapping[str, np.ndarray]
    landmarks: Mapping[str, int]
    origins: Mapping[str, str]
    error_mm: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def clips(self, split: str | None = None) -> tuple[PreparedClip, ...]:
        """Return the clips of a split, or all of them."""
        if split is None:
            return tuple(self.index.values())
        if split not in self.splits:
            raise InputError(f"{self.folder} has no split {split!r}: it has {', '.join(self.splits)}")
        return tuple(self.index[name] for name in self.splits[split])

    def clip(self, name: str) -> PreparedClip:
        """Return a clip by name."""
        if name not in self.index:
            raise InputError(f"{self.folder} has no clip {name!r}: its first is {next(iter(self.index), 'none')}")
        return self.index[name]

    def vertices(self, clip: str) -> np.ndarray:
        """Return a clip's (T, V, 3) float32 metres, memory-mapped."""
        frames = self.clip(clip).frames
        return self._array(f"vertices/{clip}.npy", (frames, self.vertex_count, 3), mmap=True)

    def rows(self, clip: str) -> StoredRows:
        """Return a clip's (T, V, 3) vertices as rows that are read when asked for, which no memory keeps."""
        rows = StoredRows(self.folder / "vertices" / f"{clip}.npy")
        if rows.shape != (self.clip(clip).frames, self.vertex_count, 3):
            raise InputError(f"{rows.path} has shape {rows.shape}: prepare {self.folder} again")
        return rows

    def audio(self, clip: str) -> np.ndarray:
        """Return a clip's (S,) float32 sound, 16 kHz mono."""
        if not self.clip(clip).seconds:
            raise InputError(f"clip {clip} of {self.folder} has no sound: add its wav to the source and prepare again")
        return load_audio(self.folder / "audio" / f"{clip}.wav")

    def phonemes(self, clip: str) -> tuple[Phoneme, ...] | None:
        """Return the phonemes in phonemes/CLIP.TextGrid, None where there is no such file."""
        path = self.folder / "phonemes" / f"{self.clip(clip).name}.TextGrid"
        return read_textgrid(path, self.index[clip].seconds or None) if path.is_file() else None

    def template(self, subject: str) -> np.ndarray:
        """Return a subject's neutral face, (V, 3) float32 metres."""
        if subject not in self.subjects:
            raise InputError(f"{self.folder} has no subject {subject!r}: it has {', '.join(self.subjects)}")
        return self._array(f"templates/{subject}.npy", (self.vertex_count, 3))

    @cached_property
    def triangles(self) -> np.ndarray:
        """(F, 3) int32."""
        return self._array("triangles.npy", None)

    @cached_property
    def vertex_count(self) -> int:
        """Number of vertices V."""
        return len(self._array(f"templates/{self.subjects[0]}.npy", None))

    @cached_property
    def basis(self) -> np.ndarray | None:
        """(K, V, 3) float32 metres, or None where none was fitted: vertices = template + weights @ basis.

        Every weight has root mean square 1 over the training frames it was fitted on; at 0 the face is the template.
        """
        path = self.folder / "basis.npz"
        if not self.error_mm:
            return None
        try:
            return read_npz(path)["basis"]
        except (ValueError, KeyError) as error:
            raise InputError(f"{path} is missing or damaged: prepare {self.folder} again") from error

    def weights(self, clip: str) -> np.ndarray:
        """Return a clip's (T, K) float32 weights over the basis, memory-mapped."""
        if self.basis is None:
            raise InputError(f"{self.folder} has no basis: prepare it with --basis 128")
        return self._array(f"weights/{clip}.npy", (self.clip(clip).frames, len(self.basis)), mmap=True)

    def _array(self, name: str, shape: tuple[int, ...] | None, mmap: bool = False) -> np.ndarray:
        path = self.folder / name
        try:
            array = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path} is missing or damaged: prepare {self.folder} again") from error
        if shape is not None and array.shape != shape:
            raise InputError(f"{path} has shape {array.shape}, expected {shape}: prepare {self.folder} again")
        return array


def load_prepared(folder: str | Path) -> Prepared:
    """Open a prepared data set; raises InputError when there is no finished one."""
    folder = Path(folder).expanduser()
    index = folder / INDEX
    if not index.is_file():
        started = " (a stopped one is there: run the same command again)" if folder.is_dir() else ""
        raise InputError(f"no finished prepared data set in {folder}{started}: make it with python -m kmtalk prepare")
    try:
        entry = json.loads(index.read_text("utf-8"))
        if entry["format_version"] != FORMAT_VERSION:
            found = entry["format_version"]
            raise InputError(f"{index} has format version {found}, this kmtalk reads {FORMAT_VERSION}: prepare again")
        return _unpack(folder, entry, json.loads((folder / "regions.json").read_text("utf-8")))
    except InputError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        raise InputError(f"{index} or regions.json beside it is damaged: prepare {folder} again") from error


def prepared_face(prepared: Prepared, subject: str | None = None) -> Face:
    """Return a subject's face (the first one's by default) that the data set's basis moves, drawn as plain clay.

    Without a basis the face has no weights. Head motion turns the whole mesh about a point inside it.
    """
    subject = prepared.subjects[0] if subject is None else subject
    template = prepared.template(subject)
    basis = np.zeros((0, *template.shape), np.float32) if prepared.basis is None else prepared.basis
    low, high = template.min(0), template.max(0)
    pivot = np.array([(low[0] + high[0]) / 2, low[1] + 0.3 * (high[1] - low[1]), low[2] + 0.3 * (high[2] - low[2])])
    return Face(
        name=subject,
        template=template,
        triangles=prepared.triangles,
        basis=basis,
        basis_names=weight_names(len(basis)),
        regions=prepared.regions,
        landmarks=prepared.landmarks,
        head_weight=np.ones(len(template), np.float32),
        head_pivot=pivot.astype(np.float32),
    )


def weight_names(count: int) -> tuple[str, ...]:
    """Return the names of a fitted basis' weights, in order of how much they move: motion001, motion002 ..."""
    return tuple(f"motion{number:03d}" for number in range(1, count + 1))


def _unpack(folder: Path, entry: dict, places: dict) -> Prepared:
    clips = {name: PreparedClip(name, **clip) for name, clip in entry["clips"].items()}
    if unknown := {name for names in entry["splits"].values() for name in names} - set(clips):
        raise KeyError(f"{min(unknown)} is in a split, but is no clip")
    return Prepared(
        folder=folder,
        name=entry["name"],
        fps=float(entry["fps"]),
        metres_per_unit=float(entry["metres_per_unit"]),
        subjects=tuple(entry["subjects"]),
        splits={name: tuple(names) for name, names in entry["splits"].items()},
        index=clips,
        regions={name: np.array(indices, np.int64) for name, indices in places["regions"].items()},
        landmarks=dict(places["landmarks"]),
        origins=dict(places["origins"]),
        error_mm=dict(entry["error_mm"]),
        missing=tuple(entry["missing"]),
        notes=tuple(entry["notes"]),
    )
