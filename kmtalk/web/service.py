"""What the page and the HTTP endpoints do, without a word about how they look."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kmtalk.audio import SAMPLE_RATE
from kmtalk.edits import apply_edits
from kmtalk.export import export
from kmtalk.face import IDENTITIES, Face, load_face
from kmtalk.models.kmtalk import KMTalk
from kmtalk.motion import Animation
from kmtalk.render import Shot, render, render_comparison
from kmtalk.web import wishes
from kmtalk.web.background import Report
from kmtalk.web.remarks import remarks
from kmtalk.web.turn import Turnstile
from kmtalk.web.wishes import Wish, check, checked_audio


@dataclass(frozen=True)
class Take:
    """One run: what was asked for, the animation as the model made it and as edited, and the name its files get.

    identity: differs from run to run; revision: from edit to edit too; seconds: what each stage took; remarks: what was
    warned of.
    """

    wish: Wish
    original: Animation
    animation: Animation
    name: str
    identity: str = field(default_factory=lambda: uuid.uuid4().hex)
    revision: str = field(default_factory=lambda: uuid.uuid4().hex)
    seconds: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass
class Stopwatch:
    """A report that is passed on, and keeps how long each stage took."""

    report: Report
    seconds: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _since: float = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        """Note that this stage is running and pass it on."""
        if stage != self._stage:
            self.stop()
            self._stage = stage
        self.report(stage, fraction)

    def stop(self) -> None:
        """Close the running stage."""
        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = "", now


@dataclass(frozen=True)
class Service:
    """Runs a model for the page and the endpoints.

    model_name: how the page calls the model; animate: kmtalk.animate with this model, or a stand-in that runs it on a
    borrowed GPU.
    """

    model: KMTalk
    model_name: str
    animate: Callable[..., Animation]
    renderer: Turnstile = field(default_factory=Turnstile)

    @cached_property
    def faces(self) -> dict[str, Face]:
        """Who can speak: the shipped heads, or the one that the model brings."""
        own = self.model.face
        return {own.name: own} if own is not None else {name: load_face(name) for name in IDENTITIES}

    def record(self, path: str | None, wish: Wish, report: Report) -> Take:
        """Read a recording and animate it."""
        identity = wish.identity or next(iter(self.faces))
        check("identity", identity, self.faces)
        watch = Stopwatch(report)
        watch("reading the recording", 0.0)
        with remarks() as said:
            speech = (checked_audio(path), SAMPLE_RATE)
            animation = self.animate(speech, face=self.faces[identity], progress=watch, **wish.options)
        watch.stop()
        name = Path(path).stem or "speech"
        return Take(wish, animation, animation, name, seconds=watch.seconds, remarks=tuple(said))

    def complete(self, take: Take, edits: Sequence[dict[str, Any]]) -> Take:
        """Edit a take's key motions and complete its motion again; no edits give the original back."""
        started = time.perf_counter()
        seed = take.wish.seed if take.wish.life else None
        animation = apply_edits(take.original, self.model, edits, seed) if edits else take.original
        seconds = {"completing again": time.perf_counter() - started}
        return replace(take, animation=animation, revision=uuid.uuid4().hex, seconds=seconds)

    def recast(self, take: Take, identity: str) -> Take:
        """Give a take's motion to another face."""
        check("identity", identity, self.faces)
        face = self.faces[identity]
        original, animation = replace(take.original, face=face), replace(take.animation, face=face)
        return replace(take, original=original, animation=animation, revision=uuid.uuid4().hex, seconds={})

    def write(self, take: Take, folder: Path, formats: Sequence[str], report: Report) -> list[Path]:
        """Write a take's data files into a folder."""
        started, paths = time.perf_counter(), []
        for index, suffix in enumerate(formats):
            report(f"writing {suffix}", index / len(formats))
            paths.append(export(take.animation, folder / f"{take.name}.{suffix}"))
        take.seconds["writing files"] = time.perf_counter() - started
        return paths

    def film(
        self, take: Take, folder: Path, shot: Shot, report: Report, suffix: str = "mp4", compare: str = "nothing"
    ) -> Path:
        """Write a take's video, or its pictures, into a folder, once it is this one's turn."""
        check("comparison", compare, wishes.COMPARISONS)
        path = folder / f"{take.name}.{suffix}"
        with self.renderer.turn(lambda before: report(_waiting(before), 0.0)):
            started = first = time.perf_counter()
            report("rendering", 0.0)

            def progress(done: int, total: int) -> None:
                nonlocal first
                if done == 1:
                    first = time.perf_counter()  # what comes before it takes its own time
                left = (time.perf_counter() - first) * (total - done) / max(done - 1, 1)
                report(f"rendering frame {done} of {total}{_left(left)}", done / total)

            if compare == "nothing":
                render(take.animation, path, shot, progress=progress)
            else:
                pair, titles = self._pair(take, compare)
                render_comparison(pair, path, titles, shot, progress=progress)
            take.seconds["rendering and encoding"] = time.perf_counter() - started
        return path

    def _pair(self, take: Take, compare: str) -> tuple[list[Animation], list[str]]:
        """A take's animation and the one it is compared with, and their titles."""
        if compare == "no edits":
            return [take.animation, take.original], ["edited", "as the model made it"]
        changed = {"keys": "uniform"} if compare == "uniform key frames" else {"life": False}
        speech = (take.original.audio, SAMPLE_RATE)
        other = self.animate(speech, face=take.original.face, **(take.wish.options | changed))
        mine = f"{take.wish.keys.removesuffix('s')} key frames" if "keys" in changed else "with life"
        return [take.animation, other], [mine, compare]

    def formats(self, take: Take) -> list[str]:
        """Return which data files a take gets at once."""
        missing = self.missing(take)
        return [suffix for suffix in (*wishes.DATA_FORMATS, "srt") if suffix not in missing]

    def missing(self, take: Take) -> dict[str, str]:
        """Return which files a take cannot have, and why."""
        why = {}
        if not take.animation.words:
            why["srt"] = "Give a transcript to have captions."
        if self.model.face is not None:
            why["csv"] = "This model does not move ARKit shapes."
        return why

    def info(self) -> dict[str, Any]:
        """Return what this service runs and allows."""
        return {
            "model": self.model_name,
            "device": str(self.model.device),
            "identities": list(self.faces),
            "styles": list(self.model.config.subjects),
        } | wishes.offers()

    def facts(self, take: Take) -> dict[str, str]:
        """Return the table that tells how a take was made, as name -> value."""
        animation = take.animation
        spoken = sum(phoneme.label != "sil" for phoneme in animation.phonemes)
        table = {
            "Recording": f"{animation.duration:.2f} s, 16 kHz mono",
            "Phonemes": f"{spoken}, without silences",
            "Key frames": f"{len(animation.key_frames)} of {animation.frames} frames at {animation.fps:g} a second",
            "Edits": f"{len(animation.edits)}",
            "Model": self.model_name,
        }
        noticed = {stage: seconds for stage, seconds in take.seconds.items() if seconds >= 0.005}
        return table | {stage.capitalize(): f"{seconds:.2f} s" for stage, seconds in noticed.items()}


def _waiting(before: int) -> str:
    return f"waiting for the renderer, {before} {'is' if before == 1 else 'are'} before you"


def _left(seconds: float) -> str:
    if seconds < 0.5:
        return ""
    return f", about {round(seconds)} s left" if seconds < 90 else f", about {round(seconds / 60)} min left"
