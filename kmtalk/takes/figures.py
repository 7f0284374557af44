"""Figures for papers: error on the face over time, key frames over the lip curve, methods side by side.

Matplotlib draws them; it is needed for nothing else, so it is installed on its own.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kmtalk import metrics
from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.phonemes import Phoneme
from kmtalk.render.camera import Camera
from kmtalk.takes.faces import HEAT, draw_frames
from kmtalk.takes.take import Take

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf", "svg")
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of predictions, told apart by colour-blind readers too (Okabe and Ito)."""

TRUTH, INK, FAINT = "#3B3F46", "#22252A", "#9AA0A8"
_CELL = 1.35  # inches of a face in a strip


def choose_frames(take: Take, count: int = 6) -> np.ndarray:
    """Return (count,) frames spread over a take: in turn the most open and the most closed mouth of each part of it.

    Where the lips are not known, the middle of each part; a take of fewer frames has them all.
    """
    parts = np.array_split(np.arange(len(take.vertices)), min(count, len(take.vertices)))
    if take.lips is None:
        return np.array([part[len(part) // 2] for part in parts])
    opening = _opening(take)
    return np.array([part[(np.argmin if place % 2 else np.argmax)(opening[part])] for place, part in enumerate(parts)])


def error_figure(
    predictions: Sequence[Take],
    truth: Take,
    frames: Sequence[int],
    largest: float | None = None,
    camera: str | Camera | None = None,
) -> Figure:
    """Return the distance of each vertex from the truth as colours on the face, a row for each prediction.

    frames: those shown; largest: millimetres of the last colour, by default what 99.5 % of the shown vertices stay
    under. Below the faces, the mean lip distance (or that of all vertices) runs over time.
    Errors: InputError where `largest` is not above 0, and for more predictions than there are COLORS.
    """
    frames, colored = np.asarray(frames, int), _colored(predictions)
    distances = [np.linalg.norm(take.vertices[frames] - truth.vertices[frames], axis=-1) * 1e3 for take in predictions]
    if largest is not None and not 0 < largest < np.inf:
        raise InputError(f"the last colour cannot be an error of {largest:g} mm: give more than 0, or nothing")
    largest = largest or max(0.5, float(np.quantile(np.concatenate(distances), 0.995)))
    rows = [
        draw_frames(take, frames, far, largest, camera=camera) for take, far in zip(predictions, distances, strict=True)
    ]
    figure, below = _strip(rows, [take.name for take in predictions], _headings(truth, frames))
    _colorbar(figure, largest)
    lips = truth.regions.get("lips")
    for take, color in colored:
        far = metrics.frame_distances(take.vertices, truth.vertices, lips) * 1e3
        below.plot(np.arange(len(far)) / truth.fps, far, color=color, linewidth=1.1, label=take.name)
    _time_axis(below, truth, frames, "all vertices, mm" if lips is None else "lips, mm")
    if len(predictions) > 1:
        style = {"loc": "lower right", "bbox_to_anchor": (1, 0.97), "borderaxespad": 0}
        below.legend(frameon=False, fontsize=7, ncols=len(predictions), **style)
    return figure


def curve_figure(predictions: Sequence[Take], truth: Take | None = None) -> Figure:
    """Return the lip opening over time in millimetres, key frames as dots on it and phonemes below.

    Errors: InputError for a face whose lip landmarks are not known, and for more predictions than there are COLORS.
    """
    colored = _colored(predictions)
    figure = _figure((7.0, 2.5))
    axes = figure.add_axes((0.075, 0.25, 0.915, 0.66))
    first = truth or predictions[0]
    if truth is not None:
        time = np.arange(len(truth.vertices)) / truth.fps
        axes.plot(time, _opening(truth), color=TRUTH, linewidth=2.2, alpha=0.45, label=truth.name, zorder=1)
    for take, color in colored:
        opening = _opening(take)
        axes.plot(np.arange(len(opening)) / take.fps, opening, color=color, linewidth=1.1, label=take.name, zorder=2)
        if take.key_frames is not None:
            keys = take.key_frames[take.key_frames < len(opening)]
            axes.plot(keys / take.fps, opening[keys], "o", color=color, markersize=2.6, zorder=3)
            axes.vlines(keys / take.fps, 0, opening[keys], color=color, linewidth=0.5, alpha=0.3, zorder=0)
    _time_axis(axes, first, [], "lip opening, mm")
    axes.set_ylim(bottom=0)
    spoken = first.phonemes or next((take.phonemes for take in predictions if take.phonemes), ())
    _write_phonemes(axes, [phoneme for phoneme in spoken if phoneme.label != "sil"])
    axes.legend(frameon=False, fontsize=7, ncols=4, loc="lower right", bbox_to_anchor=(1, 0.98), borderaxespad=0)
    return figure


def comparison_figure(takes: Sequence[Take], frames: Sequence[int], camera: str | Camera | None = None) -> Figure:
    """Return the faces of several takes at the same frames, a row for each take."""
    rows = [draw_frames(take, frames, camera=camera) for take in takes]
    figure, _ = _strip(rows, [take.name for take in takes], _headings(takes[0], frames), below=False)
    return figure


def _colored(predictions: Sequence[Take]) -> list[tuple[Take, str]]:
    """Return each prediction with its colour."""
    if len(predictions) > len(COLORS):
        raise InputError(f"{len(predictions)} predictions in one figure: at most {len(COLORS)} colours are told apart")
    return list(zip(predictions, COLORS, strict=False))


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as .png (200 dots an inch), .pdf or .svg and return its path."""
    if path.suffix[1:] not in FORMATS:
        raise InputError(f"no figure format {path.suffix!r}: use one of {', '.join(FORMATS)}")
    with replacing(path) as temporary:
        figure.savefig(
            temporary, dpi=200, facecolor="white", metadata={"Date": None} if path.suffix == ".svg" else None
        )
    return path


def _figure(size: tuple[float, float]) -> Figure:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("figures need Matplotlib: pip install matplotlib, or kmtalk[figures]") from error
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure


def _strip(
    rows: list[list[np.ndarray]], names: list[str], headings: list[str], below: bool = True
) -> tuple[Figure, Axes | None]:
    """Rows of pictures without gaps, names at the left, headings above, and room for a plot over time below."""
    columns, left, right, top = len(rows[0]), 1.0, 0.6 if below else 0.1, 0.26
    foot = 1.25 if below else 0.08
    width, height = left + columns * _CELL + right, top + len(rows) * _CELL + foot
    figure = _figure((width, height))
    for row, (pictures, name) in enumerate(zip(rows, names, strict=True)):
        bottom = foot + (len(rows) - 1 - row) * _CELL
        for column, picture in enumerate(pictures):
            place = (left + column * _CELL) / width, bottom / height, _CELL / width, _CELL / height
            axes = figure.add_axes(place)
            axes.imshow(picture, interpolation="antialiased")
            axes.axis("off")
            if row == 0:
                axes.set_title(headings[column], fontsize=8, color=INK, pad=3)
        middle = (bottom + _CELL / 2) / height
        lines = "\n".join(textwrap.wrap(name, 14)[:4])
        figure.text((left - 0.08) / width, middle, lines, fontsize=8, color=INK, ha="right", va="center")
    if not below:
        return figure, None
    return figure, figure.add_axes((left / width, 0.4 / height, columns * _CELL / width, (foot - 0.5) / height))


def _colorbar(figure: Figure, largest: float) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    width, height = figure.get_size_inches()
    axes = figure.add_axes(((width - 0.5) / width, 1.35 / height, 0.09 / width, (height - 1.75) / height))
    scale = ScalarMappable(Normalize(0, largest), LinearSegmentedColormap.from_list("heat", HEAT))
    bar = figure.colorbar(scale, cax=axes)
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=6.5, length=2, colors=INK)
    axes.set_title("mm", fontsize=7, color=INK, pad=4)


def _time_axis(axes: Axes, take: Take, frames: Sequence[int], label: str) -> None:
    for frame in frames:
        axes.axvline(frame / take.fps, color=FAINT, linewidth=0.6, linestyle=(0, (3, 2)), zorder=0)
    axes.set_xlim(0, max(len(take.vertices) - 1, 1) / take.fps)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds", fontsize=7, color=INK, labelpad=1)
    axes.set_ylabel(label, fontsize=7, color=INK)
    axes.tick_params(labelsize=6.5, length=2, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)


def _write_phonemes(axes: Axes, phonemes: list[Phoneme]) -> None:
    """Write phonemes below the axis where they are spoken, in two rows in turn, for they are many."""
    for place, phoneme in enumerate(phonemes):
        axes.axvline(phoneme.start, 0, -0.025, color=FAINT, linewidth=0.5, clip_on=False)
        style = {"ha": "center", "va": "top", "fontsize": 5.5, "color": INK, "transform": axes.get_xaxis_transform()}
        axes.text((phoneme.start + phoneme.end) / 2, -0.03 - 0.06 * (place % 2), phoneme.label, **style)
    if phonemes:
        axes.tick_params(axis="x", pad=16)


def _headings(take: Take, frames: Sequence[int]) -> list[str]:
    headings = []
    for frame in frames:
        time = frame / take.fps
        spoken = next((p.label for p in take.phonemes if p.start <= time + 1e-6 < p.end), "")
        headings.append(f"{spoken}  {time:.2f} s" if spoken not in ("", "sil") else f"{time:.2f} s")
    return headings


def _opening(take: Take) -> np.ndarray:
    if take.lips is None:
        raise InputError(f"where the lips of {take.name} are is not known: its face has no lip landmarks")
    return metrics.lip_distance(take.vertices, *take.lips) * 1e3
