import functools

import numpy as np
import pytest
from scipy.stats import pearsonr

from kmtalk import metrics
from kmtalk.errors import InputError
from kmtalk.metrics.curves import warp


def test_lip_distance_by_hand():
    vertices = np.array([[[0, 0.003, 0], [0, 0, 0.004], [9, 9, 9]], [[0, 0, 0], [0, 0, 0.001], [9, 9, 9]]])
    np.testing.assert_allclose(metrics.lip_distance(vertices, 0, 1), [0.005, 0.001], atol=1e-12)
    with pytest.raises(InputError, match="another mesh"):
        metrics.lip_distance(vertices, 0, 3)


def test_correlation_and_concordance_by_hand():
    # Means 1 and 1, variances 2/3 and 2, covariance 1.
    one, other = np.array([0.0, 1, 2]), np.array([0.0, 0, 3])
    assert metrics.correlation(one, other) == pytest.approx(3**0.5 / 2, abs=1e-6)
    assert metrics.concordance(one, other) == pytest.approx(2 / (2 / 3 + 2), abs=1e-6)
    assert metrics.concordance(one, other + 1) == pytest.approx(2 / (2 / 3 + 2 + 1), abs=1e-6)
    assert metrics.correlation(one, other * 5 + 2) == pytest.approx(3**0.5 / 2, abs=1e-6)
    assert metrics.correlation(one, np.ones(3)) == 0
    assert metrics.concordance(np.ones(3), np.ones(3)) == 0


def test_correlation_is_scipys():
    one, other = np.random.default_rng(0).normal(size=(2, 50))
    assert metrics.correlation(one, other) == pytest.approx(pearsonr(one, other).statistic, abs=1e-9)


def _cost(one, other):
    """The cheapest warping, by trying all of them."""

    @functools.cache
    def cheapest(i, j):
        here = abs(one[i] - other[j])
        if i == j == 0:
            return here
        before = [(i - 1, j - 1), (i - 1, j), (i, j - 1)]
        return here + min(cheapest(*place) for place in before if min(place) >= 0)

    return cheapest(len(one) - 1, len(other) - 1)


def test_warping_is_the_cheapest_there_is():
    random = np.random.default_rng(0)
    for _ in range(20):
        one, other = random.normal(size=random.integers(1, 12)), random.normal(size=random.integers(1, 12))
        total, path = warp(one, other)
        assert total == pytest.approx(_cost(one.tolist(), other.tolist()), abs=1e-9)
        assert total == pytest.approx(np.abs(one[path[:, 0]] - other[path[:, 1]]).sum(), abs=1e-9)
        assert path[0].tolist() == [0, 0]
        assert path[-1].tolist() == [len(one) - 1, len(other) - 1]
        assert {tuple(step) for step in np.diff(path, axis=0).tolist()} <= {(1, 1), (1, 0), (0, 1)}


def test_warped_distance_by_hand():
    # 0 0 1 0 onto 0 1 0: the two zeros go to one; nothing is left.
    assert metrics.warped_distance(np.array([0.0, 0, 1, 0]), np.array([0.0, 1, 0])) == 0
    # 0 2 onto 0 1: steps (0, 0) and (1, 1), differences 0 and 1.
    assert metrics.warped_distance(np.array([0.0, 2]), np.array([0.0, 1])) == pytest.approx(0.5, abs=1e-6)


def test_curves_too_long_to_warp():
    with pytest.raises(InputError, match="up to 6000"):
        metrics.warped_distance(np.zeros(6001), np.zeros(6001))


def _bumps(frames, centres, width=4.0):
    time = np.arange(frames)
    return sum(np.exp(-((time - centre) ** 2) / (2 * width**2)) for centre in centres)


@pytest.mark.parametrize("late", [-3, 0, 2, 4])
def test_mouth_timing_is_how_late_a_mouth_is(late):
    centres = np.array([30, 60, 95, 120])
    truth, guess = _bumps(160, centres), _bumps(160, centres + late)
    assert metrics.mouth_timing(guess, truth, 25.0) == pytest.approx(abs(late) * 40, abs=1e-6)


def test_mouth_timing_knows_no_size_and_needs_movement():
    truth = _bumps(100, [30, 60])
    assert metrics.mouth_timing(truth, truth, 30.0) == 0
    assert np.isnan(metrics.mouth_timing(np.zeros(100), truth, 30.0))
    assert np.isnan(metrics.mouth_timing(truth, np.arange(100.0), 30.0))


def test_lip_intensity_by_hand():
    # Steps of the two lips: 3 and 1 mm, then 0 and 4 mm: means 2 and 2 mm.
    vertices = np.zeros((3, 3, 3))
    vertices[1:, 0, 0], vertices[1, 1, 1], vertices[2, 1, 1] = 0.003, 0.001, 0.005
    assert metrics.lip_intensity(vertices, [0, 1]) == pytest.approx(0.002, abs=1e-9)
    assert metrics.lip_intensity(vertices[:1], [0, 1]) == 0
    assert metrics.root_mean_square(np.array([3.0, 4.0])) == pytest.approx(12.5**0.5, abs=1e-6)


def test_speech_lip_correlation_by_hand():
    # Within each subject both are standardised, so that a loud talker with small lips does not count against it.
    loud, moved = [1.0, 2.0, 3.0, 100.0, 200.0], [10.0, 20.0, 30.0, 1.0, 2.0]
    assert metrics.speech_lip_correlation(loud, moved, list("aaabb")) == pytest.approx(1, abs=1e-6)
    assert metrics.speech_lip_correlation(loud, moved[:3] + [2.0, 1.0], list("aaabb")) == pytest.approx(
        (2 - 1) / 3, abs=1e-6
    )  # a gives -1 0 1 twice (products 2), b gives -r r and r -r (products -1), of squares 3
    assert np.isnan(metrics.speech_lip_correlation([1.0], [1.0], ["a"]))
    assert metrics.speech_lip_correlation([*loud, 7.0], [*moved, 7.0], list("aaabbc")) == pytest.approx(1, abs=1e-6)


def test_curves_of_other_lengths():
    assert metrics.correlation(np.arange(10.0), np.arange(12.0)) == pytest.approx(1)
    with pytest.raises(InputError, match="at most 2 may differ"):
        metrics.correlation(np.arange(10.0), np.arange(13.0))
    with pytest.raises(InputError, match=r"give two of \(T,\)"):
        metrics.mouth_timing(np.zeros((3, 2)), np.zeros(3), 25.0)
