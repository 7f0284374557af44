"""What the timeline is sent."""

from dataclasses import replace

import numpy as np
import pytest

from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import LABELS, Phoneme, key_frames
from kmtalk.web.timeline import Timeline, TimelineData, timeline_data


@pytest.fixture
def animation(face, sentence, voice):
    frames = round(len(voice) / 16000 * 25)
    weights = np.zeros((frames, len(face.basis_names)), np.float32)
    weights[10, face.basis_names.index("jawOpen")] = 1
    motion = Motion(weights, face.basis_names, 25, np.zeros((frames, 6), np.float32))
    keys = key_frames(sentence, 25, frames)
    return Animation(voice, face, motion, sentence, keys, weights[keys])


def edited(animation, edits):
    """The animation with other phonemes, key frames and motion, as edits would make it."""
    weights = np.roll(animation.weights, 20, 0)
    return replace(
        animation,
        motion=replace(animation.motion, weights=weights),
        phonemes=animation.phonemes[:3],
        key_frames=np.array([0, 7, 74]),
        edits=edits,
    )


def test_timeline_data_holds_what_the_animation_holds(animation):
    data = timeline_data(animation)
    assert (data.duration, data.fps, data.frames, data.step) == (animation.duration, 25, animation.frames, 1)
    # Times come to the last bit, so that the page rounds them to the same frames as Python.
    assert [(p.label, p.start, p.end) for p in data.phonemes] == [(p.label, p.start, p.end) for p in animation.phonemes]
    assert data.key_frames == animation.key_frames.tolist()
    assert np.argmax(data.opening) == 10
    assert data.opening[10] == pytest.approx(animation.mouth_opening()[10] * 1000, abs=0.01)
    assert (data.edits, data.opening_unedited) == ([], [])


def test_an_edited_animation_brings_its_edits_and_what_was_there_before(animation):
    edits = ({"do": "move key", "frame": 10, "to": 11}, {"do": "relabel", "phoneme": 1, "label": "B"})
    data, before = timeline_data(edited(animation, edits), animation), timeline_data(animation)
    assert data.edits == list(edits)
    assert (data.phonemes, data.key_frames) == (before.phonemes, before.key_frames)
    assert np.argmax(data.opening) == 30 and data.opening_unedited == before.opening


def test_a_recording_has_one_name_whatever_was_edited_and_another_when_it_differs(animation):
    name = timeline_data(animation).recording
    assert timeline_data(edited(animation, ({"do": "add key", "frame": 7},)), animation).recording == name
    louder = replace(animation, audio=animation.audio * np.float32(0.5))
    aligned = replace(animation, phonemes=animation.phonemes[:-1])
    assert len({name, timeline_data(louder).recording, timeline_data(aligned).recording}) == 3


@pytest.mark.parametrize(("fps", "step"), [(25, 1), (30, 1), (50, 2), (60, 2), (120, 4)])
def test_key_frames_lie_where_the_model_has_frames(animation, fps, step):
    assert timeline_data(replace(animation, motion=replace(animation.motion, fps=fps))).step == step


def test_every_label_has_a_kind(animation):
    data = timeline_data(animation)
    kinds = dict(zip(data.labels, data.kinds, strict=True))
    assert list(kinds) == LABELS
    of = {kind: {label for label in kinds if kinds[label] == kind} for kind in data.kinds}
    assert of["silence"] == {"sil"} and of["lips"] == set("P B M F V W".split())
    assert of["vowel"] == set("AA AH AE AY AW EH EY IH IY AO OW OY UH UW ER".split())
    assert [p.kind for p in data.phonemes] == [kinds[p.label] for p in data.phonemes]


def test_envelope_is_loud_where_the_sound_is(animation):
    envelope = np.array(timeline_data(animation).envelope)
    assert envelope.max() == 1 and envelope.min() >= 0
    seconds = np.arange(len(envelope)) / len(envelope) * animation.duration
    assert envelope[seconds < 0.35].max() < 0.1 < envelope[(seconds > 0.55) & (seconds < 0.65)].min()


def test_one_short_sound_has_a_timeline(animation, face):
    audio = np.full(40, 0.1, np.float32)
    motion = Motion(animation.weights[:1], face.basis_names, 25, animation.motion.head_pose[:1])
    short = Animation(audio, face, motion, (Phoneme("AA", 0, 0.0025),), np.array([0]), animation.weights[:1])
    data = timeline_data(short)
    assert len(data.opening) == 1 and len(data.envelope) == 2


def test_component_describes_its_value():
    timeline = Timeline()
    assert timeline.data_model is TimelineData
    assert {"phonemes", "edits", "recording"} <= set(timeline.api_info()["properties"])
