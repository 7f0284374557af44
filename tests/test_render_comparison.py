"""Animations side by side, read back by ffmpeg."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.face import load_face
from kmtalk.motion import Animation, Motion
from kmtalk.render import frames, render_comparison
from kmtalk.render.lettering import find_font
from kmtalk.render.strip import Paint, Strip, opening

PAINT = Paint((0, 0, 0), (255, 255, 255), (120, 120, 120), (255, 0, 0))


def speaking(count: int = 8, keys: tuple[int, ...] = (0, 4, 7), jaw: float = 0.5) -> Animation:
    face = load_face("ari")
    weights = np.zeros((count, len(face.basis_names)), np.float32)
    weights[:, face.basis_names.index("jawOpen")] = jaw * np.linspace(0, 1, count)
    audio = 0.3 * np.sin(np.arange(count * 640) * 2 * np.pi * 440 / 16000)
    motion = Motion(weights, face.basis_names, 25.0, np.zeros((count, 6), np.float32))
    return Animation(audio.astype(np.float32), face, motion, (), np.array(keys), weights[list(keys)])


def decoded(path: Path) -> np.ndarray:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    told = subprocess.run([ffmpeg, "-hide_banner", "-i", path], capture_output=True, text=True).stderr
    assert "Audio: aac" in told
    width, height = map(int, re.search(r"Video: h264.*?(\d{2,})x(\d{2,})", told).groups())
    command = [ffmpeg, "-loglevel", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def test_faces_titles_and_strips_stand_beside_each_other(tmp_path: Path):
    left, right = speaking(jaw=0.6), speaking(jaw=0.0, keys=(0, 2, 4, 6, 7))
    path = render_comparison([left, right], tmp_path / "both.mp4", ["phonemes", "uniform"], size=128)
    assert [file.name for file in tmp_path.iterdir()] == ["both.mp4"]
    film = decoded(path)
    count, height, width, _ = film.shape
    assert (count, width) == (8, 256) and height > 128 and height % 2 == 0
    above = 19  # of 128: 1.9 times the height of the title's letters
    for side, animation in enumerate((left, right)):
        drawn = np.stack(list(frames(animation, size=128)))
        shown = film[:, above : above + 128, side * 128 : (side + 1) * 128]
        assert np.abs(shown.astype(int) - drawn).mean() < 4
    assert film[:, :above].max() > 180  # titles
    cursor = np.array([255, 196, 64])
    columns = [
        np.flatnonzero((np.abs(frame[above + 128 :].astype(int) - cursor).sum(2) < 200).any(0)) for frame in film
    ]
    places = [[half[(half >= low) & (half < low + 128)].mean() for half in columns] for low in (0, 128)]
    for moving in places:
        assert (np.diff(moving) > 0).all()


def test_a_strip_shows_the_keys_and_where_the_cursor_is():
    strip = Strip(speaking(11, keys=(0, 5, 10)), (220, 60), 0.02, find_font("0", 10), PAINT)
    first, last = strip.picture(0), strip.picture(10)
    reds = [np.flatnonzero((picture[:8] == (255, 0, 0)).all(2).any(0)).mean() for picture in (first, last)]
    assert abs(reds[0] - 220 * 0.04) < 2 and abs(reds[1] - 220 * 0.96) < 2
    row = last[12].max(1).astype(int)  # above the curve, below the cursor's head
    assert row[110] > 60 and row[60] == 0  # a mark in the middle, none at a quarter
    lit = strip.picture(6)
    assert (lit[20:40, 109:112] == (255, 0, 0)).all(2).any()  # the key at frame 5 has just been passed


def test_a_long_recording_turns_pages():
    strip = Strip(speaking(25 * 20 + 1, keys=(0, 500)), (220, 60), 0.02, find_font("0", 10), PAINT)
    at = [
        np.flatnonzero((strip.picture(f)[:3] == (255, 0, 0)).all(2).any(0)).mean() for f in (0, 166, 167, 333, 334, 500)
    ]
    assert at[1] > 200 and at[3] > 200 and at[5] > 200
    assert at[0] < 20 and at[2] < 20 and at[4] < 20


def test_a_single_frame_has_a_strip():
    assert Strip(speaking(1, keys=(0,)), (220, 60), 0.02, find_font("0", 10), PAINT).picture(0).shape == (60, 220, 3)


def test_a_face_without_lips_has_a_strip_without_a_curve():
    animation = speaking()
    faceless = replace(animation, face=replace(animation.face, landmarks={}))
    assert opening(faceless) is None
    assert Strip(faceless, (220, 60), 0.0, find_font("0", 10), PAINT).picture(3).shape == (60, 220, 3)


@pytest.mark.parametrize(
    ("animations", "settings", "said"),
    [
        ([speaking()], {}, "2 to 4 animations, not 1"),
        ([speaking(), speaking(9)], {}, "of 8 frames at 25 a second and of 9 at 25 cannot be compared"),
        ([speaking(), speaking()], {"titles": ["one"]}, "1 titles were given for 2"),
        ([speaking(), speaking()], {"background": "transparent"}, "not transparent"),
        ([speaking(), speaking()], {"look": "wood"}, "no look 'wood'"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(animations: list, settings: dict, said: str, tmp_path: Path):
    with pytest.raises(InputError, match=said):
        render_comparison(animations, tmp_path / "both.mp4", **settings)
    assert not list(tmp_path.iterdir())


def test_cancelling_leaves_nothing(tmp_path: Path):
    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_comparison([speaking(), speaking()], tmp_path / "both.mp4", size=64, progress=cancel)
    assert not list(tmp_path.iterdir())
