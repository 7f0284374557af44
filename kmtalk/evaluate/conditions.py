"""What is done to the recordings to see whether a model still follows them, and sounds that it must keep still in."""

import io
from collections.abc import Callable

import numpy as np
import soundfile
from scipy.signal import butter, fftconvolve, resample_poly, sosfiltfilt

from kmtalk.audio import SAMPLE_RATE

CONDITIONS = ("clean", "babble10", "telephone", "noise10", "room", "codec", "clipped", "quiet")
"""clean; six other talkers at once, together 10 dB softer; an 8 kHz telephone line with mu-law; pink noise 10 dB
softer; a room with a reverberation of 0.5 s, as loud as the voice itself; Opus at its lowest rate, 9 kbit/s; 20 dB too
loud, so that it clips; 40 dB softer, in 16 bits."""

USUAL = CONDITIONS[:3]
"""What is done where nothing else is asked for."""

_TALKERS = 6
_BAND = (300.0, 3400.0)  # hertz
_LAW = 255


def changed(condition: str, audio: np.ndarray, others: list[np.ndarray], seed: int) -> np.ndarray:
    """Return (S,) float32 audio in one of CONDITIONS; others: recordings of other talkers, for babble."""
    random = np.random.default_rng(seed)
    changes: dict[str, Callable[[], np.ndarray]] = {
        "clean": lambda: audio,
        "babble10": lambda: add_babble(audio, others, 10.0, random),
        "telephone": lambda: over_telephone(audio),
        "noise10": lambda: add_noise(audio, 10.0, random),
        "room": lambda: in_a_room(audio, 0.5, random),
        "codec": lambda: through_opus(audio),
        "clipped": lambda: np.clip(audio / np.abs(audio).max() * 10, -1, 1),
        "quiet": lambda: np.rint(audio * 327.68).astype(np.float32) / 32768,
    }
    return changes[condition]()


def add_babble(audio: np.ndarray, others: list[np.ndarray], ratio: float, random: np.random.Generator) -> np.ndarray:
    """Return audio with up to six other recordings at once, `ratio` dB softer than it."""
    chosen = random.choice(len(others), min(_TALKERS, len(others)), replace=False)
    crowd = np.zeros(len(audio))
    for index in chosen:
        other = np.resize(np.roll(others[index], random.integers(len(others[index]))), len(audio))
        crowd += other / _level(other)
    return (audio + crowd * _level(audio) / _level(crowd) / 10 ** (ratio / 20)).astype(np.float32)


def add_noise(audio: np.ndarray, ratio: float, random: np.random.Generator) -> np.ndarray:
    """Return audio with pink noise, `ratio` dB softer than it."""
    noise = _pink(len(audio), random)
    return (audio + noise * _level(audio) / _level(noise) / 10 ** (ratio / 20)).astype(np.float32)


def in_a_room(audio: np.ndarray, seconds: float, random: np.random.Generator) -> np.ndarray:
    """Return audio with an echo as loud as itself, of noise that has faded by 60 dB after `seconds`."""
    time = np.arange(1, round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    echo = random.normal(0, 1, len(time)) * 10 ** (-3 * time / seconds)
    response = np.append(1.0, echo / np.sqrt(np.sum(echo**2)))
    return fftconvolve(audio, response)[: len(audio)].astype(np.float32)


def through_opus(audio: np.ndarray) -> np.ndarray:
    """Return audio after the Opus codec at its lowest rate."""
    coded = io.BytesIO()
    soundfile.write(coded, audio, SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=1.0)
    coded.seek(0)
    heard, _ = soundfile.read(coded, dtype="float32")
    return np.pad(heard[: len(audio)], (0, max(0, len(audio) - len(heard))))


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
