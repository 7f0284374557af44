"""Charts of changes in per cent as small SVG files: a bar for the mean, a dot for each seed, diamonds for the paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

OURS, INK, FAINT, GROUND = "#0072B2", "#22252A", "#D5D8DC", "#FFFFFF"
PAPER = ("#D55E00", "#E69F00")
"""Colours that colour-blind readers tell apart too (Okabe and Ito)."""

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP, _BOTTOM = 760, 250, 70, 30, 62, 44


@dataclass(frozen=True)
class Bar:
    """One row: its name, (seeds,) per cents of ours, and the paper's per cents where it has any."""

    name: str
    ours: Sequence[float]
    paper: Sequence[float] = ()


def bar_chart(title: str, axis: str, bars: Sequence[Bar], paper_names: Sequence[str] = ()) -> str:
    """Return a chart as the text of an SVG file; axis: what the per cents are of; paper_names: of the diamonds."""
    shown = [value for bar in bars for value in (*bar.ours, *bar.paper)]
    ticks = _ticks(min(0.0, *shown), max(0.0, *shown))
    height = _TOP + _ROW * len(bars) + _BOTTOM

    def across(value: float) -> float:
        return _LEFT + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (_WIDTH - _LEFT - _RIGHT)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="Helvetica, Arial, sans-serif" font-size="13" '
        f'fill="{INK}">',
        f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="{GROUND}"/>',
        f'<text x="16" y="24" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_legend(paper_names),
    ]
    bottom = _TOP + _ROW * len(bars)
    for tick in ticks:
        x, label = across(tick), f"{tick:+.4g} %" if tick else "0 %"
        parts.append(f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="{FAINT if tick else INK}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle" font-size="11">{label}</text>')
    parts.append(f'<text x="{_LEFT}" y="{bottom + 36}" font-size="11">{escape(axis)}</text>')
    for place, bar in enumerate(bars):
        parts += _row(bar, _TOP + _ROW * (place + 0.5), across)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(bar: Bar, y: float, across: Callable[[float], float]) -> list[str]:
    mean, zero = float(np.mean(bar.ours)), across(0)
    start, end = sorted((zero, across(mean)))
    parts = [
        f'<text x="{_LEFT - 12}" y="{y + 4:.1f}" text-anchor="end" font-size="12">{escape(bar.name)}</text>',
        f'<rect x="{start:.1f}" y="{y - 8:.1f}" width="{end - start:.1f}" height="16" fill="{OURS}" opacity="0.35"/>',
        f'<text x="{_WIDTH - 10}" y="{y + 4:.1f}" text-anchor="end" font-size="12">{mean:+.1f} %</text>',
    ]
    parts += [f'<circle cx="{across(value):.1f}" cy="{y:.1f}" r="3" fill="{OURS}"/>' for value in bar.ours]
    for value, color in zip(bar.paper, PAPER, strict=False):
        parts.append(_diamond(across(value), y, color))
    return parts


def _legend(paper_names: Sequence[str]) -> list[str]:
    parts = [
        f'<rect x="16" y="37" width="20" height="10" fill="{OURS}" opacity="0.35"/>',
        f'<circle cx="26" cy="42" r="3" fill="{OURS}"/>',
        '<text x="42" y="46" font-size="11">here: mean and seeds</text>',
    ]
    for place, (name, color) in enumerate(zip(paper_names, PAPER, strict=False)):
        x = 190 + 200 * place
        parts += [_diamond(x, 42, color), f'<text x="{x + 12}" y="46" font-size="11">{escape(name)}</text>']
    return parts


def _diamond(x: float, y: float, color: str) -> str:
    path = f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"
    return f'<path d="{path}" fill="{color}" stroke="{GROUND}"/>'


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round values that enclose a range."""
    span = max(high - low, 1.0)
    step = next(s for power in range(-1, 6) for s in (10.0**power, 2.0 * 10**power, 5.0 * 10**power) if span / s <= 6)
    first, last = int(np.floor(low / step)), int(np.ceil(high / step))
    return [step * number for number in range(first, max(last, first + 1) + 1)]
