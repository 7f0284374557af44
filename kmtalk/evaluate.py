"""Evaluation on recorded speech with phoneme labels, and on recordings whose talkers' mouths were tracked on video."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmtalk.animate import animate
from kmtalk.audio import SAMPLE_RATE, load_audio
from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.files import replacing
from kmtalk.metrics import (
    Spans,
    balanced_closure,
    best_correlation,
    boundary_matches,
    closed,
    f1,
    opened,
    smooth_tracked,
)
from kmtalk.models.kmtalk import KMTalk
from kmtalk.motion import Animation
from kmtalk.phonemes import RATE
from kmtalk.prosody import loudness

FPS = 50.0
CURVES = {"gap": "aperture3", "jaw": "jaw_drop", "width": "width_outer", "rounding": "rounding"}
"""Our name of a mouth curve -> the tracker's."""

_VISEME_OF = {
    "SIL": "sil", "PBM": "P B M", "FV": "F V", "TH": "TH DH", "ALV": "T D N L S Z", "POST": "SH ZH CH JH",
    "VEL": "K G NG HH Y", "W": "W R", "SPREAD": "EH EY IH IY", "OPEN": "AA AH AE AY AW", "ROUND": "AO OW OY UW UH",
    "MID": "ER",
}  # fmt: skip
VISEMES = {label: viseme for viseme, labels in _VISEME_OF.items() for label in labels.split()}
"""Our phoneme labels -> one of 12 viseme classes."""


@dataclass(frozen=True)
class Labels:
    """What was said in a recording: (start, end, viseme class) segments in seconds."""

    segments: tuple[tuple[float, float, str], ...]

    def spans(self, viseme: str) -> Spans:
        """Return the (start, end) of the segments of one class."""
        return [(start, end) for start, end, name in self.segments if name == viseme]

    def boundaries(self) -> np.ndarray:
        """Return the times between segments, in seconds."""
        return np.array([start for start, _, _ in self.segments[1:]])


def evaluate(folder: Path, model: KMTalk, progress: Callable[[str], None] | None = None) -> dict:
    """Score a model on a folder with labelled/ and faces/ (their layout: see the folder's README.md).

    Returns {"labelled": {clip: scores}, "faces": {clip: scores}, "summary": scores}; the summary pools the events of
    the labelled clips, and averages correlations by duration within a talker and then over talkers.
    """
    folder = Path(folder)
    for part in ("labelled", "faces"):
        if not (folder / part).is_dir():
            raise InputError(f"no folder {part} in {folder}: --speech must hold labelled/ and faces/ recordings")
    say = progress or (lambda name: None)
    classes = _read_classes(folder / "labelled" / "viseme_map.tsv")
    labelled, faces = {}, {}
    for path in sorted((folder / "labelled").glob("*.wav")):
        labels = path.with_suffix(".phones.tsv")
        if labels.is_file():
            say(path.stem)
            animation = animate(path, model=model, fps=FPS, life=False)
            labelled[path.stem] = score_labelled(animation, _read_labels(labels, classes))
    for path in sorted((folder / "faces").glob("*.npz")):
        say(path.stem)
        audio = load_audio(path.with_suffix(".wav"))
        animation = animate((audio, SAMPLE_RATE), model=model, fps=FPS, life=False)
        with np.load(path, allow_pickle=False) as tracked:
            faces[path.stem] = score_face(animation, {name: tracked[name] for name in tracked.files})
    if not labelled or not faces:
        part = "faces has no tracked .npz" if labelled else "labelled has no .wav with its .phones.tsv"
        raise InputError(f"nothing to score in {folder}: {part}")
    return {"labelled": labelled, "faces": faces, "summary": {**_pool(labelled), **_average(faces)}}


def score_labelled(animation: Animation, labels: Labels) -> dict[str, float]:
    """Return counts and scores of one labelled recording: closure, opening, visemes and boundaries."""
    gap = animation.mouth_opening() * 1e3
    bilabials, vowels = labels.spans("PBM"), labels.spans("OPEN")
    shut, wide = closed(gap, animation.fps, bilabials, 1.0), opened(gap, animation.fps, vowels, 4.0)
    heard = _merge([(p.start, p.end, VISEMES[p.label]) for p in animation.phonemes])
    truth = _frame_classes(labels.segments, animation.duration)
    guess = _frame_classes(heard.segments, animation.duration)
    found = np.array([p.start for p in animation.phonemes[1:]])
    reference = labels.boundaries()
    return {
        "bilabials": len(shut),
        "closed": int(shut.sum()),
        "vowels": len(wide),
        "open": int(wide.sum()),
        "balanced_closure": balanced_closure(gap, animation.fps, bilabials, vowels),
        "frames": len(truth),
        "frames_right": int((truth == guess).sum()),
        "boundaries": len(reference),
        "boundaries_found": len(found),
        "matched_20": boundary_matches(reference, found, 0.02),
        "matched_40": boundary_matches(reference, found, 0.04),
    }


