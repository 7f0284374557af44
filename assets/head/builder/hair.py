"""Short hair: where it grows."""

import numpy as np
from atlas import SIZE, Atlas, direction_uv
from eyes import Eye
from scipy.interpolate import splev, splprep
from scipy.ndimage import gaussian_filter, maximum_filter

# The hairline, left half, in metres: in front across and above the eyes; at the side above them and in depth, for an
# ear that begins at _EAR; then free points down to the nape.
_FRONT = ((0.0, 0.0725), (0.015, 0.0735), (0.031, 0.072), (0.044, 0.0665), (0.0525, 0.056))
_SIDE = ((0.045, -0.0265), (0.034, -0.034), (0.021, -0.0395), (0.007, -0.044), (-0.010, -0.048), (-0.025, -0.0515))
_NAPE = (
    (0.0760, -0.034, -0.060),
    (0.0760, -0.041, -0.072),
    (0.0750, -0.048, -0.086),
    (0.0700, -0.055, -0.100),
    (0.0560, -0.062, -0.114),
    (0.0330, -0.067, -0.126),
    (0.0110, -0.069, -0.132),
)
_EAR = -0.057


def hair_cover(atlas: Atlas, eye: Eye, places: np.ndarray, ears: np.ndarray, strands: np.ndarray) -> np.ndarray:
    """Return (SIZE, SIZE) in [0, 1]: 1 under full hair, 0 at the ears, broken up by the strands at the line."""
    from matplotlib.path import Path

    outline = _outline(atlas, eye, places, ears) * SIZE
    v, u = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    inside = Path(outline).contains_points(np.c_[u.ravel(), v.ravel()]).reshape(SIZE, SIZE)
    soft = gaussian_filter(inside.astype(np.float32), 13)
    soft *= 1 - gaussian_filter(maximum_filter((ears > 0.35).astype(np.float32), 9), 5)
    cover = np.clip((soft - 0.5) * 2.0 + 0.5 + 0.6 * soft * (1 - soft) * strands, 0, 1)
    return cover * cover * (3 - 2 * cover)


def _outline(atlas: Atlas, eye: Eye, places: np.ndarray, ears: np.ndarray) -> np.ndarray:
    """Return the closed hairline in texture coordinates."""
    scale = eye.centre[0] / 0.030
    shift = places[(ears > 0.6) & (places[..., 0] > 0), 2].max() - _EAR
    front, side = np.array(_FRONT) * [scale, 1], np.array(_SIDE) + [0, shift]
    nape = np.array(_NAPE) + [0, 0, shift]
    half = np.concatenate([atlas.front(*front.T), atlas.side(*side.T), nape])
    line = direction_uv(np.concatenate([half, half[:0:-1] * [-1, 1, 1], half[:1]]))
    knots, _ = splprep(line.T, s=0, k=3, per=True)
    return np.array(splev(np.linspace(0, 1, 800), knots)).T
