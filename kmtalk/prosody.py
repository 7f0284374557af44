"""Prosody: loudness, pitch and the accents they make, at 100 frames a second."""

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from kmtalk.audio import SAMPLE_RATE
from kmtalk.phonemes import RATE, VOWELS, Phoneme

_HOP = SAMPLE_RATE // RATE
_WINDOW = 640
_LOWEST, _HIGHEST = 70.0, 400.0
_OCTAVE_COST = 0.05
_PEAK = 0.5  # to which a recording is brought before its accents are sought


def loudness(audio: np.ndarray, frames: int) -> np.ndarray:
    """Return (frames,) float64 decibels of the audio's root mean square around each frame at RATE."""
    power = np.zeros(frames)
    usable = min(frames, len(audio) // _HOP)
    blocks = np.asarray(audio[: usable * _HOP], np.float32).reshape(usable, _HOP)
    power[:usable] = np.square(blocks).mean(axis=1)
    return 10 * np.log10(gaussian_filter1d(power, 3.0) + 1e-8)


def pitch(audio: np.ndarray, frames: int) -> np.ndarray:
    """Return (frames,) float64 fundamental frequency in Hz at RATE, 0 where the sound is not voiced.

    By the highest peak of the normalised autocorrelation, 70 to 400 Hz, smoothed by a median over 50 ms. A period's
    multiples correlate as well as the period: a small cost for each octave down keeps them from being taken for it.
    """
    padded = np.pad(np.asarray(audio, np.float32), (_WINDOW // 2, _WINDOW + frames * _HOP))
    hertz = np.zeros(frames)
    for start in range(0, frames, 6000):  # a minute at a time keeps memory small
        stop = min(frames, start + 6000)
        piece = padded[start * _HOP : stop * _HOP + _WINDOW]
        windows = np.lib.stride_tricks.sliding_window_view(piece, _WINDOW)[::_HOP][: stop - start]
        hertz[start:stop] = _autocorrelation_pitch(windows)
    return median_filter(hertz, 5)


def _autocorrelation_pitch(windows: np.ndarray) -> np.ndarray:
    windows = windows - windows.mean(axis=1, keepdims=True)
    spectrum = np.square(np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), 2 * _WINDOW, axis=1)))
    correlation = np.fft.irfft(spectrum, axis=1)
    window = np.fft.irfft(np.square(np.abs(np.fft.rfft(np.hanning(_WINDOW), 2 * _WINDOW))))
    shortest, longest = int(SAMPLE_RATE / _HIGHEST), int(SAMPLE_RATE / _LOWEST)
    energy = correlation[:, :1] + 1e-9
    lags = np.arange(shortest - 1, longest + 1)
    normalised = correlation[:, lags] / energy * (window[0] / window[lags])
    middle = normalised[:, 1:-1]
    peak = (middle >= normalised[:, :-2]) & (middle >= normalised[:, 2:])
    best = np.where(peak, middle - _OCTAVE_COST * np.log2(lags[1:-1]), -np.inf).argmax(axis=1)
    row = np.arange(len(best))
    voiced = peak[row, best] & (middle[row, best] > 0.5) & (energy[:, 0] > 1e-3)
    return np.where(voiced, SAMPLE_RATE / (shortest + best), 0.0)


def accents(phonemes: tuple[Phoneme, ...], audio: np.ndarray) -> list[tuple[float, float]]:
    """Return (time in seconds, strength) of the vowels that stand out in pitch and loudness, at least 0.4 s apart.

    They do not depend on the recording's level.
    """
    frames = max(1, len(audio) // _HOP)
    audio = audio * (_PEAK / max(float(np.abs(audio).max(initial=0)), 1e-6))
    level, hertz = loudness(audio, frames), pitch(audio, frames)
    vowels = [phoneme for phoneme in phonemes if phoneme.label in VOWELS and phoneme.start * RATE < frames]
    if len(vowels) < 3:
        return []
    scores = _standardise([_peak(level, vowel) for vowel in vowels])
    scores = scores + _standardise([np.log(max(_peak(hertz, vowel), _LOWEST)) for vowel in vowels])
    found: list[tuple[float, float]] = []
    for vowel, score in sorted(zip(vowels, scores, strict=True), key=lambda pair: -pair[1]):
        middle = (vowel.start + vowel.end) / 2
        if score > 1.0 and all(abs(middle - time) >= 0.4 for time, _ in found):
            found.append((middle, float(min(score / 2, 1.5))))
    return sorted(found)


def _peak(curve: np.ndarray, phoneme: Phoneme) -> float:
    first = int(phoneme.start * RATE)
    return float(curve[first : max(first + 1, int(phoneme.end * RATE))].max())


def _standardise(values: list[float]) -> np.ndarray:
    array = np.array(values)
    return (array - array.mean()) / (array.std() + 1e-6)
