"""Clip: one recording with what is said in it and when; Corpus: many of them in a folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmtalk.audio import SAMPLE_RATE
from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.phonemes import LABELS, Phoneme

_INDEX = "index.json"


@dataclass(frozen=True)
class Clip:
    """One utterance.

    name: unique in its corpus; voice: who speaks; language: such as "en"; text: what is said; split: "train" or
    "validation"; audio: (S,) float32, 16 kHz mono in [-1, 1]; phonemes: in order, without gaps, from 0 s to the end.
    """

    name: str
    voice: str
    language: str
    text: str
    split: str
    audio: np.ndarray
    phonemes: tuple[Phoneme, ...]


class Corpus(Sequence[Clip]):
    """The clips of a corpus folder, by index; the audio stays on disk until a clip is asked for.

    The folder holds audio.npy (int16, all clips one after the other), labels.npy (uint8 indices into LABELS),
    times.npy (float32, start and end in seconds of each phoneme) and index.json with the clips' places in them.
    """

    def __init__(self, folder: Path, index: dict) -> None:
        self.folder = folder
        self.recipe: dict = index["recipe"]
        self._clips: list[dict] = index["clips"]
        self._audio = np.load(folder / "audio.npy", mmap_mode="r")
        self._labels = np.load(folder / "labels.npy")
        self._times = np.load(folder / "times.npy")

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> Clip:
        entry = self._clips[index]
        sound, spoken = slice(*entry["audio"]), slice(*entry["phonemes"])
        pairs = zip(self._labels[spoken], self._times[spoken].tolist(), strict=True)
        return Clip(
            name=entry["name"],
            voice=entry["voice"],
            language=entry["language"],
            text=entry["text"],
            split=entry["split"],
            audio=self._audio[sound].astype(np.float32) / 32768,
            phonemes=tuple(Phoneme(LABELS[label], *times) for label, times in pairs),
        )

    def indices(self, split: str) -> list[int]:
        """Return the indices of the clips of a split, "train" or "validation"."""
        return [index for index, clip in enumerate(self._clips) if clip["split"] == split]

    @property
    def duration(self) -> float:
        """Length of all clips together, in seconds."""
        return len(self._audio) / SAMPLE_RATE


def load_corpus(path: str | Path) -> Corpus:
    """Open a corpus folder; raises InputError when there is no finished corpus."""
    folder = Path(path).expanduser()
    if not is_corpus(folder):
        raise InputError(f"There is no finished spoken corpus in {folder}; make it with: python -m kmtalk corpus")
    return Corpus(folder, json.loads((folder / _INDEX).read_text("utf-8")))


def is_corpus(folder: Path) -> bool:
    """Whether the folder holds a finished corpus."""
    return (folder / _INDEX).is_file()


def join_parts(folder: Path, parts: list[Path], recipe: dict) -> None:
    """Write the corpus of the parts that ``save_part`` wrote; the index comes last and marks it as finished."""
    opened = [np.load(part) for part in parts]
    clips, samples, phonemes = [], 0, 0
    for part in opened:
        for clip in json.loads(str(part["clips"])):
            clip["audio"] = (samples, samples := samples + clip["audio"])
            clip["phonemes"] = (phonemes, phonemes := phonemes + clip["phonemes"])
            clips.append(clip)
    with replacing(folder / "audio.npy") as path:
        audio = np.lib.format.open_memmap(path, "w+", np.int16, (samples,))
        position = 0
        for part in opened:
            sound = part["audio"]
            audio[position : position + len(sound)] = sound
            position += len(sound)
        audio.flush()
    for name in ("labels", "times"):
        with replacing(folder / f"{name}.npy") as path:
            np.save(path, np.concatenate([part[name] for part in opened]))
    with replacing(folder / _INDEX) as path:
        path.write_text(json.dumps({"recipe": recipe, "clips": clips}, ensure_ascii=False), "utf-8")


def save_part(path: Path, clips: list[Clip]) -> None:
    """Write some clips, in the form that ``join_parts`` reads."""
    spoken = [phoneme for clip in clips for phoneme in clip.phonemes]
    entries = [
        {
            "name": clip.name,
            "voice": clip.voice,
            "language": clip.language,
            "text": clip.text,
            "split": clip.split,
            "audio": len(clip.audio),
            "phonemes": len(clip.phonemes),
        }
        for clip in clips
    ]
    with replacing(path) as temporary:
        np.savez(
            temporary,
            audio=np.rint(np.concatenate([clip.audio for clip in clips]) * 32768).astype(np.int16),
            labels=np.array([LABELS.index(phoneme.label) for phoneme in spoken], np.uint8),
            times=np.array([(phoneme.start, phoneme.end) for phoneme in spoken], np.float32),
            clips=json.dumps(entries),
        )
