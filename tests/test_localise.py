"""The likeliest path of phonemes, against every possible path."""

from itertools import groupby, product

import numpy as np
import pytest

from kmtalk.localise import best_path, localise
from kmtalk.phonemes import LABELS


def allowed(path):
    """Every phoneme lasts two frames, but a recording may begin in the second frame of one."""
    runs = [len(list(run)) for _, run in groupby(path)]
    return all(length >= 2 for length in runs[1:])


def value(scores, path, switch):
    total = sum(scores[t, label] for t, label in enumerate(path))
    return total - switch * sum(a != b for a, b in zip(path, path[1:], strict=False))


@pytest.mark.parametrize("seed", range(30))
def test_best_path_beats_every_other(seed):
    random = np.random.default_rng(seed)
    frames, switch = int(random.integers(1, 8)), float(random.uniform(0, 2))
    scores = random.normal(0, 1.5, (frames, 3)).astype(np.float32)
    best = max(
        (path for path in product(range(3), repeat=frames) if allowed(path)), key=lambda p: value(scores, p, switch)
    )
    assert best_path(scores, switch).tolist() == list(best)


def posteriors(*runs, certainty=0.9):
    """(T, 40) log-posteriors that say each label for some frames."""
    rows = []
    for label, frames in runs:
        row = np.full(len(LABELS), (1 - certainty) / (len(LABELS) - 1))
        row[LABELS.index(label)] = certainty
        rows += [row] * frames
    return np.log(np.array(rows, np.float32))


def test_clear_posteriors_give_the_phonemes_and_their_times():
    found = localise(posteriors(("sil", 12), ("B", 7), ("AA", 21)))
    assert [phoneme.label for phoneme in found] == ["sil", "B", "AA"]
    assert [phoneme.start for phoneme in found] == pytest.approx([0, 0.12, 0.19])
    assert [phoneme.end for phoneme in found] == pytest.approx([0.12, 0.19, 0.40])


def test_a_flicker_of_one_frame_is_passed_over():
    found = localise(posteriors(("AA", 10), ("B", 1), ("AA", 10)))
    assert [phoneme.label for phoneme in found] == ["AA"]


def test_the_switch_cost_decides_what_is_a_phoneme():
    doubtful = posteriors(("AA", 10), ("IY", 2), ("AA", 10), certainty=0.5)
    assert len(localise(doubtful, switch=0.5)) == 3
    assert len(localise(doubtful, switch=10)) == 1


def test_the_last_phoneme_lasts_as_long_as_the_recording():
    found = localise(posteriors(("sil", 10), ("AA", 10)), duration=0.2075)
    assert found[-1].end == 0.2075
    assert found[0].end == found[1].start == 0.1


def test_no_frames_give_no_phonemes():
    assert localise(np.zeros((0, 40), np.float32), duration=0.0) == ()


def test_an_hour_is_localised_as_its_part():
    # Sums over an hour must not lose the fine differences that decide a path.
    random = np.random.default_rng(0)
    minute = random.normal(-5, 2, (3000, 40)).astype(np.float32)
    late = np.concatenate([np.full((360_000, 40), -5, np.float32), minute])
    assert np.array_equal(best_path(late, 2.5)[-2900:], best_path(minute, 2.5)[-2900:])
