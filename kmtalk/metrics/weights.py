"""The same scores from weights over a basis: no vertices are made but those of the lips and the upper face."""

import numpy as np

from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.metrics.checks import check_length, check_region


class WeightMetrics:
    """Scores of (T, K) weights of one face; the numbers are those of kmtalk.metrics.vertices.

    gram: (K, K) float64 square metres, whose quadratic form of a weight error is its summed squared vertex distance;
    lips, upper_face: (K, 3 n) float64 metres, the basis of those regions.
    """

    def __init__(self, face: Face) -> None:
        if missing := {"lips", "upper_face"} - set(face.regions):
            raise InputError(f"face {face.name!r} has no region {' or '.join(sorted(missing))} to score")
        count = len(face.template)
        self._vertices = count
        self.gram = face.gram()
        self.lips, self.upper_face = (
            face.basis[:, check_region(face.regions[name], count, name)].astype(np.float64)
            for name in ("lips", "upper_face")
        )

    def lip_errors(self, prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return (T,) the largest squared lip distance of each frame, in square metres."""
        moved = np.tensordot(self._difference(prediction, truth), self.lips, axes=1)
        return np.square(moved).sum(-1).max(-1)

    def lip_vertex_error(self, prediction: np.ndarray, truth: np.ndarray) -> float:
        """Return LVE in its reference form, in square metres (see kmtalk.metrics.lip_vertex_error)."""
        return float(self.lip_errors(prediction, truth).mean())

    def root_lip_vertex_error(self, prediction: np.ndarray, truth: np.ndarray) -> float:
        """Return LVE in millimetres (see kmtalk.metrics.root_lip_vertex_error)."""
        return float(np.sqrt(self.lip_errors(prediction, truth).mean()) * 1e3)

    def motion_spread(self, weights: np.ndarray) -> float:
        """Return how much the upper face moves, in square metres (see kmtalk.metrics.motion_spread)."""
        moved = np.tensordot(np.asarray(weights, np.float64), self.upper_face, axes=1)
        return float(np.square(moved).sum(-1).std(0).mean())

    def dynamics_deviation(self, prediction: np.ndarray, truth: np.ndarray) -> float:
        """Return FDD in its reference form, signed, in square metres (see kmtalk.metrics.dynamics_deviation)."""
        frames = len(self._difference(prediction, truth))
        return self.motion_spread(truth[:frames]) - self.motion_spread(prediction[:frames])

    def root_vertex_error(self, prediction: np.ndarray, truth: np.ndarray) -> float:
        """Return the root mean square distance over all vertices, in millimetres, from the Gram matrix alone."""
        error = self._difference(prediction, truth)
        squares = np.einsum("tk,kl,tl->t", error, self.gram, error, optimize=True)
        return float(np.sqrt(max(squares.mean(), 0) / self._vertices) * 1e3)

    def _difference(self, prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
        for name, weights in (("prediction", prediction), ("truth", truth)):
            if np.ndim(weights) != 2 or weights.shape[1] != len(self.gram) or not len(weights):
                raise InputError(
                    f"the {name} has shape {np.shape(weights)}: this face has (T, {len(self.gram)}) weights"
                )
        check_length(len(prediction), len(truth))
        frames = min(len(prediction), len(truth))
        return np.asarray(prediction[:frames], np.float64) - np.asarray(truth[:frames], np.float64)
