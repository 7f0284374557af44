import sys
from dataclasses import replace

import numpy as np
import pytest
import replicas
from PIL import Image

from kmtalk import __main__ as program
from kmtalk.errors import InputError
from kmtalk.phonemes import Phoneme
from kmtalk.takes import Take
from kmtalk.takes.faces import HEAT, draw_frames, heat
from kmtalk.takes.figures import choose_frames, comparison_figure, curve_figure, error_figure, save_figure


@pytest.fixture(scope="module")
def truth():
    face = replicas.tiny_face()
    vertices = replicas.moving(face, face.vertices, 50, 25, 0).astype(np.float32)
    upper, lower = replicas.COLUMNS * 12 + 10, replicas.COLUMNS * 11 + 10
    return Take(
        "truth", vertices, 25.0, face.vertices, face.triangles,
        regions={"lips": np.array([upper, lower])},
        landmarks={"lip_inner_upper": upper, "lip_inner_lower": lower},
        phonemes=(Phoneme("sil", 0, 0.2), Phoneme("AA", 0.2, 0.5), Phoneme("P", 0.5, 2.0)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def guess(truth):
    half = truth.template + (truth.vertices - truth.template) / 2
    return replace(truth, name="half as much", vertices=half, key_frames=np.array([0, 6, 12, 49]))


def _pixels(figure, tmp_path):
    return np.asarray(Image.open(save_figure(figure, tmp_path / "a.png")).convert("RGB")).astype(int)


def test_heat_runs_through_its_colours():
    np.testing.assert_allclose(heat(np.array([0, 0.25, 1, 2])), [HEAT[0], HEAT[1], HEAT[-1], HEAT[-1]])


def test_error_is_drawn_where_it_is(truth):
    values = np.zeros((1, len(truth.template)))
    values[0, truth.template[:, 0] > 0.02] = 1  # the face's left, which is the picture's right
    picture = draw_frames(truth, [0], values, size=128)[0].astype(int)
    red = (picture[..., 0] - picture[..., 1] > 40).mean(0)
    assert red[72:100].mean() > 0.3
    assert red[:60].max() == 0
    assert (picture[2, 2] == 255).all()  # on white


def test_frames_that_do_not_exist(truth):
    with pytest.raises(InputError, match="has frames 0 to 49"):
        draw_frames(truth, [50])


def test_frames_are_chosen_with_the_mouth_open_and_closed(truth):
    frames = choose_frames(truth, 4)
    gap = np.linalg.norm(np.diff(truth.vertices[:, truth.regions["lips"]], axis=1), axis=-1)[:, 0]
    assert len(frames) == 4
    assert gap[frames[[0, 2]]].min() > 0.015
    assert gap[frames[[1, 3]]].max() < 0.005
    assert choose_frames(replace(truth, landmarks={}), 5).tolist() == [5, 15, 25, 35, 45]
    assert choose_frames(replace(truth, vertices=truth.vertices[:3])).tolist() == [0, 1, 2]


def test_the_error_figure_has_a_row_for_each_method(truth, guess, tmp_path):
    one = error_figure([guess], truth, [6, 12])
    two = error_figure([guess, replace(truth, name="the same")], truth, [6, 12])
    assert len(two.axes) == len(one.axes) + 2
    assert "half as much" in [text.get_text() for text in two.texts]
    assert one.axes[0].get_title() == "AA  0.24 s"
    line = two.axes[-2 if two.axes[-1].get_title() == "mm" else -1].lines[0]
    assert np.isfinite(line.get_ydata()).all()
    assert _pixels(one, tmp_path).std() > 20


def test_the_curve_figure_marks_keys_and_phonemes(truth, guess):
    axes = curve_figure([guess], truth).axes[0]
    curve, keys = axes.lines[1], axes.lines[2]
    np.testing.assert_allclose(keys.get_xdata(), np.array([0, 6, 12, 49]) / 25)
    np.testing.assert_allclose(keys.get_ydata(), curve.get_ydata()[[0, 6, 12, 49]])
    assert {"AA", "P"} <= {text.get_text() for text in axes.texts}
    assert "sil" not in {text.get_text() for text in axes.texts}
    top = np.max(axes.lines[0].get_ydata())
    assert top == pytest.approx(20, abs=0.5)  # millimetres
    with pytest.raises(InputError, match="no lip landmarks"):
        curve_figure([replace(guess, landmarks={})])


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_figures_are_written(truth, guess, tmp_path, suffix):
    path = save_figure(comparison_figure([truth, guess], [6]), tmp_path / f"a.{suffix}")
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    assert path.read_bytes().startswith(starts[suffix])
    with pytest.raises(InputError, match="no figure format '.bmp'"):
        save_figure(comparison_figure([truth], [6]), tmp_path / "a.bmp")


def test_without_matplotlib_a_sentence_says_what_to_do(truth, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match="pip install matplotlib"):
        curve_figure([truth])


def test_no_prediction_goes_without_a_colour(truth, guess):
    for draw in (lambda many: error_figure(many, truth, [0]), lambda many: curve_figure(many, truth)):
        with pytest.raises(InputError, match="7 predictions in one figure: at most 6"):
            draw([guess] * 7)


@pytest.mark.filterwarnings("error")
def test_a_single_frame_has_figures_too(truth, guess):
    one = [replace(take, vertices=take.vertices[:1], key_frames=None) for take in (guess, truth)]
    assert error_figure(one[:1], one[1], [0]).axes
    assert curve_figure(one[:1], one[1]).axes


@pytest.fixture
def files(truth, guess, tmp_path):
    replicas.write_ply(tmp_path / "face.ply", truth.template, truth.triangles)
    for take, name in ((truth, "truth"), (guess, "guess")):
        np.save(tmp_path / f"{name}.npy", take.vertices)
    return tmp_path


def test_the_command(files, capsys):
    arguments = ["figures", str(files / "guess.npy"), "--template", str(files / "face.ply"), "--fps", "25"]
    told = [*arguments, "--truth", str(files / "truth.npy"), "--times", "0.24,0.5", "--out", str(files / "out")]
    assert program.main([*told, "--names", "ours", "--largest", "5"]) == 0
    assert sorted(path.name for path in (files / "out").iterdir()) == ["errors.png", "faces.png"]
    assert capsys.readouterr().out.split() == [str(files / "out" / f"{name}.png") for name in ("faces", "errors")]
    drawn = (files / "out" / "faces.png").read_bytes()
    for wrong, said in (
        (["--times", "soon"], "give seconds with commas"),
        (["--times", "9"], "is 2.00 s long"),
        (["--times", "inf"], "give seconds with commas"),
        (["--largest", "-1"], "cannot be an error of -1 mm"),
        (["--names", "a,b"], "1 predictions have 2 names"),
        (["--truth", str(files / "none.npy")], "is no animation"),
    ):
        assert program.main([*told, *wrong]) == 2
        assert said in capsys.readouterr().err
    assert program.main([*told, "--times", "0.8", "--largest", "0"]) == 2
    assert (files / "out" / "faces.png").read_bytes() == drawn


def test_the_command_without_a_truth(files, capsys):
    arguments = ["figures", str(files / "guess.npy"), str(files / "truth.npy"), "--template", str(files / "face.ply")]
    assert program.main([*arguments, "--fps", "25", "--times", "0.24", "--out", str(files / "out")]) == 0
    assert [path.name for path in (files / "out").iterdir()] == ["faces.png"]  # without landmarks there is no lip curve


def test_other_rates_are_told_before_other_lengths(files, truth, capsys):
    np.savez(files / "slow.npz", vertices=truth.vertices[::2], fps=12.5)
    told = ["--truth", str(files / "truth.npy"), "--template", str(files / "face.ply"), "--fps", "25"]
    assert program.main(["figures", str(files / "slow.npz"), *told, "--out", str(files / "out")]) == 2
    assert "slow runs at 12.5 frames a second, truth at 25" in capsys.readouterr().err


def test_predictions_in_another_unit_than_the_truth_and_its_template(files):
    np.save(files / "guess.npy", np.load(files / "guess.npy") * 1000)
    told = ["--template", str(files / "face.ply"), "--fps", "25", "--times", "0.24", "--out", str(files / "out")]
    assert (
        program.main(["figures", str(files / "guess.npy"), "--unit", "mm", "--truth", str(files / "truth.npy"), *told])
        == 0
    )
