"""The likeliest path of phonemes, against every possible path."""

from itertools import groupby, product

import numpy as np
import pytest

from kmtalk.localise import best_path, fit, localise, spectral_change
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


def test_a_switch_can_cost_less_in_some_frames():
    scores = np.array([[0, -9], [0, -9], [-1, -1], [-1, -1], [-1, -1], [-9, 0], [-9, 0]], np.float32)
    for change in (2, 3, 4, 5):
        costs = np.full(7, 3.0)
        costs[change] = 1.0
        assert best_path(scores, costs).tolist() == [0] * change + [1] * (7 - change)


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


def test_a_boundary_falls_where_the_sound_changes():
    unsure = posteriors(("AA", 10), ("IY", 10))
    unsure[7:13] = unsure[7:13].mean(axis=0)
    for change in (8, 10, 12):
        heard = np.ones(20)
        heard[change] = 3.0
        found = localise(unsure, change=heard)
        assert [phoneme.label for phoneme in found] == ["AA", "IY"]
        assert found[1].start == pytest.approx(change / 100)


def tone(hertz, frames):
    return np.sin(2 * np.pi * hertz * np.arange(frames * 160) / 16000).astype(np.float32)


def test_spectral_change_peaks_where_one_tone_gives_way_to_another():
    noise = np.random.default_rng(0).normal(0, 0.003, 50 * 160).astype(np.float32)
    change = spectral_change(np.concatenate([tone(500, 20), tone(1500, 17), tone(800, 13)]) + noise)
    assert change.shape == (50,)
    assert change[[20, 37]].min() > 2 > change[[10, 28, 44]].max()


def test_spectral_change_does_not_depend_on_the_level():
    sound = np.random.default_rng(1).normal(0, 0.1, 16000).astype(np.float32) * np.repeat([1, 0.1, 1, 0.3], 4000)
    np.testing.assert_allclose(spectral_change(sound), spectral_change(sound * 4), rtol=1e-3)


def test_spectral_change_of_next_to_nothing():
    assert spectral_change(np.zeros(0, np.float32)).shape == (0,)
    assert spectral_change(np.zeros(200, np.float32)).tolist() == [1.0]
    assert np.isfinite(spectral_change(np.zeros(16000, np.float32))).all()


def test_a_change_is_cut_or_drawn_out_to_the_frames():
    assert fit(np.array([0.5, 2.0]), 4).tolist() == [0.5, 2.0, 1.0, 1.0]
    assert fit(np.array([0.5, 2.0]), 1).tolist() == [0.5]
