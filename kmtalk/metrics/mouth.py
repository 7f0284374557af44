"""Scores of mouth motion and phonemes against what was said, and against real faces tracked on video."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

TOLERANCE = 0.04
"""Seconds around a bilabial within which the lips may close."""

Spans = list[tuple[float, float]]
"""Stretches of time: (start, end) in seconds."""


def closed(gap: np.ndarray, fps: float, bilabials: Spans, limit: float) -> np.ndarray:
    """Return, for each p b m, whether the gap falls to `limit` or below within TOLERANCE of it: (n,) bool.

    gap: (T,) at fps, in the unit of limit.
    """
    return np.array([_during(gap, fps, s - TOLERANCE, e + TOLERANCE).min() <= limit for s, e in bilabials], bool)


def closure_limit(gap: np.ndarray) -> float:
    """Return the gap under which lips count as closed, 15 % of the way from the 5 % to the 95 % quantile of a true gap.

    Scanned lips never touch exactly: what counts as closed must come from the face's own truth. In the gap's unit.
    """
    low, high = np.percentile(gap, [5, 95])
    return float(low + 0.15 * (high - low))


def opened(gap: np.ndarray, fps: float, vowels: Spans, limit: float) -> np.ndarray:
    """Return, for each open vowel of 60 ms or more, whether the gap reaches `limit` during it: (n,) bool."""
    long = [(start, end) for start, end in vowels if end - start >= 0.0599]
    return np.array([_during(gap, fps, start, end).max() >= limit for start, end in long], bool)


def balanced_closure(gap: np.ndarray, fps: float, bilabials: Spans, vowels: Spans) -> float:
    """Return the mean of two recalls on the gap scaled to its own 5-95 % range: p b m reach 0.15, open vowels 0.5."""
    low, high = np.percentile(gap, [5, 95])
    scaled = (gap - low) / max(high - low, 1e-9)
    hits = [closed(scaled, fps, bilabials, 0.15), opened(scaled, fps, vowels, 0.5)]
    return float(np.mean([hit.mean() for hit in hits if len(hit)])) if any(len(hit) for hit in hits) else float("nan")


def best_correlation(
    predicted: np.ndarray, fps: float, tracked: np.ndarray, time: np.ndarray, reach: float = 0.08
) -> tuple[float, float]:
    """Return the best Pearson r of a predicted curve against a tracked one, and its lag in seconds.

    predicted: (T,) at fps; tracked: (M,) smoothed curve at audio times `time` (seconds). A positive lag means that the
    prediction comes early: it is read at time - lag.
    """
    lags = np.arange(-round(reach * 100), round(reach * 100) + 1) / 100
    at = np.arange(len(predicted)) / fps
    scores = [_pearson(np.interp(time - lag, at, predicted), tracked) for lag in lags]
    best = int(np.argmax(scores))
    return scores[best], float(lags[best])


def smooth_tracked(curve: np.ndarray, fps: float, seconds: float = 0.03) -> np.ndarray:
    """Return a tracked curve smoothed by a Gaussian of `seconds`, as the reference scores do."""
    return gaussian_filter1d(np.asarray(curve, np.float64), seconds * fps)


def boundary_matches(reference: np.ndarray, found: np.ndarray, tolerance: float) -> int:
    """Return how many boundaries (seconds, increasing) can be paired one to one within a tolerance in seconds."""
    matches = i = j = 0
    while i < len(reference) and j < len(found):
        if abs(reference[i] - found[j]) <= tolerance + 1e-9:
            matches, i, j = matches + 1, i + 1, j + 1
        elif reference[i] < found[j]:
            i += 1
        else:
            j += 1
    return matches


def f1(matches: int, reference: int, found: int) -> float:
    """Return the harmonic mean of precision and recall, 0 where nothing matches."""
    return 2 * matches / (reference + found) if reference + found else 0.0


def _during(curve: np.ndarray, fps: float, start: float, end: float) -> np.ndarray:
    """The samples of a curve from start to end, or the nearest one if none falls between."""
    first = min(max(0, int(np.ceil(start * fps - 1e-6))), len(curve) - 1)
    last = min(max(0, int(np.floor(end * fps + 1e-6))), len(curve) - 1)
    return curve[min(first, last) : max(first, last) + 1]


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    if a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
