"""Pictures and sound through ffmpeg."""

import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from kmtalk.audio import save_audio
from kmtalk.render.alpha import spread
from kmtalk.render.reel import Progress, Reel

# Browsers play 48 kHz everywhere, and its shorter AAC frames end the sound closer to where it ends.
_MP4 = "-c:v libx264 -preset veryfast -crf 18 -c:a aac -b:a 128k -ar 48000 -movflags +faststart"
# Hidden reference frames and an alpha channel do not go together.
_WEBM = "-c:v libvpx-vp9 -b:v 0 -crf 18 -deadline realtime -cpu-used 6 -row-mt 1 -auto-alt-ref 0"
_WEBM += " -c:a libopus -b:a 96k -ar 48000"


def write_film(reel: Reel, path: Path, progress: Progress | None) -> None:
    """Write a reel as MP4 or WebM; RuntimeError with ffmpeg's words where it fails."""
    with tempfile.TemporaryDirectory(prefix=".kmtalk-", dir=path.parent) as folder:
        sound = Path(folder, "sound.wav")
        save_audio(sound, reel.audio)
        with tempfile.TemporaryFile() as errors:
            command = _command(reel, sound, path)
            encoder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
            failed = _feed(encoder, reel, progress)
            if failed:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip() or f"it ended with {encoder.returncode}"
                raise RuntimeError(f"ffmpeg could not write the video: {said}")


def _feed(encoder: subprocess.Popen, reel: Reel, progress: Progress | None) -> bool:
    """Give the pictures to ffmpeg and return whether it failed."""
    try:
        for done, picture in enumerate(reel.pictures, start=1):
            encoder.stdin.write(np.ascontiguousarray(spread(picture) if reel.transparent else picture).data)
            if progress is not None:
                progress(done, reel.count)
        encoder.stdin.close()
        return encoder.wait() != 0
    except BrokenPipeError:  # ffmpeg gave up; its own words say why
        return True
    finally:
        encoder.kill()
        encoder.wait()
        with suppress(BrokenPipeError):
            encoder.stdin.close()


def _command(reel: Reel, sound: Path, video: Path) -> list[str]:
    import imageio_ffmpeg

    width, height = reel.pixels
    given, kept = ("rgba", "yuva420p") if reel.transparent else ("rgb24", "yuv420p")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", given, "-s", f"{width}x{height}", "-r", str(reel.fps), "-i", "pipe:0"]
    # Whole paths: ffmpeg takes the folder "take:2" for a protocol.
    command += ["-i", str(sound.absolute()), "-map", "0:v", "-map", "1:a"]
    # BT.709 in the pixels and in the header: players otherwise guess the colours from the picture's size.
    tags = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
    command += ["-vf", f"scale=out_color_matrix=bt709:out_range=tv,format={kept},{tags}"]
    return [*command, *(_WEBM if video.suffix.lower() == ".webm" else _MP4).split(), str(video.absolute())]