def score_face(animation: Animation, tracked: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the correlations of one recording with its talker's tracked mouth, and loudness's beside them."""
    fps = float(tracked["fps"])
    time = tracked["t"] - float(tracked["av_lag_s"])
    level = loudness(animation.audio, len(animation.audio) * RATE // SAMPLE_RATE)
    seen = np.asarray(tracked["ok"], bool)
    scores: dict[str, float] = {"duration": animation.duration}
    for name, curve in mouth_curves(animation).items():
        filled = np.interp(time, time[seen], tracked[CURVES[name]][seen])
        smooth = smooth_tracked(filled, fps)[seen]
        scores[name], scores[f"{name}_lag"] = best_correlation(curve, animation.fps, smooth, time[seen])
        scores[f"{name}_loudness"] = best_correlation(level, RATE, smooth, time[seen])[0]
    return scores


def mouth_curves(animation: Animation) -> dict[str, np.ndarray]:
    """Return the (T,) curves a tracker of real mouths measures: gap, jaw, width in metres, rounding as a ratio."""
    face = animation.face
    width = animation.mouth_width()
    return {
        "gap": animation.mouth_opening(),
        "jaw": face.distance(animation.weights, "nose_tip", "chin"),
        "width": width,
        "rounding": _outer_height(face, animation.weights) / width,
    }


def table(result: dict) -> str:
    """Return the summary of evaluate() as text."""
    s = result["summary"]
    lines = [
        "Labelled voices",
        f"  lips under 1 mm at p b m      {s['closed']:.2f}  ({s['bilabials']} of them)",
        f"  lips over 4 mm in open vowels {s['open']:.2f} ({s['vowels']} of 60 ms or more)",
        f"  balanced closure              {s['balanced_closure']:.2f}",
        f"  viseme frames right           {s['visemes']:.2f}",
        f"  boundary F1 at 20 / 40 ms     {s['f1_20']:.2f} / {s['f1_40']:.2f}",
        "Tracked faces: correlation with the real mouth  (loudness alone)",
    ]
    lines += [
        f"  {name:<9} {s[name]:5.2f}  ({s[f'{name}_loudness']:5.2f})  lag {s[f'{name}_lag'] * 1e3:+.0f} ms"
        for name in CURVES
    ]
    return "\n".join(lines)


def write_json(result: dict, path: Path) -> None:
    """Write the result of evaluate() as JSON."""
    known = json.loads(json.dumps(result), parse_constant=lambda name: None)  # NaN is not JSON
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(known, indent=2) + "\n")


def _outer_height(face: Face, weights: np.ndarray) -> np.ndarray:
    return face.distance(weights, "lip_top", "lip_bottom")


def _pool(clips: dict[str, dict]) -> dict[str, float]:
    total = {key: sum(clip[key] for clip in clips.values()) for key in next(iter(clips.values()))}
    balanced = [clip["balanced_closure"] for clip in clips.values() if np.isfinite(clip["balanced_closure"])]
    return {
        "bilabials": total["bilabials"],
        "closed": total["closed"] / max(total["bilabials"], 1),
        "vowels": total["vowels"],
        "open": total["open"] / max(total["vowels"], 1),
        "balanced_closure": float(np.mean(balanced)) if balanced else float("nan"),
        "visemes": total["frames_right"] / max(total["frames"], 1),
        "f1_20": f1(total["matched_20"], total["boundaries"], total["boundaries_found"]),
        "f1_40": f1(total["matched_40"], total["boundaries"], total["boundaries_found"]),
    }


def _average(clips: dict[str, dict]) -> dict[str, float]:
    talkers: dict[str, list[dict]] = {}
    for name, clip in clips.items():  # corpus_talker_sentence, else every clip has a talker of its own
        talkers.setdefault(name.rsplit("_", 1)[0] if name.count("_") > 1 else name, []).append(clip)
    summary = {}
    for name in CURVES:
        for key in (name, f"{name}_loudness"):
            means = [np.average([c[key] for c in cs], weights=[c["duration"] for c in cs]) for cs in talkers.values()]
            summary[key] = float(np.mean(means))
        summary[f"{name}_lag"] = float(np.median([clip[f"{name}_lag"] for clip in clips.values()]))
    return summary


def _read_classes(path: Path) -> dict[tuple[str, str], str]:
    if not path.is_file():
        raise InputError(f"no {path.name} in {path.parent}: it says which viseme each label of the recordings is")
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {(row["label_set"], row["label"]): row["viseme"] for row in rows}


def _read_labels(path: Path, classes: dict[tuple[str, str], str]) -> Labels:
    prefix = path.name.split("_")[0]
    kind = "msajc" if path.name.startswith("en_au_") else prefix
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    segments = []
    for row in _whole_stops(rows):
        viseme = classes.get((kind, row["label"]), classes.get(("en", row["label"])))
        if viseme is None:
            raise InputError(f"{path.name}: label {row['label']!r} of set {kind!r} is not in viseme_map.tsv")
        segments.append((float(row["start"]), float(row["end"]), viseme))
    return _merge(segments)


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


def _merge(segments: list[tuple[float, float, str]]) -> Labels:
    """Join neighbouring silences into one."""
    merged: list[tuple[float, float, str]] = []
    for start, end, viseme in segments:
        if merged and viseme == "SIL" == merged[-1][2]:
            merged[-1] = (merged[-1][0], end, viseme)
        else:
            merged.append((start, end, viseme))
    return Labels(tuple(merged))


def _frame_classes(segments: tuple[tuple[float, float, str], ...], duration: float) -> np.ndarray:
    frames = np.full(int(duration * RATE), "SIL", dtype="<U6")
    for start, end, viseme in segments:
        frames[round(start * RATE) : round(end * RATE)] = viseme
    return frames
