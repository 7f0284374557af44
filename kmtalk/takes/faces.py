"""Pictures of a take: its face in single frames, plain or coloured by a value at each vertex."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.render.alpha import fade_out, unmultiply
from kmtalk.render.camera import Camera, find_camera
from kmtalk.render.opengl import OpenGLRenderer
from kmtalk.render.surface import Surface, make_surface
from kmtalk.takes.take import Take

HEAT = ((0.92, 0.91, 0.89), (0.99, 0.85, 0.46), (0.96, 0.49, 0.15), (0.78, 0.13, 0.12), (0.40, 0.02, 0.13))
"""Display colours of values from 0 to the largest."""

_PORTRAIT = Camera(elevation=0, field_of_view=13, target=(0.0, -0.014, -0.06))
_ABOVE, _HALF = 0.03, 0.13  # metres from the nose tip up to a face's middle, and from there to what is shown


def draw_frames(
    take: Take,
    frames: Sequence[int],
    values: np.ndarray | None = None,
    largest: float = 1.0,
    *,
    size: int = 384,
    camera: str | Camera | None = None,
) -> list[np.ndarray]:
    """Return a picture, (size, size, 3) uint8 on white, of each of some frames.

    values: (n, V) a number at each vertex in each of these frames, drawn as colours of HEAT from 0 to `largest`;
    None draws clay; camera: by default one that shows the face alone.
    Errors: InputError where a frame does not exist or OpenGL does not start.
    """
    chosen = np.asarray(frames, int)
    if not chosen.size or not 0 <= chosen.min() <= chosen.max() < len(take.vertices):
        raise InputError(f"{take.name} has frames 0 to {len(take.vertices) - 1}: frames {list(frames)} were asked for")
    surface = make_surface(_face(take, chosen), "clay")
    view, each = find_camera(camera or _portrait(take, surface)), np.eye(len(chosen), dtype=np.float32)
    if values is None:
        return _pictures(surface, each, size, view)
    shares = zip(values / largest, each, strict=True)
    return [_pictures(_heated(surface, share), one[None], size, view)[0] for share, one in shares]


def heat(values: np.ndarray) -> np.ndarray:
    """Return (..., 3) display colours in [0, 1] of values in [0, 1]; larger ones get the last colour."""
    places = np.linspace(0, 1, len(HEAT))
    return np.stack([np.interp(values, places, [color[channel] for color in HEAT]) for channel in range(3)], axis=-1)


def _portrait(take: Take, surface: Surface) -> str | Camera:
    """A camera before the face, whatever else the mesh shows."""
    if take.look is not None:
        return _PORTRAIT
    if "nose_tip" not in take.landmarks:
        return "front"
    middle = take.template[take.landmarks["nose_tip"]] + np.array([0, _ABOVE, 0])
    x, y, z = (middle - surface.center) * surface.scale
    wide = 2 * np.degrees(np.arctan(_HALF * surface.scale / Camera.distance))
    return Camera(elevation=0, field_of_view=min(wide, Camera.field_of_view), target=(x, y, z - 0.08))


def _face(take: Take, frames: np.ndarray) -> Face:
    """A face whose weights are the frames themselves, so that it can be drawn like any other."""
    moved = np.asarray(take.vertices[frames], np.float32) - take.template
    return Face(
        name=take.name,
        template=np.asarray(take.template, np.float32),
        triangles=np.asarray(take.triangles, np.int32),
        basis=moved,
        basis_names=tuple(f"frame {frame}" for frame in frames),
        regions=take.regions,
        landmarks=take.landmarks,
        head_weight=np.ones(len(take.template), np.float32),
        head_pivot=np.zeros(3, np.float32),
        look=take.look,
    )


def _heated(surface: Surface, values: np.ndarray) -> Surface:
    color = heat(np.clip(surface.refine @ np.asarray(values, np.float32), 0, 1)) ** 2.2
    material = surface.material.copy()
    material[:, 1] = 0  # no light from below the skin, which would tint the colours
    return replace(surface, color=(0.5 * color).astype(np.float32), material=material)


def _pictures(surface: Surface, weights: np.ndarray, size: int, camera: Camera) -> list[np.ndarray]:
    renderer = OpenGLRenderer(surface, (size, size), camera, None)
    try:
        return [_on_white(fade_out(unmultiply(renderer.draw(*surface.pose(each))))) for each in weights]
    finally:
        renderer.close()


def _on_white(picture: np.ndarray) -> np.ndarray:
    alpha = picture[..., 3:] / np.float32(255)
    return np.rint(picture[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
