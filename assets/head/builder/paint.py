"""The skin texture: tone, tints, mottling, pores, lip lines, stubble, short hair, brows and an eye."""

from dataclasses import dataclass

import numpy as np
from atlas import EYE_PATCH, EYE_RADIUS, SIZE, WHITE_PATCH, Atlas
from brows import brow_strokes
from eyes import Eye
from hair import hair_cover
from identity import Identity
from scipy.ndimage import gaussian_filter, map_coordinates

# Tints: place across and above the eyes, extent across and up (metres), colour that multiplies, strength.
_MIRRORED_TINTS = (
    ((0.052, -0.050), (0.024, 0.020), (255, 205, 196), 0.70),  # cheek; scaled by the identity's blush
    ((0.031, 0.004), (0.019, 0.013), (240, 214, 206), 0.40),  # upper lid
    ((0.029, -0.017), (0.016, 0.007), (232, 208, 208), 0.28),  # under the eye
    ((0.012, -0.062), (0.009, 0.008), (255, 208, 198), 0.45),  # wing of the nose
)
_MIDDLE_TINTS = (
    ((0.0, -0.050), (0.010, 0.010), (255, 206, 196), 0.45),  # tip of the nose
    ((0.0, -0.132), (0.017, 0.010), (255, 218, 208), 0.40),  # chin
    ((0.0, 0.072), (0.055, 0.034), (255, 247, 228), 0.50),  # forehead
)
# Turns the noise's lattice away from the axes of the face, along which its rows would show.
_ASKEW = np.linalg.qr(np.array([[1, 2, 0.7], [-2, 1, 0.4], [0.5, -0.8, 2.1]]))[0].astype(np.float32)


@dataclass(frozen=True)
class Painting:
    """image: (SIZE, SIZE, 3) float sRGB 0-255, row 0 at v = 0; hair: (SIZE, SIZE) cover in [0, 1], brows too."""

    image: np.ndarray
    hair: np.ndarray


def paint(atlas: Atlas, identity: Identity, eyes: dict[str, Eye], masks: dict[str, np.ndarray]) -> Painting:
    """Return the texture of an identity. masks: (R,) per render vertex, "lips", "eyelids" and "ears" among them."""
    places = atlas.sample(atlas.points)
    in_disc = np.abs(places).sum(axis=-1) > 0
    lips, lids = (np.clip(atlas.sample(masks[name]), 0, 1) for name in ("lips", "eyelids"))
    face = _ramp(places[..., 2], -0.075, -0.02) * _ramp(places[..., 1], -0.17, -0.12) * in_disc
    image = np.ones((SIZE, SIZE, 3), np.float32) * np.array(identity.skin, np.float32)
    image *= _tints(places, face, identity, eyes["eyeL"])
    detail = _mottled(places) * _pores(places, face * (1 - lips))
    image *= 1 + identity.grain * (detail - 1) * (_unstretched() * (1 - 0.8 * lids))[..., None]
    image *= _lip_lines(places, lips)
    image = _stubbled(image, places, face * (1 - lips), identity)
    strands = _noise(places * np.array([1.0, 0.4, 0.7], np.float32), 1700, 11)
    hair = hair_cover(atlas, eyes["eyeL"], places, np.clip(atlas.sample(masks["ears"]), 0, 1), strands)
    image = _mix(image, np.array(identity.hair) * (1 + 0.13 * strands)[..., None], 0.90 * hair)
    brows = brow_strokes(atlas, eyes["eyeL"])
    image = _mix(image, np.array(identity.hair) * 0.95, 0.88 * brows)
    image = np.where(in_disc[..., None], image, np.array(identity.skin))
    return Painting(_with_patches(image, identity), np.maximum(hair, 0.8 * gaussian_filter(brows, 6)))


def _tints(places: np.ndarray, face: np.ndarray, identity: Identity, eye: Eye) -> np.ndarray:
    scale = eye.centre[0] / 0.030
    factor = np.ones((SIZE, SIZE, 3), np.float32)
    spots = [(sign, tint) for tint in _MIRRORED_TINTS for sign in (-1, 1)] + [(1, tint) for tint in _MIDDLE_TINTS]
    for sign, ((x, y), (wide, high), colour, strength) in spots:
        across, up = (places[..., 0] - sign * x * scale) / wide, (places[..., 1] - y * scale) / high
        cheek = y == _MIRRORED_TINTS[0][0][1] and x > 0
        amount = strength * (identity.blush if cheek else 0.8) * np.exp(-(across**2) - up**2) * face
        factor *= 1 - amount[..., None] * (1 - np.array(colour, np.float32) / 255)
    return factor


