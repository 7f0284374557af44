import numpy as np
import pytest

from kmtalk import metrics
from kmtalk.errors import InputError

WAVE = np.sin(2 * np.pi * np.arange(80) / 20)  # turns at 5, 15, 25 ... 75


def test_density():
    assert metrics.key_density(np.array([0, 3, 3, 9]), 10) == pytest.approx(0.3)


def test_extrema_of_a_sine():
    assert metrics.extrema(WAVE).tolist() == list(range(5, 80, 10))
    assert metrics.extrema(np.zeros(20)).tolist() == []
    assert metrics.extrema(WAVE + 0.01 * np.sin(np.arange(80) * 2.5)).tolist() == pytest.approx(
        list(range(5, 80, 10)), abs=1
    )


def test_recall():
    assert metrics.extrema_recall(np.array([4, 16, 27]), WAVE) == pytest.approx(2 / 8)
    assert metrics.extrema_recall(np.array([4, 16, 27]), WAVE, tolerance=2) == pytest.approx(3 / 8)
    assert metrics.extrema_recall(np.arange(80), WAVE) == 1
    assert np.isnan(metrics.extrema_recall(np.array([1]), np.zeros(80)))


def test_errors_at_keys_and_between():
    assert metrics.errors_at_keys(np.array([1.0, 5, 3, 7]), np.array([0, 2, 2])) == (2, 6)
    at, between = metrics.errors_at_keys(np.array([1.0, 5]), np.array([0, 1]))
    assert at == 3
    assert np.isnan(between)


@pytest.mark.parametrize("keys", [[], [-1], [10], [0.5]])
def test_keys_that_are_none(keys):
    with pytest.raises(InputError, match="whole numbers from 0 to 9"):
        metrics.key_density(np.array(keys), 10)


def test_closure_is_judged_by_what_the_true_lips_can():
    gap = np.linspace(0.004, 0.024, 101)
    assert metrics.closure_limit(gap) == pytest.approx(0.004 + 0.02 * (0.05 + 0.15 * 0.9), abs=1e-9)
