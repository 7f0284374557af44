"""Tones that are no speech."""

import numpy as np
import pytest

from kmtalk.data.tones import tones


@pytest.mark.parametrize("seed", range(12))
def test_tones_are_bounded_sound_of_the_length_asked_for(seed):
    sound = tones(1.5, np.random.default_rng(seed))
    assert sound.shape == (24000,)
    assert np.isfinite(sound).all()
    assert 0.01 < np.sqrt(np.mean(sound**2)) < 3


@pytest.mark.parametrize("seed", range(6))
def test_their_power_lies_in_few_lines(seed):
    """Unlike noise and speech: a tenth of the spectrum holds nearly all of it."""
    sound = tones(1.0, np.random.default_rng(seed))
    power = np.sort(np.abs(np.fft.rfft(sound)) ** 2)[::-1]
    assert power[: len(power) // 10].sum() > 0.9 * power.sum()


def test_the_same_draw_gives_the_same_tones():
    one, same, other = (tones(0.5, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
