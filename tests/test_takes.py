import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import replicas

from kmtalk import __main__ as program
from kmtalk import metrics
from kmtalk.data.preparing import find_source, prepare
from kmtalk.data.source import SourceOptions
from kmtalk.errors import InputError
from kmtalk.export import export
from kmtalk.phonemes import Phoneme
from kmtalk.takes import read_take, score_set, score_take, summary, table, take_of, write_json

NAMES = [f"F2_e{number}" for number in (37, 38, 39, 40)]


@pytest.fixture(scope="module")
def biwi(tmp_path_factory):
    folder = tmp_path_factory.mktemp("biwi")
    replicas.biwi_converted(folder / "set", ["F2"], ["e01", "e37", "e38", "e39", "e40"])
    return prepare(find_source("biwi", folder / "set", SourceOptions()), folder / "prepared", basis=4)


@pytest.fixture
def predictions(biwi, tmp_path):
    """What another system may have written: unit-area meshes, flat, with its names, a frame short, 1 mm too high."""
    folder = tmp_path / "predictions"
    folder.mkdir()
    for name in NAMES:
        vertices = (biwi.vertices(name) + [0, 0.001, 0])[:-1] / 0.2
        np.save(folder / f"{name}_condition_F2.npy", vertices.reshape(len(vertices), -1))
    return folder


def test_a_constant_offset_scored_by_hand(biwi, predictions):
    results = score_set(predictions, biwi, unit=0.2)
    assert list(results) == [f"{name}_condition_F2" for name in NAMES]
    together = summary(results)
    assert together["clips"] == 4
    assert together["frames"] == 4 * 29
    # Every vertex is 1 mm off, which is 0.005 published units: 2.5e-5 squared.
    assert together["lve"] == pytest.approx(2.5e-5, rel=1e-3)
    for key in ("lip_rms_mm", "lip_max_mm", "mve_mm", "rms_mm"):
        assert together[key] == pytest.approx(1, rel=1e-3)
    assert together["lip_r"] == pytest.approx(1, abs=1e-6)
    assert together["lip_dtw_mm"] == pytest.approx(0, abs=1e-3)
    assert together["mtm_ms"] == 0
    assert together["slcc"] == pytest.approx(together["slcc_truth"], abs=0.05)
    assert np.isnan(together["key_density"])


def test_clips_are_pooled_by_their_frames():
    clips = {
        "a": {"frames": 30, "lve": 1.0, "lip_rms_mm": 2.0, "lip_max_mm": 1.0, "fdd": 1.0, "fdd_abs": 1.0},
        "b": {"frames": 10, "lve": 5.0, "lip_rms_mm": 4.0, "lip_max_mm": 3.0, "fdd": -1.0, "fdd_abs": 1.0},
    }
    together = summary(clips)
    assert together["lve"] == 2
    assert together["lip_rms_mm"] == pytest.approx(((30 * 4 + 10 * 16) / 40) ** 0.5)
    assert together["lip_max_mm"] == 1.5
    assert (together["fdd"], together["fdd_abs"]) == (0, 1)


def test_the_lve_of_a_set_is_that_of_all_frames_at_once(biwi, predictions):
    guess = np.concatenate([np.load(predictions / f"{name}_condition_F2.npy") for name in NAMES]).reshape(-1, 504, 3)
    truth = np.concatenate([biwi.vertices(name)[:29] for name in NAMES]) / 0.2
    guess[5, 40] += 0.1
    first = guess[:29]
    np.save(predictions / f"{NAMES[0]}_condition_F2.npy", first)
    expected = metrics.lip_vertex_error(guess, truth, biwi.regions["lips"])
    assert summary(score_set(predictions, biwi, unit=0.2))["lve"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("unit", "said"), [(1.0, "meshes of area 1"), (0.001, "say what one unit is")])
def test_a_wrong_unit_is_refused(biwi, predictions, unit, said):
    with pytest.raises(InputError, match=said):
        score_set(predictions, biwi, unit=unit)


def test_a_missing_prediction_is_named(biwi, predictions):
    (predictions / f"{NAMES[2]}_condition_F2.npy").unlink()
    with pytest.raises(InputError, match=f"no prediction of {NAMES[2]}.*name it {NAMES[2]}.npy"):
        score_set(predictions, biwi, unit=0.2)
    with pytest.raises(InputError, match="no split 'dev'"):
        score_set(predictions, biwi, "dev")
    with pytest.raises(InputError, match="no prediction of"):
        score_set(predictions / "nowhere", biwi)


