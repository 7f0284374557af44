"""NPZ: everything about an animation as NumPy arrays."""

import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from kmtalk.motion import Animation
from kmtalk.phonemes import Phoneme, Word

_CHUNK = 64  # frames of vertices in memory at a time


def write(animation: Animation, file: BinaryIO) -> None:
    """Write arrays that numpy.load reads without pickle.

    vertices (T, V, 3) float32 metres without head motion, triangles (F, 3) int32, fps float64, key_frames (N,) int64,
    weights (T, K) float32, weight_names (K,) str, phoneme_labels (P,) str, phoneme_times (P, 2) float64 seconds,
    life (T, K) float32, the share of the weights that is not speech, head_pose (T, 6) float32, axis-angle radians and
    metres, word_texts (W,) str, word_times (W, 2) float64 seconds, empty without a transcript.
    """
    arrays = {
        "triangles": animation.face.triangles.astype(np.int32),
        "fps": np.float64(animation.fps),
        "key_frames": animation.key_frames.astype(np.int64),
        "weights": animation.weights.astype(np.float32),
        "life": animation.motion.life.astype(np.float32),
        "head_pose": animation.motion.head_pose.astype(np.float32),
        "weight_names": np.array(animation.motion.names, dtype=np.str_),
        "phoneme_labels": np.array([phoneme.label for phoneme in animation.phonemes], dtype=np.str_),
        "phoneme_times": _times(animation.phonemes),
        "word_texts": np.array([word.text for word in animation.words], dtype=np.str_),
        "word_times": _times(animation.words),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("vertices.npy", "w", force_zip64=True) as member:
            for piece in _vertices(animation):
                member.write(piece)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _times(spans: Sequence[Phoneme | Word]) -> np.ndarray:
    """Return (n, 2) float64 starts and ends in seconds."""
    return np.array([(span.start, span.end) for span in spans], dtype=np.float64).reshape(-1, 2)


def _vertices(animation: Animation) -> Iterator[bytes]:
    """Yield the .npy file of the vertices piece by piece: an hour of them is 7 GB."""
    from io import BytesIO

    header = BytesIO()
    shape = (animation.frames, *animation.face.template.shape)
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    yield header.getvalue()
    for start in range(0, animation.frames, _CHUNK):
        yield np.ascontiguousarray(animation.vertices(start, start + _CHUNK), dtype="<f4").tobytes()
