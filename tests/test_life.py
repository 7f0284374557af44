"""Blinks, gaze, brows and head motion: how often, how far, how smooth, and in channels of their own."""

import numpy as np
import pytest

from kmtalk.data.articulation import Articulation
from kmtalk.life import CHANNELS, enliven, life
from kmtalk.phonemes import LABELS, Phoneme
from tests.conftest import sound, spoken

MINUTES = 5
FPS = 25


@pytest.fixture(scope="module")
def talk():
    """Five minutes of phonemes with pauses, and their sound."""
    random = np.random.default_rng(0)
    labels = random.choice(["AA", "IY", "UW", "S", "M", "sil"], 4000)
    phonemes = spoken(*((str(label), float(random.uniform(0.06, 0.2))) for label in labels))
    phonemes = tuple(phoneme for phoneme in phonemes if phoneme.end < MINUTES * 60)
    loudness = np.repeat(random.uniform(0.1, 1, MINUTES * 60 * 4), 4000)
    audio = np.zeros(MINUTES * 60 * 16000, np.float32)
    spoken_sound = sound(phonemes)
    audio[: len(spoken_sound)] = spoken_sound * loudness[: len(spoken_sound)]
    return phonemes, audio


@pytest.fixture(scope="module")
def lived(talk, face):
    return life(*talk, face.basis_names, MINUTES * 60 * FPS, FPS, seed=1)


