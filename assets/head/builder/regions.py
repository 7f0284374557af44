"""Named parts of the face on the cage: masks for metrics and drawing, landmarks for measuring."""

import numpy as np
from cage import Cage

LANDMARKS = {  # vertices of the base mesh, so the same in every identity
    "lip_inner_upper": 537,
    "lip_inner_lower": 540,
    "lip_corner_left": 7272,
    "lip_corner_right": 527,
    "lip_top": 454,
    "lip_bottom": 492,
    "nose_tip": 5054,
    "chin": 5162,
    "upper_lid_left": 6785,
    "upper_lid_right": 1,
    "lower_lid_left": 6828,
    "lower_lid_right": 44,
}
# Region: prefixes of the shapes that move it, and the motion in metres that counts fully.
_MOVED_BY = {
    "mouth": (("mouth",), 0.004),
    "jaw": (("jawOpen",), 0.010),
    "lower_face": (("mouth", "cheekPuff", "jaw"), 0.003),
    "upper_face": (("brow", "eyeBlink", "eyeSquint", "eyeWide", "cheekSquint", "noseSneer"), 0.002),
    "brows": (("brow",), 0.002),
}
_MADE_OF = {"eyes": ("eyeL", "eyeR"), "teeth": ("teethU", "teethL"), "tongue": ("tongue",)}
_STILL = 0.0003  # metres
_NECK = (-0.175, -0.095)  # heights between which head motion fades in
HEAD_PIVOT = (0.0, -0.125, -0.105)


def landmarks(cage: Cage) -> dict[str, int]:
    """Return name -> cage vertex."""
    return {name: cage.at(source) for name, source in LANDMARKS.items()}


def regions(cage: Cage) -> dict[str, np.ndarray]:
    """Return name -> (N,) weights in [0, 1]; a vertex belongs to a region above one half."""
    skin = cage.is_part("skin")
    found = dict(cage.masks)
    for name, (prefixes, full) in _MOVED_BY.items():
        found[name] = np.clip(_motion(cage, prefixes) / full, 0, 1) * skin
    for name, parts in _MADE_OF.items():
        found[name] = cage.is_part(*parts).astype(float)
    everything = tuple(name for name in cage.shapes if not name.startswith("tongue"))
    found["static"] = ((_motion(cage, everything) < _STILL) & skin).astype(float)
    share = np.clip((cage.vertices[:, 1] - _NECK[0]) / (_NECK[1] - _NECK[0]), 0, 1)
    found["head_weight"] = share * share * (3 - 2 * share)
    return found


def _motion(cage: Cage, prefixes: tuple[str, ...]) -> np.ndarray:
    moving = [moved for name, moved in cage.shapes.items() if name.startswith(prefixes)]
    return np.max([np.linalg.norm(moved, axis=1) for moved in moving], axis=0)
