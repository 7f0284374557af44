"""Captions: a line of phonemes or words on the picture, the one that sounds in another colour."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from kmtalk.errors import InputError
from kmtalk.motion import Animation
from kmtalk.render.lettering import find_font, plate
from kmtalk.render.shot import Shot

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_PAUSE = 0.3  # seconds without a sound that end a line
_PLATE, _WAITING, _SOUNDING = (10, 12, 16, 168), (255, 255, 255, 235), (255, 196, 64, 255)


@dataclass(frozen=True)
class Token:
    """One phoneme or word, from start to end in seconds."""

    text: str
    start: float
    end: float


class Captions:
    """Lines of tokens for pictures of one size."""

    def __init__(self, tokens: list[Token], pixels: tuple[int, int]) -> None:
        self._pixels = pixels
        self._height = max(round(min(pixels) * 0.055), 9)
        self._gap = self._height * 0.5
        self._tokens = tokens
        self._starts = [line[0].start for line in self.lines]
        self._shown: tuple[tuple[int, int], Image] | None = None

    @cached_property
    def lines(self) -> list[list[Token]]:
        """The tokens line by line: a pause ends a line, and so does the edge of the picture."""
        spoken: list[list[Token]] = []
        for before, token in pairwise([None, *self._tokens]):
            if before is None or token.start - before.end > _PAUSE:
                spoken.append([])
            spoken[-1].append(token)
        return [line for run in spoken for line in self._broken(run)]

    def write(self, picture: np.ndarray, time: float) -> np.ndarray:
        """Return the picture, (H, W, 3) or (H, W, 4) uint8, with what is said at a time in seconds written on it."""
        from PIL import Image

        index = bisect_right(self._starts, time + 1e-6) - 1
        if index < 0 or time > self.lines[index][-1].end + _PAUSE:
            return picture
        sounding = sum(token.start <= time + 1e-6 for token in self.lines[index]) - 1
        if self.lines[index][sounding].end <= time + 1e-6:
            sounding = -1
        if self._shown is None or self._shown[0] != (index, sounding):
            self._shown = (index, sounding), self._lettered(self.lines[index], sounding)
        overlay = self._shown[1]
        width, height = self._pixels
        place = (width - overlay.width) // 2, round(height * 0.95) - overlay.height
        image = Image.fromarray(picture)
        if image.mode == "RGBA":
            image.alpha_composite(overlay, place)
        else:
            image.paste(overlay, place, overlay)
        return np.asarray(image)

    @cached_property
    def _font(self) -> FreeTypeFont:
        return find_font((token.text for token in self._tokens), self._height)

    def _advance(self, token: Token) -> float:
        return self._font.getlength(token.text) + self._gap

    def _broken(self, run: list[Token]) -> list[list[Token]]:
        """Return a run of tokens in lines of about the same width, none wider than the picture allows."""
        total = sum(map(self._advance, run))
        target = total / np.ceil(total / (self._pixels[0] * 0.8))
        lines, filled = [[]], 0.0
        for token in run:
            if lines[-1] and filled + self._advance(token) / 2 > target * len(lines):
                lines.append([])
            lines[-1].append(token)
            filled += self._advance(token)
        return lines

    def _lettered(self, line: list[Token], sounding: int) -> Image:
        from PIL import ImageDraw

        edge = self._height * 0.6
        width = round(sum(map(self._advance, line)) - self._gap + 2 * edge)
        image = plate(width, round(self._height * 1.7), _PLATE)
        draw, left = ImageDraw.Draw(image), edge
        for index, token in enumerate(line):
            color = _SOUNDING if index == sounding else _WAITING
            draw.text((left, self._height * 1.2), token.text, color, self._font, anchor="ls")
            left += self._advance(token)
        if width > self._pixels[0]:
            image = image.resize((self._pixels[0], max(round(image.height * self._pixels[0] / width), 1)))
        return image


def make_captions(animation: Animation, shot: Shot) -> Captions | None:
    """Return the captions that a shot asks for, None where it asks for none."""
    if shot.captions == "none":
        return None
    if shot.captions == "words":
        if not animation.words:
            raise InputError("captions of words need a transcript: animate with one, or take captions of phonemes")
        tokens = [Token(word.text, word.start, word.end) for word in animation.words]
    else:
        tokens = [Token(p.label, p.start, p.end) for p in animation.phonemes if p.label != "sil"]
    return Captions(tokens, shot.pixels)
