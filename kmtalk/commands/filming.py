"""The options that say how a video is filmed, for every command that makes one."""

import argparse

from kmtalk.render import ASPECTS, BACKDROPS, CAMERAS, CAPTIONS, LOOKS, RENDERERS, Shot


def add_filming(parser: argparse.ArgumentParser) -> None:
    """Add the options of the video."""
    group = parser.add_argument_group("the video")
    group.add_argument("--size", type=int, default=512, help="pixels of its shorter side, even, from 64 (default: 512)")
    group.add_argument("--aspect", default="square", help=f"{_listed(ASPECTS)} (default: square)")
    group.add_argument("--camera", default="front", help=f"{_listed(CAMERAS)} (default: front)")
    behind = f"{_listed(BACKDROPS)}, transparent, or a colour such as #2a6f97"
    group.add_argument("--background", help=f"{behind} (default: studio; in webm and png.zip transparent)")
    group.add_argument("--look", default="skin", help=f"{_listed(LOOKS)} (default: skin)")
    group.add_argument("--captions", default="none", help=f"{_listed(CAPTIONS)} (default: none)")
    group.add_argument("--renderer", default="moderngl", help=f"what draws: {_listed(RENDERERS)} (default: moderngl)")


def shot_of(options: argparse.Namespace) -> Shot:
    """Return the shot that was asked for; InputError where there is no such shot."""
    return Shot(
        size=options.size,
        aspect=options.aspect,
        camera=options.camera,
        background=options.background,
        look=options.look,
        captions=options.captions,
        renderer=options.renderer,
    )


def _listed(names: object) -> str:
    return ", ".join(names)
