"""Text on pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kmtalk.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_SMOOTH = 4  # plates are drawn this many times larger: Pillow's own have ragged corners


def find_font(texts: Iterable[str], pixels: int) -> FreeTypeFont:
    """Return a font of that height that has every letter: Pillow's own, or DejaVu Sans for more than English."""
    from PIL import ImageFont

    if all(text.isascii() for text in texts):
        return ImageFont.load_default(pixels)
    try:
        return ImageFont.truetype("DejaVuSans.ttf", pixels)
    except OSError:
        raise InputError(
            "letters beyond English cannot be written on pictures here: install the font DejaVu Sans "
            "(on Debian or Ubuntu the package fonts-dejavu-core)"
        ) from None


def plate(width: int, height: int, color: tuple[int, int, int, int]) -> Image:
    """Return a plate with round corners, RGBA, for text to stand on."""
    from PIL import Image, ImageDraw

    large = Image.new("RGBA", (width * _SMOOTH, height * _SMOOTH), (*color[:3], 0))
    radius = height * _SMOOTH * 0.32
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), radius, fill=color)
    return large.reduce(_SMOOTH)
