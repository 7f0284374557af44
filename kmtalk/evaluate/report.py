"""The benchmark's result as text and as JSON."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from kmtalk.evaluate.recordings import CLASSES, CURVES
from kmtalk.files import replacing

_COLUMNS = ("visemes", "pbm_recall", "f1_20", "f1_40", *CURVES, "retrieval", "balanced_closure", "faces_closure")
_HEADS = ("visemes", "p b m", "F1@20", "F1@40", *CURVES, "retrieval", "closure", "on faces")


def table(result: dict) -> str:
    """Return the result of evaluate() as text."""
    summary = result["summary"]
    parts = (_closures(summary), _rows(result), _places(summary["groups"]), _faces(summary), _rest(result))
    return "\n".join(line for part in parts for line in part)


def write_json(result: dict, path: Path) -> None:
    """Write the result of evaluate() as JSON; what is not a number becomes null."""
    known = json.loads(json.dumps(result), parse_constant=lambda name: None)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(known, indent=2) + "\n")


def _closures(summary: dict) -> Iterator[str]:
    yield f"Lips under 1 mm at p b m       {summary['closed']:.2f}  ({summary['bilabials']} of them)"
    yield f"Lips over 4 mm in open vowels  {summary['open']:.2f}  ({summary['vowels']} of 60 ms or more)"
    yield f"Movement in silence            {_number(summary['jitter']).strip()} mm a second"


def _rows(result: dict) -> Iterator[str]:
    width = 24
    yield ""
    yield " " * width + " ".join(f"{head:>9}" for head in _HEADS)
    yield _row("model", result["summary"], width)
    for group, scores in result["summary"]["groups"].items():
        yield _row(f"  {group}", scores, width)
    for group, scores in result["with_transcript"].items():
        if group != "left_out":
            yield _row(f"  {group}, with text", scores, width)
    others = {f"keys: {kind}": scores for kind, scores in result["keys"].items()}
    for name, scores in {**result["conditions"], **others, **result["baselines"]}.items():
        yield f"{name:<{width}}{scores['left_out']}" if "left_out" in scores else _row(name, scores, width)


def _row(name: str, scores: dict, width: int) -> str:
    return f"{name:<{width}}" + " ".join(f"{_number(scores.get(column)):>9}" for column in _COLUMNS)


def _faces(summary: dict) -> Iterator[str]:
    yield ""
    yield "Against tracked mouths     right voice  another's      lag"
    for name in CURVES:
        yield (
            f"  {name:<24} {_number(summary[name]):>11} {_number(summary[f'{name}_wrong']):>10} "
            f"{summary[f'{name}_lag'] * 1e3:+5.0f} ms"
        )


def _places(groups: dict) -> Iterator[str]:
    yield ""
    yield "Median error of the place     boundaries    centres"
    for group, scores in groups.items():
        if "boundary_error" in scores:
            errors = (f"{_number(scores[f'{part}_error'] * 1e3, 1)} ms" for part in ("boundary", "centre"))
            yield f"  {group:<24} " + " ".join(f"{error:>12}" for error in errors)


def _rest(result: dict) -> Iterator[str]:
    yield ""
    yield "Nobody speaks: share of frames with the lips within 1.5 mm of rest"
    for name, scores in result["no_speech"].items():
        yield f"  {name:<24} {scores['still']:11.2f}"
    if "confusion" in result["summary"]:
        yield ""
        yield "Frames of a class (rows) heard as (columns), per cent"
        yield " " * 8 + "".join(f"{name:>7}" for name in CLASSES)
        for name, row in zip(CLASSES, result["summary"]["confusion"], strict=True):
            yield f"  {name:<6}" + "".join(f"{share * 100:7.0f}" if share >= 0.005 else f"{'.':>7}" for share in row)


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{digits}f}"
