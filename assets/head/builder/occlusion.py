"""Ambient occlusion: how much of the sky each render vertex sees, as the brightest of a few poses."""

import numpy as np
from cage import Cage
from mesh import RenderMesh, normals

_RAYS = 160
_LIFT = 0.0006  # metres off the surface where a ray starts
_SKIN_SHADE = 0.75  # light spreads in skin, so its folds are not as dark
_POSES = (
    {},
    {"jawOpen": 0.55, "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3},
    {"eyeBlinkLeft": 0.85, "eyeBlinkRight": 0.85},
)


def occlusion(mesh: RenderMesh, cage: Cage, depth: np.ndarray, cavity: np.ndarray) -> np.ndarray:
    """Return (R,) openness in [0, 1].

    The brightest pose counts, so that the inside of an opened mouth is not pitch black; eyeballs keep the
    neutral one. The mouth's parts fade with their depth behind the lips, as the lips that shade them move.
    """
    poses = [_openness(mesh, _posed(mesh, cage, pose)) for pose in _POSES]
    openness = np.where(mesh.is_part("eyeL", "eyeR"), poses[0], np.max(poses, axis=0))
    openness = mesh.smoothed(openness, steps=2)
    openness = np.where(mesh.is_part("skin"), 1 - _SKIN_SHADE * (1 - openness), openness)
    fade = np.clip(1 - 1.5 * depth, 0.08, 1)
    openness = np.where(cavity > 0.5, np.maximum(openness, 0.95 * fade), openness)
    openness = np.where(mesh.is_part("teethU", "teethL", "gum"), np.maximum(openness, fade), openness)
    openness = np.where(mesh.is_part("tongue"), np.maximum(openness, fade), openness)
    return np.where(mesh.is_part("lash"), 1.0, openness)


def _posed(mesh: RenderMesh, cage: Cage, pose: dict[str, float]) -> np.ndarray:
    return mesh.matrix @ (cage.vertices + sum(weight * cage.shapes[name] for name, weight in pose.items()))


def _openness(mesh: RenderMesh, points: np.ndarray) -> np.ndarray:
    import trimesh
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    tracer = RayMeshIntersector(trimesh.Trimesh(points, mesh.triangles, process=False))
    normal = normals(points, mesh.triangles)
    aside = np.cross(np.where(np.abs(normal[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]]), normal)
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-12)
    upward = np.cross(normal, aside)
    seen = np.zeros(len(points))
    for x, y, z in _cosine_directions():
        seen += ~tracer.intersects_any(points + normal * _LIFT, aside * x + upward * y + normal * z)
    return seen / _RAYS


def _cosine_directions() -> np.ndarray:
    """Return (_RAYS, 3) directions over the hemisphere, denser towards its pole (a golden spiral)."""
    index = np.arange(_RAYS) + 0.5
    radius, turn = np.sqrt(index / _RAYS), np.pi * (1 + 5**0.5) * index
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), np.sqrt(1 - radius**2)], axis=1)
