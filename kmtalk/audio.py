"""Speech in: any recording as 16 kHz mono samples, or one sentence that says why not."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from kmtalk.decode import Sound, open_sound
from kmtalk.errors import InputError
from kmtalk.files import replacing

SAMPLE_RATE = 16000
"""Samples a second of all audio inside kmtalk."""
MIN_SECONDS, MAX_SECONDS = 0.1, 4 * 3600
MIN_RATE, MAX_RATE, MAX_CHANNELS = 8000, 192000, 8

_BLOCK = 1 << 16  # frames of an array handled at a time
_FULL_SCALE = np.float32(32767 / 32768)
_SILENCE = 1e-4  # -80 dB: three steps of 16-bit sound
_CANCELLED = 0.05  # power of the mean of the channels over that of the loudest one

_log = logging.getLogger(__name__)

Speech = str | Path | tuple[np.ndarray, int]
"""A sound or video file, or samples with their rate in Hz."""


def load_audio(speech: Speech) -> np.ndarray:
    """Return a recording as (S,) float32 samples, 16 kHz mono, in [-1, 1], without DC offset.

    speech: a WAV, FLAC, MP3, OGG, M4A, WebM, MP4 or MOV file, or (array, sample_rate) where the array is (n,),
    (n, channels) or (channels, n), floats in [-1, 1] or integers of 8, 16 or 32 bits.
    8 to 192 kHz, 1 to 8 channels, 0.1 s to 4 hours. Channels are averaged; where they cancel out, the loudest
    one is taken. Samples beyond full scale are clipped, with a warning above 1 %.
    Errors: InputError for anything that is no usable recording, a silent one included.
    """
    name, opened = _source(speech)
    with opened() as sound:
        audio, levels = _gather(sound, name)
    if levels.cancelled:
        with opened() as sound:
            audio, levels = _gather(sound, name, channel=levels.loudest)
    if levels.peak < _SILENCE:
        raise InputError(f"no sound was found in {name}: all of it is silent; check the microphone and record again")
    if levels.clipped > 0.01:
        _log.warning("%.0f %% of the samples of %s are at or beyond full scale", 100 * levels.clipped, name)
    audio -= audio.mean(dtype=np.float64).astype(np.float32)
    return np.clip(audio, -1, 1, out=audio)


def save_audio(path: str | Path, audio: np.ndarray) -> Path:
    """Write (S,) float32 samples in [-1, 1] as a 16 kHz 16-bit mono WAV and return its path."""
    import soundfile

    path = Path(path)
    with replacing(path) as temporary:
        soundfile.write(temporary, np.clip(audio, -1, 1), SAMPLE_RATE, subtype="PCM_16", format="WAV")
    return path


def _source(speech: Speech) -> tuple[str, Callable[[], AbstractContextManager[Sound]]]:
    """Return a recording's name for messages, and what opens it (again and again)."""
    if isinstance(speech, (str, Path)):
        return Path(speech).name, partial(open_sound, Path(speech))
    if not isinstance(speech, tuple) or len(speech) != 2:
        raise InputError("speech must be the path of a file or (array, sample_rate): give one of these")
    samples, rate = _checked_array(*speech)
    return "the array", lambda: nullcontext(Sound(rate, samples.shape[1], _array_blocks(samples), len(samples)))


