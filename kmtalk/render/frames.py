"""Pictures of a face: one, or every frame of an animation."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.motion import Animation
from kmtalk.render.camera import Camera, find_camera
from kmtalk.render.opengl import Backdrop, OpenGLRenderer
from kmtalk.render.surface import Surface, make_surface

RENDERERS = ("moderngl", "pyrender")
"""What can draw: moderngl with this package's own shaders, or pyrender."""

BACKDROP: Backdrop = ((0.235, 0.262, 0.300), (0.060, 0.066, 0.080))
"""The default colours behind the head: slate, darker towards the corners."""

SMALLEST, LARGEST = 64, 2160


class Renderer(Protocol):
    """Draws a surface; it belongs to the thread that opened it."""

    def draw(self, positions: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Return (H, W, 3) uint8 for (R, 3) float32 positions and normals."""

    def close(self) -> None:
        """Give the memory back."""


def still(
    face: Face,
    weights: np.ndarray,
    head_pose: np.ndarray | None = None,
    *,
    size: int | tuple[int, int] = 512,
    renderer: str = "moderngl",
    camera: str | Camera = "front",
    backdrop: Backdrop = BACKDROP,
) -> np.ndarray:
    """Return one picture, (H, W, 3) uint8, of a face at (K,) weights and a (6,) head pose.

    The other arguments are those of frames().
    """
    head_poses = np.zeros((1, 6), np.float32) if head_pose is None else np.asarray(head_pose)[None]
    opened = _prepare(make_surface(face), size, renderer, camera, backdrop)
    return next(_draw(*opened, np.asarray(weights)[None], head_poses))


def frames(
    animation: Animation,
    *,
    size: int | tuple[int, int] = 512,
    renderer: str = "moderngl",
    camera: str | Camera = "front",
    backdrop: Backdrop = BACKDROP,
) -> Iterator[np.ndarray]:
    """Return an iterator over an animation's pictures, (H, W, 3) uint8, one per frame, drawn as they are asked for.

    size: pixels, the side of a square or (width, height); renderer: one of RENDERERS;
    camera: one of CAMERAS or a Camera; backdrop: the colours behind the head, in the middle and at the corners.
    Any thread may take the next picture. Raises InputError for a size, renderer or camera that does not exist, and,
    with the first picture, where OpenGL does not start.
    """
    opened = _prepare(make_surface(animation.face), size, renderer, camera, backdrop)
    return _draw(*opened, animation.weights, animation.motion.head_pose)


def frame_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (width, height) in pixels, or say which sizes are allowed."""
    width, height = (size, size) if isinstance(size, int | np.integer) else _pair(size)
    for side in (width, height):
        if side % 2 or not SMALLEST <= side <= LARGEST:
            raise InputError(
                f"cannot draw {width}x{height} pixels: width and height must be even numbers "
                f"from {SMALLEST} to {LARGEST}"
            )
    return int(width), int(height)


def _pair(size: tuple[int, int]) -> tuple[int, int]:
    if isinstance(size, tuple | list) and len(size) == 2 and all(isinstance(side, int | np.integer) for side in size):
        return size[0], size[1]
    raise InputError(f"{size!r} is no picture size: give the side of a square in pixels, or (width, height)")


def _prepare(
    surface: Surface, size: int | tuple[int, int], renderer: str, camera: str | Camera, backdrop: Backdrop
) -> tuple[Surface, Callable[[], Renderer]]:
    """Check the arguments now; open the renderer later, in the thread that will own it."""
    pixels, placed = frame_size(size), find_camera(camera)
    if renderer not in RENDERERS:
        raise InputError(f"no renderer {renderer!r}: use one of {', '.join(RENDERERS)}")

    def open_renderer() -> Renderer:
        if renderer == "pyrender":
            from kmtalk.render.pyrenderer import PyrenderRenderer

            return PyrenderRenderer(surface, pixels, placed, backdrop)
        return OpenGLRenderer(surface, pixels, placed, backdrop)

    return surface, open_renderer


def _draw(
    surface: Surface, open_renderer: Callable[[], Renderer], weights: np.ndarray, head_pose: np.ndarray
) -> Iterator[np.ndarray]:
    # OpenGL contexts are bound to a thread, while web servers resume iterators in whichever thread is free:
    # so each iterator has a thread of its own, which draws one picture ahead.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kmtalk-render") as worker:
        renderer = worker.submit(open_renderer).result()
        try:
            ahead = deque()
            for frame_weights, frame_pose in zip(weights, head_pose, strict=True):
                ahead.append(worker.submit(_draw_frame, renderer, surface, frame_weights, frame_pose))
                if len(ahead) > 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            worker.submit(renderer.close).result()


def _draw_frame(renderer: Renderer, surface: Surface, weights: np.ndarray, head_pose: np.ndarray) -> np.ndarray:
    return renderer.draw(*surface.pose(weights, head_pose))
