"""How loud sound is in each band of pitch, from moment to moment."""

import numpy as np

from kmtalk.audio import SAMPLE_RATE

WINDOW = 400
"""Samples, 25 ms, that each moment is heard by."""

_SPECTRUM = 512
_LOWEST, _HIGHEST, _RANGE = 40.0, 7600.0, 13.8  # hertz, and nats under the loudest band that still count


def log_bands(audio: np.ndarray, hop: int, bands: int, before: int) -> np.ndarray:
    """Return (S // hop, bands) float64 log power of 16 kHz audio, in bands equally wide in mel.

    before: how many of a moment's WINDOW samples lie before its hop of them begins.
    """
    count = len(audio) // hop
    padded = np.pad(np.asarray(audio, np.float32), (before, WINDOW))
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST, _HIGHEST))
    edges = 700 * (10 ** (np.linspace(low, high, bands + 1) / 2595) - 1)
    bins = np.rint(edges * _SPECTRUM / SAMPLE_RATE).astype(int)
    bins = np.maximum(bins, bins[0] + np.arange(bands + 1))  # the lowest bands are narrower than a bin
    power = np.zeros((count, bands))
    step = 60 * SAMPLE_RATE // hop  # a minute at a time keeps memory small
    for start in range(0, count, step):
        stop = min(count, start + step)
        windows = np.lib.stride_tricks.sliding_window_view(padded[start * hop :], WINDOW)[::hop][: stop - start]
        spectrum = np.abs(np.fft.rfft(windows * np.hanning(WINDOW), _SPECTRUM, axis=1)) ** 2
        power[start:stop] = np.add.reduceat(spectrum[:, : bins[-1]], bins[:-1], axis=1) / np.diff(bins)
    log = np.log(power + 1e-10)
    return np.maximum(log, log.max(initial=-23.0) - _RANGE)
