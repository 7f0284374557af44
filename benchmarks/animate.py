"""Time speech -> motion and motion -> MP4 on a clip of some seconds; and the peak memory of a long recording.

python benchmarks/animate.py [--seconds 10] [--runs 5] [--long 3600]
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import kmtalk
from kmtalk.animate import load_model
from kmtalk.assets import asset
from kmtalk.audio import SAMPLE_RATE, save_audio


def repeated(seconds: float) -> np.ndarray:
    """The example recordings one after the other, for so many seconds."""
    spoken = np.concatenate([kmtalk.load_audio(path) for path in sorted(asset("examples").glob("*.wav"))])
    return np.resize(spoken, int(seconds * SAMPLE_RATE))


def timed(work: object, runs: int) -> float:
    """Median seconds of some runs, after one to warm up."""
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--long", type=float, default=0, help="seconds of a long recording, 0 for none")
    options = parser.parse_args()
    speech, model = (repeated(options.seconds), SAMPLE_RATE), load_model()
    motion = timed(lambda: kmtalk.animate(speech, model=model), options.runs)
    print(f"{options.seconds:g} s of speech -> motion: median {motion:.2f} s")
    animation = kmtalk.animate(speech, model=model)
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder, "talk.mp4")
        render = timed(lambda: kmtalk.render(animation, video, size=options.size), max(1, options.runs // 2))
        print(f"{options.seconds:g} s -> MP4 at {options.size}x{options.size}, 25 fps: median {render:.1f} s")
        if options.long:
            long = save_audio(Path(folder, "long.wav"), repeated(options.long))
            command = [sys.executable, "-m", "kmtalk", "animate", str(long), "--out", folder, "--formats", "json,csv"]
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
            print(f"{options.long:g} s -> json, csv: {time.perf_counter() - began:.0f} s, peak {peak:.2f} GB")


if __name__ == "__main__":
    main()
