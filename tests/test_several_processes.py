"""Training in two processes, as on two GPUs, through accelerate."""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from kmtalk.__main__ import main
from kmtalk.errors import InputError
from kmtalk.train.log import read_log
from kmtalk.train.processes import Alone, processes
from tests import replicas

SETTINGS = {
    "model": {"width": 16, "encoder_blocks": 1, "key_layers": 1, "key_heads": 2, "key_reach": 2, "basis": "learned"},
    "train": {"steps": 4, "batch": 2, "seconds": 1.0, "report_steps": 2, "warmup": 1, "accumulate": 2},
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_two_processes_train_one_model(tmp_path):
    source = replicas.own(tmp_path / "source", [f"take{number}" for number in range(6)], frames=60, fps=25.0)
    made = ["prepare", "folder", str(source), "--out", str(tmp_path / "made"), "--basis", "4", "--source-fps", "25"]
    assert main([*made, "--unit", "mm"]) == 0
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    arguments = ["--data", str(tmp_path / "made"), "--out", str(tmp_path / "run")]
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", free_port()]
    command = [*launcher, "-m", "kmtalk", "train", *arguments, "--config", str(tmp_path / "settings.json")]
    run = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    log = read_log(tmp_path / "run")
    assert [row["step"] for row in log] == [2, 4]
    assert all(np.isfinite(list(row.values())).all() for row in log)
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["counters"]["steps"] == 4
    assert (tmp_path / "run" / "checkpoint" / "face.safetensors").is_file()


def test_one_process_needs_no_accelerate(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    assert isinstance(processes("cpu", "full"), Alone)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="pip install accelerate"):
        processes("cpu", "full")
