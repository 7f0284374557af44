"""JSON: phonemes and key frames for programs."""

import json
from typing import BinaryIO

from kmtalk.motion import Animation
from kmtalk.version import VERSION


def write(animation: Animation, file: BinaryIO) -> None:
    """Write fps, duration (seconds), frames, phonemes (label, start, end), key_frames, model and kmtalk's version."""
    phonemes = [
        {"label": phoneme.label, "start": float(phoneme.start), "end": float(phoneme.end)}
        for phoneme in animation.phonemes
    ]
    content = {
        "fps": float(animation.fps),
        "duration": animation.duration,
        "frames": animation.frames,
        "phonemes": phonemes,
        "key_frames": animation.key_frames.tolist(),
        "model": animation.model,
        "version": VERSION,
    }
    file.write((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
