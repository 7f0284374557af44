"""Preparing holds a few frames in memory, however many there are; benchmarks/prepare.py measures it at BIWI's size."""

import tracemalloc

import numpy as np
import pytest
import replicas
import soundfile

from kmtalk.data.preparing import find_source, prepare
from kmtalk.data.source import SourceOptions

FACE = replicas.tiny_face(1000.0, columns=40, rows=30)
FRAME = 40 * 30 * 12  # bytes
FEW, MANY = 150, 900


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """The most memory that NumPy and Python held while sets of other sizes were prepared, by (clips, frames)."""
    found = {}
    for clips, frames in ((1, FEW), (7, FEW), (1, MANY)):
        folder = tmp_path_factory.mktemp("memory")
        for name in ("vertices", "wav"):
            (folder / "own" / name).mkdir(parents=True)
        replicas.write_obj(folder / "own" / "template.obj", FACE.vertices, FACE.triangles)
        for seed in range(clips):
            motion = replicas.moving(FACE, FACE.vertices, frames, 25.0, seed)
            np.save(folder / "own" / "vertices" / f"{seed}.npy", motion.astype(np.float32))
            soundfile.write(folder / "own" / "wav" / f"{seed}.wav", replicas.speech(frames / 25, 8000)[0], 8000)
        del motion
        tracemalloc.start()
        try:
            options = SourceOptions(source_fps=25.0, unit=0.001)
            prepare(find_source("folder", folder / "own", options), folder / "out", basis=8)
            found[clips, frames] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    return found


def test_more_clips_need_no_more_memory(peaks):
    assert peaks[7, FEW] < peaks[1, FEW] + 10 * FRAME


def test_longer_clips_need_no_more_memory_but_for_their_sound(peaks):
    sound = (MANY - FEW) / 25 * 16000 * 4  # bytes
    assert peaks[1, MANY] < peaks[1, FEW] + 3 * sound
    assert peaks[1, MANY] < MANY * FRAME  # not even the vertices once
