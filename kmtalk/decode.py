"""Sound files of any kind as blocks of samples, checked against what their headers promise."""

import os
import re
import stat
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from kmtalk.errors import InputError

if TYPE_CHECKING:
    import soundfile

KINDS = "WAV, FLAC, MP3, OGG, M4A, WebM, or MP4/MOV video with a sound track"
_BLOCK = 1 << 16  # frames read at a time
# Only real media containers: playlists, and lists of other files, could make ffmpeg read what nobody gave it.
_FFMPEG_FORMATS = (
    "wav,w64,aiff,au,caf,flac,ogg,mp3,aac,ac3,eac3,amr,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,asf,mpeg,mpegts"
)


@dataclass(frozen=True)
class Sound:
    """An open recording: its rate in Hz, its channels, its samples as (n, channels) float32 blocks.

    frames: how many samples a channel has, None where only reading tells.
    """

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]
    frames: int | None = None


@contextmanager
def open_sound(path: Path) -> Iterator[Sound]:
    """Open a sound or video file; full scale is 1.

    Errors: InputError where it is missing, unreadable, not a sound, or (while its blocks are read) cut short.
    """
    _check_readable(path)
    reader = None if _check_wav(path) else _soundfile(path)
    if reader is None:
        with _ffmpeg(path) as sound:
            yield sound
    else:
        with reader:
            yield Sound(reader.samplerate, reader.channels, _soundfile_blocks(reader, path), reader.frames)


def _check_readable(path: Path) -> None:
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            path.open("rb").close()
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}: check its name") from error
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}): check its name and permissions") from error
    except ValueError as error:
        raise InputError(f"{str(path)!r} cannot be a file's name ({error}): check it") from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{path} is a folder: give one of the sound files in it")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is not an ordinary file: give a file ({KINDS})")
    if not status.st_size:
        raise InputError(f"{path.name} is an empty file: record or copy it again")


def _cut_short(path: Path, promised: float | None, there: float) -> InputError:
    expected = "its end is missing" if promised is None else f"{promised:.2f} s are promised"
    return InputError(
        f"{path.name} is cut short: {expected} and {there:.2f} s of sound are there; copy or download it again"
    )


def _check_wav(path: Path) -> bool:
    """Refuse a WAV that is shorter than its header says; return True if its header leaves the length open.

    Programs that write into a pipe cannot know the length and leave 0 or a huge number.
    """
    with path.open("rb") as file:
        header = _read_wav_header(file)
        if header is None:
            return False
        there = path.stat().st_size - file.tell()
    byte_rate, block, promised = header
    unknown = promised == 0 or 0x7FFF0000 <= promised <= 0x7FFFFFFF or 0xFFFF0000 <= promised <= 0xFFFFFFFF
    if not unknown and there + block <= promised:
        raise _cut_short(path, promised / byte_rate, there / byte_rate)
    return unknown and there > 0


def _read_wav_header(file: BinaryIO) -> tuple[int, int, int] | None:
    """Read a WAV up to its samples; return bytes a second, bytes a frame and bytes of samples, None if it is no WAV."""
    start = file.read(12)
    if start[:4] not in (b"RIFF", b"RF64") or start[8:] != b"WAVE":
        return None
    chunks: dict[bytes, bytes] = {}
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            if len(chunks.get(b"fmt ", b"")) < 16:
                return None
            if len(chunks.get(b"ds64", b"")) >= 16:
                size = struct.unpack_from("<Q", chunks[b"ds64"], 8)[0]
            byte_rate, block = struct.unpack_from("<IH", chunks[b"fmt "], 8)
            return max(byte_rate, 1), max(block, 1), size
        chunks[name] = file.read(size + size % 2)
    return None


def _soundfile(path: Path) -> "soundfile.SoundFile | None":
    """Return an open SoundFile, or None where ffmpeg has to read the file.

    MP3 is left to ffmpeg, and so is FLAC of unknown length: libsndfile 1.2 cuts MP3 of variable rate that has no
    index without a word, and stops with an error near the end of such FLAC.
    """
    import soundfile

    with path.open("rb") as file:
        if file.read(4) not in (b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS"):
            return None
    try:
        # As bytes where names are bytes: soundfile refuses those that are no text.
        reader = soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path))
    except soundfile.LibsndfileError:
        return None
    if reader.frames >= 1 << 62:
        reader.close()
        return None
    return reader


