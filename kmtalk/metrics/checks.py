"""What is refused before it is scored: other shapes, other lengths, other units, lists of vertices that are none."""

import numpy as np

from kmtalk.errors import InputError

SLACK = 2
"""Frames by which a prediction may be longer or shorter than the truth; the shorter counts, as in the references."""

SMALLEST, LARGEST = 0.05, 0.8
"""Metres between the ends of a face: a mask from chin to forehead, or a head with neck and shoulders."""


def check_frames(prediction: np.ndarray, truth: np.ndarray) -> int:
    """Return how many frames (T, V, 3) vertices share. Errors: InputError where they do not fit each other."""
    for name, array in (("prediction", prediction), ("truth", truth)):
        if np.ndim(array) != 3 or array.shape[2] != 3 or not len(array):
            raise InputError(f"the {name} has shape {np.shape(array)}: give frames, vertices and x y z, (T, V, 3)")
    if prediction.shape[1] != truth.shape[1]:
        raise InputError(
            f"the prediction has {prediction.shape[1]} vertices, the truth {truth.shape[1]}: give the same mesh"
        )
    check_length(len(prediction), len(truth))
    return min(len(prediction), len(truth))


def check_length(prediction: int, truth: int) -> None:
    """Raise InputError where two numbers of frames differ by more than SLACK."""
    if abs(prediction - truth) > SLACK:
        raise InputError(
            f"the prediction has {prediction} frames, the truth {truth}: at most {SLACK} may differ; "
            "is one at another frame rate?"
        )


def check_region(region: np.ndarray, vertices: int, name: str = "region") -> np.ndarray:
    """Return the increasing indices, each once, of a list of indices or a (V,) bool mask.

    Errors: InputError where it is empty or of another mesh.
    """
    region = np.asarray(region)
    if region.dtype == bool:
        if region.shape != (vertices,):
            raise InputError(f"the mask {name} has shape {region.shape}, the faces have {vertices} vertices")
        region = np.flatnonzero(region)
    if region.ndim != 1 or not region.size or region.dtype.kind not in "iu":
        raise InputError(
            f"{name} must be a list of vertex numbers, at least one: {region.dtype} {region.shape} was given"
        )
    if not 0 <= region.min() <= region.max() < vertices:
        raise InputError(
            f"{name} names vertices {region.min()} to {region.max()}, the faces have 0 to {vertices - 1}: "
            "it is of another mesh"
        )
    return np.unique(region)


def check_metres(vertices: np.ndarray, name: str) -> None:
    """Raise InputError where a face, (V, 3), cannot be in metres, with a guess at what it is in."""
    size = float(np.ptp(vertices, axis=0).max())
    if not np.isfinite(size):
        raise InputError(f"the {name} holds values that are no numbers")
    if not SMALLEST <= size <= LARGEST:
        units = {
            "millimetres": (50, 800),
            "centimetres": (5, 50),
            "meshes of area 1 (one unit is about 0.2 m)": (0.8, 3),
        }
        guess = next((f": these look like {unit}" for unit, (low, high) in units.items() if low <= size < high), "")
        raise InputError(
            f"the {name} is {size:.3g} from end to end, a face in metres is {SMALLEST} to {LARGEST}{guess}; "
            "say what one unit is, by unit= or --unit"
        )
