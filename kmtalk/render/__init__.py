"""Draw an animation: single pictures, every frame, or a video with sound."""

from kmtalk.render.camera import CAMERAS, Camera
from kmtalk.render.comparison import render_comparison
from kmtalk.render.frames import frames, still
from kmtalk.render.shot import ASPECTS, BACKDROPS, CAPTIONS, RENDERERS, Shot, find_backdrop
from kmtalk.render.surface import LOOKS
from kmtalk.render.video import VIDEO_FORMATS, render

__all__ = [
    "ASPECTS",
    "BACKDROPS",
    "CAMERAS",
    "CAPTIONS",
    "LOOKS",
    "RENDERERS",
    "Camera",
    "VIDEO_FORMATS",
    "Shot",
    "find_backdrop",
    "frames",
    "render",
    "render_comparison",
    "still",
]
