"""The timeline of an animation: sound, phonemes, key frames and mouth opening under one playhead."""

from typing import Any, Literal

import numpy as np
from gradio.data_classes import GradioModel

from kmtalk.motion import Animation
from kmtalk.web.part import Part

_ENVELOPE_RATE = 60  # points a second: about one every three pixels where a second is widest
_KINDS = {"sil": "silence"} | dict.fromkeys("P B M F V W".split(), "lips")
_VOWELS = frozenset("AA AH AE AY AW EH EY IH IY AO OW OY UH UW ER".split())


class TimelinePhoneme(GradioModel):
    """A phoneme with its times in seconds and the kind that gives its colour."""

    label: str
    start: float
    end: float
    kind: Literal["vowel", "lips", "other", "silence"]


class TimelineData(GradioModel):
    """What the timeline draws.

    duration: seconds; envelope: loudness, 0 to 1, evenly spread over the duration;
    key_frames: frame numbers; opening: millimetres between the inner lips, one a frame.
    """

    duration: float
    fps: float
    frames: int
    envelope: list[float]
    phonemes: list[TimelinePhoneme]
    key_frames: list[int]
    opening: list[float]


class Timeline(Part):
    """A timeline that shows an animation and steers the video whose elem_id is given.

    The video is looked up inside the same app, so that two apps on one page do not meet.
    """

    files = "timeline"
    data_model = TimelineData

    def __init__(self, value: TimelineData | None = None, *, video: str = "", **options: Any) -> None:  # noqa: ANN401
        super().__init__(value, **options)
        self.html_template = self.html_template.replace('data-video=""', f'data-video="{video}"')


def timeline_data(animation: Animation) -> TimelineData:
    """Return what the timeline shows of an animation."""
    return TimelineData(
        duration=round(animation.duration, 4),
        fps=animation.fps,
        frames=animation.frames,
        envelope=_envelope(animation.audio, animation.duration),
        phonemes=[
            TimelinePhoneme(label=p.label, start=round(p.start, 4), end=round(p.end, 4), kind=_kind(p.label))
            for p in animation.phonemes
        ],
        key_frames=animation.key_frames.tolist(),
        opening=np.round(animation.mouth_opening().astype(np.float64) * 1000, 2).tolist(),
    )


def _kind(label: str) -> str:
    return "vowel" if label in _VOWELS else _KINDS.get(label, "other")


def _envelope(audio: np.ndarray, duration: float) -> list[float]:
    """Return the peak of each short stretch of sound, the loudest one being 1."""
    count = max(2, round(duration * _ENVELOPE_RATE))
    edges = np.linspace(0, len(audio), count + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(np.abs(audio), np.minimum(edges, len(audio) - 1)).astype(np.float64)
    return np.round(peaks / max(float(peaks.max()), 1e-9), 3).tolist()
