"""Close the lips: the base mesh leaves a slit, and closed lips are the most telling shape of speech."""

import numpy as np
from cage import CORNER_LEFT, CORNER_RIGHT, Cage
from scipy.spatial import cKDTree

_REACH = 0.0075  # metres from the seam over which the correction fades
_OVERLAP, _OVERLAP_ASIDE = 0.00008, 0.0007  # metres that each lip presses into the other: in the middle, by the corners


def seal_lips(cage: Cage) -> Cage:
    """Return the cage whose upper and lower seam lie on one curve half-way between them."""
    upper, lower, is_lower = lip_sides(cage)
    middle = np.linspace(cage.vertices[upper, 0].min(), cage.vertices[upper, 0].max(), 80)
    curves = {side: _curve(cage.vertices[line], middle) for side, line in (("upper", upper), ("lower", lower))}
    half = (curves["lower"] - curves["upper"]) / 2
    half[:, 0] = np.minimum(half[:, 0] - _OVERLAP - _OVERLAP_ASIDE * (middle / middle.max()) ** 2, 0)
    skin = np.flatnonzero(cage.is_part("skin"))
    moved = np.zeros_like(cage.vertices)
    for line, direction, side in ((upper, 1, ~is_lower), (lower, -1, is_lower)):
        near = np.exp(-((cKDTree(cage.vertices[line]).query(cage.vertices[skin])[0] / _REACH) ** 2))
        for axis in (0, 1):
            shift = np.interp(cage.vertices[skin, 0], middle, half[:, axis])
            moved[skin, axis + 1] += direction * shift * near * side[skin]
    corners = [cage.at(CORNER_LEFT), cage.at(CORNER_RIGHT)]
    moved[corners] = 0
    return cage.moved(moved)


def lip_sides(cage: Cage) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the upper and the lower seam vertices (corners in both), and the (N,) mask of what follows the jaw."""
    seam = np.flatnonzero(cage.masks["lip_seam"] > 0.5)
    motion = np.linalg.norm(cage.shapes["jawOpen"], axis=1)
    most = motion[seam].max()
    corners = [cage.at(CORNER_LEFT), cage.at(CORNER_RIGHT)]
    upper = np.union1d(seam[motion[seam] < 0.25 * most], corners)
    lower = np.union1d(seam[motion[seam] > 0.5 * most], corners)
    return upper, lower, motion > 0.38 * most


def _curve(points: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return (len(at), 2) heights and depths of a curve through points, sampled across."""
    order = points[np.argsort(points[:, 0])]
    return np.stack([np.interp(at, order[:, 0], order[:, axis]) for axis in (1, 2)], axis=1)
