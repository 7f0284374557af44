"""A strip of time below a picture: the mouth's opening, the key frames, and a cursor at what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from kmtalk.errors import InputError
from kmtalk.motion import Animation

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_PAGE = 8.0  # seconds that a strip shows at most; a longer recording turns pages
_GLOW = 0.16  # seconds for which a key frame that was passed stays lit
_SMOOTH = 3

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Paint:
    """Colours, 0 to 255: of the ground, of text and curve, of marks, and of what happens now."""

    ground: Color
    ink: Color
    mark: Color
    now: Color


class Strip:
    """The strip of one animation. size: pixels; peak: metres of mouth opening that reach its top."""

    def __init__(
        self, animation: Animation, size: tuple[int, int], peak: float, font: FreeTypeFont, paint: Paint
    ) -> None:
        self._size, self._font, self._paint = size, font, paint
        self._fps, self._keys = animation.fps, animation.key_frames
        self._opening, self._peak = opening(animation), max(peak, 1e-6)
        self._frames, self._last = animation.frames, max(animation.frames - 1, 1) / animation.fps
        self._length = self._last / ceil(self._last / _PAGE)
        self._page: tuple[int, Image] | None = None

    def picture(self, frame: int) -> np.ndarray:
        """Return (H, W, 3) uint8: the strip while that frame is shown."""
        from PIL import ImageDraw

        time = frame / self._fps
        page = min(int(time / self._length + 1e-9), round(self._last / self._length) - 1)
        if self._page is None or self._page[0] != page:
            self._page = page, self._drawn(page)
        image = self._page[1].copy()
        draw, unit = ImageDraw.Draw(image), self._font.size
        top, bottom = self._band(1)
        for key in self._keys[(self._keys <= frame) & (self._keys > frame - _GLOW * self._fps)]:
            x = self._across(key / self._fps, page)
            if 0 <= x <= self._size[0]:
                draw.rectangle((x - unit * 0.07, top, x + unit * 0.07, bottom), fill=self._paint.now)
        x = self._across(time, page)
        draw.rectangle((x - 1, top - unit * 0.3, x, bottom + unit * 0.3), fill=self._paint.now)
        draw.polygon([(x - unit * 0.35, 0), (x + unit * 0.35, 0), (x, unit * 0.45)], fill=self._paint.now)
        return np.asarray(image)

    def _across(self, time: float, page: int, scale: int = 1) -> float:
        edge = self._size[0] * 0.04
        return scale * (edge + (self._size[0] - 2 * edge) * (time / self._length - page))

    def _band(self, scale: int) -> tuple[float, float]:
        """Return where the marks begin and end, in pixels from the top."""
        return scale * self._font.size * 0.75, scale * (self._size[1] - self._font.size * 1.5)

    def _drawn(self, page: int) -> Image:
        """Return a page without its cursor."""
        from PIL import Image, ImageDraw

        width, height = self._size
        large = Image.new("RGB", (width * _SMOOTH, height * _SMOOTH), self._paint.ground)
        draw, (top, bottom) = ImageDraw.Draw(large), self._band(_SMOOTH)
        times = np.arange(self._frames) / self._fps
        shown = np.flatnonzero(abs(times / self._length - page - 0.5) <= 0.5 + 1e-6)
        xs = [self._across(time, page, _SMOOTH) for time in times]
        thin = max(width * _SMOOTH // 500, 2)
        draw.line((xs[shown[0]], bottom, xs[shown[-1]], bottom), self._paint.mark, thin)
        keys = [key for key in self._keys if key in shown]
        for key in keys:
            draw.line((xs[key], top, xs[key], bottom), self._paint.mark, thin)
        if self._opening is not None:
            ys = bottom - (bottom - top) * np.minimum(self._opening / self._peak, 1)
            draw.line([(xs[frame], ys[frame]) for frame in shown], self._paint.ink, round(thin * 1.5), joint="curve")
            dot = thin * 2
            for key in keys:
                draw.ellipse((xs[key] - dot, ys[key] - dot, xs[key] + dot, ys[key] + dot), fill=self._paint.ink)
        image = large.reduce(_SMOOTH)
        draw = ImageDraw.Draw(image)
        for time, anchor in ((page * self._length, "ls"), ((page + 1) * self._length, "rs")):
            place = self._across(time, page), height - self._font.size * 0.3
            draw.text(place, f"{time:.1f} s", self._paint.ink, self._font, anchor=anchor)
        place = width / 2, height - self._font.size * 0.3
        draw.text(place, f"{len(self._keys)} key frames", self._paint.ink, self._font, anchor="ms")
        return image


def opening(animation: Animation) -> np.ndarray | None:
    """Return (T,) metres between the lips, None for a face whose lips have no landmarks."""
    try:
        return animation.mouth_opening()
    except InputError:
        return None
