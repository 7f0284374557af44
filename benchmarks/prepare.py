"""How much memory preparing takes: a BIWI-sized replica, 70,110 numbers a frame, 10 minutes at 25 frames a second.

    python benchmarks/prepare.py --folder /tmp/replica        (12 GB of disk, removed afterwards)

Prints seconds and the largest resident memory of each stage; --clips of one length each, or one long one.
"""

import argparse
import pickle
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import soundfile

from kmtalk.data.preparing import find_source, prepare, report
from kmtalk.data.source import SourceOptions

SIDES = (155, 151)  # 23,405 vertices, cut to 23,370
VERTICES = 23370
FPS, RATE = 25, 16000


def surface() -> tuple[np.ndarray, np.ndarray]:
    """A patch of as many vertices as BIWI's faces, in their unit, and its triangles."""
    x, y = np.meshgrid(np.linspace(-0.42, 0.42, SIDES[0]), np.linspace(-0.52, 0.52, SIDES[1]))
    vertices = np.stack([x, y, 0.25 - x**2 - 0.4 * y**2], -1).reshape(-1, 3)[:VERTICES]
    corner = np.arange(SIDES[0] * SIDES[1]).reshape(SIDES[1], SIDES[0])
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return vertices, faces[(faces < VERTICES).all(1)]


def make_replica(folder: Path, clips: int, minutes: float) -> None:
    """Write vertices_npy/, wav/, templates.pkl and BIWI.ply, a few frames in memory at a time."""
    template, triangles = surface()
    random = np.random.default_rng(0)
    shapes = random.normal(0, 0.004, (200, VERTICES * 3)).astype(np.float32) / np.arange(1, 201)[:, None]
    (folder / "vertices_npy").mkdir(parents=True)
    (folder / "wav").mkdir()
    frames = round(minutes * 60 * FPS / clips)
    mouth = np.exp(-(template[:, 0] ** 2) / 0.02) * np.clip(-template[:, 1] * 4, 0, 1)
    for number in range(clips):
        name = f"F2_e{number + 1:02d}"
        with (folder / "vertices_npy" / f"{name}.npy").open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": (frames, VERTICES * 3)}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, frames, 50):
                count = min(50, frames - start)
                moved = random.normal(0, 1, (count, 200)).astype(np.float32) @ shapes
                moved = moved.reshape(count, VERTICES, 3)
                moved[..., 1] -= 0.05 * mouth * np.abs(np.sin(np.arange(start, start + count) / 4))[:, None]
                file.write((moved + template).astype(np.float32).tobytes())
        beat = np.sin(np.arange(round(frames / FPS * RATE)) / 20) * 0.3
        soundfile.write(folder / "wav" / f"{name}.wav", beat, RATE)
    (folder / "templates.pkl").write_bytes(pickle.dumps({"F2": template}, protocol=2))
    lines = [f"{x:.6f} {y:.6f} {z:.6f}" for x, y, z in template] + ["3 {} {} {}".format(*row) for row in triangles]
    head = f"ply\nformat ascii 1.0\nelement vertex {VERTICES}\nproperty float x\nproperty float y\nproperty float z\n"
    head += f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    (folder / "BIWI.ply").write_text(head + "\n".join(lines) + "\n")


def peak() -> float:
    """The largest resident memory of this process so far, in gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Make the replica in another process, prepare it in this one, and print what it took."""
    from multiprocessing import get_context

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kmtalk-replica"))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--basis", type=int, default=128)
    options = parser.parse_args()
    try:
        maker = get_context("spawn").Process(
            target=make_replica, args=(options.folder / "source", options.clips, options.minutes)
        )
        maker.start()
        maker.join()
        print(f"before: {peak():.2f} GB", flush=True)
        began = time.monotonic()
        source = find_source("biwi", options.folder / "source", SourceOptions())
        print(f"found: {time.monotonic() - began:.0f} s, {peak():.2f} GB", flush=True)
        stage = {"regions": "vertices written", "basis": "regions found"}

        def progress(done: float, what: str) -> None:
            if what in stage or done == 0:
                print(f"{stage.get(what, what)}: {time.monotonic() - began:.0f} s, {peak():.2f} GB", flush=True)

        prepared = prepare(source, options.folder / "prepared", options.basis, progress)
        print(f"all: {time.monotonic() - began:.0f} s, {peak():.2f} GB", flush=True)
        print(report(prepared))
    finally:
        shutil.rmtree(options.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
