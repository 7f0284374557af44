"""Eyebrows, hair by hair."""

import numpy as np
from atlas import SIZE, Atlas, direction_uv
from eyes import Eye
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

# Along the brow from the nose outwards, metres from the eyes' middle: across, above, half its width.
_ACROSS = (0.0105, 0.0170, 0.0260, 0.0370, 0.0470, 0.0545)
_ABOVE = (0.0185, 0.0222, 0.0258, 0.0272, 0.0245, 0.0198)
_HALF_WIDTH = (0.0026, 0.0038, 0.0039, 0.0033, 0.0022, 0.0008)
_HAIRS = 900
_FINER = 2  # drawn at twice the texture's size


def brow_strokes(atlas: Atlas, eye: Eye) -> np.ndarray:
    """Return (SIZE, SIZE) cover in [0, 1] of both brows, row 0 at v = 0."""
    scale = eye.centre[0] / 0.030
    across, above, width = (
        CubicSpline(np.arange(6), np.array(knots) * scale) for knots in (_ACROSS, _ABOVE, _HALF_WIDTH)
    )
    random = np.random.default_rng(3)
    image = Image.new("L", (SIZE * _FINER, SIZE * _FINER), 0)
    draw = ImageDraw.Draw(image)
    for mirror in (1, -1):
        place = np.sort(random.random(_HAIRS) ** 0.95 * 5)
        offset = random.uniform(-1, 1, _HAIRS)
        x, y = _hairs(across, above, width, place, offset, random)
        lines = direction_uv(atlas.front(mirror * x, y)) * SIZE * _FINER
        shades = random.integers(110, 220, _HAIRS)
        for line, shade in zip(lines[np.isfinite(lines).all(axis=(1, 2))], shades, strict=False):
            draw.line([tuple(point) for point in line], fill=int(shade), width=2)
    cover = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.LANCZOS), np.float32) / 255
    return np.clip(0.62 * cover + 0.55 * gaussian_filter(cover, 3.0), 0, 1)


def _hairs(
    across: CubicSpline,
    above: CubicSpline,
    width: CubicSpline,
    place: np.ndarray,
    offset: np.ndarray,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (_HAIRS, 6) x and y along each hair: upright by the nose, then lying along the brow."""
    dx, dy = across(place, 1), above(place, 1)
    length = np.hypot(dx, dy)
    dx, dy = dx / length, dy / length
    lean = np.interp(place, [0, 0.6, 1.5, 5], [1.35, 0.95, 0.45, 0.12]) - offset * 0.22
    reach = np.interp(place, [0, 1, 4, 5], [0.0050, 0.0070, 0.0062, 0.0045]) * random.uniform(0.75, 1.2, len(place))
    step = np.linspace(0, 1, 6)
    curl = 0.25 * step**2
    along = (dx * np.cos(lean) - dy * np.sin(lean))[:, None] * step + curl * 0.6 * dx[:, None]
    up = (dx * np.sin(lean) + dy * np.cos(lean))[:, None] * step - curl * 0.35 * (offset[:, None] + 0.3)
    x, y = across(place), above(place) + offset * width(place)
    return x[:, None] + reach[:, None] * along, y[:, None] + reach[:, None] * up
