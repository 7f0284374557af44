"""What is done to recordings, measured on the sound."""

import numpy as np
import pytest

from kmtalk.evaluate.conditions import (
    CONDITIONS,
    add_babble,
    add_noise,
    changed,
    in_a_room,
    over_telephone,
    sounds_without_speech,
    through_opus,
)


def level(audio):
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


def test_babble_is_as_much_softer_as_asked_for(voice):
    random = np.random.default_rng(0)
    others = [random.normal(0, scale, size).astype(np.float32) for scale, size in ((0.1, 9000), (2.0, 70000))]
    added = add_babble(voice, others, 10.0, random) - voice
    assert 20 * np.log10(level(voice) / level(added)) == pytest.approx(10.0, abs=0.01)


def test_each_talker_of_the_babble_is_as_loud():
    time = np.arange(16000) / 16000
    others = [amount * np.sin(2 * np.pi * hertz * time) for amount, hertz in ((0.01, 400), (1.0, 3000))]
    spectrum = np.abs(np.fft.rfft(add_babble(np.full(16000, 0.1), others, 0.0, np.random.default_rng(1))))
    assert spectrum[400] == pytest.approx(spectrum[3000], rel=0.01)


def test_a_telephone_passes_its_band_alone():
    time = np.arange(32000) / 16000
    for hertz, passes in ((100, False), (1000, True), (3000, True), (5000, False)):
        heard = over_telephone(0.5 * np.sin(2 * np.pi * hertz * time).astype(np.float32))
        assert heard.shape == (32000,)
        loud = level(heard[4000:-4000]) / (0.5 / np.sqrt(2))
        assert (loud > 0.9) if passes else (loud < 0.1)


def test_conditions_by_name(voice):
    assert changed("clean", voice, [voice], 0) is voice
    assert np.array_equal(changed("babble10", voice, [voice[::-1]], 3), changed("babble10", voice, [voice[::-1]], 3))
    assert changed("telephone", voice, [], 0).dtype == np.float32


@pytest.mark.parametrize("condition", CONDITIONS[1:])
def test_every_condition_changes_the_sound_and_keeps_its_length(condition, voice):
    heard = changed(condition, voice, [voice[::-1]], 0)
    assert (heard.shape, heard.dtype) == (voice.shape, np.float32)
    assert np.isfinite(heard).all() and not np.array_equal(heard, voice)


def test_noise_is_as_much_softer_as_asked_for(voice):
    added = add_noise(voice, 10.0, np.random.default_rng(0)) - voice
    assert 20 * np.log10(level(voice) / level(added)) == pytest.approx(10.0, abs=0.01)


def test_a_room_answers_as_loudly_and_fades():
    click = np.zeros(16000, np.float32)
    click[100] = 0.5
    heard = in_a_room(click, 0.5, np.random.default_rng(0))
    assert np.abs(heard[:100]).max() < 1e-6
    assert heard[100] == pytest.approx(0.5)
    assert np.sqrt(np.sum(heard[101:] ** 2)) == pytest.approx(0.5, rel=1e-3)
    early, late = level(heard[101:901]), level(heard[101 + 4000 : 901 + 4000])  # a quarter of a second later
    assert 20 * np.log10(early / late) == pytest.approx(30, abs=2)


def test_a_codec_keeps_the_time(voice):
    heard = through_opus(voice)
    lags = range(-200, 201)
    alike = [np.dot(voice[1000:-1000], np.roll(heard, lag)[1000:-1000]) for lag in lags]
    assert abs(lags[int(np.argmax(alike))]) <= 16  # a millisecond


def test_clipped_and_quiet_speech():
    ramp = np.linspace(-0.5, 0.5, 1001, dtype=np.float32)
    assert np.mean(np.abs(changed("clipped", ramp, [], 0)) == 1) == pytest.approx(0.9, abs=0.01)
    quiet = changed("quiet", ramp, [], 0)
    assert np.abs(quiet).max() == pytest.approx(0.005, rel=1e-2)
    np.testing.assert_array_equal(quiet * 32768, np.rint(quiet * 32768))


def test_sounds_without_speech_can_be_heard_and_do_not_clip():
    sounds = sounds_without_speech(2.0)
    assert {"silence", "white noise", "mains hum", "held chords", "band"} <= set(sounds)
    for name, sound in sounds.items():
        assert sound.shape == (32000,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert level(sound) < (0.001 if name == "silence" else 1)