def test_another_rate_length_or_mesh_is_refused(biwi):
    truth = take_of(biwi, NAMES[0])
    with pytest.raises(InputError, match="runs at 30 frames a second, the truth at 25"):
        score_take(replace(truth, fps=30.0), truth)
    with pytest.raises(InputError, match="at most 2 may differ"):
        score_take(replace(truth, vertices=truth.vertices[:20]), truth)
    with pytest.raises(InputError, match="give the same mesh"):
        score_take(replace(truth, vertices=truth.vertices[:, :-1]), truth)


def test_keys_and_bilabials(biwi):
    truth = replace(take_of(biwi, NAMES[0]), phonemes=(Phoneme("AA", 0, 0.4), Phoneme("P", 0.45, 0.55)))
    open_mouthed = np.tile(truth.vertices[6], (30, 1, 1))
    guess = replace(truth, vertices=open_mouthed, key_frames=np.array([0, 6, 29, 40]))
    scores = score_take(guess, truth)
    assert scores["key_density"] == pytest.approx(3 / 30)
    assert scores["at_keys_mm"] < scores["between_keys_mm"]
    assert scores["closed"] == 0
    assert scores["closed_truth"] == 1  # the replica's mouth is shut every half second
    assert score_take(replace(truth, key_frames=np.arange(30)), truth)["extrema_recall"] == 1


def test_a_clip_too_long_to_warp_has_its_other_scores(biwi, monkeypatch):
    from kmtalk.takes import scores as module

    monkeypatch.setattr(module, "LONGEST", 20)
    truth = take_of(biwi, NAMES[0])
    scores = score_take(truth, truth)
    assert scores["lip_r"] == pytest.approx(1)
    assert "lip_dtw_mm" not in scores
    assert np.isnan(summary({"a": scores})["mtm_ms"])


def test_an_animation_of_kmtalk_against_itself(tiny_model, voice, tmp_path):
    from kmtalk.animate import animate

    animation = animate((voice, 16000), model=tiny_model, life=False)
    export(animation, tmp_path / "a.npz")
    take = read_take(tmp_path / "a.npz")
    assert take.fps == 25
    np.testing.assert_array_equal(take.key_frames, animation.key_frames)
    assert [phoneme.label for phoneme in take.phonemes] == [phoneme.label for phoneme in animation.phonemes]
    np.testing.assert_array_equal(take.template, animation.face.template)
    scores = score_take(take, take)
    assert scores["lve"] == scores["fdd"] == scores["mve_mm"] == scores["mtm_ms"] == 0 or np.isnan(scores["mtm_ms"])
    assert scores["key_density"] == pytest.approx(len(animation.key_frames) / 75)


def test_reading_what_is_no_animation(tmp_path, biwi):
    truth = take_of(biwi, NAMES[0])
    (tmp_path / "a.npz").write_bytes(b"nothing")
    np.savez(tmp_path / "b.npz", weights=np.zeros(3))
    np.save(tmp_path / "c.npy", np.zeros((5, 7)))
    np.save(tmp_path / "d.npy", np.zeros((5, 9)) + np.linspace(0, 0.2, 9))
    (tmp_path / "e.npy").write_bytes(pickle.dumps({"a": 1}))
    shown = {"vertices": truth.vertices}
    np.savez_compressed(tmp_path / "f.npz", **shown)
    (tmp_path / "g.npy").write_bytes((tmp_path / "f.npz").read_bytes())
    (tmp_path / "h.npz").write_bytes((tmp_path / "c.npy").read_bytes())
    cut = bytearray((tmp_path / "f.npz").read_bytes())
    cut[500:600] = bytes(100)
    (tmp_path / "f.npz").write_bytes(cut)
    np.savez(tmp_path / "i.npz", **shown, fps=0.0)
    np.savez(tmp_path / "j.npz", **shown, fps=np.ones(3))
    np.savez(tmp_path / "k.npz", **shown, phoneme_labels=["AA", "M"], phoneme_times=np.zeros((1, 2)))
    np.savez(tmp_path / "l.npz", **shown, phoneme_labels=["AA"], phoneme_times=np.full((1, 2), np.nan))
    np.savez(tmp_path / "m.npz", **shown, key_frames=np.array([0, 4.5]))
    np.savez(tmp_path / "n.npz", **shown, key_frames=np.array([-3, 5]))
    lost = np.array(truth.vertices)
    lost[7, 100, 2] = np.nan
    np.save(tmp_path / "o.npy", lost)
    for name, said in (
        ("x.npz", "is no animation"),
        ("a.npz", "cannot be read"),
        ("b.npz", "no array 'vertices'"),
        ("c.npy", r"give \(T, V, 3\)"),
        ("d.npy", "has 3 vertices, the face 504"),
        ("e.npy", "cannot be read"),
        ("f.npz", "cannot be read"),
        ("g.npy", "cannot be read"),
        ("h.npz", "cannot be read"),
        ("i.npz", "cannot run at 0.0 frames a second"),
        ("j.npz", "give one number above 0"),
        ("k.npz", "holds 2 phonemes, but not a start and an end of each"),
        ("l.npz", "holds 1 phonemes, but not a start and an end of each"),
        ("m.npz", "holds key frames that are no numbers of frames"),
        ("n.npz", "holds key frames that are no numbers of frames"),
        ("o.npy", "holds values that are no numbers, first in frame 7"),
    ):
        with pytest.raises(InputError, match=said):
            read_take(tmp_path / name, truth)
    with pytest.raises(InputError, match="not of a shipped head"):
        read_take(tmp_path / "d.npy")
    np.savez(tmp_path / "p.npz", **shown, key_frames=np.zeros(0, np.int64))
    assert read_take(tmp_path / "p.npz", truth).key_frames is None


