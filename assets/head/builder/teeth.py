"""Twenty-four single teeth and their gums along the dental arches, carried rigidly by the base mesh's tooth strips."""

from dataclasses import dataclass

import numpy as np
from cage import Cage
from lips import lip_sides
from mesh import RenderMesh, outward
from scipy import sparse

# From the middle to the back: widths and heights in millimetres, and how much longer than its row each tooth is.
_WIDTHS = {"teethU": (8.5, 6.6, 7.6, 7.0, 6.8, 9.5), "teethL": (5.4, 5.9, 6.9, 7.1, 7.1, 10.0)}
_HEIGHTS = {"teethU": (9.8, 8.8, 9.8, 8.0, 7.4, 7.0), "teethL": (8.2, 8.4, 9.4, 8.0, 7.4, 7.0)}
_DEPTHS = (3.0, 2.8, 3.6, 4.0, 4.2, 4.8)
_SHORTER = (0.0, 0.6, -0.2, 0.4, 0.8, 1.2)
_EDGE = {"teethU": -0.0026, "teethL": -0.0016}  # metres from the lip seam to the biting edge
_BEHIND, _NARROWER = 0.0028, 0.0020  # metres, the lower arch inside the upper one
_RINGS, _AROUND = 7, 14
_GUM_STEPS = 48
_GUM_PROFILE = ((-5.0, 2.0), (0.4, -1.2), (1.2, 3.0), (0.6, 9.0), (-4.0, 14.0))  # millimetres outwards, rootwards


@dataclass(frozen=True)
class Arch:
    """Half a dental arch seen from above, from the middle line to the back; metres."""

    x: np.ndarray
    z: np.ndarray
    length: np.ndarray  # along the curve at each point
    centres: np.ndarray  # (6,) lengths at the teeth's middles
    scale: float  # of the tooth widths to fill the arch

    def at(self, length: float) -> np.ndarray:
        """Return the (x, 0, z) point at a length."""
        return np.array([np.interp(length, self.length, self.x), 0, np.interp(length, self.length, self.z)])


def add_teeth(mesh: RenderMesh, cage: Cage) -> RenderMesh:
    """Return the mesh with crowns and gums of both jaws."""
    upper = lip_sides(cage)[0]
    middle = upper[np.abs(cage.vertices[upper, 0]) < 0.003]
    seam = cage.vertices[middle, 1].max()
    for jaw in ("teethU", "teethL"):
        arch, up = _arch(cage.vertices[cage.is_part(jaw)], jaw), 1 if jaw == "teethU" else -1
        crowns, gums = _crowns(arch, jaw, seam + _EDGE[jaw], up), _gums(arch, jaw, seam + _EDGE[jaw], up)
        mesh = mesh.joined(_carried(cage, jaw, *crowns, jaw)).joined(_carried(cage, jaw, *gums, "gum"))
    return mesh


def crown_shade() -> np.ndarray:
    """Return (99, 3) colour factors of a crown: warmer at the gum, darker between the teeth."""
    rootwards = np.repeat(np.linspace(1, 0, _RINGS), _AROUND)
    between = np.tile(np.abs(np.cos(2 * np.pi * np.arange(_AROUND) / _AROUND)), _RINGS) ** 6
    shade = 1 - rootwards[:, None] * np.array([0.08, 0.13, 0.22]) - between[:, None] * np.array([0.22, 0.27, 0.30])
    return np.concatenate([shade, np.ones((1, 3))])


def _arch(strip: np.ndarray, jaw: str) -> Arch:
    lower = jaw == "teethL"
    width = np.abs(strip[:, 0]).max() * 0.93 - _NARROWER * lower
    back, front = strip[:, 2].min(), strip[:, 2].max() - _BEHIND * lower
    turn = np.linspace(0, np.pi / 2, 400)
    x, z = width * np.sin(turn) ** 0.92, back + (front - back) * np.abs(np.cos(turn)) ** 0.85
    length = np.r_[0, np.cumsum(np.hypot(np.diff(x), np.diff(z)))]
    widths = np.array(_WIDTHS[jaw])
    scale = length[-1] * 0.93 / widths.sum()
    return Arch(x, z, length, (np.cumsum(widths) - widths / 2) * scale, scale)


def _crowns(arch: Arch, jaw: str, edge: float, up: int) -> tuple[np.ndarray, np.ndarray]:
    points, triangles = [], []
    for index in range(6):
        crown = _crown(arch, jaw, index, edge, up)
        for mirror in (1, -1):
            placed = crown * [mirror, 1, 1]
            triangles.append(outward(placed, _crown_triangles()) + sum(len(p) for p in points))
            points.append(placed)
    return np.concatenate(points), np.concatenate(triangles)


