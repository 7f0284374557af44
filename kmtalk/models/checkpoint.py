"""Checkpoints: config.json and model.safetensors in a folder or on the Hub, loaded strictly."""

import dataclasses
import json
from pathlib import Path
from typing import Self

import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    StrictDataclassError,
)
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.models.facefile import FACE, FACE_ARRAYS, read_face, save_face

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
FORMAT_VERSION = 1


class Checkpoint(
    PyTorchModelHubMixin,
    library_name="kmtalk",
    tags=["speech-driven-animation", "talking-face", "audio-to-3d"],
    paper_url="https://arxiv.org/abs/2409.01113",
):
    """The Hub mixin made strict: every tensor must be there, in its shape, in safetensors, in a known format."""

    name: str = ""
    """Where the weights came from: the folder's name or the Hub id."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        token: str | bool | None = None,
    ) -> Self:
        """Load a checkpoint from a local folder or the Hub; the model is in evaluation mode, in float32, on the CPU.

        revision, cache_dir, local_files_only, force_download, token: as in huggingface_hub.
        Raises InputError, in one sentence, for anything missing, extra, misshapen, truncated or of another format.
        """
        name = str(pretrained_model_name_or_path)
        options = {
            "revision": revision,
            "cache_dir": cache_dir,
            "local_files_only": local_files_only,
            "force_download": force_download,
            "token": token,
        }
        if Path(name).is_file():
            raise InputError(f"{name} is a file: give the folder of the checkpoint, which has {WEIGHTS} in it")
        if Path(name).is_dir():
            _check_folder(Path(name))
        model = _build(_file(name, CONFIG, options), cls)
        weights_file = _file(name, WEIGHTS, options)
        _fill(model, _read_weights(weights_file), weights_file)
        if model.config.basis != "rig":
            described, arrays = (_file(name, file, options) for file in (FACE, FACE_ARRAYS))
            model.face = read_face(described, arrays, model.config.weight_names)
        model.name = Path(name).resolve().name if Path(name).is_dir() else name
        return model.eval()

    def _save_pretrained(self, save_directory: Path) -> None:
        """Write config.json, the weights in half precision, which the shipped size is counted in, and the face."""
        if self.config.basis != "rig" and self.face is None:
            raise InputError(f"a model of basis {self.config.basis!r} is saved with its face: set model.face first")
        values = dataclasses.asdict(self.config)
        with replacing(save_directory / CONFIG) as temporary:
            temporary.write_text(json.dumps({"model": "kmtalk", **values}, indent=2) + "\n", encoding="utf-8")
        tensors = {name: _half(tensor).contiguous() for name, tensor in self.state_dict().items()}
        with replacing(save_directory / WEIGHTS) as temporary:
            save_file(tensors, temporary, metadata={"format": "pt"})
        if self.config.basis != "rig":
            save_face(self.face, save_directory)


def _half(tensor: torch.Tensor) -> torch.Tensor:
    """In half precision, unless it holds whole numbers or ones too large for that."""
    fits = tensor.is_floating_point() and (tensor.numel() == 0 or tensor.abs().max() <= torch.finfo(torch.half).max)
    return tensor.half() if fits else tensor


def _check_folder(folder: Path) -> None:
    if not (folder / WEIGHTS).is_file():
        pickles = sorted(
            file.name for suffix in ("bin", "pt", "pth", "ckpt", "pkl") for file in folder.glob(f"*.{suffix}")
        )
        found = f"; {pickles[0]} is a pickle, which is not loaded because it can run code" if pickles else ""
        raise InputError(f"no {WEIGHTS} in {folder}{found}: save the model again with save_pretrained")
    if not (folder / CONFIG).is_file():
        raise InputError(f"no {CONFIG} in {folder}: save the model again with save_pretrained")


def _file(name: str, file: str, options: dict) -> Path:
    """A checkpoint's file in its folder, or fetched from the Hub."""
    return Path(name) / file if Path(name).is_dir() else _hub_file(name, file, options)


def _hub_file(name: str, file: str, options: dict) -> Path:
    try:
        return Path(hf_hub_download(name, file, **options))
    except HFValidationError as error:
        raise InputError(f"no checkpoint {name!r}: neither a folder here nor a valid Hub id (owner/name)") from error
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"{file} of {name!r} is not in the local cache and the Hub cannot be reached: "
            "check the name and the network, or give a local folder"
        ) from error
    except EntryNotFoundError as error:
        raise InputError(f"{name!r} on the Hub has no {file}: it is not a kmtalk checkpoint") from error
    except HfHubHTTPError as error:
        raise InputError(f"cannot fetch {file} of {name!r} from the Hub: {str(error).splitlines()[0]}") from error


def _build(path: Path, model_class: type[torch.nn.Module]) -> torch.nn.Module:
    """Make the model that a config file describes, its weights still random."""
    config = _read_config(path, model_class.__init__.__annotations__["config"])
    try:
        return model_class(config)
    except (TypeError, ValueError, RuntimeError, StrictDataclassError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{path} describes no model that can be built ({reason}): correct its encoder_config"
        ) from error


def _read_config(path: Path, config_class: type) -> object:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid JSON: fetch or save the checkpoint again") from error
    if not isinstance(values, dict) or values.pop("model", None) != "kmtalk":
        raise InputError(f'{path} is not a kmtalk config: "model" must be "kmtalk"')
    if values.get("format_version") != FORMAT_VERSION:
        found = values.get("format_version")
        raise InputError(f"{path} has format version {found}, this kmtalk reads {FORMAT_VERSION}: update one of them")
    fields = {field.name for field in dataclasses.fields(config_class)}
    required = {field.name for field in dataclasses.fields(config_class) if _is_required(field)}
    if unknown := set(values) - fields:
        raise InputError(f"{path} has unknown keys {sorted(unknown)}: known are {sorted(fields)}")
    if missing := required - set(values):
        raise InputError(f"{path} lacks {sorted(missing)}")
    try:
        return config_class(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _is_required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is damaged or not a safetensors file: fetch the checkpoint again ({error})"
        ) from error


def _fill(model: torch.nn.Module, tensors: dict[str, torch.Tensor], path: Path) -> None:
    wanted = model.state_dict()
    if missing := sorted(set(wanted) - set(tensors)):
        raise InputError(f"{path} lacks {len(missing)} tensors, among them {missing[0]}")
    if extra := sorted(set(tensors) - set(wanted)):
        raise InputError(f"{path} has {len(extra)} tensors the model does not know, among them {extra[0]}")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            raise InputError(f"{path}: {name} has shape {tuple(tensor.shape)}, expected {tuple(wanted[name].shape)}")
        if tensor.is_floating_point() != wanted[name].is_floating_point():
            raise InputError(f"{path}: {name} is of type {tensor.dtype}, expected {wanted[name].dtype}")
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{path}: {name} holds values that are not finite")
    model.load_state_dict(tensors, strict=True)
