"""The three parts of the report: each a table, a chart and the differences that are judged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmtalk.experiments.charts import Bar, bar_chart
from kmtalk.experiments.placements import ROBUSTNESS
from kmtalk.experiments.results import FAINT, FAINT_DYNAMICS, Change, Results, change, verdict
from kmtalk.experiments.study import ANIMATORS, PARTS, SCHEME

SCORES = ("lve_mm", "fdd_absolute", "opening_r", "closure")
HEADS = "LVE, mm | change | abs. FDD, mm² | lip opening, r | closed at p b m"
TITLES = {
    "full": "full model",
    "uniform keys": "uniform keys instead of phonemes'",
    "random keys": "random keys instead of phonemes'",
    "centre keys": "keys in the middle of phonemes",
    "no key decoder": "without the key-motion decoder",
    "no audio guidance": "without audio guidance",
    "SelfTalk-like": "none of the parts (SelfTalk-like)",
    "heard": "the model's own phonemes",
    "labels": "the labels' phonemes",
}


@dataclass(frozen=True)
class Finding:
    """A difference that is judged: whose, by how much here, and by how many per cent in the paper, if it has it."""

    name: str
    found: Change
    published: tuple[float, ...]

    def line(self) -> str:
        """Say it."""
        return f"- {self.name}: {verdict(self.found, self.published)}"


@dataclass(frozen=True)
class Section:
    """A part of the report. name: of its chart's file; text: lines before the findings; after: lines after them."""

    name: str
    chart: str
    text: tuple[str, ...]
    findings: tuple[Finding, ...]
    after: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return all of it as lines of Markdown."""
        return [*self.text, *(finding.line() for finding in self.findings), "", *self.after]


def parts_section(results: Results, paper: dict) -> Section:
    """(a): what each part of the method brings; paper: its figures."""
    names = (*PARTS, "SelfTalk-like")
    findings = {name: _against_full(results, paper["lve"], name, "lve_mm", title(name)) for name in names}
    dynamics = [
        _against_full(results, paper["fdd"], name, "fdd_absolute", f"{title(name)}, abs. FDD") for name in names[1:]
    ]
    bars = [Bar(title(name), findings[name].found.percents, findings[name].published) for name in names[1:]]
    rows = []
    for name in names:
        lve, fdd = (f"{paper[kind][name]:.4f}" if name in paper[kind] else "–" for kind in ("lve", "fdd"))
        theirs = "".join(f"{percent:+.1f} %" for percent in findings[name].published if percent) or "–"
        rows.append([title(name), *_cells(results, name, findings[name].found), lve, theirs, fdd])
    text = (
        "## (a) What each part brings",
        "",
        *table(f"model | {HEADS} | paper: LVE | change | FDD", rows),
        "",
        f"Paper: {paper['table']}, {paper['units']}. Its model without any of the parts is SelfTalk.",
        "",
        "![LVE without one part, against the full model](parts.svg)",
        "",
    )
    after = (
        "Where the errors are, and what the key frames hit:",
        "",
        *table(
            "model | error at true boundaries, mm | between, mm | frames that are keys | lip extrema with a key",
            [[title(name), *_at_keys(results, name)] for name in names],
        ),
        "",
    )
    chart = bar_chart(
        "LVE without one part, against the full model",
        "change of LVE; right is worse",
        bars,
        [f"paper, {paper['table']}"],
    )
    return Section("parts", chart, text, (*(findings[name] for name in names[1:]), *dynamics), after)


def _against_full(results: Results, paper: dict, name: str, score: str, label: str) -> Finding:
    faint = FAINT if score == "lve_mm" else FAINT_DYNAMICS
    found = change(results.values(name, score), results.values("full", score), faint)
    return Finding(label, found, (_percent(paper[name], paper["full"]),) if name in paper else ())


def placements_section(results: Results, paper: dict) -> Section:
    """(b): how much the place of the key frames matters to a trained model; paper: its figures."""
    base = results.values("full", "lve_mm")
    figures = paper["lve"]
    findings = {
        name: Finding(
            title(name),
            change(results.values("full", "lve_mm", name), base),
            (_percent(figures[name], figures["heard"]),) if name in figures else (),
        )
        for name in ROBUSTNESS
    }
    judged = tuple(finding for name, finding in findings.items() if name != "heard")
    rows = [
        [
            title(name),
            *_cells(results, "full", finding.found, name),
            *_at_keys(results, "full", name)[2:],
            f"{figures[name]:.4f}" if name in figures else "–",
        ]
        for name, finding in findings.items()
    ]
    accuracy = 100 * results.values("full", "phoneme_accuracy").mean()
    text = (
        "## (b) How robust the localisation is",
        "",
        f"The full model, whose encoder hears {accuracy:.0f} % of the 10 ms frames of held-out speech right, completes",
        "from other key frames. In training its keys were noisy too: 15 % a frame early, 15 % late, 10 % missed, 8 %",
        "spurious.",
        "",
        *table(f"key frames | {HEADS} | frames that are keys | lip extrema with a key | paper: LVE", rows),
        "",
        f"Paper: {paper['table']}. {paper['notes']}",
        "",
        "![LVE with other key frames, against the model's own](placements.svg)",
        "",
    )
    chart = bar_chart(
        "LVE with other key frames, against the model's own",
        "change of LVE; right is worse",
        [Bar(finding.name, finding.found.percents, finding.published) for finding in judged],
        [f"paper, {paper['table']}"],
    )
    return Section("placements", chart, text, judged)


def animators_section(results: Results, paper: dict) -> Section:
    """(c): what key motions bring to other kinds of animators; paper: its figures."""
    findings, rows = [], []
    for name in ANIMATORS:
        found = change(results.values(name + SCHEME, "lve_mm"), results.values(name, "lve_mm"))
        pairs = [figures[name] for figures in paper["lve"].values()]
        findings.append(Finding(name + SCHEME, found, tuple(_percent(after, before) for before, after in pairs)))
        for job, place in ((name, 0), (name + SCHEME, 1)):
            size = f"{results.jobs[job][0]['parameters'] / 1e3:.0f} k"
            cells = _cells(results, job, found if place else None)
            rows.append([job, *cells, size, *(f"{pair[place]:.4f}" for pair in pairs)])
    text = (
        "## (c) Key motions added to other animators",
        "",
        *table(
            " | ".join([f"animator | {HEADS} | learned parameters", *(f"paper: LVE, {name}" for name in paper["lve"])]),
            rows,
        ),
        "",
        f"Paper: {paper['table']}, {paper['units']}; its animators are the published ones, ours small ones.",
        "",
        "![LVE with key motions, against the same animator without](animators.svg)",
        "",
    )
    chart = bar_chart(
        "LVE with key motions, against the same animator without",
        "change of LVE; left is better",
        [Bar(finding.name, finding.found.percents, finding.published) for finding in findings],
        [f"paper, {name}" for name in paper["lve"]],
    )
    return Section("animators", chart, text, tuple(findings))


def title(name: str) -> str:
    """Return what the report calls a job or a placement."""
    return TITLES.get(name, name)


def table(heads: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table; heads: with " | " between."""
    count = heads.count("|") + 1
    lines = [f"| {heads} |", "|---" + "|--:" * (count - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _cells(results: Results, job: str, shift: Change | None, placement: str = "heard") -> list[str]:
    lve, dynamics, opening, closure = (results.values(job, name, placement) for name in SCORES)
    moved = "–" if shift is None or not any(shift.percents) else f"{shift.mean:+.1f} %"
    return [_spread(lve, 3), moved, _spread(dynamics, 3), _spread(opening, 3), _spread(100 * closure, 0) + " %"]


def _at_keys(results: Results, job: str, placement: str = "heard") -> list[str]:
    at, between, density, recall = (
        results.values(job, name, placement) for name in ("at_mm", "between_mm", "density", "recall")
    )
    return [_spread(at, 2), _spread(between, 2), f"{100 * density.mean():.0f} %", f"{100 * recall.mean():.0f} %"]


def _spread(values: np.ndarray, digits: int) -> str:
    mean = f"{values.mean():.{digits}f}"
    return f"{mean} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else mean


def _percent(value: float, base: float) -> float:
    return 100 * (value / base - 1)
