"""Where the key frames are: at the phonemes' boundaries, or, to compare with, evenly or at random as many of them."""

import numpy as np

from kmtalk.errors import InputError
from kmtalk.phonemes import Phoneme, key_frames

KINDS = ("phonemes", "uniform", "random")


def place_keys(
    kind: str, phonemes: tuple[Phoneme, ...], fps: float, frames: int, random: np.random.Generator | None = None
) -> np.ndarray:
    """Return key frames of a kind: "phonemes", or as many "uniform" or "random" ones as the phonemes would give.

    random: draws the random ones, None for a generator of seed 0. Returns (N,) int64, increasing, with the first and
    the last frame. The paper's table 3 has the uniform ones (at 33 % of the frames); the random ones are ours.
    """
    if kind not in KINDS:
        raise InputError(f"keys={kind!r} is unknown: choose one of {', '.join(KINDS)}")
    at = key_frames(phonemes, fps, frames)
    if kind == "phonemes":
        return at
    return spread_keys(kind, len(at), frames, random)


def spread_keys(kind: str, count: int, frames: int, random: np.random.Generator | None = None) -> np.ndarray:
    """Return `count` of the frames, the first and the last among them, "uniform" or "random": (count,) int64."""
    count = min(max(count, min(2, frames)), frames)
    if kind == "uniform":
        return np.unique(np.rint(np.linspace(0, frames - 1, count)).astype(np.int64))
    generator = random or np.random.default_rng(0)
    inner = generator.choice(np.arange(1, max(frames - 1, 1)), max(count - 2, 0), replace=False)
    return np.unique(np.concatenate([inner, [0, frames - 1]]).astype(np.int64))
