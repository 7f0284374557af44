"""Say what works on this machine."""

import argparse

from kmtalk.commands.terminal import say


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "doctor",
        help="print what works on this machine",
        description="Print what works on this machine: versions, ffmpeg, OpenGL, weights, a GPU, espeak-ng. Exit "
        "code: 0 if all that is needed works, 1 if not.",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.doctor import examine

    findings = examine()
    for finding in findings:
        state = "ok" if finding.works else "missing" if finding.needed else "without"
        say(f"{state:<7} {finding.name:<12} {finding.said}")
    return 0 if all(finding.works for finding in findings if finding.needed) else 1