def _checked_array(array: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """Return an array as (n, channels), and its rate."""
    if np.ndim(rate) or not isinstance(rate, (int, float, np.number)) or not np.isfinite(rate):
        raise InputError("the sample rate must be a number: give (array, sample_rate) in this order")
    try:
        samples = np.asarray(array)
    except ValueError as error:
        raise InputError("the samples are lists of unequal lengths: give a NumPy array") from error
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    if samples.dtype not in (np.uint8, np.int8, np.int16, np.int32, np.float16, np.float32, np.float64):
        raise InputError(f"samples of type {samples.dtype} have no known full scale: give floats, int16 or int32")
    if samples.ndim == 1:
        return samples[:, None], round(rate)
    if samples.ndim != 2 or (samples.size and min(samples.shape) > MAX_CHANNELS):
        raise InputError(f"samples of shape {samples.shape} are no sound: give (n,), (n, channels) or (channels, n)")
    return (samples.T if samples.shape[0] < samples.shape[1] else samples), round(rate)


def _array_blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
    offset = 128 if samples.dtype == np.uint8 else 0
    scale = 2.0 ** (8 * samples.dtype.itemsize - 1) if samples.dtype.kind in "iu" else 1.0
    for start in range(0, len(samples), _BLOCK):
        with np.errstate(over="ignore"):  # a number too large becomes infinite, which is refused
            block = ((samples[start : start + _BLOCK].astype(np.float64) - offset) / scale).astype(np.float32)
        yield block


@dataclass
class _Levels:
    """What has been heard so far: counts, and per signal (the channels, then their mix) extremes and powers."""

    signals: int
    count: int = 0
    over: int = 0
    lowest: np.ndarray = field(init=False)
    highest: np.ndarray = field(init=False)
    total: np.ndarray = field(init=False)
    squares: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.lowest, self.highest = np.full(self.signals, np.inf), np.full(self.signals, -np.inf)
        self.total, self.squares = np.zeros(self.signals), np.zeros(self.signals)

    def add(self, block: np.ndarray, mono: np.ndarray) -> None:
        both = np.column_stack([block, mono])
        self.count += len(both)
        self.over += np.count_nonzero(np.abs(block) >= _FULL_SCALE)
        self.lowest = np.minimum(self.lowest, both.min(0))
        self.highest = np.maximum(self.highest, both.max(0))
        self.total += both.sum(0, dtype=np.float64)
        self.squares += np.einsum("ns,ns->s", both, both, dtype=np.float64)

    @property
    def power(self) -> np.ndarray:
        return self.squares / self.count - (self.total / self.count) ** 2

    @property
    def loudest(self) -> int:
        return int(np.argmax(self.power[:-1]))

    @property
    def cancelled(self) -> bool:
        return bool(self.power[-1] < _CANCELLED * self.power[self.loudest])

    @property
    def clipped(self) -> float:
        return self.over / (self.count * (self.signals - 1))

    @property
    def peak(self) -> float:
        """Half of the mix's range: a constant offset is not sound."""
        return float(self.highest[-1] - self.lowest[-1]) / 2


def _gather(sound: Sound, name: str, channel: int | None = None) -> tuple[np.ndarray, _Levels]:
    """Read a recording block by block; return it as 16 kHz mono (one channel, or their mean), and its levels."""
    _check_kind(sound, name)
    levels, resample, samples = _Levels(sound.channels + 1), _resampler(sound.rate), bytearray()
    for block in sound.blocks:
        if not np.isfinite(block).all():
            time = (levels.count + np.flatnonzero(~np.isfinite(block).all(1))[0]) / sound.rate
            raise InputError(f"{name} holds samples that are no numbers, first at {time:.2f} s: repair or record again")
        np.clip(block, -1, 1, out=block)
        mono = block.mean(1) if channel is None else block[:, channel].copy()
        levels.add(block, mono)
        _check_length(levels.count, sound.rate, name)
        samples += resample(mono, False).tobytes()
    samples += resample(np.zeros(0, np.float32), True).tobytes()
    if not levels.count:
        raise InputError(f"{name} holds no samples: record or copy it again")
    if levels.count < MIN_SECONDS * sound.rate:
        seconds = levels.count / sound.rate
        raise InputError(f"{name} is only {seconds:.3f} s long: at least {MIN_SECONDS} s of sound are needed")
    return np.frombuffer(samples, np.float32), levels


def _check_kind(sound: Sound, name: str) -> None:
    if not MIN_RATE <= sound.rate <= MAX_RATE:
        raise InputError(f"{name} has {sound.rate} samples a second: {MIN_RATE} to {MAX_RATE} are allowed; resample it")
    if not 1 <= sound.channels <= MAX_CHANNELS:
        raise InputError(f"{name} has {sound.channels} channels: 1 to {MAX_CHANNELS} are allowed; mix it down")
    _check_length(sound.frames or 0, sound.rate, name)


def _check_length(frames: int, rate: int, name: str) -> None:
    if frames > MAX_SECONDS * rate:
        raise InputError(f"{name} is longer than {MAX_SECONDS // 3600} hours: cut it into shorter parts")


def _resampler(rate: int) -> Callable[[np.ndarray, bool], np.ndarray]:
    """Return what turns the next samples (and whether they are the last) into 16 kHz samples."""
    if rate == SAMPLE_RATE:
        return lambda samples, last: samples
    import soxr

    return soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32").resample_chunk
