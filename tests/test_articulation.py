"""The rules that move the mouth: what must close closes, what must open opens, whoever speaks and however loudly."""

import numpy as np
import pytest

from kmtalk.data.articulation import ARTICULATORS, Articulation
from kmtalk.phonemes import LABELS, RATE
from tests.conftest import sound, spoken

VIDEO = 30.0


@pytest.fixture(scope="module")
def rules(face):
    return Articulation(face)


@pytest.fixture(scope="module")
def column(face):
    """Reads one weight's curve by name."""
    return lambda weights, name: weights[:, face.basis_names.index(name)]


def say(rules, *pairs, level=0.2):
    phonemes = spoken(*pairs)
    audio = sound(phonemes, level=level)
    return phonemes, rules.articulate(phonemes, audio, len(audio) // 160)


def gap(rules, weights):
    """Millimetres between the inner lips."""
    return rules.face.lip_gap(weights) * 1e3


def during(curve, phoneme):
    return curve[round(phoneme.start * RATE) : round(phoneme.end * RATE)]


def test_shape_type_and_range(rules, face):
    phonemes, weights = say(rules, *((label, 0.12) for label in LABELS))
    assert weights.shape == (480, len(face.basis_names))
    assert weights.dtype == np.float32
    assert weights.max() <= 1
    assert weights.min() >= -0.2  # the tongue's tip alone goes below rest
    below = {face.basis_names[i] for i in np.flatnonzero(weights.min(axis=0) < 0)}
    assert below <= {"tongueUp"}
    assert len(ARTICULATORS) == 9


@pytest.mark.parametrize("label", ["P", "B", "M"])
@pytest.mark.parametrize("level", [0.005, 0.1, 0.9])
@pytest.mark.parametrize("seconds", [0.03, 0.07, 0.15])
@pytest.mark.parametrize("vowel", ["AA", "UW"])
def test_lips_close_for_two_video_frames(rules, label, level, seconds, vowel):
    phonemes, weights = say(
        rules, ("sil", 0.3), (vowel, 0.2), (label, seconds), (vowel, 0.2), ("sil", 0.3), level=level
    )
    closure = phonemes[2]
    times = np.arange(len(weights)) / RATE
    for offset in np.arange(0, 1 / VIDEO, 0.004):  # wherever the video's frames happen to lie
        frames = np.arange(offset, times[-1], 1 / VIDEO)
        near = np.abs(frames - (closure.start + closure.end) / 2) < seconds / 2 + 0.06
        shut = np.interp(frames, times, gap(rules, weights))[near] < 1.0
        assert shut.sum() >= 2


@pytest.mark.parametrize("label", ["F", "V"])
def test_the_lower_lip_goes_to_the_teeth(rules, column, label):
    phonemes, weights = say(rules, ("sil", 0.2), ("AA", 0.2), (label, 0.1), ("AA", 0.2), ("sil", 0.2))
    assert during(column(weights, "mouthRollLower"), phonemes[2]).max() > 0.45
    narrow = during(gap(rules, weights), phonemes[2]).min()
    assert 0.3 < narrow < 3.0  # near, and not shut as for P
    assert narrow < 0.4 * during(gap(rules, weights), phonemes[1]).max()


@pytest.mark.parametrize("label", ["AA", "AE", "AY", "AW"])
def test_open_vowels_open(rules, label):
    phonemes, weights = say(rules, ("sil", 0.2), ("T", 0.08), (label, 0.18), ("T", 0.08), ("sil", 0.2))
    assert during(gap(rules, weights), phonemes[2]).max() > 6.0


def test_vowels_open_in_their_order(rules):
    opening = {}
    for vowel in ("AA", "EH", "IH", "IY", "UW"):
        phonemes, weights = say(rules, ("T", 0.1), (vowel, 0.25), ("T", 0.1))
        opening[vowel] = during(gap(rules, weights), phonemes[1]).max()
    assert opening["AA"] > opening["EH"] > opening["IH"] > opening["IY"] > 1.0
    assert opening["IH"] > opening["UW"]


def test_rounded_vowels_are_narrow_and_spread_ones_wide(rules, face):
    width = {}
    for vowel in ("UW", "OW", "AH", "IY"):
        phonemes, weights = say(rules, ("T", 0.1), (vowel, 0.25), ("T", 0.1))
        across = face.distance(weights, "lip_corner_left", "lip_corner_right") * 1e3
        width[vowel] = np.median(during(across, phonemes[1]))
    assert width["UW"] < width["OW"] < width["AH"] < width["IY"]
    assert width["IY"] - width["UW"] > 5


def test_louder_opens_wider(rules):
    phonemes = spoken(*(("T", 0.08), ("AA", 0.2)) * 3, ("T", 0.08))
    audio = sound(phonemes)
    for phoneme, gain in zip(phonemes[1::2], (1.0, 0.25, 4.0), strict=True):
        audio[round(phoneme.start * 16000) : round(phoneme.end * 16000)] *= gain
    opening = gap(rules, rules.articulate(phonemes, audio, len(audio) // 160))
    normal, quiet, loud = (during(opening, phoneme).max() for phoneme in phonemes[1::2])
    assert quiet < normal - 1 < loud - 2


def test_the_recording_s_level_does_not_matter(rules):
    _, soft = say(rules, ("T", 0.1), ("AA", 0.2), ("M", 0.1), ("IY", 0.2), level=0.05)
    _, loud = say(rules, ("T", 0.1), ("AA", 0.2), ("M", 0.1), ("IY", 0.2), level=0.5)
    assert gap(rules, soft) == pytest.approx(gap(rules, loud), abs=0.5)


def test_lips_hardly_pass_through_each_other(rules):
    random = np.random.default_rng(0)
    deepest = 0.0
    for seed in range(5):
        labels = random.choice(LABELS, 80)
        phonemes = spoken(*((str(label), float(random.uniform(0.03, 0.2))) for label in labels))
        audio = sound(phonemes, seed) * np.repeat(random.uniform(0.02, 2, 100), 1600)[: round(phonemes[-1].end * 16000)]
        deepest = min(deepest, gap(rules, rules.articulate(phonemes, audio, len(audio) // 160)).min())
    assert deepest > -0.02


def test_rounding_comes_before_the_vowel(rules, column):
    phonemes, rounded = say(rules, ("sil", 0.2), ("AA", 0.2), ("S", 0.1), ("T", 0.08), ("UW", 0.2))
    _, spread = say(rules, ("sil", 0.2), ("AA", 0.2), ("S", 0.1), ("T", 0.08), ("IY", 0.2))
    pucker = column(rounded, "mouthPucker")
    peak = pucker.max()
    before = pucker[round(phonemes[4].start * RATE) - 5]
    assert before > 0.3 * peak
    assert before > 2 * column(spread, "mouthPucker")[round(phonemes[4].start * RATE) - 5]


def test_the_tongue_rises_for_its_sounds(rules, column):
    phonemes, weights = say(
        rules, ("AA", 0.2), ("L", 0.1), ("AA", 0.2), ("K", 0.1), ("AA", 0.2), ("TH", 0.1), ("AA", 0.2)
    )
    tip, back, out = (column(weights, name) for name in ("tongueUp", "tongueBackUp", "tongueOut"))
    assert during(tip, phonemes[1]).max() > 0.5 > during(tip, phonemes[0])[:10].max()
    assert during(back, phonemes[3]).max() > 0.5 > during(back, phonemes[0])[:10].max()
    assert during(out, phonemes[5]).max() > 0.1 > during(out, phonemes[0]).max()


def test_a_diphthong_moves_from_its_first_vowel_to_its_second(rules, column):
    phonemes, weights = say(rules, ("T", 0.1), ("AW", 0.4), ("T", 0.1))
    pucker = during(column(weights, "mouthPucker"), phonemes[1])
    opening = during(gap(rules, weights), phonemes[1])
    assert pucker[-5] > 4 * pucker[8]
    assert opening[8:20].max() > opening[-5] + 2


def test_silence_is_rest(rules):
    _, weights = say(rules, ("sil", 1.0))
    assert np.abs(weights).max() < 0.01
    assert gap(rules, weights) == pytest.approx(0, abs=0.02)  # the template's lips overlap a little: they are parted
    _, weights = say(rules, ("AA", 0.3), ("sil", 1.0), ("AA", 0.3))
    assert np.abs(weights[60:100]).max() < 0.02


def test_sides_move_alike(rules, face):
    _, weights = say(rules, *((label, 0.12) for label in LABELS))
    for name in face.basis_names:
        if name.endswith("Left"):
            left, right = (face.basis_names.index(side) for side in (name, name.removesuffix("Left") + "Right"))
            assert np.array_equal(weights[:, left], weights[:, right]) or name in ("jawLeft", "mouthLeft")


def test_motion_is_smooth(rules):
    _, weights = say(rules, *((label, 0.1) for label in LABELS), level=0.5)
    assert np.abs(np.diff(gap(rules, weights))).max() * RATE < 500  # mm a second; fast speech reaches about 300
    assert np.abs(np.diff(weights, axis=0)).max() < 0.2
