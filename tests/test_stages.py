"""Where the model's frames lie among a motion's, and how its stages run in chunks."""

import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.stages import check_fps, complete, make_grid, upsample


def test_the_grid_at_the_model_s_rate_is_every_frame():
    grid = make_grid(75, 25)
    assert (grid.step, grid.rate, grid.last) == (1, 25, 74)
    assert grid.place(np.array([0, 7, 74])).tolist() == grid.frame(np.array([0, 7, 74])).tolist() == [0, 7, 74]
    assert grid.place_at(0.3) == 8  # 7.5, half to even
    assert grid.place_at(-1) == 0 and grid.place_at(9) == 74


def test_the_grid_at_twice_the_rate_is_every_other_frame_and_the_last():
    grid = make_grid(150, 50)
    assert (grid.step, grid.rate, grid.last) == (2, 25, 75)
    assert grid.place(np.array([0, 7, 9, 148, 149])).tolist() == [0, 4, 4, 74, 75]
    assert grid.frame(np.array([0, 4, 74, 75])).tolist() == [0, 8, 148, 149]


@pytest.mark.parametrize("fps", [19.9, 121, float("nan"), "25", None])
def test_rates_that_cannot_be(fps):
    with pytest.raises(InputError, match="choose 20 to 120"):
        check_fps(fps)


@pytest.mark.parametrize("held", [0, 3, 5])
def test_a_held_pose_is_passed_exactly_and_seen_up_to_the_next_keys(tiny_model, held):
    random = np.random.default_rng(0)
    features = random.normal(0, 1, (60, 16)).astype(np.float32)
    places, motions = np.array([0, 12, 20, 31, 40, 59]), random.uniform(0, 1, (6, 54)).astype(np.float32)
    free = complete(tiny_model, features, places, motions)
    pose = random.uniform(0, 1, 54).astype(np.float32)
    motion = complete(tiny_model, features, places, motions, {held: pose})
    assert motion[places[held]] == pytest.approx(pose, abs=1e-6)
    changed = np.flatnonzero(np.abs(motion - free).max(axis=1))
    assert changed.min() > (places[held - 1] if held else -1)
    assert changed.max() < (places[held + 1] if held < 5 else 60)


def test_no_key_and_no_frame_is_lost_in_between():
    weights = np.random.default_rng(1).uniform(0, 1, (6, 3)).astype(np.float32)
    grid = make_grid(11, 50)
    drawn = upsample(weights, grid)
    assert drawn.shape == (11, 3)
    assert drawn[::2] == pytest.approx(weights, abs=1e-6)
    assert upsample(weights[:1], make_grid(1, 50)).shape == (1, 3)


def test_the_last_place_is_shown_by_the_last_frame():
    weights = np.random.default_rng(2).uniform(0, 1, (4, 3)).astype(np.float32)
    for frames, fps in ((6, 60), (6, 50), (12, 119.88)):  # the last frame lies between two of the model's
        grid = make_grid(frames, fps)
        drawn = upsample(weights[: grid.last + 1], grid)
        assert len(drawn) == frames
        assert drawn[grid.frame(np.arange(grid.last + 1))] == pytest.approx(weights[: grid.last + 1], abs=1e-6)


def test_rounding_never_leaves_the_range():
    weights = np.array([[0.3023837208747864], [0.22359022498130798], [0.0]], np.float32)  # the curve ends at -1e-17
    assert upsample(weights, make_grid(5, 60)).min() == 0
