"""Phoneme localisation: phoneme log-posteriors -> phonemes with times (LKMA: phoneme-based localization).

The paper transcribes the speech and aligns the text with a forced aligner. Ours reads phonemes straight from the
encoder's posteriors, so it needs no transcript and works, less well, in any language. Where the posteriors leave a
boundary open, it falls where the sound itself changes most.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from kmtalk.audio import SAMPLE_RATE
from kmtalk.bands import WINDOW, log_bands
from kmtalk.phonemes import LABELS, RATE, Phoneme

SWITCH = 3.0
"""Cost, in nats, of going from one phoneme to the next where the sound changes as it does on average."""

_LARGEST = 4.0  # change, as a multiple of the ordinary one: a click is no better a boundary than a stop's release
_HOP, _BANDS = SAMPLE_RATE // RATE, 20


def localise(
    log_posteriors: np.ndarray,
    switch: float = SWITCH,
    duration: float | None = None,
    change: np.ndarray | None = None,
) -> tuple[Phoneme, ...]:
    """Return the phonemes of the likeliest path through (T, 40) log-posteriors at 100 Hz.

    switch: cost in nats of going from one phoneme to the next; each lasts at least 20 ms. duration: length of the
    recording in seconds, which the last phoneme is drawn out to. change: spectral_change of the recording, which
    makes a boundary dearer where the sound stays alike and cheaper where it changes.
    """
    scores = np.asarray(log_posteriors, np.float32)
    path = best_path(scores, switch if change is None else switch + 1 - fit(change, len(scores)))
    if len(path) == 0:
        return ()
    bounds = [*np.flatnonzero(np.diff(path, prepend=-1)).tolist(), len(path)]
    phonemes = [Phoneme(LABELS[path[s]], s / RATE, e / RATE) for s, e in zip(bounds, bounds[1:], strict=False)]
    if duration is not None:
        phonemes[-1] = Phoneme(phonemes[-1].label, phonemes[-1].start, duration)
    return tuple(phonemes)


def spectral_change(audio: np.ndarray) -> np.ndarray:
    """Return (S // 160,) float64: how much 16 kHz audio changes at the start of each 10 ms frame; 1 is ordinary.

    The distance between the mean log spectra of the 20 ms before and the 20 ms after, over its median where there is
    sound, at most 4.
    """
    bands = log_bands(audio, _HOP, _BANDS, (WINDOW - _HOP) // 2)
    count = len(bands)
    if count < 2:
        return np.ones(count)
    sums = np.concatenate([np.zeros((1, _BANDS)), np.cumsum(bands, axis=0)])
    at = np.arange(1, count)
    before, after = np.maximum(0, at - 2), np.minimum(count, at + 2)
    means = (sums[at] - sums[before]) / (at - before)[:, None], (sums[after] - sums[at]) / (after - at)[:, None]
    distance = gaussian_filter1d(np.append(0.0, np.linalg.norm(means[0] - means[1], axis=1)), 1.0)
    heard = distance[distance > 0.3 * np.median(distance)]
    return np.minimum(distance / np.median(heard), _LARGEST) if len(heard) else np.ones(count)


def fit(change: np.ndarray, frames: int) -> np.ndarray:
    """Return a spectral change for exactly so many frames: an encoder may give one more than the sound has."""
    return np.pad(change[:frames], (0, max(0, frames - len(change))), constant_values=1.0)


def best_path(scores: np.ndarray, switch: float | np.ndarray) -> np.ndarray:
    """Viterbi over a phoneme loop in which every phoneme lasts two frames or more: (T, C) scores -> (T,) int64.

    switch: cost of another phoneme beginning, the same everywhere or (T,) of each frame.
    """
    frames, count = scores.shape
    costs = np.broadcast_to(np.asarray(switch, np.float64), (frames,)).tolist()
    if frames == 0:
        return np.zeros(0, np.int64)
    # In double precision: single precision would lose what decides a path in the sums over an hour.
    entered = np.full(count, -np.inf)  # in its first frame
    settled = scores[0].astype(np.float64)  # in its second or a later one; a recording may begin within a phoneme
    came_from = np.zeros(frames, np.int64)
    stayed = np.zeros((frames, count), bool)
    for t in range(1, frames):
        best = int(settled.argmax())
        came_from[t] = best
        stayed[t] = settled >= entered
        score = scores[t]
        entered, settled = settled[best] - costs[t] + score, np.where(stayed[t], settled, entered) + score
    path = np.zeros(frames, np.int64)
    label, first = int(settled.argmax()), False
    for t in range(frames - 1, -1, -1):
        path[t] = label
        if first:
            label, first = int(came_from[t]), False
        else:
            first = not stayed[t, label] and t > 0
    return path
