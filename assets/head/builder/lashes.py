"""Eyelashes: tapered spikes laid on the base mesh's lash strips, so that they follow the lids."""

import numpy as np
from cage import Cage
from mesh import RenderMesh
from scipy import sparse
from scipy.spatial import cKDTree
from source import Source

# Strip (1 lower lid, 2 upper lid): number of lashes, length and half-width, both as a share of the strip.
_ROWS = {1: (34, 0.42, 0.034), 2: (72, 1.0, 0.048)}
_TAPER = ((0.0, 1.0), (0.4, 0.8), (0.75, 0.45))  # along a lash: place, width
SPIKE = 2 * len(_TAPER) + 1
"""Vertices in a lash; the first two are its root."""


def add_lashes(mesh: RenderMesh, cage: Cage, source: Source) -> RenderMesh:
    """Return the mesh with upper and lower lashes; both windings, as they are seen from both sides."""
    skin = cKDTree(cage.vertices[cage.is_part("skin")])
    to_cage = np.full(len(source.vertices), -1)
    made = cage.source >= 0
    to_cage[cage.source[made]] = np.flatnonzero(made)
    for side in "lr":
        for row, (count, length, width) in _ROWS.items():
            strip = to_cage[source.quads[source.groups == f"helper-{side}-eyelashes-{row}"]]
            grid = _oriented(_grid(strip), cage, skin)
            mesh = mesh.joined(_spikes(grid, count, length, width, len(cage.vertices)))
    return mesh


def _grid(quads: np.ndarray) -> np.ndarray:
    """Return the strip's vertices as (columns, rows), marching from one short side to the other."""
    near: dict[int, set[int]] = {}
    for quad in quads:
        for i in range(4):
            near.setdefault(quad[i], set()).add(quad[(i + 1) % 4])
            near.setdefault(quad[(i + 1) % 4], set()).add(quad[i])
    corners = sorted(v for v in near if len(near[v]) == 2)
    column = min((_border(near, corners[0], end) for end in corners[1:]), key=len)
    columns, seen = [], set()
    while column:
        columns.append(column)
        seen.update(column)
        ahead = [sorted(near[v] - seen) for v in column]
        column = [step[0] for step in ahead] if all(ahead) else []
    return np.array(columns)


def _border(near: dict[int, set[int]], start: int, end: int) -> list[int]:
    """Return the shortest path along the strip's border."""
    paths, reached = [[start]], {start}
    for path in paths:
        if path[-1] == end:
            return path
        for step in sorted(near[path[-1]] - reached):
            if len(near[step]) <= 3:
                reached.add(step)
                paths.append([*path, step])
    raise ValueError("a lash strip is not one grid")


def _oriented(grid: np.ndarray, cage: Cage, skin: cKDTree) -> np.ndarray:
    """Turn the grid so that row 0 is the root and column 0 the inner corner of the eye."""
    root, tip = (skin.query(cage.vertices[grid[:, row]])[0].mean() for row in (0, -1))
    grid = grid if root < tip else grid[:, ::-1]
    inner, outer = (np.abs(cage.vertices[grid[column], 0]).mean() for column in (0, -1))
    return grid if inner < outer else grid[::-1]


def _spikes(grid: np.ndarray, count: int, length: float, width: float, vertices: int) -> RenderMesh:
    random = np.random.default_rng(5)
    columns, rows = grid.shape
    places, triangles = [], []
    for share in np.linspace(0.02, 0.98, count):
        root = (share + random.normal(0, 0.006)) * (columns - 1)
        reach = length * (0.62 + 0.38 * np.sin(np.pi * share)) * random.uniform(0.8, 1.0)
        fan = ((share - 0.5) * 1.1 + random.normal(0, 0.12)) * reach
        start = len(places)
        for along, wide in _TAPER:
            places += [(root + fan * along + side * width * wide, along * reach * (rows - 1)) for side in (-1, 1)]
        places.append((root + fan, reach * (rows - 1)))
        triangles += [[start + i, start + i + 1, start + i + 3] for i in (0, 2)]
        triangles += [[start + i, start + i + 3, start + i + 2] for i in (0, 2)] + [[start + 4, start + 5, start + 6]]
    faces = np.array(triangles)
    matrix = _bilinear(grid, np.array(places), vertices)
    return RenderMesh(matrix, np.concatenate([faces, faces[:, ::-1]]), np.full(len(places), "lash"))


def _bilinear(grid: np.ndarray, places: np.ndarray, vertices: int) -> sparse.csr_matrix:
    places = np.clip(places, 0, np.array(grid.shape) - 1 - 1e-6)
    cell = places.astype(int)
    u, v = (places - cell).T
    (i, j), rows = cell.T, np.arange(len(places))
    corners = ((0, 0, (1 - u) * (1 - v)), (1, 0, u * (1 - v)), (0, 1, (1 - u) * v), (1, 1, u * v))
    columns = np.concatenate([grid[i + di, j + dj] for di, dj, _ in corners])
    shares = np.concatenate([share for _, _, share in corners])
    return sparse.csr_matrix((shares, (np.tile(rows, 4), columns)), (len(places), vertices))
