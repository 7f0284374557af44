"""CSV: the 52 ARKit weights frame by frame, laid out as the LiveLink Face app does."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from kmtalk.errors import InputError
from kmtalk.motion import Animation

ARKIT_NAMES = (
    "eyeBlinkLeft eyeLookDownLeft eyeLookInLeft eyeLookOutLeft eyeLookUpLeft eyeSquintLeft eyeWideLeft "
    "eyeBlinkRight eyeLookDownRight eyeLookInRight eyeLookOutRight eyeLookUpRight eyeSquintRight eyeWideRight "
    "jawForward jawLeft jawRight jawOpen mouthClose mouthFunnel mouthPucker mouthLeft mouthRight mouthSmileLeft "
    "mouthSmileRight mouthFrownLeft mouthFrownRight mouthDimpleLeft mouthDimpleRight mouthStretchLeft "
    "mouthStretchRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthPressLeft mouthPressRight "
    "mouthLowerDownLeft mouthLowerDownRight mouthUpperUpLeft mouthUpperUpRight browDownLeft browDownRight browInnerUp "
    "browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft cheekSquintRight noseSneerLeft noseSneerRight tongueOut"
).split()
"""The 52 blend shapes in the order of Apple's documentation of ARFaceAnchor.BlendShapeLocation."""


def write(animation: Animation, file: BinaryIO) -> None:
    """Write a header and a row a frame: the timecode, 52, the weights with their life, the head's turn in radians.

    The head turns by yaw about +Y (to its own left), then pitch about +X (down), then roll about +Z (to its right
    shoulder), each about the axis that the turns before it have moved.
    Errors: InputError for a face whose basis is not ARKit's.
    """
    names = list(animation.motion.names)
    if missing := [name for name in ARKIT_NAMES if name not in names]:
        raise InputError(
            f"face {animation.face.name!r} has no ARKit shapes ({missing[0]} is one of {len(missing)} missing): "
            "write .glb or .npz instead"
        )
    weights = animation.weights[:, [names.index(name) for name in ARKIT_NAMES]]
    columns = [name[0].upper() + name[1:] for name in ARKIT_NAMES]
    header = ["Timecode", "BlendshapeCount", *columns, "HeadYaw", "HeadPitch", "HeadRoll"]
    file.write((",".join(header) + "\n").encode())
    for line in _rows(animation, np.hstack([weights, head_turns(animation.motion.head_pose)])):
        file.write(line.encode())


def head_turns(head_pose: np.ndarray) -> np.ndarray:
    """Return (T, 3) yaw, pitch and roll in radians of (T, 6) head poses."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(head_pose[:, :3]).as_euler("YXZ")


def timecode(frame: int, fps: float) -> str:
    """Return HH:MM:SS:FF.mmm of a frame; FF counts sixtieths of a second at any frame rate, as Unreal reads it."""
    seconds, rest = divmod(round(frame / fps * 60000), 60000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{rest / 1000:06.3f}"


def _rows(animation: Animation, values: np.ndarray) -> Iterator[str]:
    for frame, row in enumerate((np.round(values, 6) + 0.0).tolist()):  # no -0
        numbers = ",".join(f"{value:.6f}" for value in row)
        yield f"{timecode(frame, animation.fps)},{len(ARKIT_NAMES)},{numbers}\n"
