"""The cage: the control mesh that the basis moves, cut out of the base mesh, with its painted masks."""

from dataclasses import dataclass, replace

import numpy as np
from identity import REFERENCE, Identity, neutral
from scipy import sparse
from scipy.sparse import csgraph
from source import METRES, Source

PARTS = ("skin", "eyeL", "eyeR", "lash", "teethU", "teethL", "gum", "tongue")
NOSE_TIP, CORNER_LEFT, CORNER_RIGHT = 5054, 7272, 527  # vertices of the base mesh

_HELPERS = {
    "teethU": ("helper-upper-teeth",),
    "teethL": ("helper-lower-teeth",),
    "tongue": ("helper-tongue",),
    "lash": tuple(f"helper-{side}-eyelashes-{row}" for side in "lr" for row in (1, 2)),
}
_HEM_HEIGHT, _HEM_RADIUS = -0.19, 0.175
_CAVITY = (0.745, 0.935, 0.145)  # texture island of the mouth cavity: u from, u to, v below


@dataclass(frozen=True)
class Cage:
    """N vertices and Q quads in metres; every array by vertex or by quad is in the same order."""

    vertices: np.ndarray  # (N, 3) float64
    quads: np.ndarray  # (Q, 4) int64
    part: np.ndarray  # (N,) str, of PARTS
    quad_part: np.ndarray  # (Q,) str
    source: np.ndarray  # (N,) vertex of the base mesh, -1 for a made one
    shapes: dict[str, np.ndarray]  # name -> (N, 3) displacement
    masks: dict[str, np.ndarray]  # name -> (N,) in [0, 1]

    def is_part(self, *names: str) -> np.ndarray:
        """Return the (N,) bool mask of these parts."""
        return np.isin(self.part, names)

    def at(self, source: int) -> int:
        """Return the vertex that was this vertex of the base mesh."""
        return int(np.flatnonzero(self.source == source)[0])

    def with_shapes(self, **shapes: np.ndarray) -> "Cage":
        """Return the cage with these shapes added or replaced."""
        return replace(self, shapes=self.shapes | shapes)

    def moved(self, displacement: np.ndarray) -> "Cage":
        """Return the cage with another neutral face."""
        return replace(self, vertices=self.vertices + displacement)


def cut_cage(source: Source, identity: Identity) -> Cage:
    """Return the bust, teeth, tongue and lash strips of an identity, with the 52 ARKit shapes; no eyeballs yet."""
    reference = _outside_hem(neutral(source, REFERENCE))
    bust = _bust_quads(source, neutral(source, REFERENCE), reference)
    vertices, orphans = _snap_to_hem(neutral(source, identity), bust, reference)
    bust = bust[~orphans[bust].any(axis=1)]
    pieces = {"skin": bust} | {name: source.quads[np.isin(source.groups, g)] for name, g in _HELPERS.items()}
    quads = np.concatenate(list(pieces.values()))
    kept, compact = np.unique(quads, return_inverse=True)
    part = np.empty(len(source.vertices), "U8")
    for name, faces in pieces.items():
        part[faces] = name
    on_skin = part[kept] == "skin"
    return Cage(
        vertices=vertices[kept],
        quads=compact.reshape(quads.shape),
        part=part[kept],
        quad_part=np.repeat(list(pieces), [len(faces) for faces in pieces.values()]),
        source=kept,
        shapes={name: moved[kept] * METRES for name, moved in source.face_units().items()},
        masks={name: mask[kept] * on_skin for name, mask in _painted_masks(source).items()},
    )


def _outside_hem(vertices: np.ndarray) -> np.ndarray:
    """Return how far outside the rounded hem of the bust each vertex is; negative inside."""
    below = np.minimum(vertices[:, 1] - _HEM_HEIGHT, 0)
    return np.abs(vertices[:, 0] / _HEM_RADIUS) ** 3 + np.abs(below / _HEM_RADIUS) ** 3 - 1


def _bust_quads(source: Source, vertices: np.ndarray, outside: np.ndarray) -> np.ndarray:
    quads = source.quads[source.groups == "body"]
    near = (outside[quads] < 0.45).all(axis=1) & (vertices[quads][:, :, 1] > _HEM_HEIGHT - 0.26).all(axis=1)
    quads = quads[near & (outside[quads] < 0).any(axis=1)]
    edges = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    graph = sparse.coo_matrix((np.ones(len(edges)), edges.T), (len(vertices),) * 2)
    island = csgraph.connected_components(graph, directed=False)[1]
    return quads[island[quads[:, 0]] == island[NOSE_TIP]]


def _snap_to_hem(vertices: np.ndarray, quads: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slide outside vertices along their edges onto the hem; return them and which have no such edge."""
    edges = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    edges = np.concatenate([edges, edges[:, ::-1]])
    out, within = edges[(outside[edges[:, 0]] > 0) & (outside[edges[:, 1]] <= 0)].T
    share = (outside[out] / (outside[out] - outside[within]))[:, None]
    total, count = np.zeros_like(vertices), np.zeros(len(vertices))
    np.add.at(total, out, vertices[out] * (1 - share) + vertices[within] * share)
    np.add.at(count, out, 1)
    snapped = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], vertices)
    return snapped, (outside > 0) & (count == 0)


def _painted_masks(source: Source) -> dict[str, np.ndarray]:
    """Return masks over the base mesh: lips, eyelids, ears, mouth cavity, and the seam where cavity and lips meet."""
    body = source.groups == "body"
    corners, uv = source.quads[body].ravel(), source.uvs[source.uv_quads[body].ravel()]
    left, right, top = _CAVITY
    in_cavity = (uv[:, 0] > left) & (uv[:, 0] < right) & (uv[:, 1] < top)
    outer = np.full((len(source.vertices), 2), np.nan)
    outer[corners[~in_cavity]] = uv[~in_cavity]
    cavity = np.zeros(len(source.vertices), bool)
    cavity[corners[in_cavity]] = True
    has_outer = ~np.isnan(outer[:, 0])
    return {
        "lips": source.painted("lips", outer),
        "eyelids": source.painted("eyelids", outer),
        "ears": _eroded(source.painted("ears", outer), source.quads[body]),
        "mouth_cavity": (cavity & ~has_outer).astype(float),
        "lip_seam": (cavity & has_outer).astype(float),
    }


def _eroded(mask: np.ndarray, quads: np.ndarray) -> np.ndarray:
    edges = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    least = mask.copy()
    np.minimum.at(least, edges[:, 0], mask[edges[:, 1]])
    np.minimum.at(least, edges[:, 1], mask[edges[:, 0]])
    return least
