"""What a video is made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

Progress = Callable[[int, int], None]
"""Called as progress(done_frames, total_frames); what it raises stops the work."""


@dataclass(frozen=True)
class Reel:
    """Pictures as frames() gives them, the sound that goes with them, and their measure.

    audio: (S,) float32, 16 kHz mono; count: how many pictures there will be; pixels: width and height.
    """

    pictures: Iterable[np.ndarray]
    audio: np.ndarray
    fps: float
    count: int
    pixels: tuple[int, int]
    transparent: bool = False
