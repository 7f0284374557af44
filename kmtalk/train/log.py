"""What a run leaves to read: its settings, a row of log.csv at every report, and TensorBoard's where that is there."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from kmtalk.errors import InputError
from kmtalk.files import replacing

LOG = "log.csv"
CONFIG = "config.json"


class Log:
    """Appends reports to log.csv in a run's folder; the columns are those of the first report."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG
        self.board = _board(folder)

    def write(self, values: Mapping[str, float]) -> None:
        """Append one report; "step" must be among its values."""
        rounded = {name: _short(value) for name, value in values.items()}
        new = not self.path.is_file()
        if not new:
            with self.path.open(newline="", encoding="utf-8") as file:
                columns = next(csv.reader(file), [])
            if columns != list(rounded):
                raise InputError(f"{self.path} has other columns than this run reports: choose another --out")
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rounded))
            if new:
                writer.writeheader()
            writer.writerow(rounded)
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, values["step"])
            self.board.flush()


def write_config(folder: Path, settings: Mapping[str, object]) -> None:
    """Write what a run was told to do into its folder, as config.json."""
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def read_log(folder: Path) -> list[dict[str, float]]:
    """Return the reports of a run, oldest first."""
    with (folder / LOG).open(newline="", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _short(value: float) -> float | int:
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _board(folder: Path) -> object | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
