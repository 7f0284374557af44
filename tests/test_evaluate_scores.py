"""Scores of one recording and of many, against numbers worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from kmtalk.evaluate.pooling import average_faces, pool_motion, pool_phonemes
from kmtalk.evaluate.predictions import Prediction
from kmtalk.evaluate.recordings import CLASSES, CURVES, Labels, Recording, Tracked
from kmtalk.evaluate.scores import correlate, jitter, place_errors, score_faces, score_motion, score_phonemes
from kmtalk.phonemes import Phoneme

LABELS = Labels(((0.0, 0.5, "SIL"), (0.5, 0.6, "PBM"), (0.6, 0.8, "OPEN"), (0.8, 1.0, "PBM"), (1.0, 1.6, "SIL")))
HEARD = (Phoneme("sil", 0, 0.52), Phoneme("M", 0.52, 0.63), Phoneme("AA", 0.63, 0.8), Phoneme("sil", 0.8, 1.6))


def test_phonemes_against_labels():
    scores = score_phonemes(HEARD, LABELS, 1.6)
    assert scores["frames"] == 160
    assert scores["frames_right"] == 50 + 8 + 17 + 60
    confusion = np.array(scores["confusion"])
    place = {name: index for index, name in enumerate(CLASSES)}
    assert confusion[place["PBM"], place["SIL"]] == 2 + 20
    assert confusion[place["PBM"], place["PBM"]] == 8
    assert confusion[place["OPEN"], place["PBM"]] == 3
    assert confusion.sum() == 160
    assert (scores["boundaries"], scores["boundaries_found"]) == (4, 3)
    assert (scores["matched_20"], scores["matched_40"]) == (2, 3)


def test_places_of_boundaries_and_centres():
    labels = Labels(((0.0, 0.5, "SIL"), (0.5, 0.6, "PBM"), (0.6, 0.8, "OPEN"), (0.8, 0.9, "ALV"), (0.9, 1.0, "SIL")))
    times = (0.0, 0.51, 0.58, 0.84, 1.0)
    heard = tuple(Phoneme("P", *span) for span in zip(times, times[1:], strict=False))
    errors = place_errors(heard, labels)
    assert errors["boundary_errors"] == pytest.approx([0.01, 0.02, 0.02, 0.04])  # 0.9 has none of its own
    assert errors["centre_errors"] == pytest.approx([0.005, 0.01])
    assert place_errors(heard[:1], labels) == {"boundary_errors": [], "centre_errors": []}


def test_pooled_phonemes():
    scores = score_phonemes(HEARD, LABELS, 1.6)
    pooled = pool_phonemes([scores, scores])
    assert pooled["visemes"] == pytest.approx(135 / 160)
    assert pooled["pbm_recall"] == pytest.approx(8 / 30)
    assert pooled["precision_20"] == pytest.approx(2 / 3)
    assert pooled["recall_20"] == pytest.approx(2 / 4)
    assert pooled["f1_40"] == pytest.approx(6 / 7)
    assert pooled["boundary_error"] == pytest.approx(np.median(scores["boundary_errors"]))
    rows = np.array(pooled["confusion"]).sum(axis=1)
    assert set(rows.round(3)) == {0.0, 1.0}


def opening(spans, seconds=1.6, fps=100):
    gap = np.zeros(round(seconds * fps))
    for start, end, height in spans:
        gap[round(start * fps) : round(end * fps)] = height
    return Prediction({"gap": gap}, fps)


def test_motion_against_labels():
    scores = score_motion(opening([(0.62, 0.78, 6.0), (0.78, 1.06, 3.0)]), LABELS)
    assert (scores["bilabials"], scores["closed"]) == (2, 1)  # the second stays 3 mm open
    assert (scores["vowels"], scores["open"]) == (1, 1)
    assert scores["balanced_closure"] == pytest.approx(0.75)
    pooled = pool_motion([scores, {**scores, "balanced_closure": math.nan, "jitter": math.nan}])
    assert pooled["closed"] == 0.5
    assert pooled["bilabials"] == 4
    assert pooled["balanced_closure"] == pytest.approx(0.75)


def test_a_gap_without_millimetres_has_no_closures_to_count():
    scores = score_motion(replace(opening([(0.6, 0.8, 1.0)]), millimetres=False), LABELS)
    assert "closed" not in scores
    assert scores["balanced_closure"] == 1.0


def test_jitter_is_speed_in_the_middle_of_silences():
    gap = np.zeros(200)
    gap[::2] = 0.01  # up and down by 0.01 mm a hundred times a second
    assert jitter(gap, 100, [(0.0, 1.0)]) == pytest.approx(1.0)
    gap[:14] = 5.0  # still closing
    assert jitter(gap, 100, [(0.0, 1.0)]) == pytest.approx(1.0)
    assert math.isnan(jitter(gap, 100, [(0.0, 0.35)]))


TIME = np.arange(0, 4, 0.04)


def face(name, talker, hertz, seconds=4.0):
    curve = np.sin(2 * np.pi * hertz * TIME)
    tracked = Tracked(TIME, dict.fromkeys(CURVES, curve))
    return Recording(name, talker, np.zeros(round(seconds * 16000), np.float32), tracked=tracked)


def moved(hertz, late=0.0, seconds=4.0):
    at = np.arange(round(seconds * 50)) / 50
    return Prediction(dict.fromkeys(CURVES, np.sin(2 * np.pi * hertz * (at - late))), 50.0)


def test_correlation_and_lag():
    scores = correlate(moved(1.0, late=-0.05), face("a", "a", 1.0).tracked)
    for name in CURVES:
        assert scores[name] > 0.99
        assert scores[f"{name}_lag"] == pytest.approx(0.05, abs=0.011)  # it comes early


def test_a_shorter_voice_is_repeated():
    scores = correlate(moved(1.0, seconds=2.0), face("a", "a", 1.0).tracked)
    assert scores["gap"] > 0.99


def test_faces_find_their_own_voice_among_other_talkers():
    recordings = [face("one", "a", 1.0), face("two", "b", 1.7), face("three", "b", 2.4)]
    scores = score_faces(recordings, [moved(1.0), moved(1.7), moved(1.0)])
    assert scores["one"]["retrieval"] == 0.5  # the third voice fits it as well as its own
    assert scores["two"]["retrieval"] == 1.0
    assert scores["two"]["gap"] > 0.99
    assert abs(scores["two"]["gap_wrong"]) < 0.3
    assert scores["three"]["retrieval"] in (0.0, 1.0)
    summary = average_faces(scores, tuple(CURVES))
    assert summary["gap"] == pytest.approx(
        (scores["one"]["gap"] + (scores["two"]["gap"] + scores["three"]["gap"]) / 2) / 2
    )
    assert summary["gap_lag"] == np.median([scores[name]["gap_lag"] for name in scores])


def test_one_talker_alone_has_no_wrong_voice():
    scores = score_faces([face("one", "a", 1.0)], [moved(1.0)])
    assert math.isnan(scores["one"]["retrieval"])
    assert math.isnan(scores["one"]["gap_wrong"])
