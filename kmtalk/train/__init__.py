"""Training: one loop, on a spoken corpus or on a prepared data set.

What experiments need: Work and LoopConfig say what is trained and how, fit() trains any module.
"""

from kmtalk.train.corpus import BankBatches, TrainConfig, train
from kmtalk.train.loop import LoopConfig, Work, fit
from kmtalk.train.prepared import train_prepared
from kmtalk.train.settings import ModelChoice, PreparedConfig, read_settings

__all__ = [
    "BankBatches",
    "LoopConfig",
    "ModelChoice",
    "PreparedConfig",
    "TrainConfig",
    "Work",
    "fit",
    "read_settings",
    "train",
    "train_prepared",
]
