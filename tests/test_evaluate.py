"""Evaluation on a made-up folder of labelled voices and tracked faces."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from kmtalk.animate import animate
from kmtalk.audio import save_audio
from kmtalk.data.articulation import Articulation
from kmtalk.errors import InputError
from kmtalk.evaluate import (
    CURVES,
    VISEMES,
    Labels,
    _whole_stops,
    evaluate,
    mouth_curves,
    score_face,
    score_labelled,
    table,
    write_json,
)
from kmtalk.metrics import smooth_tracked
from kmtalk.motion import Motion
from kmtalk.phonemes import LABELS

FPS = 50.0


@pytest.fixture(scope="module")
def ideal(sentence, voice, face, tiny_model):
    """An animation that heard the sentence exactly and moves by the articulation rules."""
    heard = animate((voice, 16000), model=tiny_model, fps=FPS, life=False)
    weights = Articulation(face).articulate(sentence, voice, 300)[::2]
    motion = Motion(weights, face.basis_names, FPS, np.zeros((len(weights), 6), np.float32))
    return replace(heard, motion=motion, phonemes=sentence)


@pytest.fixture(scope="module")
def labels(sentence):
    return Labels(tuple((phoneme.start, phoneme.end, VISEMES[phoneme.label]) for phoneme in sentence))


def tracked(animation, lag=0.0):
    """What a tracker would save of an animation's mouth at 25 frames a second, the video `lag` seconds late."""
    curves = mouth_curves(animation)
    time = np.arange(0, animation.duration - 0.1, 0.04)
    at = np.arange(animation.frames) / animation.fps
    measured = {CURVES[name]: np.interp(time, at, curve).astype(np.float32) for name, curve in curves.items()}
    return {"t": time + lag, "fps": 25.0, "ok": np.ones(len(time), bool), "av_lag_s": np.float32(lag), **measured}


def test_every_label_has_one_of_twelve_visemes():
    assert set(VISEMES) == set(LABELS)
    assert len(set(VISEMES.values())) == 12


def test_an_ideal_animation_scores_full(ideal, labels):
    scores = score_labelled(ideal, labels)
    assert (scores["bilabials"], scores["closed"]) == (2, 2)
    assert (scores["vowels"], scores["open"]) == (2, 2)
    assert scores["balanced_closure"] == 1.0
    assert scores["frames_right"] == scores["frames"] == 300
    assert scores["boundaries"] == scores["boundaries_found"] == scores["matched_20"] == len(ideal.phonemes) - 1


def test_a_shut_mouth_that_hears_nothing_scores_what_it_should(ideal, labels, sentence):
    still = replace(ideal, motion=replace(ideal.motion, weights=np.zeros_like(ideal.weights)), phonemes=(sentence[0],))
    scores = score_labelled(still, labels)
    assert (scores["closed"], scores["open"]) == (2, 0)
    assert scores["balanced_closure"] == 0.5
    assert scores["frames_right"] == 140  # the sentence is silent for 0.4 + 0.3 + 0.7 s
    assert scores["matched_40"] == scores["boundaries_found"] == 0


def test_a_face_that_moves_alike_correlates_fully(ideal):
    scores = score_face(ideal, tracked(ideal, lag=0.06))
    for name in CURVES:
        assert scores[name] > 0.97
        assert abs(scores[f"{name}_lag"]) <= 0.011
        assert -1 <= scores[f"{name}_loudness"] <= 1
    assert scores["gap"] > scores["gap_loudness"]
    assert scores["duration"] == pytest.approx(3.0)


def test_a_lag_that_is_not_told_is_found(ideal):
    seen = tracked(ideal)
    seen["t"] = seen["t"] + 0.05  # every movement is seen 50 ms after ours
    scores = score_face(ideal, seen)
    assert scores["gap_lag"] == pytest.approx(0.05, abs=0.011)


def test_curves_of_the_mouth(ideal, face):
    curves = mouth_curves(ideal)
    assert set(curves) == set(CURVES)
    assert all(curve.shape == (ideal.frames,) for curve in curves.values())
    assert curves["jaw"].max() - curves["jaw"].min() > 0.004
    rounded = round(1.1 * FPS)  # in UW
    spread = round(0.92 * FPS)  # in IY
    assert curves["width"][rounded] < curves["width"][spread]
    assert smooth_tracked(curves["gap"], FPS).shape == curves["gap"].shape


@pytest.fixture
def folder(sentence, voice, ideal, tmp_path):
    (tmp_path / "labelled").mkdir()
    (tmp_path / "faces").mkdir()
    rows = [f"en\t{label.lower()}\t{viseme}" for label, viseme in VISEMES.items()]
    (tmp_path / "labelled" / "viseme_map.tsv").write_text("\n".join(["label_set\tlabel\tviseme", *rows]) + "\n")
    spoken = [f"{phoneme.start:.4f}\t{phoneme.end:.4f}\t{phoneme.label.lower()}" for phoneme in sentence]
    for name in ("en_one", "en_two"):
        save_audio(tmp_path / "labelled" / f"{name}.wav", voice)
        (tmp_path / "labelled" / f"{name}.phones.tsv").write_text("\n".join(["start\tend\tlabel", *spoken]) + "\n")
    save_audio(tmp_path / "labelled" / "en_text_only.wav", voice)
    for name in ("grid_a", "vidtimit_b_sa1", "vidtimit_b_sa2"):
        save_audio(tmp_path / "faces" / f"{name}.wav", voice)
        np.savez(tmp_path / "faces" / f"{name}.npz", **tracked(ideal))
    return tmp_path


