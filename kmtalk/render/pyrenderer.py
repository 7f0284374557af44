"""Draw with pyrender: plainer than the package's own shaders, for those who build on pyrender scenes."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from kmtalk.errors import InputError
from kmtalk.render.camera import Camera, look_at
from kmtalk.render.opengl import close_context, open_context
from kmtalk.render.scene import Backdrop, load_lights
from kmtalk.render.surface import Surface

if TYPE_CHECKING:
    import pyrender

# Its lights are cruder: nothing is in shadow and nothing scatters, so those from behind must be weak.
_STRENGTH = {"key": 3.0, "fill": 3.0, "rim right": 0.9, "rim left": 0.9}


class PyrenderRenderer:
    """Draws one surface from one camera; open, draw and close it in one thread."""

    def __init__(self, surface: Surface, size: tuple[int, int], camera: Camera, backdrop: Backdrop) -> None:
        self._pyrender = _import_pyrender()
        self._surface = surface
        # pyrender's own off-screen context shuts down the display for every other one when it goes.
        self._context = open_context()
        self._renderer = self._pyrender.Renderer(*size)
        self._scene = self._make_scene(size, camera, backdrop)
        self._material = self._make_material()
        self._colors = self._bake_colors()

    def draw(self, positions: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Return the picture, (H, W, 3) uint8, of the surface at (R, 3) float32 positions and normals."""
        primitive = self._pyrender.Primitive(
            positions=positions,
            normals=normals,
            texcoord_0=self._surface.uv,
            color_0=self._colors,
            indices=self._surface.triangles.astype(np.uint32),
            material=self._material,
        )
        node = self._scene.add(self._pyrender.Mesh([primitive]))
        picture, _ = self._renderer.render(self._scene, self._pyrender.RenderFlags.OFFSCREEN)
        self._scene.remove_node(node)
        return np.ascontiguousarray(picture[..., :3])

    def close(self) -> None:
        """Give the memory back."""
        self._renderer.delete()
        close_context(self._context)

    def _make_scene(self, size: tuple[int, int], camera: Camera, backdrop: Backdrop) -> pyrender.Scene:
        pyrender, lights = self._pyrender, load_lights()
        ambient = (np.add(lights["sky"], lights["ground"]) / 2).tolist()
        scene = pyrender.Scene(bg_color=[*np.mean(backdrop, axis=0), 1.0], ambient_light=ambient)
        lens = pyrender.PerspectiveCamera(yfov=1.0, znear=camera.distance * 0.2, zfar=camera.distance * 3)
        lens.get_projection_matrix = lambda width=None, height=None: camera.projection(*size)
        scene.add(lens, pose=np.linalg.inv(camera.view))
        for light in lights["lights"]:
            color, strength = np.asarray(light["color"]), _STRENGTH[light["name"]]
            lamp = pyrender.DirectionalLight(color / color.max(), strength * lights["exposure"] * color.max())
            scene.add(lamp, pose=np.linalg.inv(look_at(np.asarray(light["direction"]), np.zeros(3))))
        return scene

    def _make_material(self) -> pyrender.Material:
        from PIL import Image

        texture = None
        if self._surface.texture is not None:
            with Image.open(self._surface.texture) as file:
                texture = self._pyrender.Texture(source=file.convert("RGB"), source_channels="RGB")
        # Whole numbers would be taken for 0 to 255 and turn the head black.
        return self._pyrender.MetallicRoughnessMaterial(
            baseColorTexture=texture,
            baseColorFactor=[1.0, 1.0, 1.0, 1.0],
            metallicFactor=0.0,
            roughnessFactor=0.6,
            doubleSided=not self._surface.solid,
        )

    def _bake_colors(self) -> np.ndarray:
        """Return (R, 4) float32: vertex colour and occlusion, which pyrender multiplies into the lit colour."""
        occlusion = np.clip(self._surface.material[:, 2:3], 0.02, 1) ** np.float32([0.55, 0.75, 0.80])
        return np.hstack([self._surface.color * occlusion, np.ones((len(occlusion), 1))]).astype(np.float32)


def _import_pyrender() -> ModuleType:
    # Both must be so before the import: pyrender still says np.infty, and PyOpenGL picks its platform once.
    if not hasattr(np, "infty"):
        np.infty = np.inf  # noqa: NPY201
    if sys.platform == "linux":
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    try:
        import OpenGL.platform
        import pyrender
    except ImportError as error:
        raise InputError(
            f"renderer 'pyrender' cannot be used here ({error}): install pyrender, or use 'moderngl'"
        ) from error
    if sys.platform == "linux" and type(OpenGL.platform.PLATFORM).__name__ != "EGLPlatform":
        raise InputError(
            "renderer 'pyrender' cannot be used here: this process loaded PyOpenGL for a window before; "
            "set the environment variable PYOPENGL_PLATFORM=egl before Python starts, or use 'moderngl'"
        )
    return pyrender
