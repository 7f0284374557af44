"""Scores of one recording, as counts that can be pooled and as correlations."""

import numpy as np

from kmtalk.evaluate.predictions import Prediction
from kmtalk.evaluate.recordings import CLASSES, Labels, Recording, Tracked, frame_classes, viseme_segments
from kmtalk.metrics import balanced_closure, best_correlation, boundary_matches, closed, opened
from kmtalk.phonemes import RATE, Phoneme

RETRIEVED = ("gap", "jaw", "width")
"""The curves by whose mean correlation a face finds its own voice among others."""

SHUT, WIDE = 1.0, 4.0
"""Millimetres: lips at p b m come at least as near, and open vowels open at least as wide."""

_SETTLING = 0.15  # seconds of a silence in which the mouth may still come to rest, and may begin to open


def score_motion(prediction: Prediction, labels: Labels) -> dict[str, float]:
    """Return the closures and openings of a labelled recording, and how much the mouth moves in its silences.

    jitter: millimetres a second of the gap, mean over silences of 0.4 s and more without their ends; NaN without any.
    """
    gap, fps = prediction.curves["gap"], prediction.fps
    bilabials, vowels = labels.spans("PBM"), labels.spans("OPEN")
    scores = {"balanced_closure": balanced_closure(gap, fps, bilabials, vowels)}
    if prediction.millimetres:
        shut, wide = closed(gap, fps, bilabials, SHUT), opened(gap, fps, vowels, WIDE)
        scores |= {"bilabials": len(shut), "closed": int(shut.sum()), "vowels": len(wide), "open": int(wide.sum())}
        scores["jitter"] = jitter(gap, fps, labels.spans("SIL"))
    return scores


def jitter(gap: np.ndarray, fps: float, silences: list[tuple[float, float]]) -> float:
    """Return the mean speed of a (T,) gap inside silences, in its unit a second; NaN where none is long enough."""
    pieces = [gap[round((start + _SETTLING) * fps) : round((end - _SETTLING) * fps)] for start, end in silences]
    steps = [np.abs(np.diff(piece)) for piece in pieces if len(piece) > 0.1 * fps]
    return float(np.concatenate(steps).mean() * fps) if steps else float("nan")


def score_phonemes(phonemes: tuple[Phoneme, ...], labels: Labels, duration: float) -> dict[str, float | list]:
    """Return counts of frames, their confusion (reference by found, in CLASSES) and of boundaries and their matches."""
    frames = int(duration * RATE)
    truth, guess = (frame_classes(s, frames, RATE) for s in (labels.segments, viseme_segments(phonemes)))
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (truth, guess), 1)
    return {
        "frames": frames,
        "frames_right": int((truth == guess).sum()),
        "confusion": confusion.tolist(),
        **score_boundaries(phonemes, labels),
        **place_errors(phonemes, labels),
    }


def score_boundaries(phonemes: tuple[Phoneme, ...], labels: Labels) -> dict[str, int]:
    """Return how many boundaries there are, how many were found, and how many of these lie within 20 and 40 ms."""
    reference = labels.boundaries()
    found = np.array([phoneme.start for phoneme in phonemes[1:]])
    return {
        "boundaries": len(reference),
        "boundaries_found": len(found),
        "matched_20": boundary_matches(reference, found, 0.02),
        "matched_40": boundary_matches(reference, found, 0.04),
    }


def place_errors(phonemes: tuple[Phoneme, ...], labels: Labels) -> dict[str, list[float]]:
    """Return how far off, in seconds, the boundaries and the centres of the segments are that were found.

    A segment was found where the boundaries nearest to its two are different ones, each within 40 ms.
    """
    found = np.array([phoneme.start for phoneme in phonemes[1:]])
    errors: dict[str, list[float]] = {"boundary_errors": [], "centre_errors": []}
    reference = labels.boundaries()
    for start, end in zip(reference, reference[1:], strict=False):
        nearest = [found[np.argmin(np.abs(found - time))] for time in (start, end)] if len(found) else [0.0, 0.0]
        off = np.array(nearest) - (start, end)
        if nearest[0] < nearest[1] and np.abs(off).max() <= 0.04:
            errors["boundary_errors"] += np.abs(off).round(4).tolist()
            errors["centre_errors"].append(round(abs(float(off.mean())), 4))
    return errors


def correlate(prediction: Prediction, tracked: Tracked) -> dict[str, float]:
    """Return the best correlation of each curve with the tracked mouth's, and its lag in seconds as NAME_lag.

    A prediction that is shorter than the video is repeated: only another talker's voice is.
    """
    scores = {}
    longest = int(np.ceil((tracked.time[-1] + 0.2) * prediction.fps))
    for name, real in tracked.curves.items():
        curve = prediction.curves[name]
        whole = np.resize(curve, max(longest, len(curve))) if longest > len(curve) + prediction.fps else curve
        scores[name], scores[f"{name}_lag"] = best_correlation(whole, prediction.fps, real, tracked.time)
    return scores


def score_faces(recordings: list[Recording], predictions: list[Prediction]) -> dict[str, dict[str, float]]:
    """Return, for each recording of a face, its correlations, those with other talkers' voices, and its retrieval.

    NAME_wrong: mean over the other talkers' recordings; retrieval: the share of these whose mean correlation of gap,
    jaw and width is lower than that of the right recording, NaN where everybody is the same talker.
    """
    scores = {}
    for recording, own in zip(recordings, predictions, strict=True):
        right = correlate(own, recording.tracked)
        others = zip(recordings, predictions, strict=True)
        wrong = [correlate(other, recording.tracked) for r, other in others if r.talker != recording.talker]
        scores[recording.name] = {"talker": recording.talker, "duration": recording.duration, **right}
        for name in recording.tracked.curves:
            scores[recording.name][f"{name}_wrong"] = (
                float(np.mean([w[name] for w in wrong])) if wrong else float("nan")
            )
        level = [np.mean([w[name] for name in RETRIEVED]) for w in wrong]
        own_level = np.mean([right[name] for name in RETRIEVED])
        scores[recording.name]["retrieval"] = float(np.mean(own_level > np.array(level))) if wrong else float("nan")
    return scores
