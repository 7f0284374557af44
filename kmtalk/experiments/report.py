"""The report of a study: tables, charts and what they say, written from the results by fixed rules."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from kmtalk.experiments.results import Results, agreement, paper_figures, read_results
from kmtalk.experiments.sections import (
    Finding,
    animators_section,
    parts_section,
    placements_section,
    table,
    title,
)
from kmtalk.experiments.study import JOBS, QUICK, StudyConfig
from kmtalk.files import make_folder, replacing


def write_report(out: Path, folder: Path) -> Path:
    """Write README.md and its charts into a folder from the results in `out`, and return its path.

    Errors: InputError where no seed of the study is complete.
    """
    results, paper = read_results(out), paper_figures()
    sections = (
        parts_section(results, paper["parts"]),
        placements_section(results, paper["placements"]),
        animators_section(results, paper["animators"]),
    )
    findings = [finding for section in sections for finding in section.findings]
    template = (Path(__file__).parent / "report.md").read_text(encoding="utf-8")
    text = template.format(
        **{**results.config, **results.limits["material"], "seeds": _seeds(results)},
        command=_command(results.config),
        short="\n".join(_in_short(findings)),
        time=_time(results),
        limits=_limits(results),
        source=paper["source"],
        sections="\n".join(line for section in sections for line in section.lines()),
        every_seed="\n".join(_every_seed(results)),
    )
    make_folder(folder)
    for name, content in ((f"{section.name}.svg", section.chart) for section in sections):
        _write(folder / name, content)
    _write(folder / "README.md", text)
    return folder / "README.md"


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _in_short(findings: Sequence[Finding]) -> list[str]:
    """How many of the paper's differences are found here, and which are not."""
    judged = {kind: [] for kind in ("agrees", "disagrees", "open")}
    for finding in findings:
        if finding.published:
            judged[agreement(finding.found, finding.published)].append(finding)
    count = sum(map(len, judged.values()))
    heads = {
        "agrees": "The same way here",
        "disagrees": "The other way here",
        "open": "Too small or too scattered here to tell",
    }
    lines = [f"The paper has figures for {count} of the differences below:", ""]
    for kind, head in heads.items():
        names = "; ".join(f"{finding.name} {finding.found.mean:+.1f} %" for finding in judged[kind])
        lines.append(f"- **{head}: {len(judged[kind])}.** {names}{'.' * bool(names)}".rstrip())
    alike = sum(np.sign(finding.found.mean) == np.sign(finding.published[0]) for finding in judged["open"])
    return [*lines, f"  (The means of {alike} of these {len(judged['open'])} point as the paper's do.)"]


def _command(config: dict) -> str:
    """The command that makes a study of these sizes."""
    chosen = StudyConfig(**config)
    quick = chosen == replace(QUICK, seeds=chosen.seeds, steps=chosen.steps)
    flags = " --quick" if quick else ""
    return f"python -m kmtalk experiments{flags} --corpus DIR --out DIR --seeds {chosen.seeds} --steps {chosen.steps}"


def _seeds(results: Results) -> str:
    count, asked = len(results.seeds), results.config["seeds"]
    text = f"{', '.join(map(str, results.seeds))}: {count * len(JOBS)} trainings"
    if count < asked:
        others = (asked - count) * len(JOBS)
        text += f". {asked} seeds were asked for; of the others, {results.left_out} of {others} trainings are done"
    if count == 1:
        text += ". One seed has no spread: a few per cent mean nothing"
    return text


def _time(results: Results) -> str:
    runs = [run for runs in results.jobs.values() for run in runs]
    worked, waited = (sum(run[name] for run in runs) / 60 for name in ("processor_seconds", "seconds"))
    machines = "; ".join(sorted({run["machine"] for run in runs}))
    return (
        f"{worked:.0f} minutes of processor time, {waited:.0f} by the clock of a machine with other work "
        f"(a training that was stopped counts from where it went on); {machines}"
    )


def _limits(results: Results) -> str:
    still, truth = results.limits["still"], results.limits["truth"]
    return (
        f"a face that never moves has an LVE of {still['lve_mm']:.2f} mm and an abs. FDD of "
        f"{still['fdd_absolute']:.3f} mm²; the truth itself closes the lips in {100 * truth['closure']:.0f} % of p b m"
    )


def _every_seed(results: Results) -> list[str]:
    rows = [
        [job if placement == "heard" else f"{job}: {title(placement)}", *(f"{one['lve_mm']:.3f}" for one in found)]
        for (job, placement), found in results.rows.items()
    ]
    return table(" | ".join(["row", *(f"seed {seed}" for seed in results.seeds)]), rows)
