"""animate(): speech -> Animation, in chunks, so that any length of recording fits in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kmtalk.alignment import align
from kmtalk.assets import asset
from kmtalk.audio import SAMPLE_RATE, Speech, load_audio
from kmtalk.errors import InputError
from kmtalk.face import Face, load_face
from kmtalk.life import life as make_life
from kmtalk.localise import localise
from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import Phoneme, key_frames
from kmtalk.textgrid import read_textgrid

if TYPE_CHECKING:
    from kmtalk.models.kmtalk import KMTalk

MIN_FPS, MAX_FPS = 20.0, 120.0
_MODEL_RATE = 27.5  # between the 25 and 30 frames a second that the model was trained at
_UNIFORM_STEP = 3

Progress = Callable[[str, float], None]
Edits = Mapping[int, Mapping[str, float]]


def load_model(name: str | Path | None = None, device: str = "cpu", revision: str | None = None) -> KMTalk:
    """Load a checkpoint: a folder, a Hub id, or None for the shipped one; device: cpu, cuda, or auto."""
    import torch

    from kmtalk.models.kmtalk import KMTalk

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"no GPU is there for device {device!r}: use cpu or auto")
    model = KMTalk.from_pretrained(asset("kmtalk-base") if name is None else name, revision=revision)
    try:
        return model.to(device)
    except RuntimeError as error:
        raise InputError(f"device {device!r} cannot be used: choose cpu, cuda or auto") from error


def animate(
    speech: Speech,
    *,
    model: KMTalk | str | Path | None = None,
    face: Face | str | Path = "ari",
    fps: float = 25,
    keys: str | np.ndarray = "phonemes",
    transcript: str | None = None,
    alignment: str | Path | None = None,
    edits: Edits | None = None,
    life: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Animation:
    """Make a face speak a recording.

    speech: a sound or video file, or (array, sample_rate); model: a KMTalk, its folder or Hub id, or None for the
    shipped one; face: a Face, the name of a shipped one, or a folder; fps: 20 to 120; keys: "phonemes" (the paper's),
    "uniform" (every third frame) or an int array of frames; transcript: what is said, in English, for better phonemes;
    alignment: a TextGrid whose phones are taken as they are; edits: frame -> {basis name: weight in [0, 1]}, set in the
    key motion there before completion, or in a new one where there is no key; life: blinks, gaze, brows and head motion
    by `seed`; progress: called with a stage's name and the share done.
    Raises InputError for anything that cannot be used.
    """
    say = progress or (lambda stage, share: None)
    rate, factor = _model_rate(fps)
    if not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"seed {seed!r} is not possible: give a whole number, 0 or above")
    say("reading the recording", 0.0)
    audio = load_audio(speech)
    model = load_model(model) if model is None or isinstance(model, str | Path) else model
    face = face if isinstance(face, Face) else load_face(face)
    _check_basis(model, face)
    duration = len(audio) / SAMPLE_RATE
    if transcript is not None and alignment is not None:
        raise InputError("both a transcript and an alignment were given: give one of them")
    aligned = None if alignment is None else read_textgrid(alignment, duration)
    say("hearing phonemes", 0.1)
    frames = max(1, round(duration * fps))
    features, posteriors = _encode(model, audio, rate, math.ceil((frames - 1) / factor) + 1)
    phonemes = aligned or _phonemes(posteriors, duration, transcript)
    say("decoding key motions", 0.6)
    at = _key_frames(keys, phonemes, rate, factor, frames)
    key_motions = _decode_keys(model, features, at)
    at, key_motions = _edit(at, key_motions, edits or {}, factor, face.basis_names, frames)
    say("completing the motion", 0.7)
    weights = _upsample(_complete(model, features, at, key_motions), factor, frames)
    motion = _with_life(weights, face, fps, phonemes, audio, seed if life else None)
    say("done", 1.0)
    key_at = np.minimum(at * factor, frames - 1)
    return Animation(audio, face, motion, phonemes, key_at, key_motions, model.name, features)


def complete_again(
    animation: Animation, model: KMTalk, frames: np.ndarray, key_motions: np.ndarray, seed: int | None = 0
) -> Animation:
    """Return the animation completed again from edited keys: only the completion stage runs.

    frames: (N,) increasing key frames, from the first frame to the last; key_motions: (N, K) weights in [0, 1];
    seed: of the life, None for none. Raises InputError for keys that do not fit the animation or the model.
    """
    _, factor = _model_rate(animation.fps)
    count = math.ceil((animation.frames - 1) / factor) + 1
    if animation.features.shape != (count, model.config.width):
        raise InputError("the animation does not hold this model's audio features: animate the recording with it again")
    at = _model_frames(_checked_keys(frames, animation.frames), factor, animation.frames)
    motions = np.asarray(key_motions, np.float32)
    if motions.shape != (len(at), len(animation.face.basis_names)) or not np.isfinite(motions).all():
        raise InputError(
            f"key motions of shape {motions.shape} were given for {len(at)} key frames: give finite weights of shape "
            f"({len(at)}, {len(animation.face.basis_names)})"
        )
    if at[0] != 0 or at[-1] != count - 1 or (np.diff(at) < 1).any():
        raise InputError(f"key frames must increase from 0 to {animation.frames - 1}, at least {factor} frames apart")
    weights = _upsample(_complete(model, animation.features, at, motions), factor, animation.frames)
    motion = _with_life(weights, animation.face, animation.fps, animation.phonemes, animation.audio, seed)
    key_at = np.minimum(at * factor, animation.frames - 1)
    return replace(animation, motion=motion, key_frames=key_at, key_motions=motions)


def _model_rate(fps: float) -> tuple[float, int]:
    """The rate the model runs at, near the 25 and 30 it was trained at, and the whole factor to the wanted one."""
    if not isinstance(fps, Real) or not MIN_FPS <= fps <= MAX_FPS:
        raise InputError(f"{fps} frames a second is not possible: choose {MIN_FPS:g} to {MAX_FPS:g}")
    factor = max(1, round(fps / _MODEL_RATE))
    return fps / factor, factor


def _check_basis(model: KMTalk, face: Face) -> None:
    if tuple(model.config.weight_names) != face.basis_names:
        raise InputError(
            f"the model moves {len(model.config.weight_names)} weights, face {face.name!r} has {len(face.basis_names)} "
            "shapes with other names: choose a face with the model's basis"
        )


def _encode(model: KMTalk, audio: np.ndarray, rate: float, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Audio -> features (frames, D) at the motion rate and log-posteriors (T, 40), a minute at a time."""
    import torch

    from kmtalk.models.encoder import FEATURE_RATE

    with torch.inference_mode():
        prepared = model.encoder.prepare(torch.from_numpy(audio)[None].to(model.device))
        hop = model.encoder.hop
        step, reach = 60 * FEATURE_RATE, math.ceil(model.encoder.reach * FEATURE_RATE)
        features, posteriors = [], []
        count = -(-prepared.shape[1] // hop)
        for start in range(0, count, step):
            first, last = max(0, start - reach), min(count, start + step + reach)
            heard = model.encoder(prepared[:, first * hop : last * hop])
            inside = slice(start - first, min(count, start + step) - first)
            features.append(heard.features[:, inside].cpu())
            posteriors.append(heard.log_posteriors[:, 2 * inside.start : 2 * inside.stop].cpu())
        at_frames = model.at_frames(torch.cat(features, 1), rate, frames)[0].numpy()
    return at_frames, torch.cat(posteriors, 1)[0].numpy()


def _phonemes(posteriors: np.ndarray, duration: float, transcript: str | None) -> tuple[Phoneme, ...]:
    if transcript is None:
        return localise(posteriors, duration=duration)
    return align(transcript, posteriors, duration=duration)


def _key_frames(
    keys: str | np.ndarray, phonemes: tuple[Phoneme, ...], rate: float, factor: int, frames: int
) -> np.ndarray:
    """The key frames at the model's rate, for a motion of some frames at `factor` times that rate."""
    last = int(_model_frames(np.array([frames - 1]), factor, frames)[0])
    if not isinstance(keys, str):
        return np.union1d(_model_frames(_checked_keys(keys, frames), factor, frames), [0, last])
    if keys == "phonemes":
        return key_frames(phonemes, rate, last + 1)
    if keys == "uniform":
        return np.union1d(np.arange(0, last, _UNIFORM_STEP), last)
    raise InputError(f'keys={keys!r} is unknown: use "phonemes", "uniform" or an array of frames')


def _checked_keys(keys: np.ndarray, frames: int) -> np.ndarray:
    given = np.asarray(keys)
    if given.ndim != 1 or not len(given) or not np.issubdtype(given.dtype, np.integer):
        raise InputError("key frames must be a one-dimensional array of whole frame numbers")
    if not 0 <= given.min() <= given.max() < frames:
        raise InputError(f"key frames must lie in 0 to {frames - 1}, given {given.min()} to {given.max()}")
    return given.astype(np.int64)


def _model_frames(at: np.ndarray, factor: int, frames: int) -> np.ndarray:
    """Frames of a motion -> the nearest of the model's; the last is the model's last, which may lie past it."""
    last = math.ceil((frames - 1) / factor)
    return np.where(at == frames - 1, last, np.rint(at / factor).astype(np.int64))


def _decode_keys(model: KMTalk, features: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Key motions (N, K) in [0, 1], some keys at a time with the features they can see."""
    import torch

    reach, motions = model.config.key_reach, []
    with torch.inference_mode():
        for part in np.array_split(at, len(at) // 1000 + 1):
            first = max(0, part[0] - reach)
            memory = torch.from_numpy(features[first : part[-1] + reach + 1])[None].to(model.device)
            keys = torch.from_numpy(part - first)[None].to(model.device)
            motions.append(model.decode_keys(memory, keys)[0].cpu())
        return torch.cat(motions).clamp(0, 1).numpy()


def _edit(
    at: np.ndarray, motions: np.ndarray, edits: Edits, factor: int, names: tuple[str, ...], frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """Set the edited weights; an edit between two keys makes a new key there, from their mean."""
    for frame, values in edits.items():
        _check_edit(frame, values, names, frames)
        place = int(_model_frames(np.array([frame]), factor, frames)[0])
        row = int(np.searchsorted(at, place))
        if at[row] != place:
            new = np.array([np.interp(place, at, column) for column in motions.T], np.float32)
            at, motions = np.insert(at, row, place), np.insert(motions, row, new, axis=0)
        for name, value in values.items():
            motions[row, names.index(name)] = value
    return at, motions


def _check_edit(frame: int, values: Mapping[str, float], names: tuple[str, ...], frames: int) -> None:
    if not isinstance(frame, int | np.integer) or not 0 <= frame < frames:
        raise InputError(f"an edit at frame {frame!r} is not at one of the motion's frames, 0 to {frames - 1}")
    if not isinstance(values, Mapping):
        raise InputError(f"the edit at frame {frame} is {values!r}: give {{basis name: weight}}")
    if unknown := [name for name in values if name not in names]:
        raise InputError(f"an edit names {unknown[0]!r}, which the face does not have")
    if wrong := [name for name, value in values.items() if not isinstance(value, Real) or not 0 <= value <= 1]:
        raise InputError(f"an edit sets {wrong[0]} to {values[wrong[0]]!r}: weights lie in 0 to 1")


def _complete(model: KMTalk, features: np.ndarray, at: np.ndarray, key_motions: np.ndarray) -> np.ndarray:
    """Key motions -> motion (T, K), in chunks that overlap by the completion's reach, so that no seam can show."""
    import torch

    from kmtalk.models.layers import between_keys

    step, reach = 2000, model.completion.reach
    weights = []
    with torch.inference_mode():
        keys = torch.from_numpy(np.asarray(at))[None]
        flow, distances = between_keys(keys, torch.from_numpy(np.asarray(key_motions))[None], len(features))
        for start in range(0, len(features), step):
            first, last = max(0, start - reach), min(len(features), start + step + reach)
            parts = (torch.from_numpy(features[first:last])[None], flow[:, first:last], distances[:, first:last])
            motion = model.completion(*(part.to(model.device) for part in parts))[0]
            weights.append(motion[start - first : start - first + step].cpu())
        return torch.cat(weights).clamp(0, 1).numpy()


def _upsample(weights: np.ndarray, factor: int, frames: int) -> np.ndarray:
    """Draw a monotone curve through the model's frames, so that closures stay closed between them."""
    if factor == 1:
        return weights[:frames]
    from scipy.interpolate import PchipInterpolator

    if len(weights) < 2:
        return np.repeat(weights, frames, axis=0)
    curve = PchipInterpolator(np.arange(len(weights)) * factor, weights, axis=0)
    return curve(np.arange(frames)).astype(np.float32)


def _with_life(
    weights: np.ndarray, face: Face, fps: float, phonemes: tuple[Phoneme, ...], audio: np.ndarray, seed: int | None
) -> Motion:
    if seed is None:
        return Motion(weights, face.basis_names, fps, np.zeros((len(weights), 6), np.float32))
    alive, head_pose = make_life(phonemes, audio, face.basis_names, len(weights), fps, seed)
    return Motion(np.minimum(weights + alive, 1), face.basis_names, fps, head_pose)
