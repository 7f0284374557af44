"""The timeline of an animation: sound, phonemes, key frames and mouth opening under one playhead, and their editing."""

import hashlib
import json
from typing import Any, Literal

import numpy as np
from gradio.data_classes import GradioModel

from kmtalk.motion import Animation
from kmtalk.phonemes import LABELS, VOWELS
from kmtalk.stages import make_grid
from kmtalk.web.part import Part

_ENVELOPE_RATE = 60  # points a second: about one every three pixels where a second is widest
_KINDS = {"sil": "silence"} | dict.fromkeys("P B M F V W".split(), "lips") | dict.fromkeys(VOWELS, "vowel")

Kind = Literal["vowel", "lips", "other", "silence"]


class TimelinePhoneme(GradioModel):
    """A phoneme with its times in seconds and the kind that gives its colour."""

    label: str
    start: float
    end: float
    kind: Kind


class TimelineData(GradioModel):
    """What the timeline draws and edits.

    recording: the same for all that is made of one unedited animation, so that the page keeps its place and history;
    duration: seconds; step: key frames lie on every step-th frame; envelope: loudness, 0 to 1, evenly spread over the
    duration; phonemes and key_frames (frame numbers): the unedited ones; edits: operations that the motion has gone
    through, as kmtalk.edits takes them; opening: millimetres between the inner lips, one a frame; opening_unedited: the
    same before the edits, empty where there are none; labels: the phonemes there are, with a kind each.
    """

    recording: str
    duration: float
    fps: float
    frames: int
    step: int
    envelope: list[float]
    phonemes: list[TimelinePhoneme]
    key_frames: list[int]
    edits: list[dict[str, Any]]
    opening: list[float]
    opening_unedited: list[float]
    labels: list[str]
    kinds: list[Kind]


class Timeline(Part):
    """A timeline that shows an animation, follows the app's clock and edits key frames and phonemes.

    Its event "complete" carries {"edits": [...]}; answer with a value that has these edits. RESTED is JavaScript to run
    when the answer has come or failed.
    """

    files = "timeline"
    shared = ("clock", "timeline_edits", "timeline_drawing", "timeline_editor", "timeline_inspector")
    styles = ("timeline_drawing", "timeline_inspector")
    data_model = TimelineData
    RESTED = "() => document.querySelectorAll('.timeline').forEach((part) => part.dispatchEvent(new Event('rest')))"


def timeline_data(animation: Animation, original: Animation | None = None) -> TimelineData:
    """Return what the timeline shows of an animation; original: what it was before its edits, None without edits."""
    original = original or animation
    edits = animation.edits if original is not animation else ()
    return TimelineData(
        recording=_recording(original),
        duration=round(animation.duration, 4),
        fps=animation.fps,
        frames=animation.frames,
        step=make_grid(animation.frames, animation.fps).step,
        envelope=_envelope(animation.audio, animation.duration),
        phonemes=[
            TimelinePhoneme(label=p.label, start=p.start, end=p.end, kind=_kind(p.label)) for p in original.phonemes
        ],
        key_frames=original.key_frames.tolist(),
        edits=[dict(edit) for edit in edits],
        opening=_opening(animation),
        opening_unedited=_opening(original) if edits else [],
        labels=LABELS,
        kinds=[_kind(label) for label in LABELS],
    )


def _kind(label: str) -> Kind:
    return _KINDS.get(label, "other")


def _recording(animation: Animation) -> str:
    """Return a name of the unedited animation: of its sound, frame rate, phonemes and key frames."""
    facts = [animation.fps, animation.key_frames.tolist(), [(p.label, p.start, p.end) for p in animation.phonemes]]
    return hashlib.sha256(animation.audio.tobytes() + json.dumps(facts).encode()).hexdigest()[:16]


def _opening(animation: Animation) -> list[float]:
    return np.round(animation.mouth_opening().astype(np.float64) * 1000, 2).tolist()


def _envelope(audio: np.ndarray, duration: float) -> list[float]:
    """Return the peak of each short stretch of sound, the loudest one being 1."""
    count = max(2, round(duration * _ENVELOPE_RATE))
    edges = np.linspace(0, len(audio), count + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(np.abs(audio), np.minimum(edges, len(audio) - 1)).astype(np.float64)
    return np.round(peaks / max(float(peaks.max()), 1e-9), 3).tolist()
