"""TextGrid: phonemes, words and key frames for Praat."""

from typing import BinaryIO

from kmtalk.motion import Animation
from kmtalk.textgrid import format_textgrid


def write(animation: Animation, file: BinaryIO) -> None:
    """Write a UTF-8 TextGrid: interval tier ``phones``, point tier ``key frames`` marked with the frame numbers.

    An interval tier ``words`` stands before them where a transcript was given.
    """
    points = [(frame / animation.fps, str(frame)) for frame in animation.key_frames.tolist()]
    file.write(format_textgrid(animation.phonemes, points, animation.duration, animation.words).encode())
