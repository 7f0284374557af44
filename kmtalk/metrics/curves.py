"""Scores of the mouth's movement as a curve: how alike, how late, and how much it follows the voice."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from kmtalk.errors import InputError
from kmtalk.metrics.checks import check_length, check_region

LONGEST = 6000
"""Frames of a curve that can be warped onto another: the table of it grows with the square."""

_SMOOTH = 2.0  # frames, sigma of the Gaussian of the reference's mouth timing


def lip_distance(vertices: np.ndarray, upper: int, lower: int) -> np.ndarray:
    """Return (T,) metres between a vertex of the upper and one of the lower lip, of (T, V, 3) metres.

    Source: evaluate_MTM.py of kaist-ami/Perceptual-3D-Talking-Head (vertices 3531 and 3504 on FLAME).
    """
    check_region(np.array([upper, lower]), vertices.shape[1], "the lip landmarks")
    apart = np.asarray(vertices[:, [upper, lower]], np.float64)
    return np.linalg.norm(apart[:, 0] - apart[:, 1], axis=-1)


def correlation(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return Pearson's r of two (T,) curves (THUNDER's L-PCC when they are lip distances); 0 where one is still."""
    prediction, truth = _together(prediction, truth)
    if prediction.std() < 1e-9 or truth.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(prediction, truth)[0, 1])


def concordance(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return Lin's concordance of two (T,) curves (THUNDER's L-CCC): like r, but less for another size or offset."""
    prediction, truth = _together(prediction, truth)
    together = np.cov(prediction, truth, ddof=0)
    size = together[0, 0] + together[1, 1] + (prediction.mean() - truth.mean()) ** 2
    return float(2 * together[0, 1] / size) if size > 1e-18 else 0.0


def warped_distance(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean absolute difference of two curves along the best warping of one onto the other, in their unit.

    Dynamic time warping with steps (1, 1), (1, 0), (0, 1) and no window; the summed difference is divided by the
    number of steps, so that long and short clips compare. Papers' DTW figures differ in this normalisation.
    """
    total, path = warp(np.asarray(prediction, np.float64), np.asarray(truth, np.float64))
    return total / len(path)


def mouth_timing(prediction: np.ndarray, truth: np.ndarray, fps: float) -> float:
    """Return MTM, the mean mouth timing misalignment of two (T,) lip distances, in milliseconds; nan without a match.

    Source: evaluate_MTM.py of kaist-ami/Perceptual-3D-Talking-Head (paper: arXiv 2503.20308): both curves are smoothed
    by a Gaussian of 2 frames and aligned by derivative dynamic time warping; a point of the path counts where both are
    extrema of the same kind and the prediction's lies between the truth's neighbouring extrema. The script takes every
    second frame of the truth, which is at twice the prediction's rate there; here both are at the same rate.
    """
    prediction, truth = (gaussian_filter1d(curve, _SMOOTH) for curve in _together(prediction, truth))
    _, path = warp(np.diff(truth, prepend=truth[0]), np.diff(prediction, prepend=prediction[0]))
    found, true = _kinds(prediction), _kinds(truth)
    bounds = [0, *sorted(true), len(truth) - 1]
    ends = dict(zip(bounds[1:-1], zip(bounds, bounds[2:], strict=False), strict=True))
    late = [
        abs(at - guess)
        for at, guess in path.tolist()
        if at in true and true[at] == found.get(guess) and ends[at][0] <= guess <= ends[at][1]
    ]
    return float(np.mean(late) / fps * 1e3) if late else float("nan")


def lip_intensity(vertices: np.ndarray, lips: np.ndarray) -> float:
    """Return how much lips move: root mean square over time of the mean lip step from frame to frame, in metres.

    Source: extract_lip_intensity.py of kaist-ami/Perceptual-3D-Talking-Head. vertices: (T, V, 3) metres.
    """
    lips = check_region(lips, vertices.shape[1], "lips")
    steps = np.linalg.norm(np.diff(np.asarray(vertices[:, lips], np.float64), axis=0), axis=-1).mean(-1)
    return root_mean_square(steps) if len(steps) else 0.0


def root_mean_square(values: np.ndarray) -> float:
    """Return the root of the mean square, in the values' unit: a recording's loudness, as extract_rms.py takes it."""
    return float(np.sqrt(np.square(np.asarray(values, np.float64)).mean()))


def speech_lip_correlation(loudness: Sequence[float], intensity: Sequence[float], subjects: Sequence[str]) -> float:
    """Return SLCC: Pearson's r over clips of loudness and lip intensity, both standardised within each subject.

    Source: evaluate_SLCC.py of kaist-ami/Perceptual-3D-Talking-Head (sample deviation; subjects with one clip or no
    spread fall out). nan for fewer than two clips. It has no unit: compare it with the truth's own.
    """
    loud, moved, names = np.asarray(loudness, float), np.asarray(intensity, float), np.asarray(subjects)
    scores = []
    for name in np.unique(names):
        pair = np.stack([loud[names == name], moved[names == name]])
        spread = pair.std(1, ddof=1, keepdims=True) if pair.shape[1] > 1 else np.zeros((2, 1))
        if (spread > 0).all():
            scores.append((pair - pair.mean(1, keepdims=True)) / spread)
    if not scores:
        return float("nan")
    return correlation(*np.concatenate(scores, axis=1))


def warp(one: np.ndarray, other: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the cost of the best warping of two curves, and its (n, 2) pairs of places, from the first to the last.

    Steps are (1, 1), (1, 0) and (0, 1), a tie taken in this order, at the absolute difference of what they reach.
    """
    if max(len(one), len(other)) > LONGEST:
        raise InputError(
            f"curves of {len(one)} and {len(other)} frames: score clips of up to {LONGEST}, cut longer ones"
        )
    height, width = len(one), len(other)
    total = np.full((height + 1, width + 1), np.inf)
    total[0, 0] = 0
    for diagonal in range(2, height + width + 1):  # cells of one anti-diagonal do not depend on each other
        row = np.arange(max(1, diagonal - width), min(height, diagonal - 1) + 1)
        column = diagonal - row
        before = np.minimum(total[row - 1, column - 1], np.minimum(total[row - 1, column], total[row, column - 1]))
        total[row, column] = np.abs(one[row - 1] - other[column - 1]) + before
    path, i, j = [], height, width
    while i > 0 and j > 0:
        path.append((i - 1, j - 1))
        step = int(np.argmin([total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]]))
        i, j = i - (step != 2), j - (step != 1)
    return float(total[height, width]), np.array(path[::-1])


def _kinds(curve: np.ndarray) -> dict[int, int]:
    """Place of each extremum -> 1 for a maximum, -1 for a minimum."""
    return {int(place): kind for kind in (1, -1) for place in find_peaks(kind * curve)[0]}


def _together(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    prediction, truth = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if prediction.ndim != 1 or truth.ndim != 1 or not len(prediction) or not len(truth):
        raise InputError(f"curves of shape {prediction.shape} and {truth.shape}: give two of (T,)")
    check_length(len(prediction), len(truth))
    frames = min(len(prediction), len(truth))
    return prediction[:frames], truth[:frames]
