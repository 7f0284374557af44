"""The training loop: any module that turns batches into losses, to a running mean of its weights that can be resumed.

Everything random in step n is drawn from (seed, n), so a run that was stopped and taken up again ends with the same
weights as one that was not (in fp16 with nearly the same: the scale of its gradients starts anew).
"""

import copy
import logging
import math
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kmtalk.errors import InputError
from kmtalk.files import make_folder, replacing
from kmtalk.train.log import Log
from kmtalk.train.processes import Processes, processes

STATE = "state.pt"
CHECKPOINT = "checkpoint"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoopConfig:
    """How to train, whatever is trained.

    steps: of the whole run, which the learning rate's schedule spans; where they are 0, hours: of wall time;
    learning_rate: its peak, reached after `warmup` steps, falling as a cosine to 2 % of it; pretrained_rate: what it is
    multiplied with for pre-trained parameters; accumulate: batches that make one step; precision: "full", "bf16" or
    "fp16"; clip: largest norm of the gradients; average: decay of the weights' running mean, which is what is saved;
    report_steps: from one report to the next; where they are 0, report: the same in seconds; patience: reports in a row
    without a better score after which to stop, 0 for never; device: cpu, cuda, cuda:1 ...
    """

    steps: int = 0
    hours: float = 1.0
    learning_rate: float = 2e-3
    pretrained_rate: float = 1.0
    weight_decay: float = 0.02
    warmup: int = 100
    accumulate: int = 1
    precision: str = "full"
    clip: float = 1.0
    average: float = 0.998
    report_steps: int = 0
    report: float = 300.0
    patience: int = 0
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in (setting.name for setting in fields(self) if setting.type is float):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)!r}: it must be a number from 0 on")
        if self.average >= 1:
            raise InputError(f"average is {self.average!r}: it must be at least 0 and less than 1")
        self.check_whole(0, "steps", "report_steps", "patience", "seed")
        self.check_whole(1, "warmup", "accumulate")

    def check_whole(self, least: int, *names: str) -> None:
        """Raise InputError where one of these settings is no whole number from `least` on."""
        for name in names:
            if type(getattr(self, name)) is not int or getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)!r}: it must be a whole number from {least} on")


@dataclass(frozen=True)
class Work:
    """What is trained, on what, and how it is judged and kept.

    objective: its forward(batch) returns named loss terms; weights: of these; batch: index -> batch, always the same
    one for the same index, with a method to(device); measure: (averaged objective, step) -> metrics, on the main
    process; save: (averaged objective, folder) writes a checkpoint; settle: called on the objective after each step;
    watch: (metrics, step), called after a report is saved, may stop the run by an InputError; pretrained: parts of the
    names of parameters that learn at pretrained_rate, without weight decay; score: the metric of which less is better,
    "" where the latest checkpoint is to be kept rather than the best one.
    """

    objective: nn.Module
    weights: Mapping[str, float]
    batch: Callable[[int], Any]
    measure: Callable[[nn.Module, int], dict[str, float]]
    save: Callable[[nn.Module, Path], None]
    settle: Callable[[nn.Module], None] = lambda objective: None
    watch: Callable[[Mapping[str, float], int], None] = lambda metrics, step: None
    pretrained: tuple[str, ...] = ()
    score: str = ""


def fit(work: Work, out: Path, config: LoopConfig) -> nn.Module:
    """Train and return the averaged objective; a stopped run in `out` is taken up again.

    out/checkpoint is what work.save writes, out/log.csv has a row for every report, out/state.pt is the state to resume
    from. Raises InputError where the loss is not finite or the state is of another run.
    """
    make_folder(out)
    run = _Run(work, out, config, processes(config.device, config.precision))
    began = time.monotonic() - run.state.elapsed
    reported = run.state.elapsed
    for batches in run.batches():
        run.step(batches, run.done(time.monotonic() - began))
        elapsed = time.monotonic() - began
        if run.is_due(elapsed - reported):
            reported = elapsed
            run.report(elapsed)
        if run.done(elapsed) >= 1 or run.is_patience_over():
            break
    if run.state.reported != run.state.steps:
        run.report(time.monotonic() - began if config.steps else config.hours * 3600)
    return run.average


@dataclass
class _State:
    """The counters of a run; reported: the step of the last report, -1 for none; waited: reports since the best."""

    steps: int = 0
    elapsed: float = 0.0
    reported: int = -1
    best: float = math.inf
    waited: int = 0


