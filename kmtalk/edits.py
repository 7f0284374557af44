"""Editing: one list of operations on key frames, key motions and phonemes, after which only the completion runs again.

An operation is a dict that JSON can hold; frames and phoneme indices refer to the state after those before it:
    {"do": "move key",   "frame": 12, "to": 15}
    {"do": "add key",    "frame": 20}
    {"do": "delete key", "frame": 20}
    {"do": "shape key",  "frame": 15, "jaw": 0.3, "round": -0.5, "closed": 1.0, "strength": 1.2}
    {"do": "set key",    "frame": 15, "weights": {"jawOpen": 0.4}}
    {"do": "relabel",    "phoneme": 4, "label": "AA"}
    {"do": "retime",     "phoneme": 4, "start": 0.53, "end": 0.61}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from kmtalk.draft import Draft, sampled
from kmtalk.errors import InputError
from kmtalk.handles import RANGES, Handles, has_handles
from kmtalk.life import enliven
from kmtalk.motion import Animation
from kmtalk.phonemes import LABELS
from kmtalk.relabelling import as_relabelled
from kmtalk.stages import complete, make_grid, upsample

if TYPE_CHECKING:
    from kmtalk.models.kmtalk import KMTalk

_LARGEST = float(np.finfo(np.float32).max)  # poses are held in single precision

Edit = Mapping[str, Any]
Edits = Sequence[Edit] | Mapping[int, Mapping[str, float]]


def apply_edits(animation: Animation, model: KMTalk, edits: Edits, seed: int | None = 0) -> Animation:
    """Return an animation edited: operations in order, then the completion, the one stage of the model that runs.

    animation: as the model made it, without edits; edits: a list of operations (see this module), or a mapping from
    frame to {basis name: weight}, short for "set key"; seed: of the life, None for none. An edited key holds: the
    motion passes exactly through it. The motion changes up to the neighbouring key frames of an edit and by the
    completion's reach beyond them, nowhere else. Raises InputError that names the edit and what is wrong with it.
    """
    operations = _as_list(edits)
    grid = make_grid(animation.frames, animation.fps)
    if animation.features.shape != (grid.last + 1, model.config.width):
        raise InputError("the animation does not hold this model's audio features: animate the recording with it again")
    draft = Draft(animation, grid, model.config.bounded)
    for number, edit in enumerate(operations, 1):
        try:
            _operation(edit)(draft, **{name: value for name, value in edit.items() if name != "do"})
        except InputError as error:
            raise InputError(f"edit {number} cannot be used: {error}") from error
    return _completed(draft, model, seed, tuple(dict(edit) for edit in operations))


def _completed(draft: Draft, model: KMTalk, seed: int | None, edits: tuple[dict[str, Any], ...]) -> Animation:
    animation, grid, face = draft.animation, draft.grid, draft.animation.face
    poses = [draft.pose(key) for key in draft.keys]
    places = np.array([key.place for key in draft.keys])
    through = np.stack([key.decoded + (pose - key.seen) for key, pose in zip(draft.keys, poses, strict=True)])
    held = {row: pose for row, (key, pose) in enumerate(zip(draft.keys, poses, strict=True)) if key.held}
    features = sampled(animation.features, draft.source)
    weights = upsample(complete(model, features, places, through.astype(np.float32), held), grid)
    # Life stays as it was: it follows the voice, which no edit changes.
    spoken = animation.phonemes, animation.audio
    motion = enliven(weights, face, grid.fps, *spoken, seed, bounded=draft.bounded)
    key_motions = [pose if key.held else key.decoded for key, pose in zip(draft.keys, poses, strict=True)]
    return replace(
        animation,
        motion=motion,
        phonemes=tuple(draft.phonemes),
        words=tuple(draft.words),
        key_frames=grid.frame(places),
        key_motions=np.stack(key_motions).astype(np.float32),
        features=features,
        edits=edits,
    )


def _move_key(draft: Draft, frame: int, to: int) -> None:
    row = draft.inner_row(frame, "moved")
    place, low, high = draft.place(to), draft.keys[row - 1].place, draft.keys[row + 1].place
    if not low < place < high:
        after, before = draft.grid.frame(low), draft.grid.frame(high)
        raise InputError(
            f"the key at frame {frame} cannot move to {to}: it stays between its neighbours at {after} and {before}"
        )
    if place != draft.keys[row].place:
        draft.keys[row] = replace(draft.keys[row], place=place, held=True)


def _add_key(draft: Draft, frame: int) -> None:
    place = draft.place(frame)
    if draft.row(place) is not None:
        raise InputError(f"there is a key at frame {draft.grid.frame(place)} already: choose another frame")
    draft.insert(place)


def _delete_key(draft: Draft, frame: int) -> None:
    del draft.keys[draft.inner_row(frame, "deleted")]


def _shape_key(draft: Draft, frame: int, **handles: float) -> None:
    row = draft.key_row(frame)
    for name, value in handles.items():
        if name not in RANGES:
            raise InputError(f"there is no handle {name!r}: there are {', '.join(RANGES)}")
        low, high = RANGES[name]
        if not _is_number(value) or not low <= value <= high:
            raise InputError(f"handle {name} is {value!r}: it goes from {low:g} to {high:g}")
    key = replace(draft.keys[row], handles=Handles(**handles), held=True)
    draft.pose(key)  # a face without the rig's shapes refuses here
    draft.keys[row] = key


def _set_key(draft: Draft, frame: int, weights: Mapping[str, float]) -> None:
    place, names = draft.place(frame), draft.face.basis_names
    if not isinstance(weights, Mapping) or not weights:
        raise InputError(f"weights are {weights!r}: give {{basis name: weight}}")
    for name, value in weights.items():
        if name not in names:
            raise InputError(f"face {draft.face.name!r} has no shape {name!r}: its basis starts with {names[0]}")
        if not _is_number(value) or (draft.bounded and not 0 <= value <= 1):
            allowed = "weights lie in 0 to 1" if draft.bounded else "a weight is a number"
            raise InputError(f"{name} is set to {value!r}: {allowed}")
    row = draft.row(place)
    row = draft.insert(place) if row is None else row
    pose = draft.pose(draft.keys[row]).copy()
    for name, value in weights.items():
        pose[names.index(name)] = value
    draft.keys[row] = replace(draft.keys[row], wanted=pose, handles=Handles(), held=True)


def _relabel(draft: Draft, phoneme: int, label: str) -> None:
    index = draft.phoneme_index(phoneme)
    if label not in LABELS:
        raise InputError(f"{label!r} is not one of the {len(LABELS)} phonemes: use one of {' '.join(LABELS)}")
    if not has_handles(draft.face):
        raise InputError(f"face {draft.face.name!r} has no lips by name, which a relabelled phoneme could move")
    before, grid = draft.phonemes[index], draft.grid
    if label == before.label:
        return
    after = draft.phonemes[:index] + [replace(before, label=label)] + draft.phonemes[index + 1 :]
    middle = grid.place_at((before.start + before.end) / 2)
    if draft.row(middle) is None:
        draft.insert(middle)
    low, high = grid.place_at(before.start), grid.place_at(before.end)
    rows = [row for row, key in enumerate(draft.keys) if low <= key.place <= high]
    times = np.array([draft.keys[row].place / grid.rate for row in rows])
    poses = np.stack([draft.keys[row].wanted for row in rows])
    poses = as_relabelled(draft.face, draft.animation.audio, draft.phonemes, after, index, times, poses)
    for row, pose in zip(rows, poses, strict=True):
        draft.keys[row] = replace(draft.keys[row], wanted=pose, held=True)
    draft.phonemes = after


def _retime(draft: Draft, phoneme: int, start: float | None = None, end: float | None = None) -> None:
    index = draft.phoneme_index(phoneme)
    old = draft.phonemes[index]
    start, end = old.start if start is None else start, old.end if end is None else end
    if not _is_number(start) or not _is_number(end) or end <= start:
        raise InputError(f"a phoneme cannot last from {start!r} to {end!r} s: give its start, then its end")
    draft.retime(index, float(start), float(end))


_OPERATIONS: dict[str, tuple[Callable[..., None], tuple[str, ...], tuple[str, ...]]] = {
    "move key": (_move_key, ("frame", "to"), ()),
    "add key": (_add_key, ("frame",), ()),
    "delete key": (_delete_key, ("frame",), ()),
    "shape key": (_shape_key, ("frame",), tuple(RANGES)),
    "set key": (_set_key, ("frame", "weights"), ()),
    "relabel": (_relabel, ("phoneme", "label"), ()),
    "retime": (_retime, ("phoneme",), ("start", "end")),
}


def _as_list(edits: Edits) -> list[Edit]:
    if isinstance(edits, Mapping):
        return [{"do": "set key", "frame": frame, "weights": weights} for frame, weights in edits.items()]
    if isinstance(edits, str | bytes) or not isinstance(edits, Sequence):
        raise InputError(f"edits are {edits!r}: give a list of operations")
    return list(edits)


def _operation(edit: Edit) -> Callable[..., None]:
    """Return what carries out an operation whose fields are all there and known."""
    done = edit.get("do") if isinstance(edit, Mapping) else edit
    if not isinstance(edit, Mapping) or not isinstance(done, str) or done not in _OPERATIONS:
        raise InputError(f"there is no operation {done!r}: use one of {', '.join(_OPERATIONS)}")
    carry_out, needed, optional = _OPERATIONS[edit["do"]]
    if missing := [name for name in needed if name not in edit]:
        raise InputError(f"{edit['do']!r} lacks {missing[0]!r}: it takes {', '.join((*needed, *optional))}")
    if unknown := [name for name in edit if name not in ("do", *needed, *optional)]:
        raise InputError(f"{edit['do']!r} has no {unknown[0]!r}: it takes {', '.join((*needed, *optional))}")
    return carry_out


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and abs(value) <= _LARGEST
