"""What a person chooses when training on a prepared data set: the model and the run, as values or as a JSON file."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from kmtalk.errors import InputError
from kmtalk.train.loop import LoopConfig

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class ModelChoice:
    """A KMTalk by what a person chooses; the rest of KMTalkConfig follows from the data.

    encoder: "mel", or a folder or Hub id of a wav2vec 2.0 or HuBERT model; basis: "pca" keeps the data set's basis,
    "learned" trains it further, on vertices; styles: whether to learn one of each training subject; the rest: as in
    KMTalkConfig.
    """

    encoder: str = "mel"
    basis: str = "pca"
    styles: bool = True
    width: int = 192
    encoder_blocks: int = 8
    mel_bands: int = 80
    key_layers: int = 2
    key_heads: int = 4
    key_reach: int = 10
    keys: str = "phonemes"
    key_decoder: bool = True
    audio_guidance: bool = True

    def __post_init__(self) -> None:
        if self.basis not in ("pca", "learned"):
            raise InputError(f"basis is {self.basis!r}: choose pca or learned for a prepared data set")


@dataclass(frozen=True)
class PreparedConfig(LoopConfig):
    """How to train on a prepared data set, beside what LoopConfig says.

    batch: clips; seconds: the longest crop; frozen: "none", "front" (the convolutions of a pre-trained encoder) or
    "all" of the encoder; pairs: frame pairs a clip on whose vertices a learned basis is trained; ..._weight: of the
    losses; lips, whole: shares of the lips' and of all vertices' mean squared error under the root; edited: share of
    the clips in which some key motions are changed as if by hand; smoothing: of the phoneme labels; collapse: what to
    do about a face that no longer moves, "stop", "warn" or "ignore", from step collapse_after on; judged: validation
    clips at a report.
    """

    steps: int = 20_000
    learning_rate: float = 1e-3
    pretrained_rate: float = 0.05
    report_steps: int = 500
    patience: int = 10
    batch: int = 8
    seconds: float = 4.0
    frozen: str = "front"
    pairs: int = 8
    phoneme_weight: float = 0.5
    key_weight: float = 0.5
    motion_weight: float = 1.0
    velocity_weight: float = 1.0
    gap_weight: float = 0.0
    lips: float = 1.0
    whole: float = 0.5
    edited: float = 0.3
    smoothing: float = 0.1
    collapse: str = "stop"
    collapse_after: int = 2000
    judged: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_whole(1, "batch", "judged", "collapse_after")
        if not self.seconds:
            raise InputError("seconds is 0: it must be above 0")
        if type(self.pairs) is not int or self.pairs < 2 or self.pairs % 2:
            raise InputError(f"pairs is {self.pairs!r}: it must be an even whole number from 2 on")
        if self.collapse not in ("stop", "warn", "ignore"):
            raise InputError(f'collapse is {self.collapse!r}: choose "stop", "warn" or "ignore"')

    @property
    def loss_weights(self) -> dict[str, float]:
        """Loss name -> its weight."""
        return {name: getattr(self, f"{name}_weight") for name in ("phoneme", "key", "motion", "velocity", "gap")}


def read_settings(name: str | Path) -> tuple[ModelChoice, PreparedConfig]:
    """Read settings: the name of a shipped file (configs/NAME.json) or a file {"notes": [], "model": {}, "train": {}}.

    model: values of ModelChoice; train: of PreparedConfig; what is not given keeps its default.
    Raises InputError, in a sentence, for anything unknown or impossible.
    """
    shipped = CONFIGS / f"{name}.json"
    path = shipped if shipped.is_file() else Path(name).expanduser()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        listed = ", ".join(sorted(file.stem for file in CONFIGS.glob("*.json")))
        raise InputError(f"no config {str(name)!r}: give a JSON file, or one of {listed}") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): correct it") from error
    if not isinstance(values, dict) or set(values) - {"notes", "model", "train"}:
        raise InputError(f'{path} must be one object with "model" and "train" in it, and "notes" if you like')
    return _filled(path, "model", ModelChoice, values), _filled(path, "train", PreparedConfig, values)


def _filled(path: Path, part: str, kind: type, values: dict) -> ModelChoice | PreparedConfig:
    given = values.get(part, {})
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if not isinstance(given, dict) or set(given) - set(fields):
        unknown = sorted(set(given) - set(fields)) if isinstance(given, dict) else [given]
        raise InputError(f"{path}: {part} has unknown settings {unknown}: known are {', '.join(sorted(fields))}")
    for name, value in given.items():
        wanted = (int, float) if fields[name].type is float else fields[name].type
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise InputError(
                f"{path}: {part} sets {name} to {value!r}: it must be of type {fields[name].type.__name__}"
            )
    return kind(**given)
