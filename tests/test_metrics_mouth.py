"""Scores against values worked out by hand."""

import math

import numpy as np
import pytest

from kmtalk.metrics import balanced_closure, best_correlation, boundary_matches, closed, f1, opened, smooth_tracked

GAP = np.array([5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9, 8, 7, 6], float)
"""Millimetres at 10 frames a second: shut at 0.5 s, wide at 1.5 s."""


def test_closed_looks_40_ms_around_each_bilabial():
    assert closed(GAP, 10, [(0.44, 0.46)], 0.0).tolist() == [True]  # 0.40 to 0.50 s
    assert closed(GAP, 10, [(0.42, 0.45)], 0.0).tolist() == [False]  # 0.38 to 0.49 s: frame 4 alone, 1 mm
    assert closed(GAP, 10, [(0.42, 0.45)], 1.0).tolist() == [True]
    assert closed(GAP, 10, [(0.54, 0.6), (1.4, 1.6)], 0.5).tolist() == [True, False]


def test_opened_looks_at_the_vowel_alone_and_skips_short_ones():
    assert opened(GAP, 10, [(1.4, 1.6)], 10).tolist() == [True]
    assert opened(GAP, 10, [(1.51, 1.69)], 10).tolist() == [False]  # frame 16 alone, 9 mm
    assert opened(GAP, 10, [(1.48, 1.53)], 1).tolist() == []  # 50 ms
    assert opened(GAP, 10, [(1.45, 1.51)], 10).tolist() == [True]  # 60 ms


def test_spans_between_frames_or_outside_read_the_nearest():
    assert opened(GAP, 10, [(1.92, 1.99)], 6).tolist() == [True]
    assert closed(GAP, 10, [(-0.5, -0.3)], 5).tolist() == [True]
    assert closed(GAP, 10, [(7.0, 7.1)], 5.9).tolist() == [False]


def test_no_spans_give_empty_arrays():
    assert closed(GAP, 10, [], 1).shape == opened(GAP, 10, [], 1).shape == (0,)


def test_balanced_closure_on_a_made_curve():
    gap = np.linspace(0, 10, 101)  # the 5-95 % range is 0.5 to 9.5: scaled = (gap - 0.5) / 9
    # p b m reach 0.15 up to gap 1.85, frame 18; open vowels reach 0.5 from gap 5, frame 50
    bilabials = [(0.10, 0.12), (0.20, 0.22), (0.21, 0.25)]  # from frames 6, 16 and 17: reached
    bilabials += [(0.24, 0.25)]  # from frame 20: not
    vowels = [(0.40, 0.50), (0.40, 0.49), (0.9, 1.0)]  # reached, not, reached
    assert balanced_closure(gap, 100, bilabials, vowels) == pytest.approx((3 / 4 + 2 / 3) / 2, abs=1e-6)
    assert balanced_closure(gap, 100, bilabials, []) == pytest.approx(3 / 4, abs=1e-6)
    assert balanced_closure(gap, 100, [], vowels) == pytest.approx(2 / 3, abs=1e-6)
    assert math.isnan(balanced_closure(gap, 100, [], [(0.5, 0.52)]))


def test_balanced_closure_does_not_depend_on_scale():
    random = np.random.default_rng(0)
    gap = random.random(200)
    bilabials, vowels = [(0.3, 0.4), (1.0, 1.1)], [(0.5, 0.7), (1.3, 1.5)]
    score = balanced_closure(gap, 100, bilabials, vowels)
    assert balanced_closure(gap * 7 + 3, 100, bilabials, vowels) == score


def test_a_face_that_never_opens_is_half_right():
    assert balanced_closure(np.zeros(100), 100, [(0.2, 0.3)], [(0.5, 0.7)]) == 0.5


def test_correlation_of_a_few_points():
    # x = 0 1 2, y = 0 0 3: covariance 1, deviations sqrt(2/3) and sqrt(2)
    r, lag = best_correlation(np.array([0.0, 1, 2]), 1, np.array([0.0, 0, 3]), np.array([0.0, 1, 2]), reach=0.0)
    assert r == pytest.approx(math.sqrt(3) / 2, abs=1e-6)
    assert lag == 0


@pytest.mark.parametrize("early", [-0.08, -0.03, 0.0, 0.05, 0.08])
def test_a_prediction_that_comes_early_has_a_positive_lag(early):
    time = np.arange(0, 4, 0.04)
    tracked = np.sin(2 * np.pi * 1.3 * time) + np.sin(2 * np.pi * 0.7 * time)
    at = np.arange(0, 4, 0.01) + early
    predicted = np.sin(2 * np.pi * 1.3 * at) + np.sin(2 * np.pi * 0.7 * at)
    r, lag = best_correlation(predicted, 100, tracked, time)
    assert lag == pytest.approx(early)
    assert r > 0.99


def test_a_still_curve_correlates_with_nothing():
    time = np.arange(50) / 25
    assert best_correlation(np.ones(50), 25, np.sin(time), time) == (0.0, -0.08)


def test_smoothing_is_a_gaussian_of_30_ms():
    impulse = np.zeros(1001)
    impulse[500] = 1
    smooth = smooth_tracked(impulse, 1000)
    assert smooth.sum() == pytest.approx(1, abs=1e-6)
    spread = math.sqrt(smooth @ (np.arange(1001) - 500) ** 2)
    assert spread == pytest.approx(30, abs=0.1)


def test_boundaries_match_one_to_one():
    assert boundary_matches(np.array([1.0, 2.0]), np.array([1.01, 2.05]), 0.02) == 1
    assert boundary_matches(np.array([1.0]), np.array([0.99, 1.0, 1.01]), 0.02) == 1
    assert boundary_matches(np.array([1.0, 1.02]), np.array([1.01]), 0.02) == 1
    # nearest first would pair 1.02 with 1.03 and leave 1.00 and 1.05 alone
    assert boundary_matches(np.array([1.00, 1.03]), np.array([1.02, 1.05]), 0.02) == 2
    assert boundary_matches(np.array([1.0]), np.array([1.02]), 0.02) == 1
    assert boundary_matches(np.array([]), np.array([1.0]), 0.02) == 0


def test_boundary_matches_are_the_most_possible():
    from scipy.optimize import linear_sum_assignment

    random = np.random.default_rng(0)
    for _ in range(50):
        reference, found = (np.sort(random.uniform(0, 1, random.integers(1, 15))) for _ in range(2))
        near = np.abs(reference[:, None] - found) <= 0.05
        assert boundary_matches(reference, found, 0.05) == near[linear_sum_assignment(near, maximize=True)].sum()


def test_f1():
    assert f1(3, 4, 6) == pytest.approx(2 * 0.75 * 0.5 / 1.25, abs=1e-6)
    assert f1(0, 5, 0) == 0
    assert f1(0, 0, 0) == 0
