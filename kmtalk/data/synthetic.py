"""The spoken corpus: sentences of our own in synthetic voices, with the exact time of every phoneme."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import ceil, inf
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np

from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.clip import Clip, Corpus, is_corpus, join_parts, load_corpus, save_part
from kmtalk.data.engines import Line, Speech, check_installed, speak
from kmtalk.data.sentences import sentence
from kmtalk.data.voices import VARIANTS, Voice, voices
from kmtalk.errors import InputError
from kmtalk.files import make_folder, replacing

DEFAULT_FOLDER = Path("~/.cache/kmtalk/corpus")
_LONGEST_PART = 600.0  # seconds of speech: little enough to hold in memory and to make again after a stop
_LINES_AT_ONCE = 40
_SLOWEST_TALK = 6.0  # seconds for a line, more than any voice takes on average
_HELD_OUT = 0.03
_STRETCH = (0.78, 1.28)
_PITCH_OCTAVES = 0.35


@dataclass(frozen=True)
class _Part:
    """A piece of work: some seconds of one voice, made alone and with random numbers of its own."""

    voice: Voice
    index: int
    seconds: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.voice.name}-{self.index:03d}"

    def file(self, folder: Path) -> Path:
        return folder / f"{self.name}.npz"


def build_corpus(
    out: str | Path = DEFAULT_FOLDER,
    hours: float = 6.0,
    seed: int = 0,
    permissive_only: bool = True,
    chosen: Sequence[Voice] | None = None,
    workers: int = 2,
    progress: Callable[[float, str], None] | None = None,
) -> Corpus:
    """Make the spoken corpus in the folder ``out`` and return it; a stopped build is taken up where it was.

    The same hours, seed, voices and versions of the synthesizers give the same bytes, however many workers.
    chosen: voices instead of ``voices(permissive_only)``; progress: called with the fraction that is done and the
    name of the part just finished. Raises InputError when a synthesizer is missing or ``out`` holds another corpus.
    """
    if not 0 < hours < inf:
        raise InputError(f"A corpus of {hours} hours cannot be made; give a positive number of hours.")
    chosen = tuple(voices(permissive_only) if chosen is None else chosen)
    check_installed(chosen)
    folder = Path(out).expanduser()
    recipe = {"hours": hours, "seed": seed, "voices": [asdict(voice) for voice in chosen]}
    _claim(folder, recipe)
    if not is_corpus(folder):
        parts = _plan(chosen, hours, seed)
        _make_parts(folder / "parts", parts, workers, progress or (lambda done, name: None))
        join_parts(folder, [part.file(folder / "parts") for part in parts], recipe)
        shutil.rmtree(folder / "parts")
    return load_corpus(folder)


def _claim(folder: Path, recipe: dict) -> None:
    """Write the recipe into the folder, or see that the folder's recipe is the same."""
    path = folder / "recipe.json"
    written = json.dumps(recipe, indent=1)
    if path.exists():
        if path.read_text() != written:
            raise InputError(f"{folder} holds a corpus of another recipe; remove it or choose another folder.")
        return
    make_folder(folder / "parts")
    with replacing(path) as temporary:
        temporary.write_text(written)


def _plan(chosen: Sequence[Voice], hours: float, seed: int) -> list[_Part]:
    total = sum(voice.share for voice in chosen)
    parts = []
    for voice in chosen:
        seconds = hours * 3600 * voice.share / total
        count = ceil(seconds / _LONGEST_PART)
        parts += [_Part(voice, index, seconds / count, seed) for index in range(count)]
    return parts


def _make_parts(folder: Path, parts: list[_Part], workers: int, progress: Callable[[float, str], None]) -> None:
    waiting = [part for part in parts if not part.file(folder).exists()]
    # A new process for every part: what espeak-ng makes depends on what its process said before.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1)
    try:
        jobs = [pool.submit(_make_part, folder, part) for part in waiting]
        for done, job in enumerate(as_completed(jobs), start=len(parts) - len(waiting) + 1):
            progress(done / len(parts), job.result())
    finally:
        pool.shutdown(cancel_futures=True)


def _make_part(folder: Path, part: _Part) -> str:
    clips = [
        Clip(
            name=f"{part.name}-{index:04d}",
            voice="+".join(filter(None, (part.voice.name, speech.line.variant))),
            language=part.voice.language,
            text=speech.line.text,
            split=_split(part.voice, speech.line.text),
            audio=speech.audio.astype(np.float32) / 32768,
            phonemes=speech.phonemes,
        )
        for index, speech in enumerate(_speak_for(part))
    ]
    save_part(part.file(folder), clips)
    return part.name


def _speak_for(part: _Part) -> Iterator[Speech]:
    """Say new sentences until the part is long enough."""
    random = Random(f"{part.seed} {part.name}")
    spoken, tried = 0.0, 0
    while spoken < part.seconds:
        if tried > _LINES_AT_ONCE + part.seconds:
            packages = " ".join(part.voice.packages)
            raise InputError(f"The voice {part.voice.name} hardly speaks; install all of: apt-get install {packages}")
        count = min(_LINES_AT_ONCE, ceil((part.seconds - spoken) / _SLOWEST_TALK) + 1)
        tried += count
        for speech in speak(part.voice, [_line(random, part.voice) for _ in range(count)]):
            yield speech
            spoken += len(speech.audio) / SAMPLE_RATE
            if spoken >= part.seconds:
                return


def _line(random: Random, voice: Voice) -> Line:
    return Line(
        text=sentence(random, voice.language),
        stretch=random.uniform(*_STRETCH),
        pitch=2 ** random.uniform(-_PITCH_OCTAVES, _PITCH_OCTAVES),
        variant=random.choice(VARIANTS) if voice.engine == "espeak-ng" else "",
    )


def _split(voice: Voice, text: str) -> str:
    """Hold out whole voices, and a few sentences whoever says them."""
    held_out = voice.held_out or sha256(text.encode()).digest()[0] < _HELD_OUT * 256
    return "validation" if held_out else "train"
