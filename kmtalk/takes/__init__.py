"""Animations of any system against the truth, or against each other: scores and figures."""

from kmtalk.takes.predicted import predict_take, score_model
from kmtalk.takes.scores import score_set, score_take, summary, table, write_json
from kmtalk.takes.take import Take, read_take, take_of

__all__ = [
    "Take",
    "predict_take",
    "read_take",
    "score_model",
    "score_set",
    "score_take",
    "summary",
    "table",
    "take_of",
    "write_json",
]
