"""animate(): speech -> Animation."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kmtalk.alignment import align
from kmtalk.assets import asset
from kmtalk.audio import SAMPLE_RATE, Speech, load_audio
from kmtalk.boundaries import refine
from kmtalk.edits import Edits, apply_edits
from kmtalk.errors import InputError
from kmtalk.face import Face, load_face
from kmtalk.keys import place_keys
from kmtalk.life import enliven
from kmtalk.localise import localise, spectral_change
from kmtalk.motion import Animation
from kmtalk.phonemes import Phoneme, Word, centre_frames, key_frames
from kmtalk.stages import Grid, check_fps, complete, decode_keys, encode, make_grid, upsample
from kmtalk.textgrid import read_textgrid, read_words

if TYPE_CHECKING:
    from kmtalk.models.kmtalk import KMTalk

KEYS = ("phonemes", "centres", "uniform")
"""Where key frames can be: at the phonemes' boundaries, in their middles, or every third frame."""

_UNIFORM_STEP = 3

Progress = Callable[[str, float], None]


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
    except (RuntimeError, AssertionError, ImportError) as error:
        raise InputError(f"device {device!r} cannot be used: choose cpu, cuda or auto") from error


def animate(
    speech: Speech,
    *,
    model: KMTalk | str | Path | None = None,
    face: Face | str | Path | None = None,
    fps: float = 25,
    keys: str | np.ndarray | None = None,
    transcript: str | None = None,
    language: str = "en-us",
    alignment: str | Path | None = None,
    style: str | None = None,
    edits: Edits | None = None,
    life: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Animation:
    """Make a face speak a recording.

    speech: a sound or video file, or (array, sample_rate); model: a KMTalk, its folder or Hub id, or None for the
    shipped one; face: a Face, the name of a shipped one, or a folder; None for the model's own, else "ari"; fps: 20 to
    120; keys: "phonemes" (their boundaries, the paper's), "centres" (their middles), "uniform" (every third frame), an
    int array of frames, or None for those that the model was trained with, "phonemes" for the shipped one;
    transcript: what is said, for better phonemes, in a language by espeak-ng's name; alignment: a TextGrid whose phones
    are taken as they are; style: one of the model's subjects, None for their mean; edits: operations on the keys and
    phonemes (kmtalk.edits), or frame -> {basis name: weight}; life: blinks, gaze, brows, breath and head motion by
    `seed`; progress: called with a stage's name and the share done. Raises InputError for anything that cannot be used.
    """
    say = progress or (lambda stage, share: None)
    check_fps(fps)
    fps = float(fps)
    if not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"seed {seed!r} is not possible: give a whole number, 0 or above")
    say("reading the recording", 0.0)
    audio = load_audio(speech)
    model = load_model(model) if model is None or isinstance(model, str | Path) else model
    face = _face(model, face)
    duration = len(audio) / SAMPLE_RATE
    if transcript is not None and alignment is not None:
        raise InputError("both a transcript and an alignment were given: give one of them")
    aligned = None if alignment is None else (read_textgrid(alignment, duration), read_words(alignment, duration))
    say("hearing phonemes", 0.1)
    grid = make_grid(max(1, round(duration * fps)), fps)
    features, posteriors = encode(model, audio, grid, style)
    phonemes, words = aligned or _phonemes(posteriors, audio, transcript, language)
    say("decoding key motions", 0.6)
    places = _places(model.config.keys if keys is None else keys, phonemes, grid, own=keys is None)
    key_motions = decode_keys(model, features, places)
    say("completing the motion", 0.7)
    weights = upsample(complete(model, features, places, key_motions), grid)
    motion = enliven(weights, face, fps, phonemes, audio, seed if life else None, bounded=model.config.bounded)
    animation = Animation(audio, face, motion, phonemes, grid.frame(places), key_motions, model.name, features, words)
    if edits:
        animation = apply_edits(animation, model, edits, seed if life else None)
    say("done", 1.0)
    return animation


def _face(model: KMTalk, face: Face | str | Path | None) -> Face:
    """The face to move, whose basis must be the model's."""
    if face is None:
        face = model.face or load_face()
    elif not isinstance(face, Face):
        face = load_face(face)
    if tuple(model.config.weight_names) != face.basis_names:
        raise InputError(
            f"the model moves {len(model.config.weight_names)} weights, face {face.name!r} has {len(face.basis_names)} "
            "shapes with other names: choose a face with the model's basis"
        )
    return face


def _phonemes(
    posteriors: np.ndarray, audio: np.ndarray, transcript: str | None, language: str
) -> tuple[tuple[Phoneme, ...], tuple[Word, ...]]:
    duration = len(audio) / SAMPLE_RATE
    if transcript is None:
        heard = localise(posteriors, duration=duration, change=spectral_change(audio))
        return refine(heard, audio), ()
    return align(transcript, posteriors, language, duration, audio)


def _places(keys: str | np.ndarray, phonemes: tuple[Phoneme, ...], grid: Grid, *, own: bool) -> np.ndarray:
    """The places of the key frames; own: of the kind that the model was trained with."""
    if not isinstance(keys, str):
        return np.union1d(grid.place(_checked_keys(keys, grid.frames)), [0, grid.last])
    if keys == "phonemes":
        return key_frames(phonemes, grid.rate, grid.last + 1)
    if own:
        return place_keys(keys, phonemes, grid.rate, grid.last + 1)
    if keys == "centres":
        return centre_frames(phonemes, grid.rate, grid.last + 1)
    if keys == "uniform":
        return np.union1d(np.arange(0, grid.last, _UNIFORM_STEP), grid.last)
    raise InputError(f"keys={keys!r} is unknown: use {', '.join(KEYS)} or an array of frames")


def _checked_keys(keys: np.ndarray, frames: int) -> np.ndarray:
    given = np.asarray(keys)
    if given.ndim != 1 or not len(given) or not np.issubdtype(given.dtype, np.integer):
        raise InputError("key frames must be a one-dimensional array of whole frame numbers")
    if not 0 <= given.min() <= given.max() < frames:
        raise InputError(f"key frames must lie in 0 to {frames - 1}, given {given.min()} to {given.max()}")
    return given.astype(np.int64)
