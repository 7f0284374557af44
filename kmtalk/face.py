"""Face: the template, the basis that moves it, its regions and its look."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from kmtalk.assets import asset
from kmtalk.errors import InputError
from kmtalk.npz import read_npz

IDENTITIES = ("ari", "ben", "cleo")
"""The shipped heads; one topology and one basis serve all three."""


@dataclass(frozen=True)
class Look:
    """How a face is drawn: a finer mesh that follows the vertices by a fixed sparse matrix, and its material.

    R render vertices, F triangles. subdivision: CSR arrays (data, indices, indptr) of the (R, V) matrix;
    triangles: (F, 3) int32; part: (R,) uint8 index into part_names; uv: (R, 2) float32;
    color: (R, 3), roughness, scattering, occlusion, cavity, depth: (R,) uint8, 0-255 for 0-1; texture: an image file.
    """

    subdivision: tuple[np.ndarray, np.ndarray, np.ndarray]
    triangles: np.ndarray
    part: np.ndarray
    part_names: tuple[str, ...]
    uv: np.ndarray
    color: np.ndarray
    roughness: np.ndarray
    scattering: np.ndarray
    occlusion: np.ndarray
    cavity: np.ndarray
    depth: np.ndarray
    texture: Path


@dataclass(frozen=True)
class Face:
    """A face that linear weights move.

    template: (V, 3) float32 metres, +Y up, +Z to the viewer; triangles: (F, 3) int32;
    basis: (K, V, 3) float32 metres at weight 1; basis_names: K names; regions: name -> vertex indices;
    landmarks: name -> vertex index; head_weight: (V,) float32 in [0, 1], how far head motion carries each vertex;
    head_pivot: (3,) metres, the point that head motion turns about; look: how to draw it, None for a plain mesh.
    """

    name: str
    template: np.ndarray
    triangles: np.ndarray
    basis: np.ndarray
    basis_names: tuple[str, ...]
    regions: Mapping[str, np.ndarray]
    landmarks: Mapping[str, int]
    head_weight: np.ndarray
    head_pivot: np.ndarray
    look: Look | None = None

    @cached_property
    def flat_basis(self) -> np.ndarray:
        """(K, V * 3) float32 view of the basis."""
        return self.basis.reshape(len(self.basis), self.template.size)

    def vertices(self, weights: np.ndarray) -> np.ndarray:
        """Return (T, V, 3) float32 metres for (T, K) weights: template + weights @ basis."""
        moved = np.asarray(weights, np.float32) @ self.flat_basis
        return moved.reshape(-1, *self.template.shape) + self.template

    def landmark(self, name: str) -> int:
        """Return a landmark's vertex index, or say which landmarks this face has."""
        if name not in self.landmarks:
            known = ", ".join(sorted(self.landmarks)) or "none"
            raise InputError(f"face {self.name!r} has no landmark {name!r} (it has: {known})")
        return self.landmarks[name]

    def distance(self, weights: np.ndarray, first: str, second: str) -> np.ndarray:
        """Return (T,) float32 metres between two landmarks for (T, K) weights."""
        a, b = self.landmark(first), self.landmark(second)
        moved = np.tensordot(np.asarray(weights, np.float32), self.basis[:, a] - self.basis[:, b], axes=1)
        return np.linalg.norm(moved + self.template[a] - self.template[b], axis=1)

    def lip_row(self) -> np.ndarray:
        """Return (K,) float32 metres by which each weight parts the inner lips along the vertical."""
        upper, lower = self.landmark("lip_inner_upper"), self.landmark("lip_inner_lower")
        return self.basis[:, upper, 1] - self.basis[:, lower, 1]

    def lip_gap(self, weights: np.ndarray) -> np.ndarray:
        """Return (T,) float32 metres between the inner lips along the vertical, negative where lips are pressed.

        weights: (T, K). The gap is linear in the weights: weights @ lip_row() + the gap of the template.
        """
        upper, lower = self.landmark("lip_inner_upper"), self.landmark("lip_inner_lower")
        rest = self.template[upper, 1] - self.template[lower, 1]
        return np.asarray(weights, np.float32) @ self.lip_row() + rest

    def gram(self, region: str | None = None) -> np.ndarray:
        """Return the (K, K) float64 matrix G with dw G dw^T = summed squared vertex distance in square metres.

        region: sum over that region's vertices only; None sums over all.
        """
        basis = self.basis if region is None else self.basis[:, self.regions[region]]
        flat = basis.reshape(len(basis), -1).astype(np.float64)
        return flat @ flat.T


