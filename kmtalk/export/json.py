"""JSON: phonemes, words, key frames and edits for programs."""

import json
from dataclasses import asdict
from typing import BinaryIO

from kmtalk.motion import Animation
from kmtalk.version import VERSION


def write(animation: Animation, file: BinaryIO) -> None:
    """Write fps, duration (seconds), frames, phonemes (label, start, end), key_frames, model and kmtalk's version.

    Then words (text, start, end), empty without a transcript, and edits: what animate(edits=...) takes to make the
    same animation again.
    """
    content = {
        "fps": float(animation.fps),
        "duration": animation.duration,
        "frames": animation.frames,
        "phonemes": [asdict(phoneme) for phoneme in animation.phonemes],
        "key_frames": animation.key_frames.tolist(),
        "model": animation.model,
        "version": VERSION,
        "words": [asdict(word) for word in animation.words],
        "edits": list(animation.edits),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, default=lambda number: number.item())
    file.write(f"{text}\n".encode())
