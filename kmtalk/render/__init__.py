"""Draw an animation: single pictures, every frame, or an MP4 file with sound."""

from kmtalk.render.camera import CAMERAS, Camera
from kmtalk.render.frames import BACKDROP, RENDERERS, frames, still
from kmtalk.render.video import render

__all__ = ["BACKDROP", "CAMERAS", "RENDERERS", "Camera", "frames", "render", "still"]