def _soundfile_blocks(reader: "soundfile.SoundFile", path: Path) -> Iterator[np.ndarray]:
    import soundfile

    there = 0
    while there < reader.frames:
        try:
            block = reader.read(_BLOCK, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            block = np.zeros((0, reader.channels), np.float32)
        if not len(block):
            raise _cut_short(path, reader.frames / reader.samplerate, there / reader.samplerate)
        there += len(block)
        yield block
    if _end_is_missing(path):
        raise _cut_short(path, None, there / reader.samplerate)


def _end_is_missing(path: Path) -> bool:
    """Tell whether an AIFF file's header, or an Ogg file's last page (its header has no length), promises more."""
    size = path.stat().st_size
    with path.open("rb") as file:
        kind, promised = struct.unpack(">4sI", file.read(8))
        if kind == b"FORM":
            return size < 8 + promised < 0x7FFF0000
        if kind != b"OggS":
            return False
        file.seek(-min(size, 65307), os.SEEK_END)  # the longest page there can be
        tail = file.read()
    page = tail[tail.rfind(b"OggS\0") :]
    segments = page[26] if len(page) > 26 else 255
    return len(page) < 27 + segments + sum(page[27 : 27 + segments])


@contextmanager
def _ffmpeg(path: Path) -> Iterator[Sound]:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-protocol_whitelist", "file,pipe"]
    command += ["-format_whitelist", _FFMPEG_FORMATS, "-i", f"file:{path.absolute()}"]
    command += ["-map", "0:a:0", "-f", "wav", "-c:a", "pcm_f32le", "pipe:1"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            yield _ffmpeg_sound(process, log, path)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def _ffmpeg_sound(process: subprocess.Popen, log: BinaryIO, path: Path) -> Sound:
    header = _read_wav_header(process.stdout)
    if header is None:
        process.wait()
        raise _why_ffmpeg_failed(_text(log), path)
    byte_rate, frame, _ = header
    rate, channels = byte_rate // frame, frame // 4
    return Sound(rate, channels, _ffmpeg_blocks(process, log, path, rate, channels))


def _ffmpeg_blocks(
    process: subprocess.Popen, log: BinaryIO, path: Path, rate: int, channels: int
) -> Iterator[np.ndarray]:
    there = 0
    while data := process.stdout.read(_BLOCK * channels * 4):
        block = np.frombuffer(data[: len(data) // (channels * 4) * channels * 4], "<f4").reshape(-1, channels)
        there += len(block)
        yield block.copy()
    code, said = process.wait(), _text(log)
    promised = _promised_seconds(said)
    shorter = promised is not None and there / rate < 0.98 * promised - 0.2 and not _has_picture(said)
    if shorter or re.search(r"partial file|ended prematurely", said):
        raise _cut_short(path, promised, there / rate)
    if code:
        raise _why_ffmpeg_failed(said, path)


def _text(log: BinaryIO) -> str:
    log.seek(0, os.SEEK_SET)
    return log.read().decode("utf-8", "replace")


def _promised_seconds(said: str) -> float | None:
    """Return the duration that the header states, None where there is none or ffmpeg only estimates it."""
    found = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said)
    if not found or "Estimating duration" in said:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _has_picture(said: str) -> bool:
    # A video may rightly outlast its sound; a cover picture has no length of its own.
    return any("Video:" in line and "attached pic" not in line for line in said.splitlines())


def _why_ffmpeg_failed(said: str, path: Path) -> InputError:
    if "matches no streams" in said:
        return InputError(f"{path.name} has no sound track: give a recording of speech ({KINDS})")
    with path.open("rb") as file:
        is_movie = file.read(8)[4:] == b"ftyp"
    if is_movie and "moov atom not found" in said:
        return InputError(f"{path.name} is cut short: the index at its end is missing; copy or download it again")
    return InputError(f"{path.name} is not a sound file that can be read: give {KINDS}")