def load_face(name: str | Path = "ari") -> Face:
    """Load a head: one of IDENTITIES, or a folder that holds head.npz and skin.jpg in the same layout."""
    folder = asset("head", str(name)) if str(name) in IDENTITIES else Path(name)
    if not (folder / "head.npz").is_file():
        raise InputError(f"no face {str(name)!r}: use one of {', '.join(IDENTITIES)}, or a folder with head.npz in it")
    try:
        arrays = read_npz(folder / "head.npz")
    except ValueError as error:
        raise InputError(
            f"{folder / 'head.npz'} cannot be read: use a NumPy .npz file in the layout of the shipped heads"
        ) from error
    try:
        face = _unpack(folder, arrays)
        fits = _fits(face, face.look)
    except KeyError as missing:
        raise InputError(
            f"{folder / 'head.npz'} has no {missing}: use a head in the layout of the shipped ones"
        ) from None
    except (ValueError, IndexError, TypeError):
        fits = False
    if not fits:
        raise InputError(f"the arrays in {folder / 'head.npz'} do not fit each other: use a head in the shipped layout")
    if not face.look.texture.is_file():
        raise InputError(f"face {str(name)!r} has no skin.jpg beside its head.npz: copy the whole folder of the head")
    return face


def _unpack(folder: Path, packed: dict[str, np.ndarray]) -> Face:
    quads = packed["quads"]
    masks = {key.removeprefix("mask_"): value for key, value in packed.items() if key.startswith("mask_")}
    return Face(
        name=folder.name,
        template=packed["verts"],
        triangles=np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]),
        basis=packed["basis"].astype(np.float32) * packed["basis_scale"],
        basis_names=tuple(packed["basis_names"].tolist()),
        regions={key: np.flatnonzero(mask > 127) for key, mask in masks.items()},
        landmarks=dict(zip(packed["lm_names"].tolist(), packed["lm_ids"].tolist(), strict=True)),
        head_weight=masks["head_weight"].astype(np.float32) / 255,
        head_pivot=packed["pivot"].astype(np.float32),
        look=_unpack_look(folder, packed),
    )


def _fits(face: Face, look: Look) -> bool:
    """Tell whether the arrays of a head have shapes that go together and point at vertices that exist."""
    vertices, drawn = len(face.template), len(look.uv)
    columns = (look.part, look.roughness, look.scattering, look.occlusion, look.cavity, look.depth)
    shapes = [
        (face.template, (vertices, 3)),
        (face.basis, (len(face.basis_names), vertices, 3)),
        (face.head_weight, (vertices,)),
        (face.head_pivot, (3,)),
        (look.uv, (drawn, 2)),
        (look.color, (drawn, 3)),
        (look.subdivision[2], (drawn + 1,)),
        *((column, (drawn,)) for column in columns),
    ]
    landmarks = np.array(list(face.landmarks.values()))
    pointers = [
        (face.triangles, vertices),
        (look.subdivision[1], vertices),
        (look.triangles, drawn),
        (landmarks, vertices),
    ]
    return all(array.shape == shape for array, shape in shapes) and all(
        0 <= indices.min() <= indices.max() < count for indices, count in pointers
    )


def _unpack_look(folder: Path, packed: dict[str, np.ndarray]) -> Look:
    return Look(
        subdivision=(packed["S_data"], packed["S_indices"], packed["S_indptr"]),
        triangles=packed["tris"],
        part=packed["r_part"],
        part_names=tuple(packed["part_names"].tolist()),
        uv=packed["uv"],
        color=packed["color"],
        roughness=packed["rough"],
        scattering=packed["sss"],
        occlusion=packed["ao"],
        cavity=packed["cavity"],
        depth=packed["depth"],
        texture=folder / "skin.jpg",
    )
