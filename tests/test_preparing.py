import shutil

import numpy as np
import pytest
import replicas

from kmtalk import __main__ as program
from kmtalk.data import preparing
from kmtalk.data.prepared import load_prepared, prepared_face
from kmtalk.data.preparing import find_source, prepare, report
from kmtalk.data.source import SourceOptions
from kmtalk.errors import InputError

OPTIONS = SourceOptions(source_fps=50.0, unit=0.001)
NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def own(tmp_path):
    return replicas.own(tmp_path / "own", NAMES)


def test_a_finished_set_is_what_load_prepared_opens(own, tmp_path):
    made = prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=3)
    opened = load_prepared(tmp_path / "out")
    assert opened.index == made.index
    assert opened.splits == made.splits
    assert opened.error_mm == made.error_mm
    assert report(opened) == report(made)
    assert opened.vertices("a").dtype == np.float32
    assert isinstance(opened.vertices("a"), np.memmap)
    assert opened.phonemes("a") is None


def test_every_part_is_written(own, tmp_path):
    prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=3)
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {"prepared.json", "regions.json", "triangles.npy", "basis.npz", "templates/face.npy"} <= names
    assert {f"{folder}/{name}.{suffix}" for name in NAMES
            for folder, suffix in (("vertices", "npy"), ("audio", "wav"), ("weights", "npy"))} <= names  # fmt: skip
    assert not [name for name in names if ".kmtalk-" in name]


class _StopError(Exception):
    pass


def test_a_stopped_run_is_taken_up_again(own, tmp_path):
    def stop(done, what):
        if what == "c":
            raise _StopError

    with pytest.raises(_StopError):
        prepare(find_source("folder", own, OPTIONS), tmp_path / "out", progress=stop)
    with pytest.raises(InputError, match="a stopped one is there: run the same command again"):
        load_prepared(tmp_path / "out")
    written = (tmp_path / "out" / "vertices" / "a.npy").stat().st_mtime_ns
    prepared = prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=3)
    assert (tmp_path / "out" / "vertices" / "a.npy").stat().st_mtime_ns == written
    whole = prepare(find_source("folder", own, OPTIONS), tmp_path / "whole", basis=3)
    assert report(prepared) == report(whole)
    for name in NAMES:
        np.testing.assert_array_equal(prepared.vertices(name), whole.vertices(name))
        np.testing.assert_array_equal(prepared.weights(name), whole.weights(name))


def test_another_basis_over_the_same_vertices(own, tmp_path):
    prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=1)
    assert load_prepared(tmp_path / "out").weights("a").shape == (25, 1)
    prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=2)
    assert load_prepared(tmp_path / "out").weights("a").shape == (25, 2)
    prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=0)
    assert load_prepared(tmp_path / "out").basis is None


def test_a_folder_that_holds_something_else(own, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.doc").touch()
    with pytest.raises(InputError, match="holds something else, or another preparation"):
        prepare(find_source("folder", own, OPTIONS), tmp_path / "out")
    (tmp_path / "out" / "recipe.json").write_bytes(b"\xff eggs, flour")
    with pytest.raises(InputError, match="holds something else, or another preparation"):
        prepare(find_source("folder", own, OPTIONS), tmp_path / "out")
    prepare(find_source("folder", own, OPTIONS), tmp_path / "good", basis=0)
    with pytest.raises(InputError, match="another preparation"):
        prepare(find_source("folder", own, SourceOptions(fps=50, source_fps=50, unit=0.001)), tmp_path / "good")


def test_a_disk_too_small(own, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="needs 0.0 GB, but only 0.0 GB are free"):
        prepare(find_source("folder", own, OPTIONS), tmp_path / "out")


@pytest.mark.parametrize("unit", [None, 1.0, 0.01, 1e-6])
def test_a_wrong_unit(own, tmp_path, unit):
    source = find_source("folder", own, SourceOptions(source_fps=50.0, unit=unit))
    with pytest.raises(InputError, match="m tall, faces are 0.05 to 1.0 m: give what one unit is"):
        prepare(source, tmp_path / "out")


def test_vertices_in_another_unit_than_the_template(own, tmp_path):
    motion = np.load(own / "vertices" / "b.npy")
    np.save(own / "vertices" / "b.npy", motion / 1000)
    motion[4, 4] = np.nan
    np.save(own / "vertices" / "c.npy", motion)
    prepared = prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=0)
    left_out = [note for note in prepared.notes if "left out" in note]
    assert [note[0] for note in left_out] == ["b", "c"]
    assert all("in another unit, not numbers, or head motion" in note for note in left_out)
    assert not (tmp_path / "out" / "vertices" / "b.npy").exists()


