"""What each render vertex is made of: its colour on top of the texture, how rough it is, how light spreads in it."""

from dataclasses import dataclass

import numpy as np
from atlas import EYE_PATCH, EYE_RADIUS, SIZE, SKIN_PATCH, WHITE_PATCH, direction_uv
from identity import Identity
from lashes import SPIKE
from mesh import RenderMesh
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree
from teeth import crown_shade

# Colour, roughness, scattering of the parts that carry no texture.
_PLAIN = {
    "teethU": ((1.0, 0.965, 0.90), 0.25, 0.3),
    "teethL": ((0.97, 0.93, 0.86), 0.25, 0.3),
    "tongue": ((0.80, 0.45, 0.44), 0.42, 0.3),
    "lash": ((0.14, 0.10, 0.085), 0.70, 0.3),
    "gum": ((0.76, 0.40, 0.40), 0.30, 0.3),
}
_LIP_ROUGHNESS, _HAIR_ROUGHNESS, _CAVITY_ROUGHNESS, _EYE_ROUGHNESS = 0.38, 0.82, 0.35, 0.09
_LASH_SHADOW = 0.0015  # metres from the lash roots over which the lid darkens


@dataclass(frozen=True)
class Material:
    """All by render vertex, in [0, 1]: color (R, 3), the rest (R,)."""

    color: np.ndarray
    roughness: np.ndarray
    scattering: np.ndarray
    cavity: np.ndarray
    depth: np.ndarray


def vertex_uv(mesh: RenderMesh, points: np.ndarray, gaze: np.ndarray, torn: np.ndarray) -> np.ndarray:
    """Return (R, 2) texture coordinates. gaze: (N, 3) eye directions on the cage; torn: (R,) bool, at the tear."""
    uv = direction_uv(points)
    uv[torn] = SKIN_PATCH
    uv[mesh.is_part(*_PLAIN)] = WHITE_PATCH
    eyes = mesh.is_part("eyeL", "eyeR")
    look = (mesh.matrix @ gaze)[eyes]
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    quarter_turns = np.minimum(np.arccos(np.clip(look[:, 2], -1, 1)) / (np.pi / 2), 1.02)
    turn = np.arctan2(look[:, 1], look[:, 0])
    uv[eyes] = EYE_PATCH + EYE_RADIUS * quarter_turns[:, None] * np.c_[np.cos(turn), np.sin(turn)]
    return uv


def mouth_depth(mesh: RenderMesh, points: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """Return (R,) how far behind the lips each vertex lies: 0 at their front, 1 at nine centimetres."""
    front = points[mesh.is_part("skin") & (lips > 0.5), 2].max()
    return np.clip((front - points[:, 2]) / 0.09, 0, 1)


def materials(
    mesh: RenderMesh, points: np.ndarray, masks: dict[str, np.ndarray], uv: np.ndarray, hair: np.ndarray, who: Identity
) -> Material:
    """Return the material. masks: (R,) per render vertex; hair: (SIZE, SIZE) cover of the texture."""
    skin = mesh.is_part("skin")
    depth = mouth_depth(mesh, points, masks["lips"])
    cavity = np.clip(masks["mouth_cavity"] * 1.5, 0, 1) * skin
    lips = _smooth((masks["lips"] - 0.25) / 0.5) * skin
    hairy = map_coordinates(hair, (uv[:, ::-1] * SIZE - 0.5).T, order=1, mode="nearest") * skin
    color = np.ones_like(points)
    color = _mix(color, who.lips, lips * 0.9)
    color = _mix(color, (0.62, 0.34, 0.34), np.clip(masks["lip_seam"] * 1.2, 0, 1) * 0.7)
    lining = np.array([0.78, 0.36, 0.35]) * (1 - depth[:, None] * np.array([0.15, 0.45, 0.45]))
    color = _mix(color, lining, cavity)
    color = _mix(color, (0.96, 0.90, 0.89), masks["eyelids"] * 0.5 * skin)
    color = _mix(color, (1.0, 0.90, 0.88), masks["ears"] * 0.6 * skin)
    color *= 1 - 0.58 * (_near_lashes(mesh, points) * skin * (1 - cavity))[:, None]
    roughness = np.full(len(points), who.roughness)
    roughness += (_LIP_ROUGHNESS - roughness) * lips
    roughness += (_HAIR_ROUGHNESS - roughness) * hairy
    roughness = np.where(cavity > 0.5, _CAVITY_ROUGHNESS, roughness)
    scattering = np.where(skin, 1 - 0.7 * hairy, 0.25)
    roughness = np.where(mesh.is_part("eyeL", "eyeR"), _EYE_ROUGHNESS, roughness)
    for part, (plain, rough, scatter) in _PLAIN.items():
        here = mesh.is_part(part)
        color[here], roughness[here], scattering[here] = plain, rough, scatter
    tongue, teeth = mesh.is_part("tongue"), mesh.is_part("teethU", "teethL")
    color[tongue] *= np.clip(1.30 - 1.15 * depth[tongue], 0.15, 1)[:, None]
    color[teeth] *= np.tile(crown_shade(), (teeth.sum() // len(crown_shade()), 1))
    return Material(color, roughness, scattering, cavity, depth)


def _near_lashes(mesh: RenderMesh, points: np.ndarray) -> np.ndarray:
    roots = points[mesh.is_part("lash")].reshape(-1, SPIKE, 3)[:, :2].mean(axis=1)
    return np.exp(-((cKDTree(roots).query(points)[0] / _LASH_SHADOW) ** 2))


def _mix(color: np.ndarray, target: np.ndarray | tuple[float, ...], amount: np.ndarray) -> np.ndarray:
    return color + (np.array(target) - color) * amount[:, None]


def _smooth(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
