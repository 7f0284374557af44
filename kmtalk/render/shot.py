"""Everything that can be chosen about a picture, checked in one place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kmtalk.errors import InputError
from kmtalk.render.camera import Camera, find_camera, upright
from kmtalk.render.opengl import Backdrop
from kmtalk.render.surface import LOOKS

ASPECTS = {"square": (1, 1), "portrait": (4, 5), "tall": (9, 16), "wide": (16, 9)}
"""Width to height of the pictures that can be asked for by name."""

CAPTIONS = ("none", "phonemes", "words")
"""What can be written on a picture: nothing, the phonemes, or the words of a transcript."""

RENDERERS = ("moderngl", "pyrender")
"""What can draw: moderngl with this package's own shaders, or pyrender."""

TRANSPARENT = "transparent"
BACKDROPS: dict[str, Backdrop] = {
    "studio": ((0.235, 0.262, 0.300), (0.060, 0.066, 0.080)),
    "light": ((0.960, 0.965, 0.970), (0.760, 0.785, 0.815)),
    "sand": ((0.875, 0.820, 0.745), (0.620, 0.545, 0.460)),
    "white": ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    "black": ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    "green": ((0.0, 0.694, 0.251), (0.0, 0.694, 0.251)),
}
"""The colours behind the head that have a name, display RGB in the middle and at the corners; green is for keying."""

SMALLEST, LARGEST = 64, 3840


@dataclass(frozen=True)
class Shot:
    """How a face is filmed.

    size: pixels of the shorter side, or (width, height); aspect: one of ASPECTS, for a size that is one number;
    camera: one of CAMERAS, or a Camera; background: one of BACKDROPS, "#rrggbb" or "transparent" (None: "studio", and
    "transparent" in the files that can be); look: one of LOOKS; captions: one of CAPTIONS; renderer: one of RENDERERS.
    Raises InputError for anything else.
    """

    size: int | tuple[int, int] = 512
    aspect: str = "square"
    camera: str | Camera = "front"
    background: str | None = None
    look: str = "skin"
    captions: str = "none"
    renderer: str = "moderngl"

    def __post_init__(self) -> None:
        _check("aspect", self.aspect, ASPECTS)
        _check("look", self.look, LOOKS)
        _check("captions", self.captions, CAPTIONS)
        _check("renderer", self.renderer, RENDERERS)
        _ = self.pixels, self.view, self.backdrop
        if self.transparent and self.renderer != "moderngl":
            raise InputError(f"renderer {self.renderer!r} draws no transparent background: use 'moderngl'")

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of the picture."""
        if isinstance(self.size, int | np.integer):
            across, up = ASPECTS[self.aspect]
            longer = 2 * round(self.size * max(across, up) / min(across, up) / 2) if across != up else self.size
            width, height = (longer, self.size) if across > up else (self.size, longer)
        else:
            width, height = _pair(self.size, self.aspect)
        if any(side % 2 or not SMALLEST <= side <= LARGEST for side in (width, height)):
            raise InputError(
                f"cannot draw {width}x{height} pixels: width and height must be even numbers "
                f"from {SMALLEST} to {LARGEST}"
            )
        return int(width), int(height)

    @property
    def view(self) -> Camera:
        """The camera; one asked for by name comes closer in an upright picture."""
        camera = find_camera(self.camera)
        return camera if isinstance(self.camera, Camera) else upright(camera, *self.pixels)

    @property
    def transparent(self) -> bool:
        """Whether nothing is behind the head: pictures then have a fourth channel, straight alpha."""
        return self.background == TRANSPARENT

    @property
    def backdrop(self) -> Backdrop | None:
        """The colours behind the head, None for a transparent background."""
        return find_backdrop(self.background)


def choose(shot: Shot | None, settings: dict[str, object]) -> Shot:
    """Return a shot with some fields set anew, and the default ones where no shot is given."""
    return replace(shot or Shot(), **settings)


def find_backdrop(background: str | None) -> Backdrop | None:
    """Return the colours of a background by its name or its "#rrggbb", None for "transparent"."""
    if background == TRANSPARENT:
        return None
    if background is None or background in BACKDROPS:
        return BACKDROPS[background or "studio"]
    if not isinstance(background, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", background):
        known = ", ".join([*BACKDROPS, TRANSPARENT])
        raise InputError(f"no background {background!r}: use one of {known}, or a colour such as #2a6f97")
    color = tuple(int(background[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return color, color


def _pair(size: object, aspect: str) -> tuple[int, int]:
    if not (isinstance(size, tuple | list) and len(size) == 2 and all(isinstance(n, int | np.integer) for n in size)):
        raise InputError(f"{size!r} is no picture size: give the shorter side in pixels, or (width, height)")
    if aspect != "square":
        raise InputError(f"the size {tuple(size)} has its own aspect: give one number of pixels with aspect {aspect!r}")
    return size[0], size[1]


def _check(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InputError(f"no {name} {value!r}: use one of {', '.join(allowed)}")
