"""Pictures of a face: one, or every frame of an animation."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Protocol

import numpy as np

from kmtalk.face import Face
from kmtalk.motion import Animation
from kmtalk.render.alpha import fade_out, unmultiply
from kmtalk.render.captions import Captions, make_captions
from kmtalk.render.opengl import OpenGLRenderer
from kmtalk.render.shot import Shot, choose
from kmtalk.render.surface import Surface, make_surface

Pictures = Generator[np.ndarray, None, None]


class Renderer(Protocol):
    """Draws a surface; it belongs to the thread that opened it."""

    def draw(self, positions: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Return (H, W, 3) uint8 for (R, 3) float32 positions and normals, or (H, W, 4) with multiplied alpha."""

    def close(self) -> None:
        """Give the memory back."""


def still(
    face: Face, weights: np.ndarray, head_pose: np.ndarray | None = None, shot: Shot | None = None, **settings: object
) -> np.ndarray:
    """Return one picture of a face at (K,) weights and a (6,) head pose, without captions.

    The picture, shot and settings are those of frames().
    """
    shot = choose(shot, settings)
    head_poses = np.zeros((1, 6), np.float32) if head_pose is None else np.asarray(head_pose)[None]
    return next(_draw(make_surface(face, shot.look), shot, np.asarray(weights)[None], head_poses))


def frames(animation: Animation, shot: Shot | None = None, **settings: object) -> Pictures:
    """Return a generator of an animation's pictures, one per frame, drawn as they are asked for.

    (H, W, 3) uint8, or (H, W, 4) with straight alpha where the background is transparent. settings: fields of the
    shot, such as size=720. Any thread may take the next picture; closing the generator stops the drawing. Raises
    InputError for settings that are not allowed, and, with the first picture, where OpenGL does not start.
    """
    shot = choose(shot, settings)
    captions = make_captions(animation, shot)
    pictures = _draw(make_surface(animation.face, shot.look), shot, animation.weights, animation.motion.head_pose)
    return pictures if captions is None else _captioned(pictures, captions, animation.fps)


def _captioned(pictures: Pictures, captions: Captions, fps: float) -> Pictures:
    with closing(pictures):
        for frame, picture in enumerate(pictures):
            yield captions.write(picture, frame / fps)


def _open(surface: Surface, shot: Shot) -> Renderer:
    if shot.renderer == "pyrender":
        from kmtalk.render.pyrenderer import PyrenderRenderer

        return PyrenderRenderer(surface, shot.pixels, shot.view, shot.backdrop)
    return OpenGLRenderer(surface, shot.pixels, shot.view, shot.backdrop)


def _draw(surface: Surface, shot: Shot, weights: np.ndarray, head_pose: np.ndarray) -> Pictures:
    # OpenGL contexts are bound to a thread, while web servers resume iterators in whichever thread is free:
    # so each iterator has a thread of its own, which draws one picture ahead.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kmtalk-render") as worker:
        renderer = worker.submit(_open, surface, shot).result()
        ahead = deque()
        try:
            for frame_weights, frame_pose in zip(weights, head_pose, strict=True):
                ahead.append(worker.submit(_draw_frame, renderer, surface, frame_weights, frame_pose))
                if len(ahead) > 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for unwanted in ahead:
                unwanted.cancel()
            worker.submit(renderer.close).result()


def _draw_frame(renderer: Renderer, surface: Surface, weights: np.ndarray, head_pose: np.ndarray) -> np.ndarray:
    picture = renderer.draw(*surface.pose(weights, head_pose))
    return fade_out(unmultiply(picture)) if picture.shape[2] == 4 else picture
