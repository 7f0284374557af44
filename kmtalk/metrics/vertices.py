"""Scores of vertices, (T, V, 3) metres, exactly as the field's scripts compute them, and in millimetres.

Vertices may be memory maps: a block of frames is read at a time. Predictions that are up to two frames longer or
shorter are cut. Papers give "mm" for squares and for unit-area meshes alike: a number means what its function says.
"""

from collections.abc import Iterator

import numpy as np

from kmtalk.metrics.checks import check_frames, check_region

_BLOCK = 128  # frames at a time


def lip_errors(prediction: np.ndarray, truth: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """Return (T,) the largest squared distance of any lip vertex in each frame, in square metres.

    The mean over the frames of all clips together is LVE as CodeTalker's main/cal_metric.py prints it.
    """
    lips = check_region(lips, truth.shape[1], "lips")
    squares = [np.square(p[:, lips] - t[:, lips]).sum(-1).max(-1) for p, t in _blocks(prediction, truth)]
    return np.concatenate(squares)


def lip_vertex_error(prediction: np.ndarray, truth: np.ndarray, lips: np.ndarray) -> float:
    """Return LVE in its reference form: mean over frames of the largest squared lip distance, in square metres.

    Source: CodeTalker main/cal_metric.py; torchmetrics 1.9 lip_vertex_error is the same number. No root is taken.
    """
    return float(lip_errors(prediction, truth, lips).mean())


def root_lip_vertex_error(prediction: np.ndarray, truth: np.ndarray, lips: np.ndarray) -> float:
    """Return LVE in millimetres: root of the mean of the largest squared lip distances.

    Source: ARTalk metrics.py.
    """
    return float(np.sqrt(lip_errors(prediction, truth, lips).mean()) * 1e3)


def lip_vertex_distance(prediction: np.ndarray, truth: np.ndarray, lips: np.ndarray) -> float:
    """Return the mean over frames of the largest lip distance (root before mean), in millimetres.

    Source: UniTalker mouth_metric, its L2 norm twin of LVE.
    """
    return float(np.sqrt(lip_errors(prediction, truth, lips)).mean() * 1e3)


def motion_spread(vertices: np.ndarray, template: np.ndarray, upper_face: np.ndarray) -> float:
    """Return how much the upper face moves: mean over its vertices of the standard deviation over time of the squared
    distance from the template, in square metres.

    Source: CodeTalker main/cal_metric.py, whose paper speaks of the distance but whose script takes its square.
    """
    upper_face = check_region(upper_face, vertices.shape[1], "upper_face")
    squares = [
        np.square(np.asarray(vertices[start : start + _BLOCK], np.float64)[:, upper_face] - template[upper_face]).sum(
            -1
        )
        for start in range(0, len(vertices), _BLOCK)
    ]
    return float(np.concatenate(squares).std(0).mean())


def dynamics_deviation(
    prediction: np.ndarray, truth: np.ndarray, template: np.ndarray, upper_face: np.ndarray
) -> float:
    """Return FDD in its reference form: motion_spread of the truth less the prediction's, signed, in square metres.

    Source: CodeTalker main/cal_metric.py, which averages it over clips; clips of either sign cancel each other, so
    give the mean of the absolute values beside it.
    """
    frames = check_frames(prediction, truth)
    spreads = (motion_spread(vertices[:frames], template, upper_face) for vertices in (truth, prediction))
    return next(spreads) - next(spreads)


def mean_vertex_error(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return MVE: mean over frames and all vertices of the distance, in millimetres.

    Source: FaceDiffuser's evaluation script (mean of norms); a clip's value, averaged over clips.
    """
    return float(frame_distances(prediction, truth).mean() * 1e3)


def root_vertex_error(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the root mean square distance over frames and all vertices, in millimetres.

    Source: MHD in ARTalk metrics.py.
    """
    squares, frames = 0.0, 0
    for p, t in _blocks(prediction, truth):
        squares, frames = squares + float(np.square(p - t).sum()), frames + len(p)
    return float(np.sqrt(squares / frames / truth.shape[1]) * 1e3)


def frame_distances(prediction: np.ndarray, truth: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Return (T,) metres, the mean distance over the vertices of a region, or over all, in each frame."""
    region = slice(None) if region is None else check_region(region, truth.shape[1])
    means = [np.linalg.norm(p[:, region] - t[:, region], axis=-1).mean(-1) for p, t in _blocks(prediction, truth)]
    return np.concatenate(means)


def _blocks(prediction: np.ndarray, truth: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    frames = check_frames(prediction, truth)
    for start in range(0, frames, _BLOCK):
        part = slice(start, min(frames, start + _BLOCK))
        yield np.asarray(prediction[part], np.float64), np.asarray(truth[part], np.float64)
