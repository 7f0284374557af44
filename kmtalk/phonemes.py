"""Phonemes with times, their localisation in a recording, and the key frames they give."""

from dataclasses import dataclass

import numpy as np

LABELS = (
    "sil P B M F V TH DH T D N L S Z SH ZH CH JH K G NG HH R ER AA AH AE AY AW EH EY IH IY Y AO OW OY UW UH W"
).split()
"""The 40 labels: silence and ARPABET without stress, in the order of the model's outputs."""

RATE = 100
"""Frames a second of phoneme posteriors, prosody and rule-made motion."""
VOWELS = frozenset("AA AH AE AY AW EH EY IH IY AO OW OY UW UH ER".split())


@dataclass(frozen=True)
class Phoneme:
    """One phoneme: its label (one of LABELS) and its start and end in seconds."""

    label: str
    start: float
    end: float

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True)
class Word:
    """One word of a transcript with its start and end in seconds."""

    text: str
    start: float
    end: float


def key_frames(phonemes: tuple[Phoneme, ...], fps: float, frames: int) -> np.ndarray:
    """Return the frames nearest to the phoneme boundaries, merged, with the first and the last frame.

    phonemes: in order; fps: frames a second; frames: length T of the motion.
    Returns (N,) int64, increasing, in [0, T). Paper: phoneme-based localization (LKMA).
    """
    if frames < 1:
        raise ValueError(f"a motion needs at least one frame, not {frames}")
    times = [time for phoneme in phonemes for time in (phoneme.start, phoneme.end)]
    nearest = np.rint(np.array(times, dtype=np.float64) * fps).astype(np.int64)
    inside = nearest[(nearest >= 0) & (nearest < frames)]
    return np.unique(np.concatenate([inside, [0, frames - 1]]))


def centre_frames(phonemes: tuple[Phoneme, ...], fps: float, frames: int) -> np.ndarray:
    """Return the frames nearest to the middles of the phonemes and the edges of silences, with the first and the last.

    As key_frames(), but where a sound is most itself; a silence has no shape of its own, so its edges count.
    """
    silences = tuple(phoneme for phoneme in phonemes if phoneme.label == "sil")
    middles = [(phoneme.start + phoneme.end) / 2 for phoneme in phonemes if phoneme.label != "sil"]
    at = np.rint(np.array(middles) * fps).astype(np.int64)
    return np.union1d(key_frames(silences, fps, frames), np.clip(at, 0, frames - 1))
