"""Median seconds to draw one frame, for each renderer and several sizes.

    python benchmarks/render.py [--frames 50] [--sizes 384 512 720] [--renderers moderngl pyrender]

Numbers hold for an idle machine; the load average printed first says whether it was one.
"""

import argparse
import os
import time

import numpy as np

from kmtalk.face import load_face
from kmtalk.motion import Animation, Motion
from kmtalk.render import RENDERERS, frames


def speaking(count: int) -> Animation:
    """Every shape in motion and a swaying head: the dearest frames there are."""
    face = load_face()
    time_axis = np.arange(count)[:, None] / 25
    phases = np.linspace(0, 6, len(face.basis_names))
    weights = (0.15 + 0.15 * np.sin(5 * time_axis + phases)).astype(np.float32)
    head_pose = (0.03 * np.sin(time_axis * np.linspace(1, 2, 6)) * [1, 1, 1, 0, 0, 0]).astype(np.float32)
    motion = Motion(weights, face.basis_names, 25.0, head_pose)
    return Animation(np.zeros(count * 640, np.float32), face, motion, (), np.array([0]), weights[:1])


def main() -> None:
    """Print one line for each renderer and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--sizes", type=int, nargs="+", default=[384, 512, 720])
    parser.add_argument("--renderers", nargs="+", default=list(RENDERERS), choices=RENDERERS)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    animation = speaking(options.frames)
    for renderer in options.renderers:
        for size in options.sizes:
            stamps, before = [time.perf_counter()], time.process_time()
            for _ in frames(animation, size=size, renderer=renderer):
                stamps.append(time.perf_counter())
            processor = (time.process_time() - before) / options.frames
            gaps = np.diff(stamps)
            print(
                f"{renderer:9} {size:4} px: {np.median(gaps[1:]):.3f} s a frame, "
                f"{processor:.3f} s of processor time, first frame after {gaps[0]:.2f} s"
            )


if __name__ == "__main__":
    main()
