from dataclasses import replace

import numpy as np
import pytest

from kmtalk import metrics
from kmtalk.errors import InputError
from kmtalk.metrics import WeightMetrics


@pytest.fixture(scope="module")
def weights(face):
    return np.random.default_rng(0).uniform(0, 0.6, (2, 40, len(face.basis))).astype(np.float32)


@pytest.fixture(scope="module")
def cheap(face):
    return WeightMetrics(face)


def test_weights_score_as_their_vertices_do(face, weights, cheap):
    guess, truth = weights
    exact = face.vertices(guess), face.vertices(truth)
    lips, upper = face.regions["lips"], face.regions["upper_face"]
    np.testing.assert_allclose(cheap.lip_errors(guess, truth), metrics.lip_errors(*exact, lips), rtol=1e-4)
    assert cheap.lip_vertex_error(guess, truth) == pytest.approx(metrics.lip_vertex_error(*exact, lips), rel=1e-4)
    root = metrics.root_lip_vertex_error(*exact, lips)
    assert cheap.root_lip_vertex_error(guess, truth) == pytest.approx(root, rel=1e-4)
    fdd = metrics.dynamics_deviation(*exact, face.template, upper)
    spread = metrics.motion_spread(exact[1], face.template, upper)
    assert cheap.motion_spread(truth) == pytest.approx(spread, rel=1e-4)
    assert cheap.dynamics_deviation(guess, truth) == pytest.approx(fdd, abs=1e-4 * spread)
    assert cheap.root_vertex_error(guess, truth) == pytest.approx(metrics.root_vertex_error(*exact), rel=1e-4)


def test_a_prediction_two_frames_short(weights, cheap):
    guess, truth = weights
    assert cheap.lip_vertex_error(guess[:-2], truth) == cheap.lip_vertex_error(guess[:-2], truth[:-2])
    assert cheap.dynamics_deviation(guess[:-2], truth) == cheap.dynamics_deviation(guess[:-2], truth[:-2])


def test_the_truth_has_no_error(weights, cheap):
    assert cheap.lip_vertex_error(weights[0], weights[0]) == 0
    assert cheap.root_vertex_error(weights[0], weights[0]) == 0
    assert cheap.dynamics_deviation(weights[0], weights[0]) == 0


def test_what_does_not_fit_is_refused(face, weights, cheap):
    with pytest.raises(InputError, match=r"shape \(40, 53\): this face has \(T, 54\) weights"):
        cheap.lip_vertex_error(weights[0, :, 1:], weights[1])
    with pytest.raises(InputError, match="at most 2 may differ"):
        cheap.lip_vertex_error(weights[0, :30], weights[1])
    with pytest.raises(InputError, match="no region upper_face"):
        WeightMetrics(replace(face, regions={"lips": face.regions["lips"]}))
