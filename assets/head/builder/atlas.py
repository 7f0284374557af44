"""Texture coordinates by direction, and the way back from a texel to the skin.

The map is azimuthal and of equal area, seen from a point inside the head. Its pole lies near the crown, so that
the place where it tears lies between the shoulders. Of the four corners outside the disc one holds the
eye, one white and one plain skin.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from mesh import RenderMesh
from scipy import sparse
from scipy.ndimage import zoom

SIZE = 2048
EYE_PATCH, EYE_RADIUS = np.array([0.073, 0.073]), 0.070
WHITE_PATCH = np.array([0.93, 0.07])
SKIN_PATCH = np.array([0.95, 0.95])

_CENTRE = np.array([0.0, -0.025, -0.085])
_TILT = np.radians(79)
_TORN = 0.02  # of the texture's width: triangles this long near the rim cut through other skin
_TEAR_TOP = -0.086  # metres, below the hair of the nape
_AXES = np.array([[1, 0, 0], [0, np.cos(_TILT), -np.sin(_TILT)], [0, np.sin(_TILT), np.cos(_TILT)]])


def direction_uv(points: np.ndarray) -> np.ndarray:
    """Return (..., 2) texture coordinates of points, by their direction alone."""
    rays = (points - _CENTRE) @ _AXES.T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    turn = np.arctan2(rays[..., 1], rays[..., 0])
    radius = 0.5 * np.sin(np.arccos(np.clip(rays[..., 2], -1, 1)) / 2)
    return 0.5 + radius[..., None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)


def torn_apart(mesh: RenderMesh, points: np.ndarray) -> tuple[RenderMesh, np.ndarray]:
    """Cut out the triangles at the tear; return the mesh, with their border doubled, and (R,) bool of what was cut."""
    spread = np.ptp(direction_uv(points)[mesh.triangles], axis=1).max(axis=1)
    low = points[mesh.triangles][:, :, 1].mean(axis=1) < _TEAR_TOP
    torn = low & (spread > _TORN) & (mesh.part[mesh.triangles] == "skin").all(axis=1)
    cut = np.unique(mesh.triangles[torn])
    border = np.intersect1d(cut, mesh.triangles[~torn])
    moved = np.arange(len(points))
    moved[border] = len(points) + np.arange(len(border))
    triangles = np.where(torn[:, None], moved[mesh.triangles], mesh.triangles)
    doubled = RenderMesh(
        sparse.vstack([mesh.matrix, mesh.matrix[border]]).tocsr(),
        triangles,
        np.concatenate([mesh.part, mesh.part[border]]),
    )
    return doubled, np.isin(np.arange(len(doubled.part)), moved[cut])


@dataclass(frozen=True)
class Atlas:
    """The outer skin under every texel. points: (R, 3) neutral render vertices in metres."""

    mesh: RenderMesh
    points: np.ndarray

    def sample(self, values: np.ndarray) -> np.ndarray:
        """Return (SIZE, SIZE, ...) float32 of per-vertex values; row 0 is v = 0, and 0 lies outside the disc."""
        triangles, shares = self._under
        corners = values[self._skin[triangles]].astype(np.float32)
        mixed = np.einsum("hwc,hwc...->hw...", shares, corners)
        return zoom(mixed, (2, 2) + (1,) * (mixed.ndim - 2), order=1, grid_mode=True, mode="nearest")

    def front(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return (..., 3) points of the face straight behind x and y; NaN beside the face."""
        x, y = np.broadcast_arrays(x, y)
        return self._first_hit(np.stack([x, y, np.full(x.shape, 0.5)], axis=-1), 2)

    def side(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return (..., 3) points of the left side of the head at y and z; NaN beside the head."""
        y, z = np.broadcast_arrays(y, z)
        return self._first_hit(np.stack([np.full(y.shape, 0.5), y, z], axis=-1), 0)

    def _first_hit(self, start: np.ndarray, axis: int) -> np.ndarray:
        """Return the first points of the skin against an axis."""
        flat = start.reshape(-1, 3).astype(float)
        towards = np.tile(-np.eye(3)[axis], (len(flat), 1))
        places, rays, _ = self._tracer.intersects_location(flat, towards, multiple_hits=False)
        flat[:, axis] = np.nan
        flat[rays, axis] = places[:, axis]
        return flat.reshape(start.shape)

    @cached_property
    def _skin(self) -> np.ndarray:
        return self.mesh.triangles[(self.mesh.part[self.mesh.triangles] == "skin").all(axis=1)]

    @cached_property
    def _tracer(self):  # noqa: ANN202 - a trimesh type, imported only here
        import trimesh
        from trimesh.ray.ray_pyembree import RayMeshIntersector

        return RayMeshIntersector(trimesh.Trimesh(self.points, self._skin, process=False))

    @cached_property
    def _under(self) -> tuple[np.ndarray, np.ndarray]:
        """(SIZE / 2, SIZE / 2) triangle under each texel, from outside, and (SIZE / 2, SIZE / 2, 3) corner shares."""
        from trimesh.triangles import points_to_barycentric

        half = SIZE // 2
        v, u = (np.mgrid[0:half, 0:half] + 0.5) / half - 0.5
        radius, turn = np.hypot(u, v), np.arctan2(v, u)
        theta = 2 * np.arcsin(np.clip(radius / 0.5, 0, 1))
        rays = np.stack([np.sin(theta) * np.cos(turn), np.sin(theta) * np.sin(turn), np.cos(theta)], axis=-1) @ _AXES
        inside = np.flatnonzero(radius < 0.5)
        outward = rays.reshape(-1, 3)[inside]
        hit, ray, places = self._tracer.intersects_id(
            _CENTRE + outward, -outward, multiple_hits=False, return_locations=True
        )
        triangles, shares = np.zeros(half * half, int), np.zeros((half * half, 3), np.float32)
        triangles[inside[ray]] = hit
        shares[inside[ray]] = points_to_barycentric(self.points[self._skin[hit]], places)
        return triangles.reshape(half, half), shares.reshape(half, half, 3)
