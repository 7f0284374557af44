import numpy as np
import pytest

from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import Phoneme, key_frames
from kmtalk.web.timeline import Timeline, TimelineData, timeline_data


@pytest.fixture
def animation(face, sentence, voice):
    frames = round(len(voice) / 16000 * 25)
    weights = np.zeros((frames, len(face.basis_names)), np.float32)
    weights[10, face.basis_names.index("jawOpen")] = 1
    motion = Motion(weights, face.basis_names, 25, np.zeros((frames, 6), np.float32))
    keys = key_frames(sentence, 25, frames)
    return Animation(voice, face, motion, sentence, keys, weights[keys])


def test_timeline_data_holds_what_the_animation_holds(animation):
    data = timeline_data(animation)
    assert (data.duration, data.fps, data.frames) == (animation.duration, 25, animation.frames)
    assert [(p.label, p.start, p.end) for p in data.phonemes] == [
        (p.label, pytest.approx(p.start, abs=1e-4), pytest.approx(p.end, abs=1e-4)) for p in animation.phonemes
    ]
    assert data.key_frames == animation.key_frames.tolist()
    assert np.argmax(data.opening) == 10
    assert data.opening[10] == pytest.approx(animation.mouth_opening()[10] * 1000, abs=0.01)


def test_kinds_tell_vowels_lips_and_silence_apart(animation):
    kinds = {phoneme.label: phoneme.kind for phoneme in timeline_data(animation).phonemes}
    assert kinds == {"sil": "silence", "M": "lips", "AA": "vowel", "S": "other", "IY": "vowel", "UW": "vowel"}


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
    timeline = Timeline(video="clip")
    assert timeline.data_model is TimelineData
    assert "phonemes" in timeline.api_info()["properties"]
    assert 'data-video="clip"' in timeline.html_template
