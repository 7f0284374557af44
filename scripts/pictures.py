"""Make the README's pictures with the shipped checkpoint and heads: python scripts/pictures.py"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import kmtalk
from kmtalk.assets import asset
from kmtalk.face import IDENTITIES
from kmtalk.render import frames, still


def heads(side: int = 420) -> Image.Image:
    """The three heads side by side, each in the middle of a word."""
    pictures = []
    for name, recording in zip(IDENTITIES, ("mountains", "porridge", "bubbles"), strict=True):
        animation = kmtalk.animate(asset("examples", f"{recording}.wav"), face=name)
        frame = int(animation.mouth_opening().argmax())
        pose = animation.motion.head_pose[frame]
        pictures.append(still(animation.face, animation.weights[frame], pose, size=side, camera="three-quarter"))
    return Image.fromarray(np.concatenate(pictures, axis=1))


def talking(side: int = 320, seconds: float = 5.0) -> list[Image.Image]:
    """A short clip of the first head, at half its frame rate."""
    animation = kmtalk.animate(asset("examples", "bubbles.wav"), face="ari")
    shown = list(frames(animation, size=side, camera="three-quarter"))[: int(seconds * animation.fps) : 2]
    return [Image.fromarray(picture) for picture in shown]


def main() -> None:
    heads().save(asset("examples", "heads.jpg"), quality=88)
    clip = talking()
    clip[0].save(asset("examples", "talking.webp"), save_all=True, append_images=clip[1:], duration=80, quality=70)


if __name__ == "__main__":
    main()
