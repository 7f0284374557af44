"""Scoring: predictions against the truth, clip by clip and together, with each number's definition beside it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmtalk import metrics
from kmtalk.data.prepared import Prepared
from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.metrics.curves import LONGEST
from kmtalk.takes.take import Take, read_take, take_of

NAN = float("nan")


@dataclass(frozen=True)
class Column:
    """One line of the table: the score's key, its name, its scale and unit, and what it is."""

    key: str
    name: str
    scale: float
    unit: str
    meaning: str


_SQUARES = "1e-5 u2"
COLUMNS = (
    Column("lve", "LVE", 1e5, _SQUARES, "largest squared lip distance, all frames pooled (CodeTalker's script)"),
    Column("lip_rms_mm", "LVE, root", 1, "mm", "root of the same mean (ARTalk)"),
    Column("lip_max_mm", "LVE, distance", 1, "mm", "largest lip distance, root before mean (UniTalker's twin)"),
    Column("fdd", "FDD", 1e5, _SQUARES, "upper face's spread, truth less prediction, signed (CodeTalker's script)"),
    Column("fdd_abs", "|FDD|", 1e5, _SQUARES, "the same without sign, so that clips do not cancel out"),
    Column("mve_mm", "MVE", 1, "mm", "mean distance of all vertices"),
    Column("rms_mm", "RMS", 1, "mm", "root mean square distance of all vertices (ARTalk's MHD)"),
    Column("lip_r", "lip r", 1, "", "Pearson's r of the lip opening"),
    Column("lip_ccc", "lip CCC", 1, "", "concordance of the lip opening"),
    Column("lip_dtw_mm", "lip DTW", 1, "mm", "lip opening after the best warping, mean per step"),
    Column("mtm_ms", "MTM", 1, "ms", "mean mouth timing misalignment (Perceptual-3D-Talking-Head)"),
    Column("slcc", "SLCC", 1, "", "speech loudness against lip speed, over clips (Perceptual-3D-Talking-Head)"),
    Column("slcc_truth", "SLCC of truth", 1, "", "the same of the truth: near it is good, not high"),
    Column("closed", "p b m closed", 1, "", "share of p b m at which lips close as the truth's can"),
    Column("closed_truth", "  of truth", 1, "", "the same of the truth"),
    Column("key_density", "key density", 1, "", "share of frames that are key frames"),
    Column("extrema_recall", "turns with key", 1, "", "share of the true lip opening's turns within a frame of a key"),
    Column("at_keys_mm", "lips at keys", 1, "mm", "mean lip distance at key frames"),
    Column("between_keys_mm", "lips between", 1, "mm", "mean lip distance between them"),
)


def score_take(prediction: Take, truth: Take) -> dict[str, float]:
    """Return a prediction's scores by the keys of COLUMNS (those over clips apart), nan where the face lacks a region.

    lve, fdd and fdd_abs are in squares of the data set's published unit. Errors: InputError where the two do not fit:
    mesh, length, frame rate or unit.
    """
    _check(prediction, truth)
    guess, real, unit = prediction.vertices, truth.vertices, truth.metres_per_unit**2
    frames = metrics.check_frames(guess, real)
    scores: dict[str, float] = {"frames": frames}
    lips = truth.regions.get("lips")
    if lips is not None:
        errors = metrics.lip_errors(guess, real, lips)
        scores |= {
            "lve": float(errors.mean()) / unit,
            "lip_rms_mm": float(np.sqrt(errors.mean())) * 1e3,
            "lip_max_mm": float(np.sqrt(errors).mean()) * 1e3,
            "lip_intensity": metrics.lip_intensity(guess[:frames], lips),
            "lip_intensity_truth": metrics.lip_intensity(real[:frames], lips),
        }
    if "upper_face" in truth.regions:
        fdd = metrics.dynamics_deviation(guess, real, truth.template, truth.regions["upper_face"]) / unit
        scores |= {"fdd": fdd, "fdd_abs": abs(fdd)}
    scores |= {"mve_mm": metrics.mean_vertex_error(guess, real), "rms_mm": metrics.root_vertex_error(guess, real)}
    if len(truth.audio):
        scores["loudness"] = metrics.root_mean_square(truth.audio)
    keys = None if prediction.key_frames is None else prediction.key_frames[prediction.key_frames < frames]
    if truth.lips:
        scores |= _opening_scores(prediction, truth, frames, keys)
    if keys is not None:
        scores["key_density"] = metrics.key_density(keys, frames)
        at, between = metrics.errors_at_keys(metrics.frame_distances(guess, real, lips) * 1e3, keys)
        scores |= {"at_keys_mm": at, "between_keys_mm": between}
    return scores


