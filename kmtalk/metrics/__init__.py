"""Scores: of mouth curves and phonemes, of vertices, of weights over a basis, of timing, and of key frames.

Every score says in its docstring which script or paper it follows and in which unit it is. Lengths are metres.
"""

from kmtalk.metrics.checks import check_frames, check_metres, check_region
from kmtalk.metrics.curves import (
    concordance,
    correlation,
    lip_distance,
    lip_intensity,
    mouth_timing,
    root_mean_square,
    speech_lip_correlation,
    warped_distance,
)
from kmtalk.metrics.keys import errors_at_keys, extrema, extrema_recall, key_density
from kmtalk.metrics.mouth import (
    TOLERANCE,
    Spans,
    balanced_closure,
    best_correlation,
    boundary_matches,
    closed,
    closure_limit,
    f1,
    opened,
    smooth_tracked,
)
from kmtalk.metrics.vertices import (
    dynamics_deviation,
    frame_distances,
    lip_errors,
    lip_vertex_distance,
    lip_vertex_error,
    mean_vertex_error,
    motion_spread,
    root_lip_vertex_error,
    root_vertex_error,
)
from kmtalk.metrics.weights import WeightMetrics

__all__ = [
    "TOLERANCE",
    "Spans",
    "WeightMetrics",
    "balanced_closure",
    "best_correlation",
    "boundary_matches",
    "check_frames",
    "check_metres",
    "check_region",
    "closed",
    "closure_limit",
    "concordance",
    "correlation",
    "dynamics_deviation",
    "errors_at_keys",
    "extrema",
    "extrema_recall",
    "f1",
    "frame_distances",
    "key_density",
    "lip_distance",
    "lip_errors",
    "lip_intensity",
    "lip_vertex_distance",
    "lip_vertex_error",
    "mean_vertex_error",
    "motion_spread",
    "mouth_timing",
    "opened",
    "root_lip_vertex_error",
    "root_mean_square",
    "root_vertex_error",
    "smooth_tracked",
    "speech_lip_correlation",
    "warped_distance",
]