def _crown(arch: Arch, jaw: str, index: int, edge: float, up: int) -> np.ndarray:
    """Return (99, 3): superellipse rings from the gum to the biting edge, and a point that closes it."""
    along = arch.at(arch.centres[index] + 0.0004) - arch.at(arch.centres[index])
    along /= np.linalg.norm(along)
    out = np.array([-along[2], 0, along[0]])
    place = arch.at(arch.centres[index])
    out = out if out @ (place - [0, 0, arch.z.min()]) > 0 else -out
    half_width = _WIDTHS[jaw][index] * arch.scale / 2 * 1.05
    depth, height = _DEPTHS[index] / 1000, _HEIGHTS[jaw][index] / 1000
    incisor = index < 3
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND
    across, deep = (np.sign(f) * np.abs(f) ** 0.62 for f in (np.cos(turn), np.sin(turn)))
    rings = []
    for share in np.linspace(0, 1, _RINGS):
        last = share == 1
        wide = half_width * (0.80 + 0.20 * np.sin(min(share * 1.25, 1) * np.pi / 2)) * (0.87 if last else 1)
        thick = depth * (1 - (0.62 if incisor else 0.15) * share) * (0.56 if last else 1)
        bulge = 0.0006 * np.sin(np.pi * share) * (np.sin(turn) > 0) - depth / 2
        ring = place + along * (across * wide)[:, None] + out * (deep * thick + bulge)[:, None]
        ring[:, 1] = edge + up * (_SHORTER[index] / 1000 + height * (1 - share))
        ring[:, 2] += incisor * up * 0.0011 * share
        rings.append(ring)
    rings.append(rings[-1].mean(axis=0, keepdims=True) - [[0, 0.0004 * up, 0]])
    return np.concatenate(rings)


def _crown_triangles() -> np.ndarray:
    one, two = np.arange(_AROUND), (np.arange(_AROUND) + 1) % _AROUND
    bands = []
    for start in range(0, (_RINGS - 1) * _AROUND, _AROUND):
        a, b, c, d = one + start, two + start, two + start + _AROUND, one + start + _AROUND
        bands += [np.stack([a, b, c], 1), np.stack([a, c, d], 1)]
    start = (_RINGS - 1) * _AROUND
    return np.concatenate([*bands, np.stack([one + start, two + start, np.full(_AROUND, start + _AROUND)], 1)])


def _gums(arch: Arch, jaw: str, edge: float, up: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a band swept along the arch, scalloped around the necks of the teeth."""
    necks = np.r_[0, np.cumsum(_WIDTHS[jaw]) * arch.scale]
    front, back, width = arch.z.max(), arch.z.min(), arch.x.max()
    points = []
    for side in np.linspace(-1, 1, _GUM_STEPS):
        length = abs(side) * arch.length[-1] * 0.95
        place = arch.at(length) * [np.sign(side), 0, 1]
        out = np.array([place[0] / width**2, 0, (place[2] - back) / (front - back) ** 2 + 1e-6])
        out /= np.linalg.norm(out)
        height = np.interp(length, arch.centres, _HEIGHTS[jaw]) * 0.86
        scallop = abs(np.sin(np.pi * np.interp(length, necks, np.arange(7))))
        for outwards, rootwards in _GUM_PROFILE:
            rise = (height + rootwards + (scallop if rootwards < 0 else 0)) / 1000
            points.append(place + out * outwards / 1000 + [0, edge + up * rise, 0])
    rows = len(_GUM_PROFILE)
    corner = (np.arange(_GUM_STEPS - 1)[:, None] * rows + np.arange(rows - 1)).ravel()
    band = [
        np.stack([corner, corner + rows, corner + rows + 1], 1),
        np.stack([corner, corner + rows + 1, corner + 1], 1),
    ]
    return np.array(points), outward(np.array(points), np.concatenate(band))


def _carried(cage: Cage, jaw: str, points: np.ndarray, triangles: np.ndarray, name: str) -> RenderMesh:
    """Return a mesh that follows four well-spread vertices of the jaw's strip by affine coordinates."""
    strip = np.flatnonzero(cage.is_part(jaw))
    random = np.random.default_rng(0)
    choices = [random.choice(len(strip), 4, replace=False) for _ in range(4000)]
    volumes = np.abs(np.linalg.det(np.c_[cage.vertices[strip], np.ones(len(strip))][np.array(choices)]))
    anchors = strip[choices[int(volumes.argmax())]]
    frame = np.linalg.inv(np.c_[cage.vertices[anchors], np.ones(4)].T)
    shares = (frame @ np.c_[points, np.ones(len(points))].T).T
    rows, columns = np.repeat(np.arange(len(points)), 4), np.tile(anchors, len(points))
    matrix = sparse.csr_matrix((shares.ravel(), (rows, columns)), (len(points), len(cage.vertices)))
    return RenderMesh(matrix, triangles, np.full(len(points), name))
