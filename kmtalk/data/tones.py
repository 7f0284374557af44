"""Tones that are no speech: hum, chords and melodies, for a face to be still to."""

import numpy as np

from kmtalk.audio import SAMPLE_RATE


def tones(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Return (S,) float64 samples of mains hum, held chords or a melody, drawn at random."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    kind = random.choice(["hum", "chords", "melody"])
    if kind == "hum":
        return _note(time, float(random.choice([50.0, 60.0, 100.0, 120.0])), random)
    length = random.uniform(0.4, 2.0) if kind == "chords" else random.uniform(0.08, 0.5)
    voices = int(random.integers(2, 5)) if kind == "chords" else 1
    sound = np.zeros(len(time))
    for start in np.arange(0, seconds, length):
        inside = (time >= start) & (time < start + length)
        fade = np.exp(-(time[inside] - start) * random.choice([0.0, 2.0, 6.0]))
        for semitone in random.choice(25, voices, replace=False):
            sound[inside] += fade * _note(time[inside], 110 * 2 ** ((semitone + random.uniform(0, 12)) / 12), random)
    return sound * 0.3


def _note(time: np.ndarray, hertz: float, random: np.random.Generator) -> np.ndarray:
    """A tone with up to eight harmonics of random strength."""
    strengths = random.uniform(0, 1, 8) ** 2 / np.arange(1, 9) ** random.uniform(0.3, 2)
    strengths[0] = 1
    harmonics = [n for n in range(1, 1 + int(random.integers(1, 9))) if n * hertz < SAMPLE_RATE / 2]
    return sum(strengths[n - 1] * np.sin(2 * np.pi * (n * hertz * time + random.uniform())) for n in harmonics)
