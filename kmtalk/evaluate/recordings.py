"""The recordings a model is scored on: voices with phoneme labels, and talkers whose mouths were tracked on video."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmtalk.audio import SAMPLE_RATE, load_audio
from kmtalk.errors import InputError
from kmtalk.metrics import Spans, smooth_tracked
from kmtalk.phonemes import LABELS, Phoneme

CURVES = {"gap": "aperture3", "jaw": "jaw_drop", "width": "width_outer", "rounding": "rounding"}
"""Our name of a mouth curve -> the tracker's."""

CLASSES = tuple("SIL PBM FV TH ALV POST VEL W SPREAD OPEN ROUND MID".split())
"""The 12 viseme classes that frames are judged by."""

_VISEME_OF = {
    "SIL": "sil", "PBM": "P B M", "FV": "F V", "TH": "TH DH", "ALV": "T D N L S Z", "POST": "SH ZH CH JH",
    "VEL": "K G NG HH Y", "W": "W R", "SPREAD": "EH EY IH IY", "OPEN": "AA AH AE AY AW", "ROUND": "AO OW OY UW UH",
    "MID": "ER",
}  # fmt: skip
VISEMES = {label: viseme for viseme, labels in _VISEME_OF.items() for label in labels.split()}
"""Our phoneme labels -> one of CLASSES."""

_TYPICAL = dict(zip(CLASSES, "sil M F TH T SH K W IH AH OW ER".split(), strict=True))
_BY_HAND = ("en_au_msajc", "en_praatio")

Segments = tuple[tuple[float, float, str], ...]
"""(start, end, viseme class), in seconds, in order."""


@dataclass(frozen=True)
class Labels:
    """What was said in a recording; phonemes: the same in our labels, as near as the labels' own set allows."""

    segments: Segments
    phonemes: tuple[Phoneme, ...] = ()

    def spans(self, viseme: str) -> Spans:
        """Return the (start, end) of the segments of one class."""
        return [(start, end) for start, end, name in self.segments if name == viseme]

    def boundaries(self) -> np.ndarray:
        """Return the times between segments, in seconds."""
        return np.array([start for start, _, _ in self.segments[1:]])


@dataclass(frozen=True)
class Tracked:
    """A talker's mouth: time (M,) in seconds of the audio, and (M,) smoothed curves by their name in CURVES."""

    time: np.ndarray
    curves: dict[str, np.ndarray]


@dataclass(frozen=True)
class Recording:
    """One recording.

    name: of the file; talker: who speaks; audio (S,) float32 at 16 kHz; labels, tracked: None where there are none;
    text: what is said, or ""; groups: "english", "french" ... of labelled recordings, "by hand" beside it.
    """

    name: str
    talker: str
    audio: np.ndarray
    labels: Labels | None = None
    tracked: Tracked | None = None
    text: str = ""
    groups: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.audio) / SAMPLE_RATE


def load_recordings(folder: Path) -> tuple[list[Recording], list[Recording]]:
    """Return the labelled recordings and the tracked faces of a folder (its layout: see the folder's README.md)."""
    folder = Path(folder)
    for part in ("labelled", "faces"):
        if not (folder / part).is_dir():
            raise InputError(f"no folder {part} in {folder}: --speech must hold labelled/ and faces/ recordings")
    classes = _read_classes(folder / "labelled" / "viseme_map.tsv")
    labelled = [_load(path, classes) for path in sorted((folder / "labelled").glob("*.wav"))]
    labelled = [recording for recording in labelled if recording.labels]
    faces = [_load(path.with_suffix(".wav"), classes, path) for path in sorted((folder / "faces").glob("*.npz"))]
    if not labelled or not faces:
        part = "faces has no tracked .npz" if labelled else "labelled has no .wav with its .phones.tsv"
        raise InputError(f"nothing to score in {folder}: {part}")
    return labelled, faces


