"""Places on a face that no published list names: landmarks found from how it moves, and regions around them.

A face looks along +Z with +Y up. All lengths are metres of a grown-up's face.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kmtalk.data.prepared import Prepared

MOTION, SHAPE = "found from the motion", "geometric: no published list was in the folder"

_SAMPLES = 240  # frames that are looked at
_BAND = 0.004  # half-width of the strip of vertices about the middle of the face
_LIPS = (0.030, 0.017, 0.030)  # half-axes of the ellipsoid about the mouth
_OPENS = 0.002  # standard deviation of a mouth that speaks
_PARTED = 0.85  # of the widest motion: what both lips' inner rims share with all that moves along
_TOUCHING = 0.0005  # metres under which two vertices are no nearer to each other
_TORN = 0.5  # motion apart (standard deviation) by distance, from which it is no skin between two vertices


def find_places(
    prepared: Prepared, regions: Mapping[str, np.ndarray], landmarks: Mapping[str, int], origins: Mapping[str, str]
) -> Prepared:
    """Return the data set with the regions and landmarks given, and those that are not found on the face itself.

    Landmarks: nose_tip, lip_inner_upper, lip_inner_lower, lip_corner_left, lip_corner_right, chin, as far as the motion
    tells; regions: lips and upper_face.
    """
    template = prepared.template(prepared.subjects[0]).astype(np.float64)
    found = _landmarks(prepared, template)
    shaped = _regions(template, found, prepared.triangles)
    sources = {**dict.fromkeys(found, MOTION), **dict.fromkeys(shaped, SHAPE), **origins}
    notes = list(prepared.notes)
    if lacking := {"lips", "upper_face"} - {*regions, *shaped}:
        notes.append(f"no region {' or '.join(sorted(lacking))}: the mouth hardly moves, so it could not be found")
    return replace(
        prepared,
        regions={**shaped, **regions},
        landmarks={**found, **landmarks},
        origins=sources,
        notes=tuple(notes),
    )


def _landmarks(prepared: Prepared, template: np.ndarray) -> dict[str, int]:
    low, high = template.min(0), template.max(0)
    middle, height = (low + high) / 2, high - low
    central = (np.abs(template[:, 0] - middle[0]) < 0.1 * height[0]) & (
        np.abs(template[:, 1] - middle[1]) < 0.35 * height[1]
    )
    nose = int(np.argmax(np.where(central, template[:, 2], -np.inf)))
    found = {"nose_tip": nose}
    below = template[nose, 1] - template[:, 1]
    front = (template[:, 2] > template[nose, 2] - 0.05) & (below > 0.003) & (below < 0.1)
    sampled = np.flatnonzero(front & (np.abs(template[:, 0] - template[nose, 0]) < 0.05))
    moved = _sample(prepared, sampled)
    strip = np.abs(template[sampled, 0] - template[nose, 0]) < _BAND
    pair = _parting(template[sampled[strip]], moved[:, strip])
    if pair is None:
        return found
    upper, lower = sampled[strip][list(pair)]
    mouth = (template[upper] + template[lower]) / 2
    found |= {"lip_inner_upper": int(upper), "lip_inner_lower": int(lower)}
    found |= _corners(template[sampled], moved, sampled, mouth, _width(template, prepared.triangles))
    under = sampled[strip & (template[sampled, 1] < mouth[1] - 0.015) & (template[sampled, 1] > mouth[1] - 0.055)]
    if len(under):
        found["chin"] = int(under[np.argmax(template[under, 2] - 0.5 * template[under, 1])])
    return found


def _parting(places: np.ndarray, moved: np.ndarray) -> tuple[int, int] | None:
    """The upper and the lower of two vertices that part most, nearest at rest and foremost; None where none do.

    places: (n, 3) metres; moved: (T, n) metres along the vertical.
    """
    if len(places) < 2 or len(moved) < 2:
        return None
    spread = np.cov(moved.T)
    apart = np.sqrt(np.maximum(np.diag(spread)[:, None] + np.diag(spread)[None] - 2 * spread, 0))
    rise = places[:, None, 1] - places[None, :, 1]
    opens = moved.mean(0)[:, None] > moved.mean(0)[None]
    apart = np.where((rise >= 0) & (rise < 0.025) & opens, apart, 0)
    widest = float(apart.max())
    if widest < _OPENS:
        return None
    distance = np.where(apart > _PARTED * widest, np.linalg.norm(places[:, None] - places[None], axis=2), np.inf)
    forward = np.where(distance < distance.min() + 0.002, places[:, None, 2] + places[None, :, 2], -np.inf)
    upper, lower = np.unravel_index(np.argmax(forward), distance.shape)
    return int(upper), int(lower)


def _corners(
    places: np.ndarray, moved: np.ndarray, numbers: np.ndarray, mouth: np.ndarray, width: float
) -> dict[str, int]:
    """The vertices at which, going outward from the middle, the lips no longer part."""
    found, near = {}, (np.abs(places[:, 1] - mouth[1]) < 0.012) & (places[:, 2] > mouth[2] - 0.02)
    for name, side in (("lip_corner_left", 1), ("lip_corner_right", -1)):
        for out in np.arange(0.012, 0.040, 0.002):
            at = np.flatnonzero(near & (np.abs(side * (places[:, 0] - mouth[0]) - out) < width))
            if len(at) < 2:
                continue
            if _tear(places[at], moved[:, at]) < _TORN:
                goal = mouth + [side * out, 0, 0]
                found[name] = int(numbers[at[np.argmin(np.linalg.norm((places[at] - goal)[:, :2], axis=1))]])
                break
    return found


def _width(template: np.ndarray, triangles: np.ndarray) -> float:
    """Half of a strip, in metres, wide enough to hold some vertices of any mesh."""
    edges = template[triangles[:, 0]] - template[triangles[:, 1]]
    return max(0.003, 0.7 * float(np.median(np.linalg.norm(edges, axis=1))))


def _tear(places: np.ndarray, moved: np.ndarray) -> float:
    """The largest motion of any two vertices apart, by their distance: skin stretches to twice itself, lips tear."""
    apart = np.maximum(np.linalg.norm(places[:, None] - places[None], axis=2), _TOUCHING)
    spread = np.cov(moved.T)
    gaps = np.sqrt(np.maximum(np.diag(spread)[:, None] + np.diag(spread)[None] - 2 * spread, 0))
    return float((gaps / apart).max())


def _sample(prepared: Prepared, vertices: np.ndarray) -> np.ndarray:
    """(T, n) metres that some vertices are above their places in the template, in frames spread over training clips."""
    clips, rows = prepared.clips("train"), []
    step = max(1, sum(clip.frames for clip in clips) // _SAMPLES)
    for clip in clips:
        stored, template = prepared.rows(clip.name), prepared.template(clip.subject)
        for row in range(step // 2 if clip.frames > step else 0, clip.frames, step):
            rows.append(stored[np.array([row])][0, vertices, 1] - template[vertices, 1])
    return np.array(rows, np.float64)


def _regions(template: np.ndarray, landmarks: Mapping[str, int], triangles: np.ndarray) -> dict[str, np.ndarray]:
    """lips: an ellipsoid about the mouth; upper_face: what faces forward from above the nose tip to the forehead."""
    nose, found = template[landmarks["nose_tip"]], {}
    if "lip_inner_upper" in landmarks:
        mouth = (template[landmarks["lip_inner_upper"]] + template[landmarks["lip_inner_lower"]]) / 2
        found["lips"] = np.flatnonzero((((template - mouth) / _LIPS) ** 2).sum(1) < 1)
    above = template[:, 1] - nose[1]
    front = (template[:, 2] > nose[2] - 0.07) & (_facing(template, triangles) > 0.2)
    upper = np.flatnonzero((above > 0.025) & (above < 0.1) & front)
    if len(upper):
        found["upper_face"] = upper
    return found


def _facing(template: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V,) how far each vertex' normal points along +Z, from -1 to 1."""
    a, b, c = (template[triangles[:, corner]] for corner in range(3))
    cross, normals = np.cross(b - a, c - a), np.zeros_like(template)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], cross)
    return normals[:, 2] / np.maximum(np.linalg.norm(normals, axis=1), 1e-20)
