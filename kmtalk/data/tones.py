"""Tones that are no speech: hum, chords, melodies and a band with drums, for a face to be still to."""

import numpy as np

from kmtalk.audio import SAMPLE_RATE


def tones(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Return (S,) float64 samples of mains hum, held chords, a melody or all of a band, drawn at random."""
    kind = random.choice(["hum", "chords", "melody", "band"], p=[0.2, 0.4, 0.2, 0.2])
    if kind == "band":
        chords, melody = _notes(seconds, "chords", random), _notes(seconds, "melody", random)
        return random.uniform(0.3, 1) * chords + random.uniform(0.3, 1) * melody + _drums(seconds, random)
    return _notes(seconds, kind, random)


def _notes(seconds: float, kind: str, random: np.random.Generator) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
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


def _drums(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Bursts of noise in a steady beat."""
    sound = np.zeros(round(seconds * SAMPLE_RATE))
    loud, hit = random.uniform(0, 0.5), round(random.uniform(0.02, 0.2) * SAMPLE_RATE)
    for start in np.arange(0, seconds, random.uniform(0.15, 0.6)):
        place = sound[round(start * SAMPLE_RATE) :][:hit]
        place += loud * random.normal(0, 1, len(place)) * np.exp(-5 * np.arange(len(place)) / hit)
    return sound


def _note(time: np.ndarray, hertz: float, random: np.random.Generator) -> np.ndarray:
    """A tone with up to twelve harmonics of random strength."""
    strengths = random.uniform(0, 1, 12) ** 2 / np.arange(1, 13) ** random.uniform(0.3, 2)
    strengths[0] = 1
    harmonics = [n for n in range(1, 1 + int(random.integers(1, 13))) if n * hertz < SAMPLE_RATE / 2]
    return sum(strengths[n - 1] * np.sin(2 * np.pi * (n * hertz * time + random.uniform())) for n in harmonics)
