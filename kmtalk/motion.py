"""Motion (weights over a face's basis) and Animation (everything known about one talking face)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kmtalk.audio import SAMPLE_RATE
from kmtalk.face import Face
from kmtalk.phonemes import Phoneme, Word


@dataclass(frozen=True)
class Motion:
    """Weights over a basis, frame by frame.

    weights: (T, K) float32, speech and life together; names: the K basis names; fps: frames a second;
    head_pose: (T, 6) float32, axis-angle in radians then translation in metres, all of it life;
    life: (T, K) float32, how much of the weights is life, zeros where none is given.
    """

    weights: np.ndarray
    names: tuple[str, ...]
    fps: float
    head_pose: np.ndarray
    life: np.ndarray = None

    def __post_init__(self) -> None:
        if self.life is None:
            object.__setattr__(self, "life", np.zeros_like(self.weights, np.float32))

    @property
    def speech(self) -> np.ndarray:
        """(T, K) float32, the weights without life."""
        return self.weights - self.life


@dataclass(frozen=True)
class Animation:
    """A face speaking a recording.

    audio: (S,) float32, 16 kHz mono; key_frames: (N,) int64, the frames that the model decided first;
    key_motions: (N, K) float32, its answer to that first stage: row n holds the weights over face.basis at frame
    key_frames[n], one column for each of motion.names; from these, guided by the sound, every frame was completed. They
    are what edits change (kmtalk.edits); weights[key_frames] may differ a little, as completion smooths them;
    model: the name of the checkpoint that made it; features: (T, D) float32, the audio features that guided
    the completion (empty where unknown), kept so that an edited animation can be completed again;
    words: those of a transcript with their times, empty without one; edits: the operations that changed it.
    """

    audio: np.ndarray
    face: Face
    motion: Motion
    phonemes: tuple[Phoneme, ...]
    key_frames: np.ndarray
    key_motions: np.ndarray
    model: str = ""
    features: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    words: tuple[Word, ...] = ()
    edits: tuple[dict[str, Any], ...] = ()

    @property
    def fps(self) -> float:
        """Frames a second; frame t shows time t / fps."""
        return self.motion.fps

    @property
    def weights(self) -> np.ndarray:
        """(T, K) float32 weights over ``face.basis``."""
        return self.motion.weights

    @property
    def frames(self) -> int:
        """Number of frames T = round(duration * fps)."""
        return len(self.motion.weights)

    @property
    def duration(self) -> float:
        """Length of the audio in seconds."""
        return len(self.audio) / SAMPLE_RATE

    def vertices(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return (T, V, 3) float32 vertices in metres of frames start to stop, without head motion."""
        return self.face.vertices(self.weights[start:stop])

    def mouth_opening(self) -> np.ndarray:
        """Return (T,) float32 metres between the inner lips along the vertical, 0 where they touch or are pressed."""
        return np.maximum(self.face.lip_gap(self.weights), 0)

    def mouth_width(self) -> np.ndarray:
        """Return (T,) float32 metres between the lip corners."""
        return self.face.distance(self.weights, "lip_corner_left", "lip_corner_right")
