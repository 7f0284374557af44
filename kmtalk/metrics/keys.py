"""Scores of key frames: how many there are, whether they are where the lips turn, and how good the motion is at them.

No paper reports these; they are ours.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from kmtalk.errors import InputError

_SMOOTH = 1.0  # frames, sigma
_SMALLEST = 0.05  # of a curve's range: what stands out less is trembling


def key_density(key_frames: np.ndarray, frames: int) -> float:
    """Return the share of frames that are key frames; the paper's uniform control has 0.33."""
    return len(_checked(key_frames, frames)) / frames


def extrema(curve: np.ndarray) -> np.ndarray:
    """Return the places at which a (T,) curve turns: maxima and minima, smoothed by 1 frame, of 5 % of its range."""
    smooth = gaussian_filter1d(np.asarray(curve, np.float64), _SMOOTH)
    prominence = max(_SMALLEST * float(np.ptp(smooth)), 1e-12)
    return np.sort(np.concatenate([find_peaks(kind * smooth, prominence=prominence)[0] for kind in (1, -1)]))


def extrema_recall(key_frames: np.ndarray, opening: np.ndarray, tolerance: int = 1) -> float:
    """Return the share of the true lip opening's extrema that have a key frame within `tolerance` frames; nan if none.

    key_frames: (N,) frames; opening: (T,) of the truth, in any unit.
    """
    keys, turns = _checked(key_frames, len(opening)), extrema(opening)
    if not len(turns):
        return float("nan")
    return float((np.abs(turns[:, None] - keys).min(1) <= tolerance).mean())


def errors_at_keys(errors: np.ndarray, key_frames: np.ndarray) -> tuple[float, float]:
    """Return the means of (T,) errors at the key frames and between them, in the errors' unit; nan for none."""
    at = np.zeros(len(errors), bool)
    at[_checked(key_frames, len(errors))] = True
    return tuple(float(errors[chosen].mean()) if chosen.any() else float("nan") for chosen in (at, ~at))


def _checked(key_frames: np.ndarray, frames: int) -> np.ndarray:
    keys = np.unique(np.asarray(key_frames))
    if not keys.size or keys.dtype.kind not in "iu" or keys[0] < 0 or keys[-1] >= frames:
        raise InputError(f"key frames must be whole numbers from 0 to {frames - 1}, at least one")
    return keys
