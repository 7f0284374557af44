"""OBJ: a zip of one mesh a frame, for programs that know nothing else."""

import zipfile
from typing import BinaryIO

import numpy as np

from kmtalk.motion import Animation

_CHUNK = 64  # frames of vertices in memory at a time


def write(animation: Animation, file: BinaryIO) -> None:
    """Write frame_000000.obj and so on: the face's vertices in metres without head motion, and its triangles."""
    vertex_lines = "v %.6f %.6f %.6f\n" * len(animation.face.template)
    triangle_lines = "".join(f"f {a} {b} {c}\n" for a, b, c in (animation.face.triangles + 1).tolist())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for start in range(0, animation.frames, _CHUNK):
            for offset, vertices in enumerate(animation.vertices(start, start + _CHUNK)):
                text = vertex_lines % tuple(np.ravel(vertices).tolist()) + triangle_lines
                name = f"frame_{start + offset:06}.obj"
                # A fixed date keeps equal animations equal files.
                archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED, compresslevel=1)
