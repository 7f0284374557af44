"""The face in 3D, moving in time with its sound before any video exists."""

import base64
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from gradio.data_classes import FileData, GradioModel

from kmtalk.assets import asset
from kmtalk.face import Face
from kmtalk.motion import Animation
from kmtalk.render import BACKDROPS, CAMERAS, Camera
from kmtalk.render.scene import BUST_FADE, NO_FADE, PROGRAMS, SHADOW_PIXELS, light_uniforms, shader_source
from kmtalk.web.geometry import write_face
from kmtalk.web.part import Part

_PREAMBLE = """#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler2DShadow;
"""
_WIRE = ("diffuse.glsl wire.vert.glsl", "backdrop.glsl wire.frag.glsl")


class ViewerFace(GradioModel):
    """A face's files: what write_face() wrote, and a small picture to show while they load."""

    geometry: FileData
    texture: FileData | None = None
    portrait: FileData | None = None


class ViewerMotion(GradioModel):
    """A motion of T frames over K shapes; duration: seconds of its sound.

    track: base64 of (T, K + 6) int16, little-endian, weights then head pose; a column's numbers times its step.
    """

    fps: float
    frames: int
    duration: float
    steps: list[float]
    track: str


class ViewerData(GradioModel):
    """What the viewer shows: one of several faces, at rest or in motion, and how.

    take: a new one starts the sound from the beginning; under the same one, a new motion takes over where the old one
    was. camera: one of CAMERAS; background: one of BACKDROPS, "#rrggbb" or "transparent".
    """

    faces: dict[str, ViewerFace]
    identity: str
    motion: ViewerMotion | None = None
    sound: FileData | None = None
    take: str = ""
    camera: str = "front"
    look: Literal["skin", "clay"] = "skin"
    background: str = "studio"


class Viewer(Part):
    """A 3D view of a face that moves with the sound, or with the page's video once that is there.

    hint: what stands on the picture while there is no motion.
    """

    files = "viewer"
    shared: ClassVar[tuple[str, ...]] = ("clock", "viewer_head", "viewer_camera", "viewer_scene")
    data_model = ViewerData

    def __init__(self, value: ViewerData | None = None, *, hint: str = "", **options: Any) -> None:  # noqa: ANN401
        super().__init__(value, hint=hint, **options)
        self.js_on_load = f"const SCENE = {json.dumps(_scene())};\n{self.js_on_load}"


def viewer_faces(faces: Mapping[str, Face], folder: Path) -> dict[str, ViewerFace]:
    """Write faces for the viewer into a folder that the server must serve as static; shipped ones get a portrait."""
    return {name: _written(face, folder) for name, face in faces.items()}


def _written(face: Face, folder: Path) -> ViewerFace:
    files, portrait = write_face(face, folder), asset("head", face.name, "portrait.webp")
    return ViewerFace(
        geometry=_file(files.geometry),
        texture=files.texture and _file(files.texture),
        portrait=_file(Path(shutil.copy(portrait, folder / f"{face.name}.webp"))) if portrait.is_file() else None,
    )


def viewer_data(
    faces: dict[str, ViewerFace],
    identity: str,
    animation: Animation | None = None,
    sound: Path | None = None,
    **view: str,
) -> ViewerData:
    """Return a face at rest, or an animation with its sound as a file; view: take, camera, look, background."""
    motion = animation and viewer_motion(animation)
    return ViewerData(faces=faces, identity=identity, motion=motion, sound=sound and _file(sound), **view)


def viewer_motion(animation: Animation) -> ViewerMotion:
    """Return an animation's motion for the viewer; each column is exact to 1/65534 of its largest value."""
    track = np.hstack([animation.weights, animation.motion.head_pose]).astype(np.float64)
    steps = np.abs(track).max(axis=0, initial=0) / 32767
    numbers = np.rint(track / np.where(steps > 0, steps, 1)).astype("<i2")
    return ViewerMotion(
        fps=animation.fps,
        frames=animation.frames,
        duration=round(animation.duration, 4),
        steps=steps.tolist(),
        track=base64.b64encode(numbers.tobytes()).decode(),
    )


def choose(*fields: str) -> str:
    """Return JavaScript for a listener in the page alone, which sets fields of the viewer's value to widgets' values.

    Use it as ``widget.change(None, [widget, viewer], viewer, js=choose("camera"))``: nothing is computed or sent again.
    Widgets that may change at once must share one listener, since each listener starts from the value before.
    """
    names = ", ".join(fields)
    return f"({names}, value) => value && {{ ...value, {names} }}"


def _file(path: Path) -> FileData:
    return FileData(path=str(path), orig_name=path.name)


def _scene() -> dict[str, Any]:
    """Return what the page must know to draw as this package does; matrices stand column by column."""
    programs, light = PROGRAMS | {"wire": _WIRE}, light_uniforms()
    light["lightProjection"] = light["lightProjection"].T
    return {
        "preamble": _PREAMBLE,
        "programs": {name: [shader_source(files) for files in pair] for name, pair in programs.items()},
        "light": {name: np.ravel(value).tolist() for name, value in light.items()},
        "shadowPixels": SHADOW_PIXELS,
        "fade": BUST_FADE,
        "noFade": NO_FADE,
        "cameras": {name: _camera(camera) for name, camera in CAMERAS.items()},
        "backdrops": BACKDROPS,
    }


def _camera(camera: Camera) -> dict[str, Any]:
    return {
        "azimuth": camera.azimuth,
        "elevation": camera.elevation,
        "distance": camera.distance,
        "fieldOfView": camera.field_of_view,
        "target": camera.target,
    }
