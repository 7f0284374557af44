import json

import numpy as np
import pytest
import replicas

from kmtalk.data.preparing import find_source, prepare
from kmtalk.data.source import SourceOptions
from kmtalk.errors import InputError

NAMES = [f"take{number:02d}" for number in range(12)]


def _find(folder, **options):
    return find_source("folder", folder, SourceOptions(**{"source_fps": 50.0, "unit": 0.001, **options}))


def test_own_recordings(tmp_path):
    replicas.own(tmp_path / "own", NAMES)
    prepared = prepare(_find(tmp_path / "own"), tmp_path / "out", basis=4)
    assert prepared.name == "own"
    assert prepared.fps == 25
    assert {split: len(names) for split, names in prepared.splits.items()} == {"train": 10, "validation": 1, "test": 1}
    stored = np.load(tmp_path / "own" / "vertices" / "take03.npy")
    np.testing.assert_allclose(prepared.vertices("take03"), stored[::2] / 1000, atol=1e-8)
    assert np.ptp(prepared.template("face")[:, 1]) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("stored", "written"), [(24, 24), (29.97, 29.97), (50, 25), (60, 30), (75, 25), (48, 30), (120, 30)]
)
def test_rates(tmp_path, stored, written):
    replicas.own(tmp_path / "own", ["a"], fps=stored)
    source = _find(tmp_path / "own", source_fps=stored)
    assert source.fps == written
    prepared = prepare(source, tmp_path / "out", basis=0)
    assert prepared.index["a"].frames == int(49 / stored * written + 1e-6) + 1


def test_subjects_with_templates_of_their_own(tmp_path):
    replicas.own(tmp_path / "own", ["anna_1", "anna_2", "anna_maria_1", "otto_1"])
    face = replicas.tiny_face(1000)
    (tmp_path / "own" / "templates").mkdir()
    for number, subject in enumerate(("anna", "anna_maria")):
        replicas.write_ply(tmp_path / "own" / "templates" / f"{subject}.ply", face.vertices + number, face.triangles)
    source = _find(tmp_path / "own")
    assert [(clip.subject, clip.sentence) for clip in source.clips] == [
        ("anna", "1"),
        ("anna", "2"),
        ("anna_maria", "1"),
    ]
    assert "otto_1 left out: no template of anna, anna_maria begins its name" in source.notes


def test_regions_and_splits_of_their_own(tmp_path):
    replicas.own(tmp_path / "own", ["a", "b"])
    (tmp_path / "own" / "regions.json").write_text('{"lips": [3, 1], "landmarks": {"chin": 7}}')
    (tmp_path / "own" / "splits.json").write_text('{"train": ["b", "c"], "test": ["a"]}')
    prepared = prepare(_find(tmp_path / "own"), tmp_path / "out", basis=0)
    assert prepared.regions["lips"].tolist() == [1, 3]
    assert prepared.landmarks["chin"] == 7
    assert prepared.splits == {"train": ("b",), "test": ("a",)}
    assert "1 clips of splits.json are not there, the first of them c" in prepared.notes


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("regions.json", "[1]", "must be a JSON object"),
        ("regions.json", "{", "not valid JSON"),
        ("regions.json", '{"lips": [504]}', "outside 0 to 503"),
        ("regions.json", '{"lips": "all"}', "name -> list of vertex numbers"),
        ("regions.json", '{"lips": []}', "whole numbers, at least one"),
        ("regions.json", '{"lips": [1.5]}', "whole numbers, at least one"),
        ("regions.json", '{"lips": [[1, 2], [3, 4]]}', "whole numbers, at least one"),
        ("splits.json", '{"test": ["a"]}', "no clip to train on"),
        ("splits.json", '{"train": 1}', "split -> list of clip names"),
        ("splits.json", '{"train": [["a"]]}', "split -> list of clip names"),
    ],
)
def test_files_that_are_wrong(tmp_path, file, text, said):
    replicas.own(tmp_path / "own", ["a", "b"])
    (tmp_path / "own" / file).write_text(text)
    with pytest.raises(InputError, match=said):
        _find(tmp_path / "own")


def test_what_is_missing_is_asked_for(tmp_path):
    with pytest.raises(InputError, match="give --source-fps"):
        _find(tmp_path, source_fps=None)
    for rate in (0.0, -25.0, float("nan")):
        with pytest.raises(InputError, match="give --source-fps from 1 to 1000"):
            _find(tmp_path, source_fps=rate)
    with pytest.raises(InputError, match=r"no template\.ply"):
        _find(tmp_path)
    replicas.own(tmp_path / "own", [])
    with pytest.raises(InputError, match="no clip in"):
        _find(tmp_path / "own")
    np.save(tmp_path / "own" / "vertices" / "a.npy", np.zeros((5, 30)))
    with pytest.raises(InputError, match="not frames of 504 vertices"):
        _find(tmp_path / "own")


def test_a_point_cloud_is_no_template(tmp_path):
    replicas.own(tmp_path / "own", ["a"])
    (tmp_path / "own" / "template.obj").write_text("v 0 0 0\nv 1 0 0\n")
    with pytest.raises(InputError, match="no triangles"):
        _find(tmp_path / "own")


def test_json_of_the_layout_is_plain(tmp_path):
    replicas.own(tmp_path / "own", ["a"])
    prepare(_find(tmp_path / "own"), tmp_path / "out", basis=2)
    entry = json.loads((tmp_path / "out" / "prepared.json").read_text())
    assert entry["clips"]["a"] == {"subject": "face", "sentence": "a", "frames": 25, "seconds": 1.0}
