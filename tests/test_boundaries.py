"""Boundaries moved to where the sound changes: exact on made-up voices, harmless where nothing is to be heard."""

import numpy as np
import pytest

from kmtalk.boundaries import refine
from kmtalk.phonemes import Phoneme
from tests.conftest import sound, spoken


@pytest.fixture(scope="module")
def talk():
    labels = ["sil", "M", "AA", "S", "IY", "UW", "S", "AA", "M", "IY", "sil"]
    return spoken(*((label, seconds) for label, seconds in zip(labels, np.linspace(0.08, 0.25, 11), strict=True)))


def shifted(phonemes, by):
    times = [phonemes[0].start, *(p.end + by * (-1) ** i for i, p in enumerate(phonemes[:-1])), phonemes[-1].end]
    return tuple(Phoneme(p.label, a, b) for p, a, b in zip(phonemes, times, times[1:], strict=False))


def edges(phonemes):
    return [phoneme.start for phoneme in phonemes] + [phonemes[-1].end]


@pytest.mark.parametrize("by", [-0.025, -0.01, 0, 0.01, 0.025])
def test_boundaries_go_where_the_sound_changes(talk, by):
    refined = refine(shifted(talk, by), sound(talk))
    assert edges(refined) == pytest.approx(edges(talk), abs=0.0121)
    assert [phoneme.label for phoneme in refined] == [phoneme.label for phoneme in talk]


def test_no_boundary_goes_farther_than_30_ms(talk):
    far = shifted(talk, 0.04)
    assert np.abs(np.subtract(edges(refine(far, sound(talk))), edges(far))).max() < 0.0351


@pytest.mark.parametrize("seed", range(5))
def test_phonemes_stay_in_order_in_any_sound(seed):
    random = np.random.default_rng(seed)
    times = np.unique(np.append(0, random.uniform(0, 3, 80)).round(2))
    phonemes = tuple(Phoneme("AA", a, b) for a, b in zip(times.tolist(), times[1:].tolist(), strict=False))
    refined = refine(phonemes, random.normal(0, random.choice([0, 0.1]), 48000).astype(np.float32))
    assert len(refined) == len(phonemes)
    assert all(a.end == b.start for a, b in zip(refined, refined[1:], strict=False))
    assert min(phoneme.duration for phoneme in refined) > 0.0049
    assert (refined[0].start, refined[-1].end) == (phonemes[0].start, phonemes[-1].end)


@pytest.mark.parametrize("phonemes", [(), (Phoneme("sil", 0, 3),)])
def test_without_boundaries_nothing_moves(phonemes, voice):
    assert refine(phonemes, voice) == phonemes


def test_phonemes_may_end_after_the_sound():
    phonemes = (Phoneme("AA", 0, 0.1), Phoneme("M", 0.1, 0.2), Phoneme("S", 0.2, 0.3))
    assert edges(refine(phonemes, np.zeros(1600, np.float32)))[-1] == 0.3
