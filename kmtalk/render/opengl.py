"""Draw with moderngl: an off-screen OpenGL context, a shadow map, and the shaders of kmtalk/web."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kmtalk.errors import InputError
from kmtalk.render.camera import Camera
from kmtalk.render.scene import BUST_FADE, NO_FADE, PROGRAMS, SHADOW_PIXELS, Backdrop, light_uniforms, shader_source
from kmtalk.render.surface import Surface

if TYPE_CHECKING:
    import moderngl

_NOTHING: Backdrop = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def open_context() -> moderngl.Context:
    """Return a moderngl context of its own, current in the calling thread, which alone may use it.

    Raises InputError that names the missing packages where OpenGL does not start.
    """
    import moderngl

    # Naming the runtime libraries spares the development packages, which own the plain names.
    libraries = {"backend": "egl", "libgl": "libGL.so.1", "libegl": "libEGL.so.1"} if sys.platform == "linux" else {}
    try:
        return moderngl.create_context(standalone=True, **libraries)
    except Exception as error:  # the loader below moderngl raises nothing narrower
        raise InputError(
            f"cannot draw video: OpenGL does not start here ({error}); on Debian or Ubuntu install "
            "libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri (no graphics card is needed)"
        ) from error


def close_context(context: moderngl.Context) -> None:
    """Give the context's memory back; call it in the thread that opened the context."""
    context.release()
    if sys.platform == "linux":
        # A context that is still current outlives its release: 11 MB each.
        ctypes.CDLL("libEGL.so.1").eglReleaseThread()


class OpenGLRenderer:
    """Draws one surface from one camera; open, draw and close it in one thread."""

    def __init__(self, surface: Surface, size: tuple[int, int], camera: Camera, backdrop: Backdrop | None) -> None:
        self._size, self._channels = size, 4 if backdrop is None else 3
        self._solid = surface.solid
        self._context = open_context()
        self._face, self._shadow, self._behind = (
            self._program(*PROGRAMS[name]) for name in ("face", "shadow", "behind")
        )
        self._upload(surface)
        self._make_targets()
        self._set_uniforms(surface, camera, backdrop)

    def draw(self, positions: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Return the picture of the surface at (R, 3) float32 positions and normals.

        (H, W, 3) uint8, or, with no backdrop, (H, W, 4) with the colours multiplied by their alpha.
        """
        import moderngl

        context = self._context
        self._positions.write(np.ascontiguousarray(positions, np.float32))
        self._normals.write(np.ascontiguousarray(normals, np.float32))
        drawn = moderngl.DEPTH_TEST | (moderngl.CULL_FACE if self._solid else 0)
        context.enable_only(drawn)
        self._shadow_target.use()
        self._shadow_target.clear(depth=1.0)
        self._shadow_mesh.render()
        self._target.use()
        self._target.clear()
        context.enable_only(moderngl.NOTHING)
        self._behind_mesh.render(moderngl.TRIANGLE_STRIP)
        context.enable_only(drawn)
        self._texture.use(0)
        self._shadow_map.use(1)
        self._face_mesh.render()
        context.copy_framebuffer(self._resolved, self._target)
        width, height = self._size
        pixels = np.frombuffer(self._resolved.read(components=self._channels, alignment=1), np.uint8)
        return np.ascontiguousarray(pixels.reshape(height, width, self._channels)[::-1])

    def close(self) -> None:
        """Give the memory back."""
        close_context(self._context)

    def _program(self, vertex: str, fragment: str) -> moderngl.Program:
        vertex, fragment = ("#version 330\n" + shader_source(files) for files in (vertex, fragment))
        return self._context.program(vertex, fragment)

    def _upload(self, surface: Surface) -> None:
        context, count = self._context, len(surface.uv)
        self._positions, self._normals = context.buffer(reserve=count * 12), context.buffer(reserve=count * 12)
        fixed = context.buffer(np.hstack([surface.uv, surface.color, surface.material]).astype(np.float32))
        triangles = context.buffer(_gathered(surface))
        self._face_mesh = context.vertex_array(
            self._face,
            [
                (self._positions, "3f", "position"),
                (self._normals, "3f", "normal"),
                (fixed, "2f 3f 4f", "uv", "color", "material"),
            ],
            triangles,
        )
        self._shadow_mesh = context.vertex_array(self._shadow, [(self._positions, "3f", "position")], triangles)
        corners = context.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], np.float32))
        self._behind_mesh = context.vertex_array(self._behind, [(corners, "2f", "corner")])
        self._texture = self._load_texture(surface.texture)

    def _load_texture(self, path: Path | None) -> moderngl.Texture:
        import moderngl
        from PIL import Image

        if path is None:
            return self._context.texture((1, 1), 3, b"\xff\xff\xff", alignment=1)
        with Image.open(path) as file:
            image = file.convert("RGB").transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        texture = self._context.texture(image.size, 3, image.tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
        return texture

    def _make_targets(self) -> None:
        import moderngl

        context, samples = self._context, min(4, self._context.max_samples)
        color = context.renderbuffer(self._size, self._channels, samples=samples)
        self._target = context.framebuffer([color], context.depth_renderbuffer(self._size, samples=samples))
        self._resolved = context.simple_framebuffer(self._size, self._channels)
        self._shadow_map = context.depth_texture((SHADOW_PIXELS, SHADOW_PIXELS))
        self._shadow_map.compare_func = "<="
        self._shadow_map.filter = moderngl.LINEAR, moderngl.LINEAR
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow_target = context.framebuffer(depth_attachment=self._shadow_map)

    def _set_uniforms(self, surface: Surface, camera: Camera, backdrop: Backdrop | None) -> None:
        inner, outer = backdrop or _NOTHING
        uniforms = light_uniforms() | {
            "viewProjection": camera.projection(*self._size) @ camera.view,
            "eye": camera.position,
            "resolution": self._size,
            "fade": BUST_FADE if surface.solid else NO_FADE,
            "backdropInner": inner,
            "backdropOuter": outer,
            "backdropClear": backdrop is None,
        }
        for program in (self._face, self._shadow, self._behind):
            for name, value in uniforms.items():
                if name in program:
                    value = np.asarray(value, np.float32)
                    program[name].write((value.T if value.shape == (4, 4) else value).tobytes())
        self._face["albedo"], self._face["shadowMap"] = 0, 1


def _gathered(surface: Surface) -> np.ndarray:
    """Return the triangles, neighbours one after the other: without a graphics card that saves a seventh of the work.

    A vertex is then computed once or twice, not for each of its triangles. The order is that of a Morton curve.
    """
    positions, _ = surface.pose(np.zeros(len(surface.face.basis_names)))
    centers = positions[surface.triangles].mean(1)
    steps = ((centers - centers.min(0)) / np.maximum(np.ptp(centers, axis=0), 1e-12) * 1023).astype(np.int64)
    places = sum(((steps[:, axis] >> bit) & 1) << (3 * bit + axis) for bit in range(10) for axis in range(3))
    return np.ascontiguousarray(surface.triangles[np.argsort(places, kind="stable")])
