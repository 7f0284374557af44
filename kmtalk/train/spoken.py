"""The phonemes of a prepared data set's clips: from its TextGrids, else heard by the shipped model."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kmtalk.animate import load_model
from kmtalk.data.prepared import Prepared
from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.localise import localise
from kmtalk.phonemes import Phoneme

Ears = Callable[[np.ndarray], tuple[Phoneme, ...]]
HEARD = "phonemes.json"
logger = logging.getLogger(__name__)


def spoken_phonemes(prepared: Prepared, out: Path, ears: Ears | None = None) -> dict[str, tuple[Phoneme, ...]]:
    """Return clip name -> phonemes of the training clips.

    ears: audio (S,) at 16 kHz -> phonemes, for clips without a TextGrid; None for the shipped model. What was heard is
    kept in out/phonemes.json, so that a run that is taken up again has the same labels.
    """
    heard = _read(out / HEARD)
    spoken, missing = {}, []
    for clip in prepared.clips("train"):
        if not clip.seconds:
            continue
        aligned = prepared.phonemes(clip.name)
        if aligned is not None:
            spoken[clip.name] = aligned
        elif clip.name in heard:
            spoken[clip.name] = heard[clip.name]
        else:
            missing.append(clip.name)
    if missing:
        logger.info(
            "%d of %d training clips have no TextGrid in %s: their phonemes are pseudo labels, heard by %s",
            *(len(missing), len(spoken) + len(missing), prepared.folder / "phonemes"),
            "the shipped model" if ears is None else "the given ears",
        )
        ears = ears or shipped_ears()
        heard |= {name: ears(prepared.audio(name)) for name in missing}
        _write(out / HEARD, heard)
        spoken |= {name: heard[name] for name in missing}
    return spoken


def shipped_ears() -> Ears:
    """Return the shipped model's phoneme localisation as a function of audio."""
    import torch

    model = load_model()

    def hear(audio: np.ndarray) -> tuple[Phoneme, ...]:
        with torch.inference_mode():
            posteriors = model.encode(torch.from_numpy(audio)[None]).log_posteriors[0].numpy()
        return localise(posteriors)

    return hear


def _read(path: Path) -> dict[str, tuple[Phoneme, ...]]:
    if not path.is_file():
        return {}
    try:
        clips = json.loads(path.read_text(encoding="utf-8"))
        return {name: tuple(Phoneme(*entry) for entry in entries) for name, entries in clips.items()}
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged: remove it, it is made again") from error


def _write(path: Path, clips: dict[str, tuple[Phoneme, ...]]) -> None:
    listed = {name: [[p.label, p.start, p.end] for p in phonemes] for name, phonemes in clips.items()}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(listed), encoding="utf-8")
