"""Phoneme localisation: phoneme log-posteriors -> phonemes with times (LKMA: phoneme-based localization).

The paper transcribes the speech and aligns the text with a forced aligner. Ours reads phonemes straight from the
encoder's posteriors, so it needs no transcript and works, less well, in any language.
"""

import numpy as np

from kmtalk.phonemes import LABELS, RATE, Phoneme


def localise(log_posteriors: np.ndarray, switch: float = 2.5, duration: float | None = None) -> tuple[Phoneme, ...]:
    """Return the phonemes of the likeliest path through (T, 40) log-posteriors at 100 Hz.

    switch: cost in nats of going from one phoneme to the next; each lasts at least 20 ms. duration: length of the
    recording in seconds, which the last phoneme is drawn out to.
    """
    path = best_path(np.asarray(log_posteriors, np.float32), switch)
    if len(path) == 0:
        return ()
    bounds = [*np.flatnonzero(np.diff(path, prepend=-1)).tolist(), len(path)]
    phonemes = [Phoneme(LABELS[path[s]], s / RATE, e / RATE) for s, e in zip(bounds, bounds[1:], strict=False)]
    if duration is not None:
        phonemes[-1] = Phoneme(phonemes[-1].label, phonemes[-1].start, duration)
    return tuple(phonemes)


def best_path(scores: np.ndarray, switch: float) -> np.ndarray:
    """Viterbi over a phoneme loop in which every phoneme lasts two frames or more: (T, C) scores -> (T,) int64."""
    frames, count = scores.shape
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
        entered, settled = settled[best] - switch + score, np.where(stayed[t], settled, entered) + score
    path = np.zeros(frames, np.int64)
    label, first = int(settled.argmax()), False
    for t in range(frames - 1, -1, -1):
        path[t] = label
        if first:
            label, first = int(came_from[t]), False
        else:
            first = not stayed[t, label] and t > 0
    return path
