"""An animation under edits: its phonemes and keys, as operations change them one after the other."""

from dataclasses import dataclass, field, replace
from numbers import Integral

import numpy as np

from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.handles import Handles, reshape
from kmtalk.motion import Animation
from kmtalk.phonemes import Phoneme, Word
from kmtalk.stages import Grid

SHORTEST = 0.02
"""Seconds that a phoneme keeps when its own or a neighbour's boundaries move."""


@dataclass(frozen=True)
class Key:
    """A key motion under edits.

    place: on the grid; decoded: (K,) what the model's own motion runs through; seen: (K,) the pose that the unedited
    motion shows there; wanted: (K,) that pose as relabelled or set, which the handles reshape; held: edited by anybody.
    """

    place: int
    decoded: np.ndarray
    seen: np.ndarray
    wanted: np.ndarray
    handles: Handles = field(default_factory=Handles)
    held: bool = False


class Draft:
    """The state that operations change: phonemes, words, keys, and the place each feature is read from."""

    def __init__(self, animation: Animation, grid: Grid, bounded: bool) -> None:
        self.animation, self.grid, self.bounded = animation, grid, bounded
        self.phonemes: list[Phoneme] = list(animation.phonemes)
        self.words: list[Word] = list(animation.words)
        self.source = np.arange(grid.last + 1, dtype=np.float64)
        self.shown = animation.motion.speech[grid.frame(np.arange(grid.last + 1))]
        places = grid.place(animation.key_frames).tolist()
        self.keys = [
            Key(place, motion, self.shown[place], self.shown[place])
            for place, motion in zip(places, animation.key_motions, strict=True)
        ]

    @property
    def face(self) -> Face:
        """Whose poses are edited."""
        return self.animation.face

    def pose(self, key: Key) -> np.ndarray:
        """Return the (K,) pose that a key asks for."""
        pose = reshape(self.face, key.wanted, key.handles) if key.held else key.wanted
        return np.clip(pose, 0, 1) if key.held and self.bounded else pose

    def row(self, place: int) -> int | None:
        """Return which key stands at a place, if one does."""
        return next((row for row, key in enumerate(self.keys) if key.place == place), None)

    def insert(self, place: int) -> int:
        """Add a key that leaves the motion as edited so far, and return its row."""
        row = int(np.searchsorted([key.place for key in self.keys], place))
        before, after = self.keys[row - 1], self.keys[row]
        share = np.float32((place - before.place) / (after.place - before.place))
        change = _between(self.pose(before) - before.seen, self.pose(after) - after.seen, share)
        seen = sampled(self.shown, self.source[place : place + 1])[0]
        decoded = _between(before.decoded, after.decoded, share)
        self.keys.insert(row, Key(place, decoded, seen, seen + change, held=True))
        return row

    def place(self, frame: object) -> int:
        """Return the place of a frame, which must be one of the motion's."""
        last = self.animation.frames - 1
        if isinstance(frame, bool) or not isinstance(frame, Integral) or not 0 <= frame <= last:
            raise InputError(f"{frame!r} is not a frame of the motion: they go from 0 to {last}")
        return int(self.grid.place(int(frame)))

    def key_row(self, frame: object) -> int:
        """Return the row of the key at a frame."""
        row = self.row(self.place(frame))
        if row is None:
            raise InputError(f'there is no key at frame {frame}: make one with "add key" first')
        return row

    def inner_row(self, frame: object, done: str) -> int:
        """Return the row of a key that is neither the first nor the last."""
        row = self.key_row(frame)
        if row in (0, len(self.keys) - 1):
            raise InputError(f"the first and the last key cannot be {done}: choose one between them")
        return row

    def phoneme_index(self, phoneme: object) -> int:
        """Return the number of a phoneme, if there is one."""
        count = len(self.phonemes)
        if isinstance(phoneme, bool) or not isinstance(phoneme, Integral) or not 0 <= phoneme < count:
            raise InputError(f"{phoneme!r} is not the number of a phoneme: they go from 0 to {count - 1}")
        return int(phoneme)

    def retime(self, index: int, start: float, end: float) -> None:
        """Move a phoneme's boundaries, and with them its neighbours', the keys on them and what is heard between."""
        old = self.phonemes[index]
        new, edges = _retimed(self.phonemes, index, start, end)
        if new == old:
            return
        self.phonemes[index] = new
        if index > 0:
            self.phonemes[index - 1] = replace(self.phonemes[index - 1], end=new.start)
        if index < len(self.phonemes) - 1:
            self.phonemes[index + 1] = replace(self.phonemes[index + 1], start=new.end)
        moves = {old.start: new.start, old.end: new.end}
        self.words = [replace(w, start=moves.get(w.start, w.start), end=moves.get(w.end, w.end)) for w in self.words]
        self._stretch(edges, old, new)
        ordered = [(old.start, new.start), (old.end, new.end)]
        for before, after in reversed(ordered) if new.start > old.start else ordered:
            self._carry_key(before, after)

    def _stretch(self, edges: tuple[float, float], old: Phoneme, new: Phoneme) -> None:
        """Hear a phoneme at its new times, so that the motion between its keys moves along."""
        time = np.arange(len(self.source)) / self.grid.rate
        inside = (time > edges[0]) & (time < edges[1])
        knots = np.array([(edges[0], edges[0]), (new.start, old.start), (new.end, old.end), (edges[1], edges[1])])
        read = np.interp(time[inside], *knots.T) * self.grid.rate
        source = self.source.copy()
        source[inside] = np.interp(read, np.arange(len(source)), self.source)
        self.source = source

    def _carry_key(self, before: float, after: float) -> None:
        """Move the key on a boundary along with it, as far as its neighbours let it."""
        row = self.row(self.grid.place_at(before))
        if row is None or row in (0, len(self.keys) - 1):
            return
        low, high = self.keys[row - 1].place + 1, self.keys[row + 1].place - 1
        self.keys[row] = replace(self.keys[row], place=min(max(self.grid.place_at(after), low), high))


def _retimed(phonemes: list[Phoneme], index: int, start: float, end: float) -> tuple[Phoneme, tuple[float, float]]:
    """Return the phoneme with boundaries that leave its neighbours SHORTEST, and the span within which all changes."""
    phoneme, last = phonemes[index], len(phonemes) - 1
    low, high = phoneme.start, phoneme.end
    edges = (phonemes[max(index - 1, 0)].start, phonemes[min(index + 1, last)].end)
    if index > 0:
        low = min(edges[0] + SHORTEST, phoneme.start)
    if index < last:
        high = max(edges[1] - SHORTEST, phoneme.end)
    shortest = min(SHORTEST, high - low)  # a phoneme that was shorter takes nothing from neighbours that are
    start = phoneme.start if index == 0 else min(max(start, low), high - shortest)
    end = phoneme.end if index == last else min(max(end, start + shortest), high)
    return replace(phoneme, start=start, end=end), edges


def _between(before: np.ndarray, after: np.ndarray, share: np.float32) -> np.ndarray:
    return before * (1 - share) + after * share


def sampled(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the rows of (N, D) at fractional places, by linear interpolation."""
    below = np.clip(np.floor(at).astype(np.int64), 0, max(len(rows) - 2, 0))
    share = (at - below).astype(np.float32)[:, None]
    above = np.minimum(below + 1, len(rows) - 1)
    return np.where(share == 0, rows[below], rows[below] * (1 - share) + rows[above] * share)
