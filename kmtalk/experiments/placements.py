"""Where key frames are: by what kind of rule, and at inference heard by the model, from the labels, or made worse."""

from collections.abc import Callable, Mapping

import numpy as np

from kmtalk.keys import place_keys
from kmtalk.phonemes import Phoneme, centre_frames

CENTRES = "centres"
"""A kind of keys beside those of kmtalk.keys: in the middle of each phoneme. It is ours; the paper has none."""


def keys_of(
    kind: str, phonemes: tuple[Phoneme, ...], fps: float, frames: int, random: np.random.Generator
) -> np.ndarray:
    """Return (N,) key frames of one of kmtalk.keys.KINDS or CENTRES, int64 and increasing."""
    return centre_frames(phonemes, fps, frames) if kind == CENTRES else place_keys(kind, phonemes, fps, frames, random)


Placement = Callable[[np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]
"""(key frames that the model hears, true ones, frames, random numbers) -> key frames, int64 and increasing."""


def heard(keys: np.ndarray, true: np.ndarray, frames: int, random: np.random.Generator) -> np.ndarray:
    """Take the key frames that the model hears, as in use."""
    return keys


def labelled(keys: np.ndarray, true: np.ndarray, frames: int, random: np.random.Generator) -> np.ndarray:
    """Take the true phoneme boundaries."""
    return true


def shifted(by: int) -> Placement:
    """Return a placement that moves all heard key frames but the first and the last."""

    def place(keys: np.ndarray, true: np.ndarray, frames: int, random: np.random.Generator) -> np.ndarray:
        inner = np.clip(keys[1:-1] + by, 0, frames - 1)
        return np.unique(np.concatenate([inner, [0, frames - 1]]))

    return place


def dropped(share: float) -> Placement:
    """Return a placement that misses a share of the heard key frames, never the first and the last."""

    def place(keys: np.ndarray, true: np.ndarray, frames: int, random: np.random.Generator) -> np.ndarray:
        inner = keys[1:-1]
        missed = random.choice(len(inner), round(share * len(inner)), replace=False)
        return np.concatenate([keys[:1], np.delete(inner, missed), keys[1:][-1:]])

    return place


def added(share: float) -> Placement:
    """Return a placement with as many spurious key frames beside the heard ones as a share of them."""

    def place(keys: np.ndarray, true: np.ndarray, frames: int, random: np.random.Generator) -> np.ndarray:
        free = np.setdiff1d(np.arange(frames), keys)
        count = min(round(share * len(keys)), len(free))
        return np.union1d(keys, random.choice(free, count, replace=False))

    return place


HEARD: Mapping[str, Placement] = {"heard": heard}
ROBUSTNESS: Mapping[str, Placement] = {
    "heard": heard,
    "labels": labelled,
    "1 frame late": shifted(1),
    "2 frames late": shifted(2),
    "1 frame early": shifted(-1),
    "2 frames early": shifted(-2),
    "10 % dropped": dropped(0.1),
    "20 % dropped": dropped(0.2),
    "10 % spurious": added(0.1),
    "20 % spurious": added(0.2),
}
