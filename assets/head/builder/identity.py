"""Who the heads are: MakeHuman macros for the form, colours for the paint."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from source import METRES, Source

RACES = ("african", "asian", "caucasian")
_AGES = {"baby": 0.0, "child": 0.1875, "young": 0.5, "old": 1.0}
_MUSCLES = {"minmuscle": 0.0, "averagemuscle": 0.5, "maxmuscle": 1.0}
_WEIGHTS = {"minweight": 0.0, "averageweight": 0.5, "maxweight": 1.0}


@dataclass(frozen=True)
class Identity:
    """One person. gender: 0 female to 1 male; races: shares in the order of RACES; colours: sRGB 0-255."""

    name: str
    gender: float
    races: tuple[float, float, float]
    age: float
    muscle: float
    weight: float
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    iris: tuple[int, int, int]
    lips: tuple[float, float, float]  # multiplies the skin
    blush: float
    stubble: float
    grain: float  # how strongly pores and blotches show
    roughness: float
    lid_raise: float  # share of eyeWide that rests in the neutral face


ARI = Identity(
    name="ari",
    gender=0.35,
    races=(0.25, 0.30, 0.45),
    age=0.5,
    muscle=0.5,
    weight=0.48,
    skin=(200, 149, 121),
    hair=(52, 38, 31),
    iris=(92, 112, 104),
    lips=(0.86, 0.68, 0.71),
    blush=0.40,
    stubble=0.0,
    grain=0.75,
    roughness=0.55,
    lid_raise=0.16,
)
BEN = Identity(
    name="ben",
    gender=0.95,
    races=(0.55, 0.10, 0.35),
    age=0.55,
    muscle=0.6,
    weight=0.5,
    skin=(146, 99, 75),
    hair=(32, 25, 22),
    iris=(84, 60, 42),
    lips=(0.84, 0.72, 0.76),
    blush=0.35,
    stubble=0.5,
    grain=0.9,
    roughness=0.6,
    lid_raise=0.32,
)
CLEO = Identity(
    name="cleo",
    gender=0.05,
    races=(0.05, 0.75, 0.20),
    age=0.45,
    muscle=0.45,
    weight=0.5,
    skin=(215, 168, 140),
    hair=(36, 29, 27),
    iris=(80, 58, 44),
    lips=(0.87, 0.65, 0.70),
    blush=0.28,
    stubble=0.0,
    grain=0.55,
    roughness=0.54,
    lid_raise=0.14,
)
IDENTITIES = {identity.name: identity for identity in (ARI, BEN, CLEO)}
REFERENCE = ARI
"""Decides where the bust and its texture are cut, so that every identity has the same vertices."""


def neutral(source: Source, identity: Identity) -> np.ndarray:
    """Return the identity's (N, 3) base mesh in metres with the origin between the eyes."""
    vertices = source.vertices.copy()
    genders = {"female": 1 - identity.gender, "male": identity.gender}
    ages = _hats(_AGES, identity.age)
    muscles, weights = _hats(_MUSCLES, identity.muscle), _hats(_WEIGHTS, identity.weight)
    for (gender, share), (age, age_share) in product(genders.items(), ages.items()):
        for race, race_share in zip(RACES, identity.races, strict=True):
            vertices += share * age_share * race_share * source.target(f"macrodetails/{race}-{gender}-{age}")
        for (muscle, muscle_share), (weight, weight_share) in product(muscles.items(), weights.items()):
            amount = share * age_share * muscle_share * weight_share
            build = f"{gender}-{age}-{muscle}-{weight}"
            vertices += amount * source.target(f"macrodetails/universal-{build}")
            if source.has_target(f"macrodetails/proportions/{build}-idealproportions"):
                vertices += amount * source.target(f"macrodetails/proportions/{build}-idealproportions")
    middle = np.mean([fit_sphere(vertices[source.vertices_of(f"helper-{side}-eye")])[0] for side in "lr"], axis=0)
    return (vertices - middle) * METRES


def fit_sphere(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Return centre and radius of the least-squares sphere through the back of an eye, where no cornea bulges."""
    back = points[points[:, 2] < np.quantile(points[:, 2], 0.75)]
    solved = np.linalg.lstsq(np.c_[2 * back, np.ones(len(back))], (back**2).sum(axis=1), rcond=None)[0]
    return solved[:3], float(np.sqrt(solved[3] + (solved[:3] ** 2).sum()))


def _hats(knots: dict[str, float], at: float) -> dict[str, float]:
    """Return the piecewise-linear share of each knot at a point, without those that have none."""
    shares = [np.interp(at, list(knots.values()), row) for row in np.eye(len(knots))]
    return {name: float(share) for name, share in zip(knots, shares, strict=True) if share > 0}
