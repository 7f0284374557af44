"""The study: every animator with every seed, one result file each, so that a stopped study goes on where it was."""

import json
import logging
import platform
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import nn

from kmtalk.data.articulation import Articulation
from kmtalk.data.clip import Corpus
from kmtalk.errors import InputError
from kmtalk.experiments.animators import CodeTalkerLike, FaceFormerLike, Ours, SelfTalkLike
from kmtalk.experiments.codes import MotionCodes
from kmtalk.experiments.material import Material, describe, gather
from kmtalk.experiments.placements import CENTRES, HEARD, ROBUSTNESS
from kmtalk.experiments.scoring import Judge
from kmtalk.experiments.training import Schooling, train_animator, train_codes
from kmtalk.face import Face
from kmtalk.files import make_folder, replacing
from kmtalk.models.kmtalk import KMTalkConfig

PARTS: Mapping[str, dict] = {
    "full": {},
    "uniform keys": {"keys": "uniform"},
    "random keys": {"keys": "random"},
    "centre keys": {"keys": CENTRES},
    "no key decoder": {"key_decoder": False},
    "no audio guidance": {"audio_guidance": False},
}
"""KMTalk, its ablations and one more place of the keys: name -> what of KMTalkConfig differs, and where keys are."""

ANIMATORS = {"FaceFormer-like": FaceFormerLike, "SelfTalk-like": SelfTalkLike, "CodeTalker-like": CodeTalkerLike}
SCHEME = " + key motions"
JOBS = (*PARTS, *(name + added for name in ANIMATORS for added in ("", SCHEME)))
"""What is trained with every seed, in this order."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudyConfig:
    """Sizes of a study.

    hours: of speech to learn from; held_out: clips to score; width, encoder_blocks: of all models, as in KMTalkConfig;
    steps, code_steps, batch: see training.Schooling; seeds: how many, from 0 on.
    """

    hours: float = 1.0
    held_out: int = 40
    width: int = 48
    encoder_blocks: int = 6
    steps: int = 800
    code_steps: int = 400
    batch: int = 8
    seeds: int = 3

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value <= 0 or (name != "hours" and type(value) is not int):
                raise InputError(f"{name} is {value!r}: it must be a whole number above 0")


FULL = StudyConfig()
QUICK = StudyConfig(hours=0.25, held_out=16, width=32, encoder_blocks=4, steps=300, code_steps=200, seeds=1)


def run_study(
    corpus: Corpus, face: Face, out: Path, config: StudyConfig, progress: Callable[[str], None] = lambda line: None
) -> None:
    """Train and score every job with every seed; results go to out/results, those already there are kept.

    progress: called with a line about each job that is done. Errors: InputError where `out` holds another study.
    """
    make_folder(out / "results")
    _claim(out / "study.json", asdict(config))
    material = gather(corpus, Articulation(face), out, config.hours, config.held_out)
    judge = Judge(face, material.held_out)
    _write(out / "results" / "limits.json", {"material": describe(material), **judge.limits()})
    study = _Study(face, out, config, material, judge)
    for seed in range(config.seeds):
        for job in JOBS:
            path = result_file(out, job, seed)
            if not path.is_file():
                result = study.trial(job, seed)
                _write(path, result)
                shutil.rmtree(study.folder(job, seed))
                lve = next(iter(result["rows"].values()))["lve_mm"]
                progress(f"seed {seed}: {job}, LVE {lve:.3f} mm, {result['processor_seconds']:.0f} s of processor time")


def result_file(out: Path, job: str, seed: int) -> Path:
    """Return where the result of a job with a seed is kept."""
    return out / "results" / f"seed{seed}-{job.lower().replace(' + ', '-with-').replace(' ', '-')}.json"


@dataclass(frozen=True)
class _Study:
    face: Face
    out: Path
    config: StudyConfig
    material: Material
    judge: Judge

    @property
    def schooling(self) -> Schooling:
        return Schooling(self.config.steps, self.config.code_steps, self.config.batch)

    def folder(self, job: str, seed: int) -> Path:
        """Where the state of a training is kept while it runs."""
        return self.out / "runs" / result_file(self.out, job, seed).stem

    def trial(self, job: str, seed: int) -> dict:
        """Train and score one job: its result, with the seconds that it took."""
        began, worked = time.monotonic(), time.process_time()
        codes = self._codes(seed) if job.startswith("CodeTalker") else None
        torch.manual_seed(seed)
        animator, keys = self._build(job, codes)
        learned = sum(value.numel() for value in animator.parameters() if value.requires_grad)
        folder = self.folder(job, seed)
        trained = train_animator(animator, keys, self.material, self.face, self.schooling, seed, folder)
        placements = ROBUSTNESS if job == "full" else HEARD
        return {
            "job": job,
            "seed": seed,
            "rows": self.judge.trial(trained, keys, placements),
            "parameters": learned,
            "processor_seconds": time.process_time() - worked,
            "seconds": time.monotonic() - began,
            "machine": machine(),
        }

    def _build(self, job: str, codes: MotionCodes | None) -> tuple[nn.Module, str]:
        common = KMTalkConfig(
            self.face.basis_names, width=self.config.width, encoder_blocks=self.config.encoder_blocks, key_layers=1
        )
        if job in PARTS:
            differs = dict(PARTS[job])
            keys = differs.pop("keys", "phonemes")
            return Ours(replace(common, **differs)), keys
        name = job.removesuffix(SCHEME)
        extra = () if codes is None else (codes,)
        return ANIMATORS[name](common, job.endswith(SCHEME), *extra), "phonemes"

    def _codes(self, seed: int) -> MotionCodes:
        """The code book, trained with the first animator of a seed that needs it."""
        folder = self.out / "runs" / f"seed{seed}-codes"
        return train_codes(self.config.width, self.material, self.face, self.schooling, seed, folder)


def machine() -> str:
    """Return the processor and the versions that results were made with."""
    name = platform.processor() or platform.machine()
    table = Path("/proc/cpuinfo")
    if table.is_file():
        models = [line.split(":", 1)[1].strip() for line in table.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    threads = torch.get_num_threads()
    return (
        f"{name}, {threads} thread{'s' * (threads > 1)}, Python {platform.python_version()}, torch {torch.__version__}"
    )


def _claim(path: Path, config: dict) -> None:
    """Write down the study's sizes, or see that those of a study begun before are the same, but for the seeds."""
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if any(before.get(name) != value for name, value in config.items() if name != "seeds"):
            raise InputError(f"{path.parent} holds a study of other sizes: choose another --out or remove it")
    _write(path, config)


def _write(path: Path, value: dict) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