def score_set(
    folder: str | Path, prepared: Prepared, split: str = "test", unit: float = 1.0
) -> dict[str, dict[str, float]]:
    """Score a folder of CLIP.npy or .npz (or FaceFormer's CLIP_condition_SUBJECT.npy) against a split: name -> scores.

    unit: metres that one unit of the predictions is. Errors: InputError where a clip has no prediction.
    """
    folder, results = Path(folder), {}
    files = (
        {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in (".npy", ".npz")}
        if folder.is_dir()
        else {}
    )
    for clip in prepared.clips(split):
        named = [stem for stem in files if re.sub(r"_condition_.*$", "", stem) == clip.name]
        if not named:
            raise InputError(f"no prediction of {clip.name} in {folder}: name it {clip.name}.npy or .npz")
        truth = take_of(prepared, clip.name)
        for stem in named:
            results[stem] = {**score_take(read_take(files[stem], truth, unit=unit), truth), "subject": clip.subject}
    if not results:
        raise InputError(f"split {split!r} of {prepared.folder} holds no clip to score")
    return results


def summary(results: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return the scores of all clips together.

    LVE pools the frames of all clips, as its script does; p b m are pooled too; all else is the mean over clips.
    """
    clips = list(results.values())
    together: dict[str, float] = {"clips": len(clips), "frames": sum(clip["frames"] for clip in clips)}
    for column in COLUMNS:
        together[column.key] = _mean([clip.get(column.key, NAN) for clip in clips])
    weights = [clip["frames"] for clip in clips if "lve" in clip]
    if weights:
        pooled = (
            [clip["lve"] for clip in clips if "lve" in clip],
            [clip["lip_max_mm"] for clip in clips if "lve" in clip],
        )
        together["lve"], together["lip_max_mm"] = (float(np.average(values, weights=weights)) for values in pooled)
        squares = [clip["lip_rms_mm"] ** 2 for clip in clips if "lve" in clip]
        together["lip_rms_mm"] = float(np.sqrt(np.average(squares, weights=weights)))
    said = [clip for clip in clips if clip.get("bilabials")]
    for key in ("closed", "closed_truth"):
        counts = [clip["bilabials"] for clip in said]
        together[key] = float(np.average([clip[key] for clip in said], weights=counts)) if said else NAN
    heard = [clip for clip in clips if "loudness" in clip and "lip_intensity" in clip]
    for key, column in (("slcc", "lip_intensity"), ("slcc_truth", "lip_intensity_truth")):
        names = [str(clip.get("subject", "")) for clip in heard]
        together[key] = metrics.speech_lip_correlation(
            [clip["loudness"] for clip in heard], [clip[column] for clip in heard], names
        )
    return together


def table(together: dict[str, float], metres_per_unit: float = 1.0) -> str:
    """Return a summary as text, each number with its unit and definition."""
    unit = {1: "m", 0.01: "cm", 0.001: "mm"}.get(metres_per_unit, f"units of {metres_per_unit:g} m")
    lines = [f"{together['clips']} clips, {together['frames']} frames; u is {unit}"]
    for column in COLUMNS:
        value, scale, of = together[column.key], column.scale, column.unit
        if of == _SQUARES and metres_per_unit < 0.1:
            scale, of = 1, "u2"  # squares of millimetres need no 1e-5
        if np.isfinite(value):
            lines.append(f"{column.name:<15} {value * scale:9.4f} {of:<8} {column.meaning}")
    return "\n".join(lines)


def write_json(results: dict[str, dict[str, float]], path: Path) -> None:
    """Write {"summary": scores, "clips": {name: scores}, "definitions": {key: text}} as JSON."""
    definitions = {column.key: f"{column.name}: {column.meaning}" for column in COLUMNS}
    whole = {"summary": summary(results), "clips": results, "definitions": definitions}
    known = json.loads(json.dumps(whole), parse_constant=lambda name: None)  # NaN is not JSON
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(known, indent=2) + "\n", "utf-8")


def _check(prediction: Take, truth: Take) -> None:
    metrics.check_metres(prediction.vertices[0], f"prediction {prediction.name}")
    metrics.check_metres(truth.vertices[0], f"truth {truth.name}")
    if abs(prediction.fps - truth.fps) > 0.01:
        raise InputError(
            f"{prediction.name} runs at {prediction.fps:g} frames a second, the truth at {truth.fps:g}: "
            "predict at the truth's rate"
        )


def _opening_scores(prediction: Take, truth: Take, frames: int, keys: np.ndarray | None) -> dict[str, float]:
    guess, real = (metrics.lip_distance(take.vertices[:frames], *truth.lips) for take in (prediction, truth))
    scores = {
        "lip_r": metrics.correlation(guess, real),
        "lip_ccc": metrics.concordance(guess, real),
    }
    if frames <= LONGEST:
        scores["lip_dtw_mm"] = metrics.warped_distance(guess, real) * 1e3
        scores["mtm_ms"] = metrics.mouth_timing(guess, real, truth.fps)
    if keys is not None:
        scores["extrema_recall"] = metrics.extrema_recall(keys, real)
    spoken = truth.phonemes or prediction.phonemes
    if spans := [(p.start, p.end) for p in spoken if p.label in ("P", "B", "M")]:
        limit = metrics.closure_limit(real)
        for key, gap in (("closed", guess), ("closed_truth", real)):
            scores[key] = float(metrics.closed(gap, truth.fps, spans, limit).mean())
        scores["bilabials"] = len(spans)
    return scores


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else NAN
