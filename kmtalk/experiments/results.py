"""The results of a study as numbers: what each row scored with each seed, and what the paper has beside it."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from kmtalk.errors import InputError
from kmtalk.experiments.study import JOBS, result_file

FAINT, FAINT_DYNAMICS = 5.0, 25.0
"""Per cent of LVE and of FDD that one seed alone must differ by to count: less is what another seed may undo."""


@dataclass(frozen=True)
class Results:
    """A study's complete seeds.

    config: its sizes; seeds: those of which every job is there; left_out: how many jobs of other seeds are done;
    rows: (job, placement) -> scores, one dict a seed; jobs: job -> parameters and seconds, one dict a seed;
    limits: the scores of a still face and of the truth, and the material's sizes.
    """

    config: dict
    seeds: tuple[int, ...]
    left_out: int
    rows: dict[tuple[str, str], list[dict]]
    jobs: dict[str, list[dict]]
    limits: dict

    def values(self, job: str, name: str, placement: str = "heard") -> np.ndarray:
        """Return (seeds,) one score of a row."""
        return np.array([scores[name] for scores in self.rows[job, placement]])


def read_results(out: Path) -> Results:
    """Read a study's results. Errors: InputError where no seed is complete."""
    try:
        config, limits = (_read(out / name) for name in ("study.json", "results/limits.json"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"there is no study in {out}: run the experiments first") from error
    found = {seed: [job for job in JOBS if result_file(out, job, seed).is_file()] for seed in range(config["seeds"])}
    seeds = tuple(seed for seed, jobs in found.items() if len(jobs) == len(JOBS))
    if not seeds:
        done = max(map(len, found.values()), default=0)
        raise InputError(f"no seed of the study in {out} is complete ({done} of {len(JOBS)} jobs): let it go on")
    jobs = {job: [_read(result_file(out, job, seed)) for seed in seeds] for job in JOBS}
    rows = {
        (job, placement): [result["rows"][placement] for result in results]
        for job, results in jobs.items()
        for placement in results[0]["rows"]
    }
    left_out = sum(len(done) for seed, done in found.items() if seed not in seeds)
    return Results(config, seeds, left_out, rows, jobs, limits)


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def paper_figures() -> dict:
    """Return the paper's own figures, as far as they are known."""
    return _read(Path(__file__).parent / "paper.json")


@dataclass(frozen=True)
class Change:
    """By how many per cent a score differs from a reference's, seed by seed; negative is less.

    faint: per cent that one seed alone must differ by.
    """

    percents: tuple[float, ...]
    faint: float = FAINT

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.percents))

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds, nan for one."""
        return float(np.std(self.percents, ddof=1)) if len(self.percents) > 1 else math.nan

    @property
    def reach(self) -> float:
        """Half of the 95 % interval of the mean (Student's t), or of what one seed leaves open."""
        count = len(self.percents)
        return self.faint if count == 1 else float(stdtrit(count - 1, 0.975)) * self.spread / math.sqrt(count)

    @property
    def is_clear(self) -> bool:
        """Whether it is more than chance may do: 0 lies outside the interval."""
        return abs(self.mean) > self.reach


def change(values: Sequence[float], reference: Sequence[float], faint: float = FAINT) -> Change:
    """Return how scores differ from a reference's of the same seeds."""
    pairs = zip(values, reference, strict=True)
    return Change(tuple(float(100 * (value / base - 1)) for value, base in pairs), faint)


def agreement(found: Change, published: Sequence[float]) -> str:
    """Return whether a change of an error "agrees" or "disagrees" with the paper's, or is "open"; "" without figures.

    published: the paper's changes in per cent, one for each of its data sets, none where it has no such row.
    """
    if not published:
        return ""
    if not found.is_clear:
        return "open"
    return "agrees" if all(np.sign(published) == np.sign(found.mean)) else "disagrees"


def verdict(found: Change, published: Sequence[float]) -> str:
    """Say in words how an error changed, and whether the paper's per cents say the same."""
    size = f"{found.mean:+.1f} %"
    size += " (one seed)" if len(found.percents) == 1 else f" ± {found.spread:.1f}"
    word = "no clear difference" if not found.is_clear else "worse" if found.mean > 0 else "better"
    ours = f"**{word}**, {size}"
    if not published:
        return f"{ours}; the paper has no such row."
    theirs = " and ".join(f"{percent:+.1f} %" for percent in published)
    conclusions = {
        "agrees": f"**agrees** in direction{_size(found, published)}",
        "disagrees": "**disagrees**",
        "open": f"**neither confirmed nor contradicted**{_outside(found, published)}",
    }
    return f"{ours}; the paper has {theirs}: {conclusions[agreement(found, published)]}."


def _outside(found: Change, published: Sequence[float]) -> str:
    """Whether an effect as large as the paper's would have shown."""
    far = len(found.percents) > 1 and all(abs(percent - found.mean) > found.reach for percent in published)
    return ", but the paper's size lies outside the interval" if far else ""


def _size(found: Change, published: Sequence[float]) -> str:
    """How the size of an effect compares, where it is far from the paper's."""
    low, high = min(map(abs, published)), max(map(abs, published))
    if abs(found.mean) > 2 * high:
        return ", but is larger here"
    return ", but is smaller here" if abs(found.mean) < low / 2 else ""
