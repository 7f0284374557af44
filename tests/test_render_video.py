"""MP4 files, read back by ffmpeg."""

import os
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
from kmtalk.render import frames, render

SIZE = 128


def speaking(seconds: float, fps: float = 25.0) -> Animation:
    """The jaw swings while a tone sounds."""
    face = load_face("ari")
    count = round(seconds * fps)
    weights = np.zeros((count, len(face.basis_names)), np.float32)
    weights[:, face.basis_names.index("jawOpen")] = 0.3 - 0.3 * np.cos(np.arange(count))
    head_pose = np.zeros((count, 6), np.float32)
    audio = 0.3 * np.sin(np.arange(round(seconds * 16000)) * 2 * np.pi * 440 / 16000)
    motion = Motion(weights, face.basis_names, fps, head_pose)
    return Animation(audio.astype(np.float32), face, motion, (), np.array([0]), weights[:1])


def ffmpeg(*arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *arguments], capture_output=True, check=True)


@pytest.mark.parametrize(("seconds", "fps"), [(1.3, 25.0), (0.73, 29.97)])
def test_streams_and_lengths(seconds: float, fps: float, tmp_path: Path):
    animation = speaking(seconds, fps)
    path = render(animation, tmp_path / "talk.mp4", size=SIZE)
    assert [file.name for file in tmp_path.iterdir()] == ["talk.mp4"]

    report = ffmpeg("-i", path, "-map", "0:v", "-f", "null", "-").stderr.decode()
    assert re.search(r"Video: h264 .*yuv420p\(tv, bt709.*128x128", report)
    assert f"{fps:g} fps" in report
    assert re.search(r"Audio: aac", report)
    assert re.findall(r"frame=\s*(\d+)", report)[-1] == str(animation.frames)
    hours, minutes, whole = re.search(r"Duration: (\d+):(\d+):([\d.]+)", report).groups()
    assert abs(int(hours) * 3600 + int(minutes) * 60 + float(whole) - seconds) < 1 / fps

    sound = np.frombuffer(ffmpeg("-i", path, "-f", "s16le", "-ac", "1", "-ar", "16000", "-").stdout, "<i2")
    assert abs(len(sound) / 16000 - seconds) < 1 / fps
    assert abs(np.abs(sound[2000:-2000]).max() / 32768 - 0.3) < 0.03

    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_video_shows_the_pictures(tmp_path: Path):
    animation = speaking(0.4)
    path = render(animation, tmp_path / "talk.mp4", size=(160, SIZE))
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-").stdout
    decoded = np.frombuffer(raw, np.uint8).reshape(-1, SIZE, 160, 3)
    drawn = np.stack(list(frames(animation, size=(160, SIZE))))
    assert decoded.shape == drawn.shape
    assert np.abs(decoded.astype(int) - drawn).mean() < 3


def test_a_folder_named_like_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "take:2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert render(speaking(0.2), "take:2/talk.mp4", size=SIZE).stat().st_size > 1000


def test_progress_counts_the_frames(tmp_path: Path):
    seen = []
    render(speaking(0.2), tmp_path / "talk.mp4", size=SIZE, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_cancelling_leaves_nothing_and_spares_the_old_file(tmp_path: Path):
    class CancelledError(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        if done == 3:
            raise CancelledError

    target = tmp_path / "talk.mp4"
    target.write_bytes(b"the video of yesterday")
    with pytest.raises(CancelledError):
        render(speaking(2.0), target, size=SIZE, progress=cancel)
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"the video of yesterday"
    children = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "comm="], capture_output=True)
    assert b"ffmpeg" not in children.stdout


def test_what_ffmpeg_refuses_is_told_and_leaves_nothing(tmp_path: Path):
    animation = speaking(0.2)
    broken = replace(animation, motion=replace(animation.motion, fps=-1.0))
    with pytest.raises(RuntimeError, match="ffmpeg could not write the video: .+"):
        render(broken, tmp_path / "talk.mp4", size=SIZE)
    assert not list(tmp_path.iterdir())


def test_no_frames_is_bad_input(tmp_path: Path):
    with pytest.raises(InputError, match="no frames"):
        render(speaking(0.0), tmp_path / "talk.mp4", size=SIZE)
