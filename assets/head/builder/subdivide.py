"""One step of Catmull-Clark subdivision as a sparse matrix."""

import numpy as np
from scipy import sparse


def catmull_clark(quads: np.ndarray, count: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return the (R, count) matrix from old to new vertices and the (4 F, 4) new quads.

    New vertices are the old ones, then the edges, then the faces. Open edges follow the boundary rule,
    corners where open edges do not meet in pairs and vertices without a face stay where they are.
    """
    faces = len(quads)
    corners = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    edges, edge_of, uses = np.unique(np.sort(corners, axis=1), axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.ravel()
    face_of = np.tile(np.arange(faces), 4)
    inner = uses == 2

    face_points = _incidence(np.repeat(np.arange(faces), 4), quads.ravel(), (faces, count)) * 0.25
    midpoints = _incidence(np.repeat(np.arange(len(edges)), 2), edges.ravel(), (len(edges), count)) * 0.5
    around_edge = _incidence(edge_of, face_of, (len(edges), faces))
    edge_points = sparse.diags(np.where(inner, 0.5, 1.0)) @ midpoints
    edge_points += sparse.diags(inner * 0.25) @ (around_edge @ face_points)
    vertex_points = _moved_vertices(quads, edges, inner, face_points, midpoints)

    edge_index = count + edge_of.reshape(4, faces)
    face_index = count + len(edges) + np.arange(faces)
    split = [np.stack([quads[:, i], edge_index[i], face_index, edge_index[i - 1]], axis=1) for i in range(4)]
    return sparse.vstack([vertex_points, edge_points, face_points]).tocsr(), np.concatenate(split)


def _moved_vertices(
    quads: np.ndarray,
    edges: np.ndarray,
    inner: np.ndarray,
    face_points: sparse.csr_matrix,
    midpoints: sparse.csr_matrix,
) -> sparse.csr_matrix:
    faces, count = face_points.shape
    valence = np.bincount(edges.ravel(), minlength=count)
    open_edges = edges[~inner]
    open_valence = np.bincount(open_edges.ravel(), minlength=count)
    smooth = (valence > 0) & (open_valence == 0)
    crease = open_valence == 2
    near_faces = _incidence(quads.ravel(), np.repeat(np.arange(faces), 4), (count, faces))
    near_edges = _incidence(edges.ravel(), np.repeat(np.arange(len(edges)), 2), (count, len(edges)))
    both_ways = np.r_[open_edges, open_edges[:, ::-1]]
    near_open = _incidence(both_ways[:, 0], both_ways[:, 1], (count, count))
    k = np.maximum(valence, 1)
    keep = np.where(smooth, (k - 3) / k, np.where(crease, 0.75, 1.0))
    moved = sparse.diags(keep) + sparse.diags(np.where(crease, 0.125, 0.0)) @ near_open
    moved += sparse.diags(np.where(smooth, 1 / k**2, 0.0)) @ (near_faces @ face_points)
    return moved + sparse.diags(np.where(smooth, 2 / k**2, 0.0)) @ (near_edges @ midpoints)


def _incidence(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
