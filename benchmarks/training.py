"""Peak memory of preparing and training on faces of 23,370 vertices (70,110 values a frame), ten minutes of them.

python benchmarks/training.py [--minutes 10] [--steps 20] [--shapes 128] [--folder DIR]

Needs 10 GB of disk for ten minutes. The motion is made of 200 random waves over the face; the sound is noise.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

COLUMNS, ROWS = 190, 123
WAVES, FPS, CLIP = 200, 25, 250
SETTINGS = {
    "model": {"basis": "learned", "width": 192},
    "train": {"batch": 8, "seconds": 4.0, "pairs": 8, "report_steps": 1000, "judged": 4},
}


def make_source(folder: Path, minutes: float) -> None:
    """Write vertices/, wav/ and template.obj of a bent sheet that trembles, as someone's own data set would be."""
    random = np.random.default_rng(0)
    x, y = (part.ravel() for part in np.meshgrid(np.linspace(-0.08, 0.08, COLUMNS), np.linspace(-0.1, 0.1, ROWS)))
    template = np.stack([x, y, 0.05 - 5 * x**2 - 2 * y**2], axis=-1).astype(np.float32)
    sides = random.normal(0, 60, (2, WAVES))
    waves = np.cos(np.outer(x, sides[0]) + np.outer(y, sides[1]) + random.uniform(0, 6, WAVES)).astype(np.float32)
    directions = random.normal(0, 1e-3, (WAVES, 3)).astype(np.float32) / np.arange(1, WAVES + 1)[:, None] ** 0.5
    fields = np.einsum("vw,wc->wvc", waves, directions).reshape(WAVES, -1)
    (folder / "vertices").mkdir(parents=True)
    (folder / "wav").mkdir()
    for number in range(round(minutes * 60 * FPS / CLIP)):
        steps = random.normal(0, 1, (CLIP, WAVES)).astype(np.float32)
        moved = (steps @ fields).reshape(CLIP, -1, 3) + template
        np.save(folder / "vertices" / f"take{number:03d}.npy", moved)
        soundfile.write(folder / "wav" / f"take{number:03d}.wav", random.normal(0, 0.1, CLIP * 16000 // FPS), 16000)
    corner = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]))
    faces = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]) + 1
    lines = [f"v {px:.7f} {py:.7f} {pz:.7f}" for px, py, pz in template]
    (folder / "template.obj").write_text("\n".join(lines + ["f {} {} {}".format(*face) for face in faces]) + "\n")


def measure(name: str, arguments: list[str]) -> None:
    """Run a command of kmtalk in a process of its own and print its time and its peak memory."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "kmtalk", *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{name} failed")
    seconds = time.perf_counter() - began
    print(f"{name:<8} {seconds:6.0f} s, peak {used.ru_maxrss / 1e6:.2f} GB resident", flush=True)


def main() -> None:
    """Make the data in a temporary folder, prepare it and train on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--shapes", type=int, default=128)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        make_source(folder / "source", options.minutes)
        basis = ["--basis", str(options.shapes), "--source-fps", str(FPS), "--fps", str(FPS)]
        measure("prepare", ["prepare", "folder", str(folder / "source"), "--out", str(folder / "prepared"), *basis])
        for kind in ("pca", "learned"):
            settings = {**SETTINGS, "model": {**SETTINGS["model"], "basis": kind}}
            (folder / "settings.json").write_text(json.dumps(settings))
            out = ["--out", str(folder / kind), "--config", str(folder / "settings.json")]
            measure(kind, ["train", "--data", str(folder / "prepared"), *out, "--steps", str(options.steps)])


if __name__ == "__main__":
    main()
