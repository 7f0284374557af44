"""Ground truth: the whole motion of a spoken clip, speech by the articulation rules and life beside it."""

import numpy as np
import torch

from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.articulation import Articulation
from kmtalk.data.batches import at_rate
from kmtalk.data.clip import Clip
from kmtalk.life import life
from kmtalk.motion import Motion
from kmtalk.phonemes import RATE


def true_motion(clip: Clip, articulation: Articulation, fps: float = 25.0, seed: int = 0) -> Motion:
    """Return how a face would say a clip, at fps, for the articulation's face.

    The weights of speech come from the phonemes and the sound; blinks, gaze and brows are weights that speech never
    moves (life.CHANNELS), head motion is the head pose, so that each can be learned or left out by itself.
    """
    names = articulation.face.basis_names
    spoken = articulation.articulate(clip.phonemes, clip.audio, len(clip.audio) * RATE // SAMPLE_RATE)
    weights = at_rate(torch.from_numpy(spoken)[None], fps)[0].numpy()
    alive, head_pose = life(clip.phonemes, clip.audio, names, len(weights), fps, seed)
    return Motion((weights + alive).astype(np.float32), names, fps, head_pose)