def _mottled(places: np.ndarray) -> np.ndarray:
    """Blotches of more and less blood and pigment, at 2 to 30 millimetres."""
    tone = sum(
        weight * _noise(places, scale, seed) for scale, weight, seed in ((35, 1, 1), (110, 0.8, 2), (450, 0.6, 3))
    )
    blood = _noise(places, 70, 4) + 0.8 * _noise(places, 260, 5)
    return 1 + 0.013 * tone[..., None] + 0.013 * blood[..., None] * np.array([0.25, -1, -0.8], np.float32)


def _pores(places: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Dark specks under a millimetre, and freckles of a few millimetres that hardly show."""
    specks = np.clip(_noise(places, 1150, 6) - 0.9, 0, 2) + 0.5 * _noise(places, 800, 7)
    central = 0.5 + 0.5 * np.exp(-((places[..., 0] / 0.045) ** 2))
    freckles = np.clip(_noise(places, 480, 8) - 1.6, 0, 1)[..., None] * np.array([0.03, 0.05, 0.055], np.float32)
    return 1 - face[..., None] * (0.050 * (specks * central)[..., None] + freckles)


def _unstretched() -> np.ndarray:
    """Return (SIZE, SIZE): 1 where the map is even, 0 towards its rim, where patterns would smear."""
    v, u = (np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE - 0.5
    return 1 - _ramp(np.hypot(u, v), 0.42, 0.47)


def _lip_lines(places: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """Fine furrows that run from the seam to the border of the lips."""
    squeezed = places * np.array([1.0, 0.18, 0.18], np.float32)
    furrows = _noise(squeezed, 1300, 9) + 0.6 * _noise(squeezed, 700, 10)
    return 1 - 0.024 * (lips * np.clip(furrows, -1, 2.5))[..., None]


def _stubbled(image: np.ndarray, places: np.ndarray, face: np.ndarray, identity: Identity) -> np.ndarray:
    if identity.stubble == 0:
        return image
    x, y = np.abs(places[..., 0]), places[..., 1]
    jaw = _ramp(-y, 0.075 - 0.35 * np.clip(x - 0.025, 0, 0.05), 0.100 - 0.35 * np.clip(x - 0.025, 0, 0.05))
    moustache = np.exp(-((x / 0.026) ** 4) - ((y + 0.071) / 0.007) ** 2)
    area = np.maximum(jaw, moustache) * face * _ramp(y, -0.165, -0.14)
    grain = np.clip(0.55 + 0.5 * _noise(places, 1300, 12), 0, 1.4)
    return _mix(image, np.array(identity.hair) + 14.0, 0.34 * identity.stubble * area * grain)


def _with_patches(image: np.ndarray, identity: Identity) -> np.ndarray:
    """Paint the eye into its corner (radius: a quarter turn from the gaze) and white into another."""
    v, u = (np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE
    radius, turn = (
        np.hypot(u - EYE_PATCH[0], v - EYE_PATCH[1]) / EYE_RADIUS,
        np.arctan2(v - EYE_PATCH[1], u - EYE_PATCH[0]),
    )
    rim = 29 / 90
    share = np.clip(radius / rim, 0, 1)
    phases = np.random.default_rng(3).uniform(0, 2 * np.pi, 5)
    fibres = sum(
        w * np.cos(k * turn + p)
        for k, w, p in zip((17, 29, 43, 61, 87), (0.5, 0.6, 0.7, 0.6, 0.5), phases, strict=True)
    )
    iris = np.array(identity.iris) * (1 + 0.32 * fibres * share * (1 - share))[..., None]
    iris = _mix(iris, np.array([150.0, 112, 66]), 0.45 * np.exp(-(((share - 0.46) / 0.13) ** 2)))
    iris *= (1 - 0.72 * np.clip((share - 0.72) / 0.28, 0, 1) ** 1.6)[..., None]
    iris = _mix(iris, np.array([10.0, 9, 9]), np.clip((0.35 - share) / 0.05, 0, 1))
    edge = np.clip((radius - 0.4) / 0.6, 0, 1)[..., None]
    white = np.array([228.0, 221, 214]) * (1 - edge * np.array([0.10, 0.22, 0.22]))
    eye = _mix(iris, white, np.clip((radius - rim * 0.95) / (rim * 0.10), 0, 1))
    image = np.where(((u < 0.147) & (v < 0.147))[..., None], eye, image)
    return np.where(((u > 2 * WHITE_PATCH[0] - 1) & (v < 2 * WHITE_PATCH[1]))[..., None], 255, image)


def _noise(places: np.ndarray, frequency: float, seed: int) -> np.ndarray:
    """Return value noise of unit variance over 3D places; frequency in cells a metre."""
    lattice = np.random.default_rng(seed).standard_normal((64, 64, 64)).astype(np.float32)
    where = np.moveaxis(places @ _ASKEW * np.float32(frequency), -1, 0)
    return map_coordinates(lattice, where, order=1, mode="grid-wrap") * 1.8


def _mix(image: np.ndarray, colour: np.ndarray, amount: np.ndarray) -> np.ndarray:
    return image + (colour - image) * amount[..., None]


def _ramp(values: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)
