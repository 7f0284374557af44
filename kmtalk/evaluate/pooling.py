"""Scores of many recordings as one: counts are added up, correlations averaged over talkers."""

import numpy as np

from kmtalk.evaluate.recordings import CLASSES
from kmtalk.metrics import f1

_COUNTS = ("bilabials", "closed", "vowels", "open", "frames", "frames_right")
_BOUNDARIES = ("boundaries", "boundaries_found", "matched_20", "matched_40")


def pool_motion(clips: list[dict]) -> dict[str, float]:
    """Return the pooled closures and openings, and the means of balanced closure and of jitter over the clips."""
    total = _totals(clips, _COUNTS[:4])
    return {
        "bilabials": total["bilabials"],
        "closed": total["closed"] / max(total["bilabials"], 1),
        "vowels": total["vowels"],
        "open": total["open"] / max(total["vowels"], 1),
        "balanced_closure": _mean(clips, "balanced_closure"),
        "jitter": _mean(clips, "jitter"),
    }


def pool_phonemes(clips: list[dict]) -> dict[str, float | list]:
    """Return viseme accuracy, the confusion of classes, recall of p b m, and the boundaries' scores.

    confusion: (12, 12) shares of a class's frames, reference by found, in the order of recordings.CLASSES;
    boundary_error, centre_error: medians in seconds, of the segments that were found.
    """
    confusion = np.sum([clip["confusion"] for clip in clips], axis=0)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    total = _totals(clips, _COUNTS)
    return {
        "visemes": total["frames_right"] / max(total["frames"], 1),
        "pbm_recall": float(shares[CLASSES.index("PBM"), CLASSES.index("PBM")]),
        "confusion": shares.round(4).tolist(),
        **pool_boundaries(clips),
        "boundary_error": _median(clips, "boundary_errors"),
        "centre_error": _median(clips, "centre_errors"),
    }


def pool_boundaries(clips: list[dict]) -> dict[str, float]:
    """Return precision, recall and F1 of the boundaries at 20 and 40 ms."""
    total = _totals(clips, _BOUNDARIES)
    scores = {}
    for tolerance in ("20", "40"):
        matched = total[f"matched_{tolerance}"]
        scores[f"precision_{tolerance}"] = matched / max(total["boundaries_found"], 1)
        scores[f"recall_{tolerance}"] = matched / max(total["boundaries"], 1)
        scores[f"f1_{tolerance}"] = f1(matched, total["boundaries"], total["boundaries_found"])
    return scores


def average_faces(clips: dict[str, dict], names: tuple[str, ...]) -> dict[str, float]:
    """Return the curves' correlations and the retrieval by duration within a talker, then over talkers; median lags."""
    talkers: dict[str, list[dict]] = {}
    for clip in clips.values():
        talkers.setdefault(clip["talker"], []).append(clip)
    summary = {}
    for key in (*names, *(f"{name}_wrong" for name in names), "retrieval"):
        means = [
            np.average([clip[key] for clip in said], weights=[clip["duration"] for clip in said])
            for said in talkers.values()
        ]
        summary[key] = float(np.mean(means)) if means else float("nan")
    for name in names:
        lags = [clip[f"{name}_lag"] for clip in clips.values()]
        summary[f"{name}_lag"] = float(np.median(lags)) if lags else float("nan")
    return summary


def _totals(clips: list[dict], keys: tuple[str, ...]) -> dict[str, int]:
    return {key: sum(clip.get(key, 0) for clip in clips) for key in keys}


def _median(clips: list[dict], key: str) -> float:
    values = [value for clip in clips for value in clip[key]]
    return float(np.median(values)) if values else float("nan")


def _mean(clips: list[dict], key: str) -> float:
    values = [clip[key] for clip in clips if np.isfinite(clip.get(key, np.nan))]
    return float(np.mean(values)) if values else float("nan")
