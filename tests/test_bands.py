import numpy as np

from kmtalk.bands import log_bands


def test_bands_tell_high_from_low():
    time = np.arange(16000) / 16000
    low, high = (log_bands(np.sin(2 * np.pi * hertz * time), 80, 12, 200) for hertz in (300, 5000))
    assert low.shape == (200, 12)
    assert low[100].argmax() < 3
    assert high[100].argmax() > 8


def test_bands_are_of_the_moment():
    click = np.zeros(16000)
    click[8000] = 1
    loud = log_bands(click, 160, 20, 120).mean(1)  # windows centred on their 10 ms
    assert abs(loud.argmax() - 50) <= 1
    assert loud[45] == loud[55] == loud.min()


def test_silence_and_what_is_too_short_have_bands_too():
    assert np.isfinite(log_bands(np.zeros(1600), 160, 20, 120)).all()
    assert log_bands(np.zeros(100), 160, 20, 120).shape == (0, 20)