def test_the_table_says_unit_and_definition(biwi, predictions):
    text = table(summary(score_set(predictions, biwi, unit=0.2)), biwi.metres_per_unit)
    assert "4 clips, 116 frames; u is units of 0.2 m" in text
    assert "LVE                2.5" in text
    assert "CodeTalker's script" in text
    assert "nan" not in text


def test_squares_of_millimetres_are_told_without_a_power_of_ten(biwi, predictions):
    together = summary(score_set(predictions, biwi, unit=0.2))
    assert f"LVE             {together['lve']:9.4f} u2 " in table(together, 0.001)
    assert "u is mm" in table(together, 0.001)


def test_json_has_no_nan(biwi, predictions, tmp_path):
    write_json(score_set(predictions, biwi, unit=0.2), tmp_path / "a.json")
    read = json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert read["summary"]["key_density"] is None
    assert read["clips"][f"{NAMES[0]}_condition_F2"]["subject"] == "F2"
    assert set(read["definitions"]) <= set(read["summary"])


def test_the_command(biwi, predictions, tmp_path, capsys):
    arguments = ["score", str(predictions), "--truth", str(biwi.folder), "--unit", "0.2"]
    assert program.main([*arguments, "--json", str(tmp_path / "a.json")]) == 0
    assert "4 clips, 116 frames" in capsys.readouterr().out
    assert (tmp_path / "a.json").is_file()
    assert program.main(arguments[:-2]) == 2
    assert "these look like meshes of area 1" in capsys.readouterr().err


def test_the_command_names_what_is_not_there(biwi, predictions, tmp_path, capsys):
    file = str(next(iter(sorted(predictions.iterdir()))))
    for prediction, truth, said in (
        ("nowhere", biwi.folder, "there is no nowhere"),
        (predictions, "nowhere", "there is no nowhere"),
        (file, biwi.folder, f"{file} is neither"),
    ):
        assert program.main(["score", str(prediction), "--truth", str(truth)]) == 2
        assert said in capsys.readouterr().err


def test_the_command_with_two_files(tmp_path, capsys):
    face = replicas.tiny_face()
    replicas.write_ply(tmp_path / "face.ply", face.vertices, face.triangles)
    np.save(tmp_path / "truth.npy", replicas.moving(face, face.vertices, 40, 25, 0))
    np.save(tmp_path / "guess.npy", replicas.moving(face, face.vertices, 40, 25, 1))
    arguments = ["score", str(tmp_path / "guess.npy"), "--truth", str(tmp_path / "truth.npy")]
    assert program.main([*arguments, "--template", str(tmp_path / "face.ply"), "--fps", "25"]) == 0
    assert "MVE" in capsys.readouterr().out
    assert program.main([*arguments, "--template", str(tmp_path / "face.ply")]) == 2
    assert "give --fps" in capsys.readouterr().err
