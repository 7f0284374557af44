"""Evaluation on recorded speech with phoneme labels, and on recordings whose talkers' mouths were tracked on video."""

from kmtalk.evaluate.benchmark import evaluate
from kmtalk.evaluate.report import table, write_json

__all__ = ["evaluate", "table", "write_json"]
