"""What poses become when a phoneme is said to be another one, by the articulation rules."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.articulation import Articulation
from kmtalk.face import Face
from kmtalk.handles import close, part_lips
from kmtalk.phonemes import RATE, Phoneme

_AROUND = 0.6  # seconds to either side that the rules look at; none of their ramps is longer
_TOUCHING = 0.0003  # metres between lips that the rules mean to be closed


def as_relabelled(
    face: Face,
    audio: np.ndarray,
    before: Sequence[Phoneme],
    after: Sequence[Phoneme],
    index: int,
    times: np.ndarray,
    poses: np.ndarray,
) -> np.ndarray:
    """Return (N, K) poses at (N,) times in seconds, changed as the rules' motion changes with phoneme `index`.

    before, after: all phonemes with the old and the new label; the lips of a new p, b or m close whatever the pose was.
    """
    start = max(0.0, before[index].start - _AROUND)
    stop = min(len(audio) / SAMPLE_RATE, before[index].end + _AROUND)
    heard = audio[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)]
    frames = max(1, len(heard) * RATE // SAMPLE_RATE)
    rules = Articulation(face)
    old, new = (rules.articulate(_within(spoken, start, stop), heard, frames) for spoken in (before, after))
    rows = np.clip(np.rint((times - start) * RATE).astype(np.int64), 0, frames - 1)
    changed = np.clip(poses + new[rows] - old[rows], 0, 1)
    lowest = np.minimum(0, face.lip_gap(poses))
    changed = np.stack([part_lips(face, pose, gap) for pose, gap in zip(changed, lowest, strict=True)])
    if after[index].label in ("P", "B", "M"):
        shut = face.lip_gap(new[rows]) < _TOUCHING
        changed[shut] = [close(face, pose) for pose in changed[shut]]
    return changed.astype(np.float32)


def _within(phonemes: Sequence[Phoneme], start: float, stop: float) -> tuple[Phoneme, ...]:
    """Return the phonemes of a span, timed from its start."""
    inside = (phoneme for phoneme in phonemes if phoneme.end > start and phoneme.start < stop)
    return tuple(replace(p, start=max(p.start, start) - start, end=min(p.end, stop) - start) for p in inside)