def test_a_folder_is_scored(folder, tiny_model, tmp_path):
    told = []
    result = evaluate(folder, tiny_model, told.append)
    assert told == ["en_one", "en_two", "grid_a", "vidtimit_b_sa1", "vidtimit_b_sa2"]
    assert set(result["labelled"]) == {"en_one", "en_two"}
    assert set(result["faces"]) == {"grid_a", "vidtimit_b_sa1", "vidtimit_b_sa2"}
    summary, clip = result["summary"], result["labelled"]["en_one"]
    assert summary["bilabials"] == 4
    assert summary["closed"] == pytest.approx(clip["closed"] / 2)
    assert summary["visemes"] == pytest.approx(clip["frames_right"] / clip["frames"])
    matched, found, there = clip["matched_20"], clip["boundaries_found"], clip["boundaries"]
    assert summary["f1_20"] == pytest.approx(2 * matched / (found + there))
    for name in CURVES:
        assert summary[name] == pytest.approx(result["faces"]["grid_a"][name])
    text = table(result)
    assert f"{summary['gap']:5.2f}" in text
    assert len(text.splitlines()) == 11
    write_json(result, tmp_path / "scores.json")
    assert json.loads((tmp_path / "scores.json").read_text()) == json.loads(json.dumps(result))


def test_talkers_count_alike_however_often_they_speak(folder, tiny_model, ideal):
    flat = tracked(ideal)
    flat["aperture3"] = np.linspace(0, 1, len(flat["t"]), dtype=np.float32)
    np.savez(folder / "faces" / "grid_a.npz", **flat)
    result = evaluate(folder, tiny_model)
    faces = result["faces"]
    wanted = (faces["grid_a"]["gap"] + (faces["vidtimit_b_sa1"]["gap"] + faces["vidtimit_b_sa2"]["gap"]) / 2) / 2
    assert result["summary"]["gap"] == pytest.approx(wanted)


def complaint(folder, model):
    with pytest.raises(InputError) as caught:
        evaluate(folder, model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_of_something_else(tiny_model, tmp_path):
    assert "no folder labelled" in complaint(tmp_path, tiny_model)
    (tmp_path / "labelled").mkdir()
    assert "no folder faces" in complaint(tmp_path, tiny_model)
    (tmp_path / "faces").mkdir()
    assert "viseme_map.tsv" in complaint(tmp_path, tiny_model)
    (tmp_path / "labelled" / "viseme_map.tsv").write_text("label_set\tlabel\tviseme\n")
    assert "nothing to score" in complaint(tmp_path, tiny_model)


def test_a_label_that_is_not_in_the_map(folder, tiny_model):
    (folder / "labelled" / "en_one.phones.tsv").write_text("start\tend\tlabel\n0\t1\txyzzy\n")
    assert "'xyzzy'" in complaint(folder, tiny_model)


def test_neighbouring_silences_are_one(folder, tiny_model):
    rows = "start\tend\tlabel\n0\t0.2\tsil\n0.2\t0.4\tsil\n0.4\t1.2\taa\n1.2\t1.5\tsil\n1.5\t3\tsil\n"
    (folder / "labelled" / "en_one.phones.tsv").write_text(rows)
    assert evaluate(folder, tiny_model)["labelled"]["en_one"]["boundaries"] == 2


def test_no_event_to_score_is_no_number(folder, tiny_model):
    for name in ("en_one", "en_two"):
        (folder / "labelled" / f"{name}.phones.tsv").write_text("start\tend\tlabel\n0\t3\tsil\n")
    summary = evaluate(folder, tiny_model)["summary"]
    assert math.isnan(summary["balanced_closure"])
    assert summary["bilabials"] == summary["vowels"] == 0


def test_a_stop_is_one_segment_with_its_closure_and_its_breath():
    rows = [
        {"label": label, "start": str(start), "end": str(start + 1)}
        for start, label in enumerate(["sil", "tcl", "t", "H", "a:", "k", "H", "H"])
    ]
    whole = _whole_stops(rows)
    assert [(row["label"], row["start"], row["end"]) for row in whole] == [
        ("sil", "0", "1"), ("t", "1", "4"), ("a:", "4", "5"), ("k", "5", "8"),
    ]  # fmt: skip


def test_frames_the_tracker_lost_do_not_count(ideal):
    seen = tracked(ideal)
    ok = np.ones(len(seen["t"]), bool)
    ok[20:30] = False
    broken = {**seen, "ok": ok}
    for name in CURVES.values():
        broken[name] = np.where(ok, seen[name], np.nan)
    scores = score_face(ideal, broken)
    assert all(scores[name] > 0.9 for name in CURVES)
