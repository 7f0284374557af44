"""The tongue at rest, and the two shapes of speech that ARKit lacks."""

import numpy as np
from cage import Cage
from lips import lip_sides

_WIDTH = 0.80  # of the base mesh's
_LOWERED = 0.0075  # metres, at the back
_BEHIND_TEETH = 0.0085  # metres, from the front of the lower tooth strip to the resting tip
_BLADE = 0.030  # metres of the tongue that curl
_CURL = np.radians(52)
_TOUCH = (0.0016, 0.0055)  # metres from the lip seam up, and behind the upper teeth: where the curled tip touches


def shape_tongue(cage: Cage) -> Cage:
    """Lower and slim the resting tongue (tongueOut still ends where it did), then add tongueUp and tongueBackUp."""
    tongue = np.flatnonzero(cage.is_part("tongue"))
    points = cage.vertices[tongue]
    rest = np.zeros_like(cage.vertices)
    tip = cage.vertices[cage.is_part("teethL"), 2].max() - _BEHIND_TEETH
    rest[tongue] = _at_rest(points, tip) - points
    cage = cage.moved(rest).with_shapes(tongueOut=cage.shapes["tongueOut"] - rest * [0, 0.6, 0.6])
    up, back = np.zeros_like(rest), np.zeros_like(rest)
    touch = np.array([_seam_height(cage) + _TOUCH[0], cage.vertices[cage.is_part("teethU"), 2].max() - _TOUCH[1]])
    up[tongue] = _curled(cage.vertices[tongue], touch) - cage.vertices[tongue]
    along = _along(cage.vertices[tongue])
    back[tongue, 1] = 0.014 * np.exp(-(((along - 0.35) / 0.25) ** 2))
    return cage.with_shapes(tongueUp=up, tongueBackUp=back)


def _seam_height(cage: Cage) -> float:
    upper = lip_sides(cage)[0]
    return float(cage.vertices[upper[np.abs(cage.vertices[upper, 0]).argmin()], 1])


def _along(points: np.ndarray) -> np.ndarray:
    """Return 0 at the root to 1 at the tip."""
    return (points[:, 2] - points[:, 2].min()) / np.ptp(points[:, 2])


def _at_rest(points: np.ndarray, tip: float) -> np.ndarray:
    along = _along(points)
    floor = np.interp(points[:, 2], *_lower_line(points))
    height = points[:, 1] - floor
    thin = 1 - 0.30 * np.clip((along - 0.35) / 0.5, 0, 1)
    groove = 0.0010 * np.exp(-((points[:, 0] / 0.004) ** 2)) * np.clip(height / 0.006, 0, 1) * (along > 0.3)
    drop = _LOWERED * np.clip(1.15 - along, 0, 1)
    rested = points.copy()
    rested[:, 0] *= _WIDTH * (1 - 0.45 * np.clip((along - 0.70) / 0.30, 0, 1) ** 2)
    rested[:, 1] = floor + height * thin - drop - groove
    rested[:, 2] += (tip - points[:, 2].max()) * along**2
    return rested


def _lower_line(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return depths and the height of the underside there."""
    edges = np.linspace(points[:, 2].min(), points[:, 2].max() + 1e-6, 9)
    bins = np.digitize(points[:, 2], edges) - 1
    lowest = np.array([points[bins == i, 1].min() for i in range(8)])
    return (edges[:-1] + edges[1:]) / 2, lowest


def _curled(points: np.ndarray, touch: np.ndarray) -> np.ndarray:
    """Bend the blade upwards along an arc that ends at a height and depth; the tip narrows and thins."""
    tip = points[:, 2].max()
    start = tip - _BLADE
    share = np.clip((points[:, 2] - start) / _BLADE, 0, 1)
    steps = np.linspace(0, 1, 200)
    bend = _CURL * steps**1.3
    rise = np.interp(share, steps, np.cumsum(np.sin(bend)) / 200 * _BLADE)
    run = np.interp(share, steps, np.cumsum(np.cos(bend)) / 200 * _BLADE)
    angle = _CURL * share**1.3
    middle = points[points[:, 2] > start, 1].mean()
    offset = (points[:, 1] - middle) * (1 - 0.35 * share)
    curled = points.copy()
    curled[:, 0] *= 1 - 0.30 * share
    moved = share > 0
    curled[moved, 1] = (middle + rise + offset * np.cos(angle))[moved]
    curled[moved, 2] = (start + run - offset * np.sin(angle))[moved]
    curled[:, 1:] += share[:, None] ** 1.5 * (touch - [middle + rise.max(), start + run.max()])
    blend = np.clip(share / 0.25, 0, 1)[:, None]
    return points + blend * (curled - points)
