"""Models and baselines as curves of a mouth."""

import numpy as np
import pytest

from kmtalk.data.articulation import Articulation
from kmtalk.evaluate.predictions import PhoneLoop, by_loudness, by_model, by_rules, by_tracker
from kmtalk.evaluate.recordings import CURVES, Recording, Tracked
from kmtalk.phonemes import LABELS


def test_the_rules_move_the_mouth_as_was_said(sentence, voice, face):
    moved = by_rules(sentence, voice, Articulation(face))
    assert moved.phonemes == sentence
    assert set(moved.curves) == set(CURVES)
    assert all(curve.shape == (300,) for curve in moved.curves.values())
    assert moved.curves["gap"][60] > 6  # in AA
    assert moved.curves["gap"][45] < 1  # in M
    assert moved.curves["width"][110] < moved.curves["width"][92]  # UW against IY
    assert moved.curves["rounding"][110] > moved.curves["rounding"][92]
    assert np.ptp(moved.curves["jaw"]) > 4


def test_a_model_predicts_curves_and_phonemes(voice, tiny_model):
    predicted = by_model(voice, tiny_model)
    assert {curve.shape for curve in predicted.curves.values()} == {(150,)}
    assert predicted.phonemes[0].start == 0
    assert predicted.phonemes[-1].end == pytest.approx(3.0)


def test_loudness_is_every_curve(voice):
    predicted = by_loudness(voice)
    assert set(predicted.curves) == set(CURVES)
    assert predicted.curves["gap"][60] > predicted.curves["gap"][10] + 20
    assert not predicted.millimetres
    assert predicted.phonemes == ()


def test_the_real_mouth_is_what_was_tracked(voice):
    time = np.arange(0.1, 2.9, 0.04)
    recording = Recording("a", "a", voice, tracked=Tracked(time, dict.fromkeys(CURVES, np.sin(time))))
    predicted = by_tracker(recording)
    assert predicted.fps == pytest.approx(25)
    assert predicted.curves["gap"] == pytest.approx(np.sin(np.clip(np.arange(75) / 25, 0.1, 2.86)), abs=1e-3)


def test_pocketsphinx_hears_phonemes(voice):
    pytest.importorskip("pocketsphinx")
    phonemes = PhoneLoop()(voice)
    assert phonemes[0].start == 0
    assert all(before.end == after.start for before, after in zip(phonemes, phonemes[1:], strict=False))
    assert {phoneme.label for phoneme in phonemes} <= set(LABELS)
    assert phonemes[-1].end == pytest.approx(3.0, abs=0.05)
