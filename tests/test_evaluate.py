"""The benchmark on a made-up folder of labelled voices and tracked faces."""

import json
import math

import numpy as np
import pytest

from kmtalk.audio import save_audio
from kmtalk.data.articulation import Articulation
from kmtalk.errors import InputError
from kmtalk.evaluate import evaluate, table, write_json
from kmtalk.evaluate.predictions import by_rules
from kmtalk.evaluate.recordings import CURVES, VISEMES


@pytest.fixture(scope="module")
def folder(sentence, voice, face, tmp_path_factory):
    """Two labelled recordings and three faces of two talkers, all the same sentence said by the rules."""
    made = tmp_path_factory.mktemp("speech")
    moved = by_rules(sentence, voice, Articulation(face))
    (made / "labelled").mkdir()
    (made / "faces").mkdir()
    rows = [f"en\t{label.lower()}\t{viseme}" for label, viseme in VISEMES.items()]
    (made / "labelled" / "viseme_map.tsv").write_text("\n".join(["label_set\tlabel\tviseme", *rows]) + "\n")
    spoken = [f"{phoneme.start:.4f}\t{phoneme.end:.4f}\t{phoneme.label.lower()}" for phoneme in sentence]
    labels = "\n".join(["start\tend\tlabel", *spoken]) + "\n"
    for name in ("labelled/en_one", "labelled/fr_two", "faces/grid_a", "faces/vidtimit_b_sa1", "faces/vidtimit_b_sa2"):
        sound = voice if name != "faces/grid_a" else np.roll(voice, 8000)
        save_audio(made / f"{name}.wav", sound)
        if name not in ("faces/grid_a", "faces/vidtimit_b_sa2"):
            (made / f"{name}.phones.tsv").write_text(labels)
    save_audio(made / "labelled" / "en_text_only.wav", voice)
    time = np.arange(0, 2.9, 0.04)
    for name in ("grid_a", "vidtimit_b_sa1", "vidtimit_b_sa2"):
        at = np.arange(300) / 100 + (0.5 if name == "grid_a" else 0)
        curves = {theirs: np.interp(time, at, moved.curves[ours]) for ours, theirs in CURVES.items()}
        np.savez(made / "faces" / name, t=time, fps=25.0, ok=np.ones(len(time), bool), av_lag_s=0.0, **curves)
    return made


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def result(folder, tiny_model, told):
    return evaluate(folder, tiny_model, told.append, conditions=("clean", "telephone"))


def test_every_recording_is_scored(result, told):
    assert told[:5] == ["en_one", "fr_two", "grid_a", "vidtimit_b_sa1", "vidtimit_b_sa2"]
    assert len(told) == 10  # clean and by telephone
    assert set(result["labelled"]) == {"en_one", "fr_two"}
    assert set(result["faces"]) == {"grid_a", "vidtimit_b_sa1", "vidtimit_b_sa2"}
    assert set(result["conditions"]) == {"telephone"}
    assert set(result["summary"]["groups"]) == {"english", "french"}
    assert all(0 <= scores["still"] <= 1 for scores in result["no_speech"].values())


def test_other_key_frames_have_their_motion_scored_alone(result):
    assert set(result["keys"]) == {"centres", "uniform"}
    for scores in result["keys"].values():
        assert set(CURVES) < set(scores)
        assert "visemes" not in scores


def test_counts_are_pooled(result):
    summary, clip = result["summary"], result["labelled"]["en_one"]
    assert summary["bilabials"] == 4
    assert summary["closed"] == pytest.approx(clip["closed"] / 2)
    assert summary["visemes"] == pytest.approx(clip["frames_right"] / clip["frames"])
    matched, found, there = clip["matched_20"], clip["boundaries_found"], clip["boundaries"]
    assert summary["f1_20"] == pytest.approx(2 * matched / (found + there))
    assert summary["precision_20"] == pytest.approx(matched / found)
    assert summary["recall_20"] == pytest.approx(matched / there)


def test_talkers_count_alike_however_often_they_speak(result):
    faces = result["faces"]
    wanted = (faces["grid_a"]["gap"] + (faces["vidtimit_b_sa1"]["gap"] + faces["vidtimit_b_sa2"]["gap"]) / 2) / 2
    assert result["summary"]["gap"] == pytest.approx(wanted)


def test_rules_that_know_the_labels_move_as_the_made_up_faces(result):
    by_labels = result["baselines"]["rules by the labels"]
    assert by_labels["gap"] > 0.95
    assert by_labels["faces_closure"] == result["baselines"]["the real mouth"]["faces_closure"] == 1.0
    assert by_labels["gap"] > result["baselines"]["loudness"]["gap"]
    assert "f1_20" not in result["baselines"]["loudness"]


def test_the_table_shows_every_part(result):
    text = table(result)
    for wanted in ("  english", "telephone", "loudness", "the real mouth", "held chords", "another's", "SPREAD"):
        assert wanted in text
    assert f"{result['summary']['gap']:.2f}" in text
    assert "nan" not in text


def test_json_holds_numbers_or_null(result, tmp_path):
    write_json({**result, "made_up": math.nan}, tmp_path / "scores.json")
    read = json.loads((tmp_path / "scores.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert read["made_up"] is None
    assert read["summary"]["gap"] == result["summary"]["gap"]


def test_a_missing_baseline_says_how_to_get_it(folder, tiny_model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    result = evaluate(folder, tiny_model, conditions=())
    assert "pip install pocketsphinx" in result["baselines"]["rules by pocketsphinx"]["left_out"]
    assert "pip install pocketsphinx" in table(result)


def test_an_unknown_condition(folder, tiny_model):
    with pytest.raises(InputError, match="no condition 'underwater': choose of clean, babble10, telephone"):
        evaluate(folder, tiny_model, conditions=("clean", "underwater"))
