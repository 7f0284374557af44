"""Mirror symmetry: the shapes were sculpted by hand, and left and right differ by up to a millimetre."""

import numpy as np
from cage import Cage
from scipy.spatial import cKDTree

_FLIP = np.array([-1, 1, 1])


def evened(cage: Cage) -> Cage:
    """Return the cage whose every shape is the mean of itself and its mirrored twin."""
    twin = cKDTree(cage.vertices).query(cage.vertices * _FLIP)[1]
    shapes = cage.shapes
    return cage.with_shapes(**{name: (shapes[name] + shapes[_other(name)][twin] * _FLIP) / 2 for name in shapes})


def _other(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name
