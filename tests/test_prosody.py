"""Loudness, pitch and accents of sounds whose loudness, pitch and accents are known."""

import numpy as np
import pytest

from kmtalk.phonemes import RATE
from kmtalk.prosody import accents, loudness, pitch
from tests.conftest import spoken


def sawtooth(hertz, seconds, level=0.3):
    phase = np.cumsum(np.broadcast_to(hertz, round(seconds * 16000)) / 16000)
    return (level * (2 * (phase % 1) - 1)).astype(np.float32)


def test_loudness_of_a_sine_is_its_root_mean_square():
    sine = 0.5 * np.sin(2 * np.pi * 500 * np.arange(16000) / 16000)
    assert loudness(sine, 100) == pytest.approx(10 * np.log10(0.125), abs=0.01)


def test_loudness_is_padded_with_silence_and_cut_to_the_frames_asked_for():
    level = loudness(np.full(8000, 0.5, np.float32), 100)
    assert level.shape == (100,)
    assert level[:30] == pytest.approx(-6.02, abs=0.05)
    assert level[70:].max() == pytest.approx(-80, abs=0.1)
    assert loudness(np.zeros(8000, np.float32), 20).shape == (20,)


@pytest.mark.parametrize("hertz", [80, 120, 210, 350])
def test_pitch_of_a_sawtooth(hertz):
    found = pitch(sawtooth(hertz, 1.0), 100)
    assert found[5:-5] == pytest.approx(hertz, rel=0.02)


def test_pitch_follows_a_glide():
    hertz = np.linspace(100, 200, 32000)
    found = pitch(sawtooth(hertz, 2.0), 200)
    assert found[10:-10] == pytest.approx(hertz[::160][10:-10], rel=0.05)


def test_silence_and_noise_have_no_pitch():
    assert not pitch(np.zeros(16000, np.float32), 100).any()
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    assert (pitch(noise, 100) == 0).mean() > 0.9


def test_pitch_of_a_long_recording_has_no_seam():
    # Pitch is found a minute at a time.
    found = pitch(sawtooth(150, 61.0), 6100)
    assert found[5980:6020] == pytest.approx(150, rel=0.02)


def test_the_louder_and_higher_vowel_is_the_accent():
    phonemes = spoken(*(("AA", 0.2), ("T", 0.1)) * 9)
    hertz, level = np.full(9 * 4800, 110.0), np.full(9 * 4800, 0.1, np.float32)
    place = slice(4 * 4800, 4 * 4800 + 3200)
    hertz[place], level[place] = 180, 0.5
    assert len(accents(phonemes, sawtooth(hertz, 2.7, level))) == 1
    [(time, strength)] = accents(phonemes, sawtooth(hertz, 2.7, level))
    assert time == pytest.approx(1.3)
    assert 0.5 < strength <= 1.5


def test_a_whispered_copy_has_the_same_accents():
    phonemes = spoken(*(("AA", 0.2), ("T", 0.1)) * 9)
    hertz = np.repeat([110, 120, 110, 180, 110, 120, 110, 115, 110], 4800)
    loud = sawtooth(hertz, 2.7)
    found = accents(phonemes, loud)
    assert found and accents(phonemes, loud * 1e-3) == [
        (time, pytest.approx(strength, rel=1e-3)) for time, strength in found
    ]


def test_accents_keep_their_distance():
    random = np.random.default_rng(1)
    level = np.repeat(random.uniform(0.02, 0.5, 200), 1600).astype(np.float32)
    found = accents(spoken(*(("AA", 0.1),) * 200), sawtooth(150, 20.0, level))
    assert len(found) > 5
    assert np.diff([time for time, _ in found]).min() >= 0.4


def test_too_few_vowels_have_no_accents():
    audio = sawtooth(150, 1.0)
    assert accents((), audio) == []
    assert accents(spoken(("AA", 0.3), ("T", 0.1), ("AA", 0.3)), audio) == []
    assert accents((), np.zeros(0, np.float32)) == []


def test_phonemes_past_the_end_of_the_sound_are_passed_over():
    phonemes = spoken(*(("AA", 0.2), ("T", 0.1)) * 9)
    assert all(time < 1.2 for time, _ in accents(phonemes, sawtooth(150, 1.0)))


def test_rate():
    assert RATE == 100
