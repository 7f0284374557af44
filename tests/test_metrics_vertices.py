import numpy as np
import pytest
import torch
from torchmetrics.functional.multimodal import lip_vertex_error as reference_lve

from kmtalk import metrics
from kmtalk.errors import InputError

TRUTH = np.zeros((2, 3, 3))
GUESS = np.array([[[0.003, 0.004, 0], [0, 0, 0.002], [1, 1, 1]], [[0, 0, 0.001], [0.006, 0.008, 0], [1, 1, 1]]])
LIPS = np.array([0, 1])


def _exactly(value):
    return pytest.approx(value, rel=0, abs=1e-6 * max(1, abs(value)))


def test_lip_scores_by_hand():
    # Lip distances: 5 and 2 mm, then 1 and 10 mm; the third vertex is no lip.
    np.testing.assert_allclose(metrics.lip_errors(GUESS, TRUTH, LIPS), [25e-6, 100e-6], rtol=1e-12)
    assert metrics.lip_vertex_error(GUESS, TRUTH, LIPS) == pytest.approx(62.5e-6, rel=1e-12)
    assert metrics.root_lip_vertex_error(GUESS, TRUTH, LIPS) == _exactly(62.5**0.5)
    assert metrics.lip_vertex_distance(GUESS, TRUTH, LIPS) == _exactly(7.5)


def test_all_vertices_by_hand():
    assert metrics.mean_vertex_error(GUESS, TRUTH) == _exactly((5 + 2 + 1 + 10 + 2 * 3**0.5 * 1000) / 6)
    assert metrics.root_vertex_error(GUESS, TRUTH) == _exactly(((25 + 4 + 1 + 100 + 6e6) / 6) ** 0.5)
    np.testing.assert_allclose(metrics.frame_distances(GUESS, TRUTH, LIPS), [0.0035, 0.0055], rtol=1e-12)


def test_dynamics_by_hand():
    template = np.array([[1.0, 0, 0], [0, 0, 0]])
    # Squared distances from the template: 1, 9 at one vertex (deviation 4), 0, 4 at the other (deviation 2).
    truth = np.array([[[2.0, 0, 0], [0, 0, 0]], [[1, 3, 0], [0, 0, 2]]])
    guess = np.array([[[1.0, 0, 0], [0, 0, 0]], [[1, 1, 0], [0, 0, 1]]])  # 0, 1 at both: deviation 0.5
    assert metrics.motion_spread(truth, template, LIPS) == _exactly(3)
    assert metrics.dynamics_deviation(guess, truth, template, LIPS) == _exactly(2.5)
    assert metrics.dynamics_deviation(truth, guess, template, LIPS) == _exactly(-2.5)
    assert metrics.dynamics_deviation(guess, truth, template, np.array([1])) == _exactly(1.5)


def test_lve_is_torchmetrics():
    random = np.random.default_rng(0)
    for frames in (1, 7, 300):
        guess, truth = random.normal(0, 0.1, (2, frames, 40, 3))
        lips = random.permutation(40)[:11]
        expected = reference_lve(torch.from_numpy(guess), torch.from_numpy(truth), lips.tolist())
        assert metrics.lip_vertex_error(guess, truth, lips) == pytest.approx(float(expected), rel=1e-9)


def test_repeated_indices_and_masks_are_one_list():
    mask = np.array([True, True, False])
    for lips in (np.array([0, 1, 1, 0]), mask, [1, 0]):
        assert metrics.lip_vertex_error(GUESS, TRUTH, lips) == pytest.approx(62.5e-6, rel=1e-12)


def test_long_motion_in_blocks_is_the_same(tmp_path):
    random = np.random.default_rng(1)
    guess, truth = random.normal(0, 0.01, (2, 700, 5, 3)).astype(np.float32)
    np.save(tmp_path / "a.npy", guess)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    distance = np.linalg.norm(guess.astype(np.float64) - truth, axis=-1)
    assert metrics.mean_vertex_error(mapped, truth) == pytest.approx(distance.mean() * 1e3, rel=1e-9)
    assert metrics.lip_vertex_distance(mapped, truth, [1, 2]) == pytest.approx(distance[:, 1:3].max(1).mean() * 1e3)


def test_up_to_two_frames_are_cut():
    assert metrics.lip_vertex_error(GUESS, np.zeros((4, 3, 3)), LIPS) == pytest.approx(62.5e-6)
    assert metrics.lip_vertex_error(np.concatenate([GUESS, GUESS[:1]]), TRUTH, LIPS) == pytest.approx(62.5e-6)


@pytest.mark.parametrize(
    ("guess", "truth", "lips", "said"),
    [
        (GUESS, np.zeros((5, 3, 3)), LIPS, "has 2 frames, the truth 5: at most 2 may differ"),
        (GUESS, np.zeros((2, 4, 3)), LIPS, "has 3 vertices, the truth 4: give the same mesh"),
        (GUESS.reshape(2, 9), TRUTH, LIPS, r"shape \(2, 9\): give frames, vertices and x y z"),
        (GUESS, TRUTH[:0], LIPS, "give frames, vertices and x y z"),
        (GUESS, TRUTH, [], "at least one"),
        (GUESS, TRUTH, [0.5], "must be a list of vertex numbers"),
        (GUESS, TRUTH, [0, 3], "names vertices 0 to 3, the faces have 0 to 2: it is of another mesh"),
        (GUESS, TRUTH, [-1], "another mesh"),
        (GUESS, TRUTH, np.array([True, False]), r"the mask lips has shape \(2,\), the faces have 3"),
    ],
)
def test_what_does_not_fit_is_refused(guess, truth, lips, said):
    with pytest.raises(InputError, match=said):
        metrics.lip_vertex_error(guess, truth, np.array(lips))


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (1, None),
        (1000, "look like millimetres"),
        (100, "look like centimetres"),
        (5, "meshes of area 1"),
        (1e-3, "say"),
    ],
)
def test_units_are_told_by_the_size_of_a_face(scale, said):
    face = np.array([[-0.08, -0.1, 0], [0.08, 0.1, 0.09]]) * scale
    if said is None:
        metrics.check_metres(face, "truth")
    else:
        with pytest.raises(InputError, match=said):
            metrics.check_metres(face, "truth")


def test_units_that_are_no_numbers():
    with pytest.raises(InputError, match="no numbers"):
        metrics.check_metres(np.full((2, 3), np.nan), "truth")
