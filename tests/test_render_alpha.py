"""Transparent pictures: over any background they look as if they had been drawn on it."""

import io
import subprocess
import zipfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from PIL import Image

from kmtalk.errors import InputError
from kmtalk.face import load_face
from kmtalk.motion import Animation, Motion
from kmtalk.render import frames, render, still
from kmtalk.render.alpha import fade_out, spread, unmultiply

MAGENTA, GREEN = np.array([255, 0, 255]), np.array([0, 255, 0])


def over(picture: np.ndarray, color: np.ndarray) -> np.ndarray:
    alpha = picture[..., 3:] / 255
    return picture[..., :3] * alpha + color * (1 - alpha)


@pytest.fixture(scope="module")
def speaking() -> Animation:
    face = load_face("ari")
    weights = np.zeros((8, len(face.basis_names)), np.float32)
    weights[:, face.basis_names.index("jawOpen")] = np.linspace(0, 0.7, 8)
    audio = 0.3 * np.sin(np.arange(5120) * 2 * np.pi * 440 / 16000)
    motion = Motion(weights, face.basis_names, 25.0, np.zeros((8, 6), np.float32))
    return Animation(audio.astype(np.float32), face, motion, (), np.array([0]), weights[:1])


def test_unmultiply_by_hand():
    multiplied = np.array([[[100, 50, 0, 128], [10, 20, 30, 255], [0, 0, 0, 0], [9, 9, 9, 8]]], np.uint8)
    straight = unmultiply(multiplied)
    assert straight.tolist() == [[[199, 100, 0, 128], [10, 20, 30, 255], [0, 0, 0, 0], [255, 255, 255, 8]]]


def test_fading_leaves_the_upper_part_and_empties_the_lowest_row():
    faded = fade_out(np.full((100, 4, 4), 255, np.uint8))
    assert (faded[:84] == 255).all()
    assert (np.diff(faded[84:, 0, 3].astype(int)) < 0).all()
    assert faded[-1, 0, 3] <= 1 and (faded[..., :3] == 255).all()


def test_spreading_keeps_what_is_seen_and_colours_what_is_not():
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[16:48, 16:48] = 200, 100, 50, 255
    wider = spread(picture)
    assert np.array_equal(wider[..., 3], picture[..., 3])
    assert np.array_equal(wider[16:48, 16:48], picture[16:48, 16:48])
    assert np.abs(wider[12:16, 20:40, :3].astype(int) - [200, 100, 50]).max() < 20


@pytest.mark.parametrize("background", ["#ff00ff", "#ffffff", "#101418"])
def test_edges_and_hair_look_as_if_drawn_on_the_background(background: str):
    face = load_face("cleo")
    weights = np.zeros(len(face.basis_names), np.float32)
    clear = still(face, weights, size=192, background="transparent")
    opaque = still(face, weights, size=192, background=background)
    color = np.array([int(background[place : place + 2], 16) for place in (1, 3, 5)])
    upper = np.s_[: int(192 * 0.84)]
    assert clear.shape == (192, 192, 4)
    assert np.abs(over(clear, color) - opaque)[upper].max() <= 3
    assert clear[0, 0, 3] == 0 and clear[90, 96, 3] == 255 and clear[-1, :, 3].max() <= 1
    assert ((clear[upper][..., 3] > 20) & (clear[upper][..., 3] < 235)).sum() > 100  # soft edges


def test_webm_has_alpha_and_sound(speaking: Animation, tmp_path: Path):
    path = render(speaking, tmp_path / "talk.webm", size=128)
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    told = subprocess.run([ffmpeg, "-hide_banner", "-i", path], capture_output=True, text=True).stderr
    assert "Video: vp9" in told and "Audio: opus" in told and "alpha_mode" in told
    command = [ffmpeg, "-loglevel", "error", "-c:v", "libvpx-vp9", "-i", path]
    raw = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgba", "-"], capture_output=True, check=True).stdout
    decoded = np.frombuffer(raw, np.uint8).reshape(-1, 128, 128, 4)
    drawn = np.stack(list(frames(speaking, size=128, background="transparent")))
    assert decoded.shape == drawn.shape
    alphas = np.stack([decoded[..., 3], drawn[..., 3]]).astype(int)
    assert np.abs(alphas[0] - alphas[1]).mean() < 1
    assert alphas[0][:, :40, :8].max() <= 3 and alphas[0][:, 60:80, 56:72].min() >= 252
    seen, wanted = (np.stack([over(picture, MAGENTA) for picture in pictures]) for pictures in (decoded, drawn))
    assert np.abs(seen - wanted).mean() < 3
    sound = subprocess.run([ffmpeg, "-i", path, "-f", "s16le", "-ar", "16000", "-"], capture_output=True).stdout
    assert abs(len(sound) / 2 / 16000 - 0.32) < 0.04


def test_png_stack_holds_the_pictures_and_the_sound(speaking: Animation, tmp_path: Path):
    path = render(speaking, tmp_path / "talk.png.zip", size=128)
    assert [file.name for file in tmp_path.iterdir()] == ["talk.png.zip"]
    drawn = list(frames(speaking, size=128, background="transparent"))
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [*(f"frame_{frame:05}.png" for frame in range(8)), "sound.wav"]
        for frame, picture in enumerate(drawn):
            with Image.open(io.BytesIO(archive.read(f"frame_{frame:05}.png"))) as image:
                assert image.mode == "RGBA"
                assert np.array_equal(np.asarray(image), picture)
        sound, rate = soundfile.read(io.BytesIO(archive.read("sound.wav")))
    assert rate == 16000 and np.abs(sound - speaking.audio).max() < 1e-4


def test_a_background_makes_any_file_opaque_and_mp4_is_never_transparent(speaking: Animation, tmp_path: Path):
    path = render(speaking, tmp_path / "talk.png.zip", size=64, background="#00ff00")
    with zipfile.ZipFile(path) as archive, Image.open(io.BytesIO(archive.read("frame_00000.png"))) as image:
        assert image.mode == "RGB"
        assert np.abs(np.asarray(image)[0, 0].astype(int) - GREEN).max() <= 1
    with pytest.raises(InputError, match="MP4 files are never transparent: write .webm or .png.zip"):
        render(speaking, tmp_path / "talk.mp4", size=64, background="transparent")


@pytest.mark.parametrize("name", ["talk.webm", "talk.png.zip"])
def test_cancelling_leaves_nothing(speaking: Animation, tmp_path: Path, name: str):
    class CancelledError(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        if done == 3:
            raise CancelledError

    with pytest.raises(CancelledError):
        render(speaking, tmp_path / name, size=64, progress=cancel)
    assert not list(tmp_path.iterdir())
