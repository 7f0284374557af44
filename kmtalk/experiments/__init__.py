"""The paper's experiments in kind: ablations, robustness of the key frames, and key motions in other animators."""

from kmtalk.experiments.report import write_report
from kmtalk.experiments.study import FULL, QUICK, StudyConfig, run_study

__all__ = ["FULL", "QUICK", "StudyConfig", "run_study", "write_report"]
