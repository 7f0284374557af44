"""Animations of one recording side by side in one video."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from kmtalk.errors import InputError
from kmtalk.motion import Animation
from kmtalk.render.frames import Pictures, frames
from kmtalk.render.lettering import find_font
from kmtalk.render.reel import Progress, Reel
from kmtalk.render.shot import Shot, choose
from kmtalk.render.strip import Paint, Strip, opening
from kmtalk.render.video import check_path, write_video

MOST = 4


def render_comparison(
    animations: Sequence[Animation],
    path: str | Path,
    titles: Sequence[str] | None = None,
    shot: Shot | None = None,
    *,
    progress: Progress | None = None,
    **settings: object,
) -> Path:
    """Write two to four animations of one recording as one video, side by side, and return the path.

    Each has its title above, and below a strip with its mouth opening, its key frames and a moving cursor. The sound
    is the first one's. path, shot, settings and progress are those of render(), a picture's size being that of one
    animation; titles: one for each, default A, B ... Raises InputError for animations whose lengths or frame rates
    differ, a transparent background, and whatever render() refuses.
    """
    path, shot = check_path(Path(path)), backed(choose(shot, settings))
    titles = list("ABCD"[: len(animations)] if titles is None else titles)
    _check(animations, titles)
    layout = _Layout(animations, titles, shot)
    first = animations[0]
    with closing(layout.pictures()) as pictures:
        return write_video(Reel(pictures, first.audio, first.fps, first.frames, layout.pixels), path, progress)


def backed(shot: Shot) -> Shot:
    """Return the shot with the studio behind the heads where it says nothing; InputError where it is transparent."""
    if shot.transparent:
        raise InputError("a comparison is not transparent: take another background")
    return shot if shot.background else replace(shot, background="studio")


class _Layout:
    """Where everything stands in the pictures of a comparison."""

    def __init__(self, animations: Sequence[Animation], titles: list[str], shot: Shot) -> None:
        self._animations, self._shot = animations, shot
        width, height = shot.pixels
        unit = max(round(min(width, height) * 0.06), 10)
        paint, small = _paint(shot), find_font("0", max(round(unit * 0.7), 9))
        above, below = round(unit * 1.9), round(unit * 3.4)
        below += (above + height + below) % 2  # video frames have even sides
        self._heads = [_title(title, (width, above), unit, paint) for title in titles]
        openings = [opening(animation) for animation in animations]
        peak = max((values.max() for values in openings if values is not None), default=0.0)
        self._strips = [Strip(animation, (width, below), peak, small, paint) for animation in animations]
        self.pixels = len(animations) * width, above + height + below

    def pictures(self) -> Pictures:
        """Return a generator of the whole pictures, (H, W, 3) uint8."""
        with ExitStack() as stack:
            filmed = [stack.enter_context(closing(frames(animation, self._shot))) for animation in self._animations]
            for frame, shown in enumerate(zip(*filmed, strict=True)):
                yield np.concatenate(list(self._columns(frame, shown)), axis=1)

    def _columns(self, frame: int, shown: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        for head, picture, strip in zip(self._heads, shown, self._strips, strict=True):
            yield np.concatenate([head, picture, strip.picture(frame)])


def _check(animations: Sequence[Animation], titles: list[str]) -> None:
    if not 2 <= len(animations) <= MOST:
        raise InputError(f"a comparison shows 2 to {MOST} animations, not {len(animations)}")
    if len(titles) != len(animations):
        raise InputError(f"{len(titles)} titles were given for {len(animations)} animations: give one for each")
    first = animations[0]
    for other in animations[1:]:
        if (other.frames, other.fps) != (first.frames, first.fps):
            raise InputError(
                f"animations of {first.frames} frames at {first.fps:g} a second and of {other.frames} at "
                f"{other.fps:g} cannot be compared: animate the same recording at the same frame rate"
            )
    if not first.frames:
        raise InputError("cannot make a video of animations that have no frames: the recording is too short")


def _paint(shot: Shot) -> Paint:
    ground = np.asarray(shot.backdrop[1])
    dark = ground @ [0.299, 0.587, 0.114] < 0.5
    ink = np.full(3, 0.93 if dark else 0.12)
    mark = 0.55 * ground + 0.45 * ink
    now = (255, 196, 64) if dark else (196, 60, 20)
    return Paint(*(tuple(np.round(color * 255).astype(int).tolist()) for color in (ground, ink, mark)), now)


def _title(title: str, size: tuple[int, int], pixels: int, paint: Paint) -> np.ndarray:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", size, paint.ground)
    font = find_font([title], pixels)
    if (length := font.getlength(title)) > size[0] * 0.94:
        font = find_font([title], max(int(pixels * size[0] * 0.94 / length), 6))
    ImageDraw.Draw(image).text((size[0] / 2, size[1] / 2), title, paint.ink, font, anchor="mm")
    return np.asarray(image)