def read_tracked(curves: dict[str, np.ndarray]) -> Tracked:
    """Return the curves of one tracker file, smoothed, on the clock of the audio, without the frames it lost."""
    time = curves["t"] - float(curves["av_lag_s"])
    seen = np.asarray(curves["ok"], bool)
    fps = float(curves["fps"])
    smooth = {
        name: smooth_tracked(np.interp(time, time[seen], curves[theirs][seen]), fps)[seen]
        for name, theirs in CURVES.items()
    }
    return Tracked(time[seen], smooth)


def frame_classes(segments: Segments, frames: int, rate: float) -> np.ndarray:
    """Return the (frames,) indices into CLASSES of the class spoken in each frame, silence between segments."""
    classes = np.zeros(frames, np.int64)
    for start, end, viseme in segments:
        classes[round(start * rate) : round(end * rate)] = CLASSES.index(viseme)
    return classes


def viseme_segments(phonemes: tuple[Phoneme, ...]) -> Segments:
    """Return our phonemes as segments of viseme classes, neighbouring silences as one."""
    return _merge([(p.start, p.end, VISEMES[p.label]) for p in phonemes])


def _load(path: Path, classes: dict[tuple[str, str], str], curves: Path | None = None) -> Recording:
    name, spoken, text = path.stem, path.with_suffix(".phones.tsv"), path.with_suffix(".txt")
    tracked = None
    if curves is not None:
        with np.load(curves, allow_pickle=False) as file:
            tracked = read_tracked({key: file[key] for key in file.files})
    language = {"en": "english", "fr": "french"}.get(name.split("_")[0], name.split("_")[0])
    return Recording(
        name=name,
        # corpus_talker_sentence, else every recording has a talker of its own
        talker=name.rsplit("_", 1)[0] if name.count("_") > 1 else name,
        audio=load_audio(path),
        labels=_read_labels(spoken, classes) if spoken.is_file() else None,
        tracked=tracked,
        text=text.read_text(encoding="utf-8").strip() if text.is_file() else "",
        groups=(language, "by hand") if name.startswith(_BY_HAND) else (language,),
    )


def _read_classes(path: Path) -> dict[tuple[str, str], str]:
    if not path.is_file():
        raise InputError(f"no {path.name} in {path.parent}: it says which viseme each label of the recordings is")
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {(row["label_set"], row["label"]): row["viseme"] for row in rows}


def _read_labels(path: Path, classes: dict[tuple[str, str], str]) -> Labels:
    kind = "msajc" if path.name.startswith("en_au_") else path.name.split("_")[0]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    segments, phonemes = [], []
    for row in _whole_stops(rows):
        label = row["label"]
        viseme = classes.get((kind, label), classes.get(("en", label), classes.get(("en", label.lower()))))
        if viseme is None:
            raise InputError(f"{path.name}: label {label!r} of set {kind!r} is not in viseme_map.tsv")
        start, end = float(row["start"]), float(row["end"])
        segments.append((start, end, viseme))
        ours = label.upper() if VISEMES.get(label.upper()) == viseme else _TYPICAL[viseme]
        phonemes.append(Phoneme(ours if ours in LABELS else _TYPICAL[viseme], start, end))
    return Labels(_merge(segments), tuple(phonemes))


def _whole_stops(rows: list[dict]) -> list[dict]:
    """Join the closure, the release and the aspiration of a stop (tcl + t, t + H) into one segment."""
    whole: list[dict] = []
    for row in rows:
        last = whole[-1] if whole else {"label": ""}
        if last["label"].endswith("cl") and row["label"] and last["label"].startswith(row["label"]):
            whole[-1] = {**row, "start": last["start"]}
        elif row["label"] == "H" and last["label"] in tuple("ptkbdg"):
            whole[-1] = {**last, "end": row["end"]}
        else:
            whole.append(row)
    return whole


def _merge(segments: list[tuple[float, float, str]]) -> Segments:
    """Join neighbouring silences into one."""
    merged: list[tuple[float, float, str]] = []
    for start, end, viseme in segments:
        if merged and viseme == "SIL" == merged[-1][2]:
            merged[-1] = (merged[-1][0], end, viseme)
        else:
            merged.append((start, end, viseme))
    return tuple(merged)
