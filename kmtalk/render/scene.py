"""What stands around a face and how it is drawn: the lights and shaders of kmtalk/web, here and on the page."""

import json
from pathlib import Path

import numpy as np

from kmtalk.render.camera import look_at, orthographic

Backdrop = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Colours behind the head, display RGB in [0, 1]: in the middle, and at the corners."""

PROGRAMS = {
    "face": ("diffuse.glsl face.vert.glsl", "diffuse.glsl backdrop.glsl face.frag.glsl"),
    "shadow": ("shadow.vert.glsl", "shadow.frag.glsl"),
    "behind": ("backdrop.vert.glsl", "backdrop.glsl backdrop.frag.glsl"),
}
"""The files, one after the other, of which each program's vertex and fragment shaders are made."""

SHADOW_PIXELS = 1024

BUST_FADE = (-0.205, -0.105)
"""Metres: the height below which a bust has faded into the backdrop, and above which it is whole."""

NO_FADE = (-1e9, -1e8)

_WEB = Path(__file__).resolve().parent.parent / "web"


def shader_source(files: str) -> str:
    """Return the text of shader files, one after the other."""
    return "".join((_WEB / file).read_text(encoding="utf-8") for file in files.split())


def load_lights() -> dict:
    """Return lights.json: four lights (unit direction to the light, linear colour), sky, ground, exposure."""
    lights = json.loads((_WEB / "lights.json").read_text(encoding="utf-8"))
    for light in lights["lights"]:
        light["direction"] = (np.asarray(light["direction"]) / np.linalg.norm(light["direction"])).tolist()
    return lights


def light_uniforms() -> dict[str, np.ndarray | float]:
    """Return the shaders' uniforms that tell of the light; lightProjection is the key light's view, (4, 4)."""
    lights = load_lights()
    directions = np.array([light["direction"] for light in lights["lights"]])
    middle = np.array([0, -0.06, -0.06])
    return {
        "lightProjection": orthographic(0.24, 0.1, 1.4) @ look_at(middle + directions[0] * 0.7, middle),
        "lightDirection": directions,
        "lightColor": np.array([light["color"] for light in lights["lights"]]),
        "sky": np.array(lights["sky"]),
        "ground": np.array(lights["ground"]),
        "exposure": lights["exposure"],
    }
