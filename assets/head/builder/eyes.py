"""Eyeballs with their pole on the gaze, and lids that rest open."""

from dataclasses import dataclass, replace

import numpy as np
from cage import Cage
from identity import fit_sphere
from source import METRES, Source

SIDES = {"eyeL": ("helper-l-eye", "Left"), "eyeR": ("helper-r-eye", "Right")}
_SEGMENTS = 24
_RINGS = np.r_[np.linspace(0, 40, 8)[1:], np.linspace(52, 130, 6)]  # degrees from the gaze
_SHRINK, _CORNEA, _CORNEA_ANGLE = 0.985, 0.055, 33


@dataclass(frozen=True)
class Eye:
    """An eyeball's centre and radius in metres."""

    centre: np.ndarray
    radius: float


def add_eyes(cage: Cage, source: Source, vertices: np.ndarray) -> tuple[Cage, dict[str, Eye], np.ndarray]:
    """Add two eyeballs that the look shapes turn rigidly.

    vertices: the identity's whole base mesh. Returns the cage, the eyes by part, and (N, 3) unit directions
    from the eye's centre (zero elsewhere).
    """
    directions, quads = _unit_eyeball()
    bulge = 1 + _CORNEA * np.cos(np.clip(_angle(directions) / _CORNEA_ANGLE, 0, 1) * np.pi / 2)[:, None] ** 1.2
    eyes, gaze = {}, np.zeros_like(cage.vertices)
    units = source.face_units()
    for part, (group, _) in SIDES.items():
        helper = source.vertices_of(group)
        eye = Eye(*fit_sphere(vertices[helper]))
        ball = eye.centre + directions * bulge * eye.radius * _SHRINK
        turned = {name: _turned(ball, eye, vertices[helper], moved[helper] * METRES) for name, moved in units.items()}
        cage = _joined(cage, part, ball, quads, turned)
        eyes[part], gaze = eye, np.concatenate([gaze, directions])
    return cage, eyes, gaze


def open_lids(cage: Cage, amount: float) -> Cage:
    """Rest part of eyeWide in the neutral face, and give it back in eyeBlink so that the lids still meet."""
    for side in ("Left", "Right"):
        raised = cage.shapes[f"eyeWide{side}"] * amount
        wide, blink = cage.shapes[f"eyeWide{side}"] - raised, cage.shapes[f"eyeBlink{side}"] - raised
        cage = cage.moved(raised).with_shapes(**{f"eyeWide{side}": wide, f"eyeBlink{side}": blink})
    return cage


def _unit_eyeball() -> tuple[np.ndarray, np.ndarray]:
    turn = 2 * np.pi * np.arange(_SEGMENTS) / _SEGMENTS
    theta = np.radians(_RINGS)[:, None]
    rings = np.stack([np.sin(theta) * np.cos(turn), np.sin(theta) * np.sin(turn), np.cos(theta) + 0 * turn], axis=-1)
    points = np.concatenate([[[0, 0, 1]], rings.reshape(-1, 3)])
    one, two = np.arange(_SEGMENTS), (np.arange(_SEGMENTS) + 1) % _SEGMENTS
    cap = [[0, 1 + q, 1 + (q + 1) % _SEGMENTS, 1 + (q + 2) % _SEGMENTS] for q in range(0, _SEGMENTS, 2)]
    bands = [
        1 + i * _SEGMENTS + np.stack([one, one + _SEGMENTS, two + _SEGMENTS, two], 1) for i in range(len(_RINGS) - 1)
    ]
    return points, np.concatenate([cap, *bands])


def _angle(directions: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip(directions[:, 2], -1, 1)))


def _turned(ball: np.ndarray, eye: Eye, helper: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Return the ball's displacement under the rotation that fits the helper eye's (Kabsch)."""
    if np.abs(moved).max() < 1e-4:
        return np.zeros_like(ball)
    before, after = helper - helper.mean(axis=0), helper + moved
    u, _, vt = np.linalg.svd(before.T @ (after - after.mean(axis=0)))
    flip = np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
    return (ball - eye.centre) @ (vt.T @ flip @ u.T).T + eye.centre - ball


def _joined(cage: Cage, part: str, ball: np.ndarray, quads: np.ndarray, shapes: dict[str, np.ndarray]) -> Cage:
    extra = np.zeros(len(ball))
    return replace(
        cage,
        vertices=np.concatenate([cage.vertices, ball]),
        quads=np.concatenate([cage.quads, quads + len(cage.vertices)]),
        part=np.concatenate([cage.part, np.full(len(ball), part)]),
        quad_part=np.concatenate([cage.quad_part, np.full(len(quads), part)]),
        source=np.concatenate([cage.source, np.full(len(ball), -1)]),
        shapes={name: np.concatenate([moved, shapes[name]]) for name, moved in cage.shapes.items()},
        masks={name: np.concatenate([mask, extra]) for name, mask in cage.masks.items()},
    )
