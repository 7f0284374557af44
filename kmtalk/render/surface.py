"""What is drawn: a face's finest mesh, its material, and its pose in one frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kmtalk.errors import InputError
from kmtalk.face import Face, Look

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LOOKS = ("skin", "clay")
"""What a face can be made of: its own skin, eyes and teeth, or clay."""

PLAIN, MOUTH, EYE = 0.0, 1.0, 2.0
"""The kinds of material, each lit in its own way."""

_THROAT = (0.50, 0.095, 0.085)
_CLAY = (0.36, 0.285, 0.245)
_CLAY_GLOSS = (0.62, 0.35)  # roughness, scattering
_CLAY_SIZE = 0.25
_CLAY_CENTER = (0.0, -0.034, -0.06)


@dataclass(frozen=True)
class Surface:
    """A drawable mesh of R vertices and F triangles that follows a face's V vertices.

    triangles: (F, 3) int32, counter-clockwise from outside; uv: (R, 2) float32, origin at the bottom left;
    color: (R, 3) float32, linear, multiplies the texture; material: (R, 4) float32, roughness, scattering and
    occlusion in [0, 1], then the kind; texture: an image file, None for plain colour; solid: no back side ever shows.
    center, scale: bring the face's vertices to metres before the camera; refine: sparse (R, V) float32;
    incidence: sparse (R, F) float32, which triangles meet at a vertex; lashes, tongue: their render vertices.
    """

    face: Face
    triangles: np.ndarray
    uv: np.ndarray
    color: np.ndarray
    material: np.ndarray
    texture: Path | None
    solid: bool
    center: np.ndarray
    scale: float
    refine: csr_matrix
    incidence: csr_matrix
    lashes: np.ndarray
    tongue: np.ndarray

    def pose(self, weights: np.ndarray, head_pose: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return positions in metres and unit normals, both (R, 3) float32, for (K,) weights and a (6,) head pose."""
        # Not face.vertices(): for a single frame a threaded matrix product burns more time than it saves.
        moved = np.einsum("k,kj->j", np.asarray(weights, np.float32), self.face.flat_basis)
        vertices = moved.reshape(-1, 3) + self.face.template
        if head_pose is not None and np.any(head_pose):
            vertices = move_head(self.face, vertices, np.asarray(head_pose, np.float32))
        positions = self.refine @ ((vertices - self.center) * np.float32(self.scale))
        return positions, self._normals(positions)

    def _normals(self, positions: np.ndarray) -> np.ndarray:
        normals = self.incidence @ _triangle_normals(positions, self.triangles)
        # Lashes are thin spikes and the tongue is lumpy: both are lit as if they were smooth and turned to the viewer.
        normals[self.lashes] = 0, 0.3, 0.954
        normals[self.tongue] = _unit(normals[self.tongue]) + np.float32([0, 0.55, 0.55])
        return _unit(normals)


def make_surface(face: Face, look: str = "skin") -> Surface:
    """Return what to draw of a face, one of LOOKS; a face without a look of its own is always clay."""
    if look not in LOOKS:
        raise InputError(f"no look {look!r}: use one of {', '.join(LOOKS)}")
    if face.look is None:
        return _clay(face)
    dressed = _dressed(face, face.look)
    return dressed if look == "skin" else _unpainted(dressed)


def move_head(face: Face, vertices: np.ndarray, head_pose: np.ndarray) -> np.ndarray:
    """Return (V, 3) float32 vertices carried by a (6,) head pose: axis-angle in radians, translation in metres."""
    from scipy.spatial.transform import Rotation

    rotation = Rotation.from_rotvec(head_pose[:3]).as_matrix().astype(np.float32)
    arm = vertices - face.head_pivot
    return vertices + face.head_weight[:, None] * (arm @ rotation.T - arm + head_pose[3:])


def _dressed(face: Face, look: Look) -> Surface:
    from scipy.sparse import csr_matrix

    refine = csr_matrix(look.subdivision, (len(look.uv), len(face.template)))
    z = refine @ face.template[:, 2]
    throat = _is_part(look, "skin") & (look.cavity > 127)
    inside = throat | _is_part(look, "teethU", "teethL", "gum", "tongue")
    kind = np.select([inside, _is_part(look, "eyeL", "eyeR")], [MOUTH, EYE], PLAIN)
    color = (look.color / 255) ** 2.2
    color[throat] = np.maximum(color[throat], _THROAT)
    color[inside] *= (0.35 + 0.65 * _smoothstep(-0.040, 0.015, z[inside]))[:, None]
    material = np.stack([look.roughness / 255, look.scattering / 255, _occlusion(look, z), kind], axis=1)
    return Surface(
        face=face,
        triangles=look.triangles.astype(np.int32),
        uv=look.uv.astype(np.float32),
        color=color.astype(np.float32),
        material=material.astype(np.float32),
        texture=look.texture,
        solid=True,
        center=np.zeros(3, np.float32),
        scale=1.0,
        refine=refine,
        incidence=_incidence(look.triangles, len(look.uv)),
        lashes=np.flatnonzero(_is_part(look, "lash")),
        tongue=np.flatnonzero(_is_part(look, "tongue")),
    )


