"""Make the README's pictures with the shipped checkpoint and heads: python scripts/pictures.py"""

import sys
import tempfile
from itertools import islice
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import kmtalk
from kmtalk.assets import asset
from kmtalk.face import IDENTITIES
from kmtalk.render import ASPECTS, Shot, frames, still


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


def shots(height: int = 300) -> Image.Image:
    """One moment in every aspect, with other cameras, backgrounds, looks and captions."""
    choices = [
        {"aspect": "tall", "background": "light", "captions": "phonemes"},
        {"aspect": "portrait", "camera": "close"},
        {"aspect": "square", "camera": "three-quarter", "look": "clay", "background": "sand"},
        {"aspect": "wide", "background": "#2a6f97", "captions": "words"},
    ]
    transcript = "Hello! Would you move my big blue boat? The puppy found five purple bubbles!"
    animation = kmtalk.animate(asset("examples", "bubbles.wav"), face="cleo", transcript=transcript)
    frame = int(animation.mouth_opening().argmax())
    pictures = []
    for choice in choices:
        across, up = ASPECTS[choice.pop("aspect")]
        shot = Shot(size=(2 * round(height * across / up / 2), height), **choice)
        picture = next(islice(frames(animation, shot), frame, None))
        pictures.append(np.pad(picture, ((0, 0), (0, 6), (0, 0)), constant_values=255))
    return Image.fromarray(np.concatenate(pictures, axis=1)[:, :-6])


def comparison(side: int = 240, seconds: float = 4.0) -> list[Image.Image]:
    """Key frames at the phonemes and uniform ones, side by side, at half the frame rate."""
    both = [
        kmtalk.animate(asset("examples", "porridge.wav"), face="ben", keys=keys) for keys in ("phonemes", "uniform")
    ]
    titles = ["keys at phonemes", "uniform keys"]
    with tempfile.TemporaryDirectory() as folder:
        path = kmtalk.render_comparison(both, Path(folder, "both.mp4"), titles, size=side, camera="close")
        film = imageio_ffmpeg.read_frames(str(path))
        size = next(film)["size"]
        shown = list(islice(film, 0, int(seconds * both[0].fps), 2))
    return [Image.frombytes("RGB", size, picture) for picture in shown]


def save_clip(name: str, clip: list[Image.Image], quality: int = 70) -> None:
    """Write an animated picture that shows 12.5 frames a second."""
    path = asset("examples", name)
    clip[0].save(path, save_all=True, append_images=clip[1:], duration=80, quality=quality, method=6)


def main() -> None:
    heads().save(asset("examples", "heads.jpg"), quality=88)
    shots().save(asset("examples", "shots.jpg"), quality=86)
    save_clip("talking.webp", talking())
    save_clip("comparison.webp", comparison(), quality=60)


if __name__ == "__main__":
    main()
