"""What is done to the recordings to see whether a model still follows them, and sounds that it must keep still in."""

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, resample_poly, sosfiltfilt

from kmtalk.audio import SAMPLE_RATE

CONDITIONS = ("clean", "babble10", "telephone")
"""clean; six other talkers at once, together 10 dB softer; an 8 kHz telephone line with mu-law."""

_TALKERS = 6
_BAND = (300.0, 3400.0)  # hertz
_LAW = 255


def changed(condition: str, audio: np.ndarray, others: list[np.ndarray], seed: int) -> np.ndarray:
    """Return (S,) float32 audio in one of CONDITIONS; others: recordings of other talkers, for babble."""
    if condition == "babble10":
        return add_babble(audio, others, 10.0, np.random.default_rng(seed))
    if condition == "telephone":
        return over_telephone(audio)
    return audio


def add_babble(audio: np.ndarray, others: list[np.ndarray], ratio: float, random: np.random.Generator) -> np.ndarray:
    """Return audio with up to six other recordings at once, `ratio` dB softer than it."""
    chosen = random.choice(len(others), min(_TALKERS, len(others)), replace=False)
    crowd = np.zeros(len(audio))
    for index in chosen:
        other = np.resize(np.roll(others[index], random.integers(len(others[index]))), len(audio))
        crowd += other / _level(other)
    return (audio + crowd * _level(audio) / _level(crowd) / 10 ** (ratio / 20)).astype(np.float32)


def over_telephone(audio: np.ndarray) -> np.ndarray:
    """Return audio after a telephone line: 300 to 3400 Hz, 8 kHz, 8-bit mu-law."""
    line = sosfiltfilt(butter(4, _BAND, "bandpass", fs=SAMPLE_RATE / 2, output="sos"), resample_poly(audio, 1, 2))
    peak = np.abs(line).max() + 1e-9
    pressed = np.sign(line) * np.log1p(_LAW * np.abs(line) / peak) / np.log1p(_LAW)
    code = np.round(pressed * 127) / 127
    heard = np.sign(code) * np.expm1(np.abs(code) * np.log1p(_LAW)) / _LAW * peak
    return resample_poly(heard, 2, 1)[: len(audio)].astype(np.float32)


def sounds_without_speech(seconds: float = 10.0, seed: int = 0) -> dict[str, np.ndarray]:
    """Return sounds in which nobody speaks, each (S,) float32 by its name."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    made: dict[str, np.ndarray] = {
        "silence": random.normal(0, 1e-4, len(time)),
        "white noise": random.normal(0, 0.1, len(time)),
        "pink noise": _pink(len(time), random),
        "mains hum": 0.2 * _tone(50.0, time, 5) + random.normal(0, 2e-3, len(time)),
        "held chords": 0.1 * _sequence(time, 2.0, lambda span: _chord(random.choice([131.0, 165, 196]), span)),
        "piano": 0.2 * _sequence(time, 0.25, lambda span: _pluck(220 * 2 ** (random.integers(0, 20) / 12), span)),
    }
    beat = _sequence(time, 0.5, lambda span: random.normal(0, 1, len(span)) * np.exp(-span / 0.04))
    made["band"] = 0.6 * made["held chords"] + 0.6 * made["piano"] + 0.15 * beat
    return {name: sound.astype(np.float32) for name, sound in made.items()}


def _level(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(audio)))) + 1e-9


def _pink(samples: int, random: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(random.normal(0, 1, samples)) / np.sqrt(np.arange(1, samples // 2 + 2))
    noise = np.fft.irfft(spectrum, samples)
    return 0.3 * noise / np.abs(noise).max()


def _tone(hertz: float, time: np.ndarray, harmonics: int) -> np.ndarray:
    return sum(np.sin(2 * np.pi * n * hertz * time) / n for n in range(1, harmonics + 1))


def _chord(root: float, time: np.ndarray) -> np.ndarray:
    return sum(_tone(root * interval, time, 8) for interval in (1, 1.26, 1.498))


def _pluck(hertz: float, time: np.ndarray) -> np.ndarray:
    return sum(np.sin(2 * np.pi * n * hertz * time) / n * np.exp(-time * (3 + n)) for n in range(1, 7))


def _sequence(time: np.ndarray, length: float, sound: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """One sound after the other, each `length` seconds long; sound: (T,) seconds since its start -> samples."""
    size = round(length * SAMPLE_RATE)
    return np.concatenate([sound(time[start : start + size] - time[start]) for start in range(0, len(time), size)])
