"""Key frames: where the phonemes put them, or as many elsewhere."""

import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.keys import place_keys, spread_keys
from kmtalk.phonemes import key_frames


def test_all_kinds_give_as_many(sentence):
    at = key_frames(sentence, 25.0, 75)
    assert place_keys("phonemes", sentence, 25.0, 75).tolist() == at.tolist()
    for kind in ("uniform", "random"):
        keys = place_keys(kind, sentence, 25.0, 75)
        assert len(keys) == len(at)
        assert (keys[0], keys[-1]) == (0, 74)
        assert (np.diff(keys) > 0).all()
        assert keys.tolist() != at.tolist()


def test_uniform_ones_are_evenly_spread():
    assert spread_keys("uniform", 4, 10).tolist() == [0, 3, 6, 9]
    assert set(np.diff(spread_keys("uniform", 11, 75))) <= {7, 8}


def test_random_ones_are_drawn_anew_but_the_same_without_a_generator():
    random = np.random.default_rng(0)
    drawn = [spread_keys("random", 20, 75, random).tolist() for _ in range(2)]
    assert drawn[0] != drawn[1]
    assert spread_keys("random", 20, 75).tolist() == spread_keys("random", 20, 75).tolist()


@pytest.mark.parametrize("kind", ["uniform", "random"])
@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_short_motions(kind, frames, count):
    keys = spread_keys(kind, count, frames)
    assert keys[0] == 0
    assert keys[-1] == frames - 1
    assert len(keys) == min(max(count, 2), frames)
    assert keys.dtype == np.int64


def test_an_unknown_kind(sentence):
    with pytest.raises(InputError, match="choose one of phonemes, uniform, random"):
        place_keys("often", sentence, 25.0, 75)
