"""Handles: a few understandable settings that reshape a pose of the rig, for an editing hand."""

from dataclasses import dataclass

import numpy as np

from kmtalk.errors import InputError
from kmtalk.face import Face

RANGES = {"jaw": (-1.0, 1.0), "round": (-1.0, 1.0), "closed": (0.0, 1.0), "strength": (0.0, 2.0)}
"""Handle -> its lowest and highest setting."""

_WIDEST_JAW = 0.55  # as wide as a shout
_CLOSED_JAW = 0.16  # closed lips over a jaw that hangs lower than this look stretched
# Weights of the rig that a handle draws the pose to; "*" stands for both sides.
_ROUND = {"mouthPucker": 0.80, "mouthFunnel": 0.30}
_WIDE = {"mouthStretch*": 0.42, "mouthSmile*": 0.30, "mouthDimple*": 0.12}
_CLOSED = {"mouthPress*": 0.05, "mouthPucker": 0.10, "mouthRollLower": 0.24, "mouthRollUpper": 0.14}
_PRESSING = ("mouthPress*", "mouthRollLower", "mouthRollUpper", "mouthClose")
_PARTING = ("mouthUpperUp*", "mouthLowerDown*", "mouthFunnel", "mouthShrugUpper", "mouthClose", "tongueOut")


def _sides(name: str) -> tuple[str, ...]:
    return (name[:-1] + "Left", name[:-1] + "Right") if name.endswith("*") else (name,)


NAMES = frozenset(
    side for name in ("jawOpen", "mouthClose", *_ROUND, *_WIDE, *_CLOSED, *_PARTING[:3]) for side in _sides(name)
)
"""The shapes that jaw, round and closed need; strength needs none."""


@dataclass(frozen=True)
class Handles:
    """Settings of one key motion, each in its range of RANGES; these leave a pose as it is.

    jaw: above 0 opens, below 0 shuts; round: -1 wide to 1 rounded; closed: 1 makes the lips touch, whatever the other
    handles say; strength: multiplies the whole pose.
    """

    jaw: float = 0.0
    round: float = 0.0
    closed: float = 0.0
    strength: float = 1.0


def has_handles(face: Face) -> bool:
    """Tell whether a face has the shapes and landmarks that jaw, round and closed need."""
    return set(face.basis_names) >= NAMES and {"lip_inner_upper", "lip_inner_lower"} <= set(face.landmarks)


def reshape(face: Face, pose: np.ndarray, handles: Handles) -> np.ndarray:
    """Return a (K,) float32 pose in [0, 1] drawn to what the handles say; the same pose if they say nothing.

    Lips never pass through each other more than they did before. Raises InputError for a face without the rig's shapes.
    """
    if handles == Handles():
        return pose
    changed = pose * handles.strength
    if (handles.jaw, handles.round, handles.closed) != (0, 0, 0):
        if not has_handles(face):
            raise InputError(
                f"face {face.name!r} has no jaw and lips by name: of the handles only strength works there, "
                'and "set key" with the weights of its basis'
            )
        changed = _open_jaw(face, changed, handles.jaw)
        changed = _draw_lips(face, changed, handles.round)
    if has_handles(face):
        changed = part_lips(face, np.clip(changed, 0, 1), min(0.0, float(face.lip_gap(pose))))
        changed = changed + handles.closed * (close(face, changed) - changed)
    return changed.astype(np.float32)


def close(face: Face, pose: np.ndarray) -> np.ndarray:
    """Return a (K,) pose of the rig with its lips touching: no shape parts them, and the gap between them is nil."""
    shut = pose.astype(np.float64)
    for name in (side for part in _PARTING for side in _sides(part) if side in face.basis_names):
        shut[face.basis_names.index(name)] = 0.0
    jaw = face.basis_names.index("jawOpen")
    shut[jaw] = min(shut[jaw], _CLOSED_JAW)
    for index, value in _targets(face, _CLOSED):
        shut[index] = max(shut[index], value)
    seal = face.basis_names.index("mouthClose")
    shut[seal] = np.clip(float(face.lip_gap(shut)) / -face.lip_row()[seal], 0, 1)
    return part_lips(face, shut, 0.0)


def part_lips(face: Face, pose: np.ndarray, lowest: float) -> np.ndarray:
    """Return a (K,) pose with its jaw open just so far that the gap between the lips is not below `lowest` metres."""
    jaw = face.basis_names.index("jawOpen")
    parted = pose.copy()
    parted[jaw] += max(0.0, lowest - float(face.lip_gap(pose))) / face.lip_row()[jaw]
    return parted


def _open_jaw(face: Face, pose: np.ndarray, setting: float) -> np.ndarray:
    jaw = face.basis_names.index("jawOpen")
    end = max(_WIDEST_JAW, float(pose[jaw])) if setting > 0 else 0.0
    opened = pose.copy()
    opened[jaw] += abs(setting) * (end - opened[jaw])
    if setting > 0:  # what presses or seals the lips lets go
        for index, _ in _targets(face, dict.fromkeys(_PRESSING, 0.0)):
            opened[index] *= 1 - setting
    return opened


def _draw_lips(face: Face, pose: np.ndarray, setting: float) -> np.ndarray:
    drawn = pose.copy()
    wanted, unwanted = (_ROUND, _WIDE) if setting > 0 else (_WIDE, _ROUND)
    for index, value in _targets(face, wanted):
        drawn[index] += abs(setting) * (max(value, float(drawn[index])) - drawn[index])
    for index, _ in _targets(face, unwanted):
        drawn[index] *= 1 - abs(setting)
    return drawn


def _targets(face: Face, shape: dict[str, float]) -> list[tuple[int, float]]:
    return [(face.basis_names.index(side), value) for name, value in shape.items() for side in _sides(name)]
