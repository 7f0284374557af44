"""The example for one's own data runs from recordings to an edited film."""

import runpy
from pathlib import Path

import numpy as np

import kmtalk
from kmtalk.train.log import read_log

SCRIPT = Path(kmtalk.__file__).parent.parent / "examples" / "own_data.py"


def test_the_example_runs(tmp_path, capsys):
    runpy.run_path(str(SCRIPT))["example"](tmp_path, steps=3, size=64)
    said = capsys.readouterr().out
    for command in ("prepare folder", "train --data", "score"):
        assert f"python -m kmtalk {command}" in said
    assert "largest lip distance" in said
    assert "now it opens" in said
    for name in ("plain.mp4", "edited.mp4", "edited.glb"):
        assert (tmp_path / name).stat().st_size > 1000
    assert read_log(tmp_path / "run")[-1]["step"] == 3
    model = kmtalk.KMTalk.from_pretrained(tmp_path / "run" / "checkpoint")
    whole = kmtalk.load_face("ben")
    assert 3000 < len(model.face.template) < len(whole.template)
    chin = model.face.template[model.face.landmark("chin")]
    assert np.allclose(chin, whole.template[whole.landmark("chin")], atol=1e-5)