def _unpainted(surface: Surface) -> Surface:
    """Return a dressed surface in clay: the same shape and hollows without colours, wet eyes and lashes."""
    material = surface.material.copy()
    material[:, :2] = _CLAY_GLOSS
    material[material[:, 3] == EYE, 3] = PLAIN
    bald = ~np.isin(surface.triangles, surface.lashes).any(1)
    triangles = np.ascontiguousarray(surface.triangles[bald])
    color = np.tile(np.float32(_CLAY), (len(material), 1))
    incidence = _incidence(triangles, len(material))
    return replace(surface, triangles=triangles, color=color, material=material, texture=None, incidence=incidence)


def _occlusion(look: Look, z: np.ndarray) -> np.ndarray:
    """Return (R,) how much of the sky each vertex sees; inside the mouth it falls with the depth behind the teeth."""
    teeth, tongue = _is_part(look, "teethU", "teethL", "gum"), _is_part(look, "tongue")
    sky = look.occlusion / 255
    behind_teeth = 1 - np.clip((z[_is_part(look, "teethU")].max() - z) / 0.038, 0, 1)
    along_tongue = 1 - np.clip((z[tongue].max() - z) / 0.05, 0, 1)
    sky = np.where(teeth, 0.28 * sky + 0.62 * behind_teeth**1.3 + 0.03, sky)
    sky = np.where(tongue, 0.15 * sky + 0.42 * along_tongue + 0.22, sky)
    sky = np.where(_is_part(look, "lash"), 1, sky)
    sky = np.where(look.cavity > 127, np.maximum(sky, 0.45 * (1 - look.depth / 255) + 0.20), sky)
    return np.where(_is_part(look, "eyeL", "eyeR"), sky**1.5, sky)


def _clay(face: Face) -> Surface:
    from scipy.sparse import identity

    count = len(face.template)
    low, high = face.template.min(0), face.template.max(0)
    scale = _CLAY_SIZE / max((high - low)[:2].max(), 1e-9)
    triangles = _outward(face.template, face.triangles.astype(np.int32))
    incidence = _incidence(triangles, count)
    material = np.tile(np.float32([*_CLAY_GLOSS, 1.0, PLAIN]), (count, 1))
    material[:, 2] = _hollows(face.template, triangles, incidence)
    return Surface(
        face=face,
        triangles=triangles,
        uv=np.zeros((count, 2), np.float32),
        color=np.tile(np.float32(_CLAY), (count, 1)),
        material=material,
        texture=None,
        solid=False,
        center=((low + high) / 2 - np.asarray(_CLAY_CENTER) / scale).astype(np.float32),
        scale=float(scale),
        refine=identity(count, np.float32, "csr"),
        incidence=incidence,
        lashes=np.zeros(0, np.int64),
        tongue=np.zeros(0, np.int64),
    )


def _outward(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the triangles wound counter-clockwise from outside, judged by the volume they enclose.

    What is open, such as a mask or separate pieces, encloses it with a point behind the head.
    """
    behind = vertices.mean(0) - (0, 0, np.ptp(vertices, axis=0).max())
    a, b, c = (vertices[triangles[:, corner]] - behind for corner in range(3))
    volume = np.einsum("ij,ij->", a.astype(np.float64), np.cross(b, c))
    return triangles if volume >= 0 else np.ascontiguousarray(triangles[:, ::-1])


def _hollows(vertices: np.ndarray, triangles: np.ndarray, incidence: csr_matrix) -> np.ndarray:
    """Return (R,) occlusion guessed from shape: hollows, whose neighbours stand before them, see less of the sky."""
    neighbours = incidence @ vertices[triangles].mean(1) / np.maximum(incidence.sum(1), 1)
    normals = _unit(incidence @ _triangle_normals(vertices, triangles))
    rise = np.einsum("ij,ij->i", np.asarray(neighbours) - vertices, normals)
    edge = np.linalg.norm(vertices[triangles[:, 0]] - vertices[triangles[:, 1]], axis=1).mean()
    smooth = incidence @ (rise[triangles].mean(1)) / np.maximum(np.asarray(incidence.sum(1)).ravel(), 1)
    return 1 - np.clip(smooth / max(edge, 1e-12) * 3.5, 0, 0.6)


def _incidence(triangles: np.ndarray, vertices: int) -> csr_matrix:
    from scipy.sparse import csr_matrix

    corners = (triangles.ravel(), np.repeat(np.arange(len(triangles)), 3))
    return csr_matrix((np.ones(triangles.size, np.float32), corners), (vertices, len(triangles)))


def _triangle_normals(positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-20)


def _is_part(look: Look, *names: str) -> np.ndarray:
    return np.isin(look.part, [look.part_names.index(name) for name in names])


def _smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