@dataclass
class _Run:
    """The state of one training run: objective, its running mean, optimiser and counters."""

    work: Work
    out: Path
    config: LoopConfig
    where: Processes
    state: _State = field(default_factory=_State)

    def __post_init__(self) -> None:
        torch.manual_seed(self.config.seed)
        self.weights = dict(self.work.weights)
        optimiser = torch.optim.AdamW(self._groups(), lr=self.config.learning_rate)
        self.average = copy.deepcopy(self.work.objective).to(self.where.device).eval()
        self.objective, self.optimiser = self.where.prepare(self.work.objective, optimiser)
        self.plain = self.where.unwrap_model(self.objective)
        self.sums = torch.zeros(len(self.weights), device=self.where.device)
        self.summed = 0
        if (self.out / STATE).is_file():
            self._resume(self.out / STATE)
        if self.where.num_processes > 1 and not (self.config.steps and self.config.report_steps):
            raise InputError("several processes need steps and report_steps: their clocks do not agree on a time")
        self.log = Log(self.out) if self.where.is_main_process else None

    def _groups(self) -> list[dict]:
        """Parameters that learn, pre-trained ones apart; `rate` is what the learning rate is multiplied with."""
        named = [(name, value) for name, value in self.work.objective.named_parameters() if value.requires_grad]
        slow = [value for name, value in named if any(part in name for part in self.work.pretrained)]
        fast = [value for name, value in named if not any(part in name for part in self.work.pretrained)]
        decay, rate = self.config.weight_decay, self.config.pretrained_rate
        groups = [
            {"params": fast, "rate": 1.0, "weight_decay": decay},
            {"params": slow, "rate": rate, "weight_decay": 0.0},
        ]
        return [group for group in groups if group["params"]]

    def done(self, elapsed: float) -> float:
        """Return the share of the run that is done."""
        if self.config.steps:
            return self.state.steps / self.config.steps
        return elapsed / (self.config.hours * 3600) if self.config.hours else 1.0

    def is_due(self, since: float) -> bool:
        """Tell whether it is time to report."""
        every = self.config.report_steps
        return self.state.steps % every == 0 if every else since > self.config.report

    def is_patience_over(self) -> bool:
        """Tell whether the score has stopped getting better."""
        over = bool(self.config.patience) and self.state.waited >= self.config.patience
        if over and self.where.is_main_process:
            told = self.state.steps, self.work.score, self.state.waited
            logger.info("stopped at step %d: no better %s for %d reports", *told)
        return over

    def batches(self) -> Iterator[list]:
        """Yield each step's batches of this process; the next step's are made while a step is taken."""
        count, size = self.config.accumulate, self.where.num_processes
        if self.done(self.state.elapsed) >= 1 or self.is_patience_over():
            return

        def make(step: int) -> list:
            places = range(step * count, (step + 1) * count)
            return [self.work.batch(place * size + self.where.process_index) for place in places]

        with ThreadPoolExecutor(1) as maker:
            coming = maker.submit(make, self.state.steps)
            while True:
                made, coming = coming.result(), maker.submit(make, self.state.steps + 1)
                yield made

    def step(self, batches: list, done: float) -> None:
        """Take one step of the optimiser."""
        config = self.config
        torch.manual_seed((config.seed * 1_000_003 + self.state.steps) * 1_009 + self.where.process_index)
        rate = min(1, (self.state.steps + 1) / config.warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * group["rate"] * rate
        self.objective.train()
        self.optimiser.zero_grad()
        for batch in batches[:-1]:
            with self.where.no_sync(self.objective):
                self._learn(batch, len(batches))
        self._learn(batches[-1], len(batches))
        self.where.update(self.objective, self.optimiser, config.clip)
        self.work.settle(self.plain)
        self.state.steps += 1
        self._follow()

    def _learn(self, batch: Any, share: int) -> None:  # noqa: ANN401, whatever the objective takes
        with self.where.autocast():
            terms = self.objective(batch.to(self.where.device))
        self.where.backward(sum(weight * terms[name] for name, weight in self.weights.items()) / share)
        self.sums += torch.stack([terms[name].detach() for name in self.weights])
        self.summed += 1

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.config.average, self.state.steps / (self.state.steps + 9))  # forget the first steps soon
        for mean, value in zip(self.average.parameters(), self.plain.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)
        for mean, value in zip(self.average.buffers(), self.plain.buffers(), strict=True):
            mean.copy_(value)
        self.work.settle(self.average)

    def report(self, elapsed: float) -> None:
        """Measure, log and save; the other processes wait and learn the score."""
        losses = self._mean_losses()
        self.state.reported, self.state.elapsed = self.state.steps, elapsed
        score, metrics = torch.zeros(1, device=self.where.device), {}
        if self.where.is_main_process:
            metrics = self.work.measure(self.average, self.state.steps)
            rate = self.optimiser.param_groups[0]["lr"]
            values = {"step": self.state.steps, "seconds": elapsed, "learning_rate": rate, **losses, **metrics}
            self.log.write(values)
            logger.info("%s", ", ".join(f"{name} {value:.4g}" for name, value in values.items()))
            score += metrics.get(self.work.score, 0.0)
        score = self.where.mean(score).item() * self.where.num_processes
        better = not self.work.score or score < self.state.best
        self.state.best, self.state.waited = (score, 0) if better else (self.state.best, self.state.waited + 1)
        if self.where.is_main_process:
            self._save(better)
            self.work.watch(metrics, self.state.steps)
        self.where.wait()

    def _mean_losses(self) -> dict[str, float]:
        means = self.where.mean(self.sums / max(self.summed, 1)).tolist()
        if self.summed and not all(math.isfinite(mean) for mean in means):
            raise InputError(
                f"the losses are no longer finite at step {self.state.steps}: take a lower learning rate than "
                f"{self.config.learning_rate:g} or precision full, and start again from the last report"
            )
        self.sums.zero_()
        count, self.summed = self.summed, 0
        return dict(zip(self.weights, means if count else [math.nan] * len(means), strict=True))

    def _save(self, better: bool) -> None:
        state = {
            "objective": self.plain.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "counters": vars(self.state),
        }
        with replacing(self.out / STATE) as temporary:
            torch.save(state, temporary)
        if better:
            self.work.save(self.average, self.out / CHECKPOINT)

    def _resume(self, path: Path) -> None:
        state = _read_state(path)
        try:
            self.plain.load_state_dict(state["objective"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.state = _State(**state["counters"])
        except (RuntimeError, ValueError, TypeError) as error:
            raise InputError(f"{path} is of another model: choose another --out or remove it") from error
        logger.info("resumed at step %d, %.0f s", self.state.steps, self.state.elapsed)


def _read_state(path: Path) -> dict[str, dict[str, Tensor]]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is damaged: choose another --out or remove it") from error
    if not isinstance(state, dict) or set(state) != {"objective", "average", "optimiser", "counters"}:
        raise InputError(f"{path} is not the state of a training run: choose another --out or remove it")
    return state