def test_nothing_left_to_train_on(own, tmp_path):
    shutil.rmtree(own / "wav")
    with pytest.raises(InputError, match="no clip to train on is left: d left out: it has no sound"):
        prepare(find_source("folder", own, OPTIONS), tmp_path / "out")


def test_damage_is_noticed(own, tmp_path):
    prepared = prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=2)
    np.save(tmp_path / "out" / "vertices" / "a.npy", np.zeros((3, 3)))
    with pytest.raises(InputError, match="has shape .* prepare .* again"):
        prepared.vertices("a")
    with pytest.raises(InputError, match="prepare .* again"):
        prepared.rows("a")
    (tmp_path / "out" / "weights" / "a.npy").unlink()
    with pytest.raises(InputError, match="missing or damaged"):
        prepared.weights("a")
    (tmp_path / "out" / "basis.npz").write_bytes((tmp_path / "out" / "basis.npz").read_bytes()[:-50])
    with pytest.raises(InputError, match="basis.npz is missing or damaged: prepare .* again"):
        _ = load_prepared(tmp_path / "out").basis
    again = prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=2)
    assert len(again.basis) == len(prepared.basis)
    whole = (tmp_path / "out" / "prepared.json").read_text()
    for name, text in (
        ("prepared.json", whole.replace('"fps": 25.0', '"fps": "fast"')),
        ("prepared.json", "{"),
        ("prepared.json", whole.replace('"train": [', '"train": ["nobody", ')),
        ("regions.json", "{}"),
        ("prepared.json", '{"format_version": 9}'),
    ):
        (tmp_path / "out" / name).write_text(text)
        with pytest.raises(InputError, match="damaged|format version 9"):
            load_prepared(tmp_path / "out")


def test_unknown_things_are_answered_with_known_ones(own, tmp_path):
    prepared = prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=0)
    with pytest.raises(InputError, match="no split 'dev'.*train, validation, test"):
        prepared.clips("dev")
    with pytest.raises(InputError, match="no clip 'x'"):
        prepared.vertices("x")
    with pytest.raises(InputError, match="no subject 'x': it has face"):
        prepared.template("x")
    with pytest.raises(InputError, match="has no basis: prepare it with --basis"):
        prepared.weights("a")
    with pytest.raises(InputError, match="no reader 'x'"):
        find_source("x", own, OPTIONS)
    with pytest.raises(InputError, match="no finished prepared data set"):
        load_prepared(tmp_path / "nowhere")


def test_a_prepared_face_moves_as_the_clips_do(own, tmp_path):
    prepared = prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=4)
    face = prepared_face(prepared)
    np.testing.assert_allclose(face.vertices(prepared.weights("c")), prepared.vertices("c"), atol=2e-6)
    np.testing.assert_array_equal(
        face.vertices(np.zeros((1, len(face.basis)), np.float32))[0], prepared.template("face")
    )
    assert face.basis_names[0] == "motion001"
    assert face.lip_gap(prepared.weights("c")).max() > 0.01
    still = prepared_face(prepare(find_source("folder", own, OPTIONS), tmp_path / "plain", basis=0))
    assert still.vertices(np.zeros((2, 0), np.float32)).shape == (2, *still.template.shape)


def test_a_prepared_face_is_drawn(own, tmp_path):
    from kmtalk.render.frames import still

    prepared = prepare(find_source("folder", own, OPTIONS), tmp_path / "out", basis=4)
    picture = still(prepared_face(prepared), prepared.weights("c")[12], size=128)
    assert picture.std() > 10


def test_the_command(own, tmp_path, capsys):
    arguments = ["prepare", "folder", str(own), "--out", str(tmp_path / "out"), "--source-fps", "50", "--unit", "mm"]
    assert program.main([*arguments, "--basis", "2"]) == 0
    said = capsys.readouterr().out
    assert "own: 4 clips of 1 subjects" in said
    assert "basis of 2: leaves train" in said
    assert program.main([*arguments[:-1], "parsec"]) == 2
    assert "give m, cm, mm" in capsys.readouterr().err
    assert program.main(["prepare", "folder", str(tmp_path / "none"), "--out", str(tmp_path / "x")]) == 2
    assert "is no folder" in capsys.readouterr().err