def blinks(weights, face):
    lids = weights[:, face.basis_names.index("eyeBlinkLeft")]
    starts = np.flatnonzero((lids[1:] > 0.5) & (lids[:-1] <= 0.5))
    return [lids[start : start + FPS // 4].max() for start in starts if start + FPS // 4 < len(lids)]


def test_shapes_and_types(lived, face):
    weights, head = lived
    assert weights.shape == (MINUTES * 60 * FPS, len(face.basis_names))
    assert head.shape == (MINUTES * 60 * FPS, 6)
    assert weights.dtype == head.dtype == np.float32


def test_blinks_come_about_26_times_a_minute_and_close_the_lids(talk, face):
    rates = []
    for seed in range(4):
        quiet = np.zeros(1600, np.float32)  # blinks follow the phonemes alone
        closures = blinks(life(talk[0], quiet, face.basis_names, MINUTES * 60 * FPS, FPS, seed)[0], face)
        assert min(closures) > 0.98
        rates.append(len(closures) / MINUTES)
    assert np.mean(rates) == pytest.approx(26, abs=2.5)


def test_blinks_are_drawn_to_pauses(face):
    phonemes = spoken(*(("sil", 0.3), ("AA", 0.9)) * 60)
    weights, _ = life(phonemes, sound(phonemes), face.basis_names, 72 * 100, 100, seed=0)
    lids = weights[:, face.basis_names.index("eyeBlinkLeft")]
    starts = np.flatnonzero((lids[1:] >= 0.999) & (lids[:-1] < 0.999)) / 100
    edges = np.array([time for phoneme in phonemes[::2] for time in (phoneme.start, phoneme.end)])
    near = [np.abs(edges - start).min() < 0.04 for start in starts]
    assert len(near) > 20
    assert np.mean(near) > 0.6  # a blink at any time would be within 40 ms of a pause's edge in 13 % of cases


def test_at_rest_blinks_come_about_17_times_a_minute(face):
    silent = (Phoneme("sil", 0.0, 300.0),)
    rates = [
        len(blinks(life(silent, np.zeros(1600, np.float32), face.basis_names, 7500, FPS, seed)[0], face)) / 5
        for seed in range(4)
    ]
    assert np.mean(rates) == pytest.approx(17, abs=2.5)


def test_breath_comes_in_pauses_and_goes_while_speaking(face):
    phonemes = spoken(*(("sil", 0.5), ("AA", 2.5)) * 10)
    _, head = life(phonemes, sound(phonemes), face.basis_names, 30 * 50, 50, seed=0)
    height = head[:, 4].reshape(10, 150)[1:]  # from pause to pause
    assert (height[:, :25].argmax(axis=1) == 24).all()  # it is still filling as the pause ends
    assert (np.diff(height[:, 40:150], axis=1) <= 1e-9).all()


def test_at_rest_breath_comes_about_16_times_a_minute(face):
    _, head = life((Phoneme("sil", 0.0, 60.0),), np.zeros(1600, np.float32), face.basis_names, 3000, 50, seed=0)
    high = head[:, 4] > 0.00045
    assert 14 <= np.count_nonzero(high[1:] & ~high[:-1]) <= 18
    assert np.abs(np.diff(head[:, 4])).max() * 50 < 0.005  # metres a second


def test_eyes_wander_farther_in_pauses(face):
    phonemes = spoken(*(("sil", 1.0), ("AA", 1.0)) * 150)
    weights, _ = life(phonemes, np.zeros(1600, np.float32), face.basis_names, 300 * FPS, FPS, seed=0)
    side = weights[:, face.basis_names.index("eyeLookInLeft")] + weights[:, face.basis_names.index("eyeLookInRight")]
    in_pauses = (np.arange(len(side)) // FPS) % 2 == 0
    assert side[in_pauses].mean() > 1.15 * side[~in_pauses].mean()
    assert side.max() < 0.4


def test_lips_meet_as_without_life(talk, face, lived):
    gap = face.lip_gap(lived[0])
    assert gap == pytest.approx(gap[0], abs=1e-6)
    assert face.distance(lived[0], "lip_corner_left", "lip_corner_right").std() < 1e-6


def test_life_is_kept_apart_from_speech(talk, face):
    phonemes, audio = talk[0], talk[1][: 20 * 16000]
    speech = np.random.default_rng(0).uniform(0, 0.4, (500, len(face.basis_names))).astype(np.float32)
    motion = enliven(speech, face, FPS, phonemes, audio, seed=2)
    assert motion.life.any()
    assert motion.weights == pytest.approx(np.minimum(speech + motion.life, 1), abs=1e-6)
    still = enliven(speech, face, FPS, phonemes, audio, seed=None)
    assert np.array_equal(still.weights, speech)
    assert not still.life.any() and not still.head_pose.any()
    assert still.life.shape == speech.shape
    free = enliven(speech * 10, face, FPS, phonemes, audio, seed=2, bounded=False)
    assert free.weights.max() > 3


def test_same_seed_same_life(talk, face, lived):
    again = life(*talk, face.basis_names, MINUTES * 60 * FPS, FPS, seed=1)
    other = life(*talk, face.basis_names, MINUTES * 60 * FPS, FPS, seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(lived, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(lived, other, strict=True))


def test_only_the_channels_of_life_move_and_speech_moves_none_of_them(lived, face):
    weights, _ = lived
    moving = {name for name, column in zip(face.basis_names, weights.T, strict=True) if column.any()}
    assert moving == set(CHANNELS)
    phonemes = spoken(*((label, 0.15) for label in LABELS))
    motion = Articulation(face).articulate(phonemes, sound(phonemes), 600)
    assert not motion[:, [face.basis_names.index(name) for name in CHANNELS]].any()


def test_weights_stay_in_range(lived):
    weights, _ = lived
    assert weights.min() >= 0
    assert weights.max() <= 1


def test_a_glance_moves_both_eyes_to_the_same_side(lived, face):
    weights = dict(zip(face.basis_names, lived[0].T, strict=True))
    assert np.array_equal(weights["eyeLookOutLeft"], weights["eyeLookInRight"])
    assert np.array_equal(weights["eyeLookInLeft"], weights["eyeLookOutRight"])
    assert not (weights["eyeLookOutLeft"] * weights["eyeLookOutRight"]).any()
    assert not (weights["eyeLookUpLeft"] * weights["eyeLookDownLeft"]).any()


def test_the_head_moves_little_and_smoothly(lived):
    _, head = lived
    degrees = np.degrees(head[:, :3])
    assert np.abs(degrees).max() > 0.5
    assert np.linalg.norm(degrees, axis=1).max() < 6
    assert np.linalg.norm(np.diff(degrees, axis=0), axis=1).max() * FPS < 40  # degrees a second
    assert np.abs(np.diff(degrees, 2, axis=0)).max() < 0.5  # no frame jumps out of its neighbours' line
    assert np.abs(head[:, 3:]).max() <= 0.001


def test_life_is_the_same_at_any_frame_rate(talk, face):
    weights_25, head_25 = life(*talk, face.basis_names, 1000, 25, seed=3)
    weights_50, head_50 = life(*talk, face.basis_names, 2000, 50, seed=3)
    assert weights_50[::2] == pytest.approx(weights_25, abs=1e-5)
    assert head_50[::2] == pytest.approx(head_25, abs=2e-3)


def test_channels_that_a_basis_lacks_are_left_out(talk):
    weights, _ = life(*talk, ("jawOpen", "browInnerUp"), 500, 25, seed=0)
    assert not weights[:, 0].any()
    assert weights[:, 1].any()


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_hardly_any_frames(frames, face):
    weights, head = life((), np.zeros(frames * 640, np.float32), face.basis_names, frames, 25)
    assert weights.shape == (frames, 54)
    assert head.shape == (frames, 6)
    assert np.isfinite(head).all()
