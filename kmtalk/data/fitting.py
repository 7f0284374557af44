"""Fitting: the shapes that explain the training motion best, and every clip as weights over them.

A randomised principal component analysis of the displacements from each subject's template, without a mean, so that
vertices = template + weights @ basis holds as for every face. The vertices are read a block at a time, some times over.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from kmtalk.data.prepared import Prepared
from kmtalk.data.rows import is_whole, write_rows
from kmtalk.data.source import blocks
from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.npz import read_npz

FRAMES = 6000
"""Frames that the shapes are fitted to; of more, every second, third ... is taken: neighbours are nearly alike."""

MOST = 1024
"""Shapes of a basis."""

_PASSES = 3  # power iterations
_STILL = 1e-6  # metres, root mean square over vertices, under which a shape is rounding
_SPARE = 16  # directions followed beyond those asked for


def fit_basis(prepared: Prepared, count: int, seed: int = 0) -> Prepared:
    """Fit up to `count` shapes to the training clips, write basis.npz, and return the data set with it.

    Every shape is scaled so that its weight has root mean square 1 over the fitted frames. A basis that was fitted to
    the same clips before is kept. Errors: InputError for a count that makes no sense or motion that is none.
    """
    check_count(count)
    path, made_of = prepared.folder / "basis.npz", _fingerprint(prepared, count, seed)
    if not _is_fitted(path, made_of):
        for weights in (prepared.folder / "weights").glob("*"):
            weights.unlink()
        basis, spread = _principal(prepared, count, np.random.default_rng(seed))
        with replacing(path) as temporary:
            np.savez(temporary, basis=basis, spread=spread, made_of=made_of)
    return replace(prepared, error_mm={"train": np.nan})


def check_count(count: int) -> None:
    """Raise InputError for a number of shapes that no basis has."""
    if not 1 <= count <= MOST:
        raise InputError(f"a basis of {count} shapes: give 1 to {MOST}, or 0 for none")


def _is_fitted(path: Path, made_of: str) -> bool:
    """Tell whether a whole basis is there that was made of just this."""
    try:
        return str(read_npz(path)["made_of"]) == made_of
    except (ValueError, KeyError):
        return False


def write_weights(prepared: Prepared, say: Callable[[float, str], None] = lambda done, what: None) -> Prepared:
    """Write every clip's weights (T, K) and return the data set with what the basis leaves of each split, in mm.

    The distance left is the root mean square over frames and vertices.
    """
    basis = prepared.basis
    flat = basis.reshape(len(basis), -1)
    scale = np.einsum("kj,kj->k", flat, flat, dtype=np.float64)
    (prepared.folder / "weights").mkdir(exist_ok=True)
    left = {}
    for index, clip in enumerate(prepared.clips()):
        say(index / len(prepared.index), f"weights of {clip.name}")
        left[clip.name] = _write_clip(prepared, clip.name, flat, scale)
    errors = {}
    for split, names in prepared.splits.items():
        frames = sum(prepared.index[name].frames for name in names)
        if frames:
            squares = sum(left[name] * prepared.index[name].frames for name in names)
            errors[split] = float(np.sqrt(squares / frames)) * 1e3
    return replace(prepared, error_mm=errors)


def _write_clip(prepared: Prepared, name: str, flat: np.ndarray, scale: np.ndarray) -> float:
    """Write one clip's weights and return the mean squared distance they leave, in square metres."""
    path, clip = prepared.folder / "weights" / f"{name}.npy", prepared.clip(name)
    left = prepared.folder / "weights" / f"{name}.json"
    if left.is_file() and is_whole(path, (clip.frames, len(flat))):
        return json.loads(left.read_text("utf-8"))
    squares = 0.0

    def weights() -> Iterator[np.ndarray]:
        nonlocal squares
        for moved in _displacements(prepared, name, np.arange(clip.frames)):
            block = (moved @ flat.T / scale).astype(np.float32)
            rest = moved - block @ flat
            squares += float(np.einsum("tj,tj->", rest, rest))
            yield block

    write_rows(path, (clip.frames, len(flat)), weights())
    squares /= clip.frames * prepared.vertex_count
    with replacing(left) as temporary:
        temporary.write_text(json.dumps(squares), "utf-8")
    return squares


def _principal(prepared: Prepared, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled shapes (K, V, 3) float32, most moving first, and their spreads (K,) in metres."""
    size, total = prepared.vertex_count * 3, sum(clip.frames for clip in prepared.clips("train"))
    step = max(1, round(total / FRAMES))
    chosen = {clip.name: np.arange(0, clip.frames, step) for clip in prepared.clips("train")}
    frames = sum(len(rows) for rows in chosen.values())
    width = min(count + _SPARE, frames, size)
    directions = random.standard_normal((size, width), np.float32)
    for _ in range(_PASSES):
        directions, _ = np.linalg.qr(directions)
        sketch = np.zeros_like(directions)
        for moved in _all_displacements(prepared, chosen):
            sketch += moved.T @ (moved @ directions)
        directions = sketch
    directions, _ = np.linalg.qr(directions)
    covariance = np.zeros((width, width))
    for moved in _all_displacements(prepared, chosen):
        seen = (moved @ directions).astype(np.float64)
        covariance += seen.T @ seen
    values, vectors = np.linalg.eigh(covariance / frames)
    best = np.argsort(values)[::-1][:count]
    best = best[values[best] > _STILL**2 * prepared.vertex_count]
    if not len(best):
        raise InputError(f"nothing moves in the training clips of {prepared.name}: no basis can be fitted to them")
    spread = np.sqrt(values[best])
    basis = (directions @ (vectors[:, best] * spread).astype(np.float32)).T
    return np.ascontiguousarray(basis.reshape(len(best), -1, 3)), spread


def _all_displacements(prepared: Prepared, chosen: dict[str, np.ndarray]) -> Iterator[np.ndarray]:
    for name, rows in chosen.items():
        yield from _displacements(prepared, name, rows)


def _displacements(prepared: Prepared, name: str, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a clip's frames less its subject's template, (n, V * 3) float32, a block at a time."""
    stored, template = prepared.rows(name), prepared.template(prepared.clip(name).subject)
    for start, stop in blocks(len(rows)):
        yield (stored[rows[start:stop]] - template).reshape(stop - start, -1)


def _fingerprint(prepared: Prepared, count: int, seed: int) -> str:
    made_of = [count, seed, prepared.fps, sorted((clip.name, clip.frames) for clip in prepared.clips("train"))]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
