"""Where exactly one phoneme ends and the next begins, by the sound itself."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kmtalk.audio import SAMPLE_RATE
from kmtalk.bands import WINDOW, log_bands
from kmtalk.phonemes import Phoneme

_HOP, _BANDS = 80, 12
_REACH = 0.03  # seconds that a boundary may move by
_SPAN = 0.08  # seconds of sound to either side that say where it lies
_SHORTEST = 0.01


def refine(phonemes: Sequence[Phoneme], audio: np.ndarray) -> tuple[Phoneme, ...]:
    """Return phonemes (in order, without gaps) whose boundaries part the sound best, up to 30 ms from where they are.

    audio: (S,) at 16 kHz. A boundary falls where the log spectra before it and those after it, each as far as the
    middle of its phoneme, lie closest to their two means. Labels, the first start and the last end stay.
    """
    times = np.array([phoneme.start for phoneme in phonemes] + [phonemes[-1].end]) if phonemes else np.zeros(0)
    if len(times) < 3:
        return tuple(phonemes)
    bands = log_bands(audio, _HOP, _BANDS, WINDOW // 2)
    sums = np.concatenate([np.zeros((1, _BANDS)), np.cumsum(bands - bands.mean(axis=0), axis=0)])
    refined = times.copy()
    middles = (times[1:] + times[:-1]) / 2
    for index in range(1, len(times) - 1):
        time = times[index]
        low, high = max(middles[index - 1], time - _SPAN), min(middles[index], time + _SPAN)
        found = min(_best_split(sums, low, high, time), times[index + 1] - _SHORTEST)
        refined[index] = max(found, refined[index - 1] + _SHORTEST)
    return tuple(
        replace(phoneme, start=float(start), end=float(end))
        for phoneme, start, end in zip(phonemes, refined, refined[1:], strict=False)
    )


def _best_split(sums: np.ndarray, low: float, high: float, time: float) -> float:
    """Return the time within _REACH of `time` at which the sound of low to high seconds has its two most even parts.

    The squares summed about two means are the sum of all squares less both means' own share, so only sums are needed.
    """
    rate = SAMPLE_RATE / _HOP
    first, last = round(low * rate), min(round(high * rate), len(sums) - 1)
    start, stop = max(first + 1, round((time - _REACH) * rate)), min(last - 1, round((time + _REACH) * rate))
    if stop < start:
        return time
    at = np.arange(start, stop + 1)[:, None]
    left, right = sums[at[:, 0]] - sums[first], sums[last] - sums[at[:, 0]]
    explained = (left**2 / (at - first) + right**2 / (last - at)).sum(axis=1)
    return float(at[np.argmax(explained), 0] / rate)
