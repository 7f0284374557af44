"""An animation as an MP4 file with its sound."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.motion import Animation
from kmtalk.render.camera import Camera
from kmtalk.render.frames import BACKDROP, frame_size, frames
from kmtalk.render.opengl import Backdrop

Progress = Callable[[int, int], None]
"""Called as progress(done_frames, total_frames); what it raises stops the work."""


def render(
    animation: Animation,
    path: str | Path,
    *,
    size: int | tuple[int, int] = 512,
    renderer: str = "moderngl",
    camera: str | Camera = "front",
    backdrop: Backdrop = BACKDROP,
    progress: Progress | None = None,
) -> Path:
    """Write an animation as an MP4 file with sound and return its path.

    H.264 (yuv420p) and AAC, playable while it loads, one picture per frame of the animation. size, renderer, camera
    and backdrop are those of frames(). progress is called after each frame; if it raises, nothing is left behind.
    Raises InputError for bad arguments, an animation without frames, or where OpenGL does not start.
    """
    path = _check_path(Path(path))
    if not animation.frames:
        raise InputError("cannot make a video of an animation that has no frames: the recording is too short")
    pictures = frames(animation, size=size, renderer=renderer, camera=camera, backdrop=backdrop)
    with replacing(path) as unfinished, tempfile.TemporaryDirectory(prefix=".kmtalk-", dir=path.parent) as folder:
        sound = Path(folder, "sound.wav")
        save_audio(sound, animation.audio)
        command = _ffmpeg_command(sound, unfinished, frame_size(size), animation.fps)
        with closing(pictures):
            _encode(command, pictures, animation.frames, progress)
    return path


def _check_path(path: Path) -> Path:
    if path.suffix.lower() != ".mp4":
        raise InputError(f"cannot write {path.name!r}: a video's name must end in .mp4")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {str(path)!r}: the folder {str(path.parent)!r} does not exist")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"cannot write {str(path)!r}: it is a folder, or its folder may not be written to")
    return path


def _encode(command: list[str], pictures: Iterable[np.ndarray], total: int, progress: Progress | None) -> None:
    with tempfile.TemporaryFile() as errors:
        encoder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            for done, picture in enumerate(pictures, start=1):
                encoder.stdin.write(picture.data)
                if progress is not None:
                    progress(done, total)
            encoder.stdin.close()
            failed = encoder.wait() != 0
        except BrokenPipeError:  # ffmpeg gave up; its own words say why
            failed = True
        finally:
            encoder.kill()
            encoder.wait()
            with suppress(BrokenPipeError):
                encoder.stdin.close()
        if failed:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
            raise RuntimeError(f"ffmpeg could not write the video: {said or f'it ended with {encoder.returncode}'}")


def _ffmpeg_command(sound: Path, video: Path, size: tuple[int, int], fps: float) -> list[str]:
    import imageio_ffmpeg

    width, height = size
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "pipe:0"]
    command += ["-i", str(sound), "-map", "0:v", "-map", "1:a"]
    # BT.709 in the pixels and in the header: players otherwise guess the colours from the picture's size.
    tags = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
    command += ["-vf", f"scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,{tags}"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]
    # Browsers play 48 kHz everywhere, and its shorter AAC frames end the sound closer to where it ends.
    command += ["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-movflags", "+faststart", str(video)]
    return command
