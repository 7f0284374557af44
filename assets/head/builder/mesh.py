"""The render mesh: a finer mesh whose every vertex is a fixed linear mix of cage vertices."""

from dataclasses import dataclass

import numpy as np
from cage import Cage
from scipy import sparse
from subdivide import catmull_clark


@dataclass(frozen=True)
class RenderMesh:
    """R vertices that follow the N cage vertices by one sparse matrix, and F triangles with outward winding."""

    matrix: sparse.csr_matrix  # (R, N)
    triangles: np.ndarray  # (F, 3) int64
    part: np.ndarray  # (R,) str

    def joined(self, other: "RenderMesh") -> "RenderMesh":
        """Return both meshes as one; this one's vertices come first."""
        return RenderMesh(
            sparse.vstack([self.matrix, other.matrix]).tocsr(),
            np.concatenate([self.triangles, other.triangles + self.matrix.shape[0]]),
            np.concatenate([self.part, other.part]),
        )

    def is_part(self, *names: str) -> np.ndarray:
        """Return the (R,) bool mask of these parts."""
        return np.isin(self.part, names)

    def smoothed(self, values: np.ndarray, steps: int) -> np.ndarray:
        """Return (R,) values blended half and half with their neighbours' mean, some times over."""
        edges = self.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
        rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
        near = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), (len(values),) * 2)
        near.data[:] = 1
        degree = np.asarray(near.sum(axis=1)).ravel()
        for _ in range(steps):
            values = np.where(degree > 0, 0.5 * values + 0.5 * (near @ values) / np.maximum(degree, 1), values)
        return values


def smooth_parts(cage: Cage) -> RenderMesh:
    """Return skin, eyes and tongue, subdivided once; teeth and lashes are made apart."""
    curved = ~np.isin(cage.quad_part, ["lash", "teethU", "teethL"])
    matrix, quads = catmull_clark(cage.quads[curved], len(cage.vertices))
    used, compact = np.unique(quads, return_inverse=True)
    quads = compact.reshape(quads.shape)
    part = np.empty(len(used), "U8")
    part[quads] = np.tile(cage.quad_part[curved], 4)[:, None]
    return RenderMesh(matrix[used], np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]), part)


def normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return (R, 3) unit vertex normals, area-weighted."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    faces = np.cross(b - a, c - a)
    summed = np.zeros_like(points)
    for corner in range(3):
        np.add.at(summed, triangles[:, corner], faces)
    return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-15)


def outward(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the triangles of a closed, roughly convex body wound so that they face away from its middle."""
    corners = points[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = (faces * (corners.mean(axis=1) - points.mean(axis=0))).sum()
    return triangles if facing > 0 else triangles[:, ::-1]
