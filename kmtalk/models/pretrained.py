"""Pre-trained wav2vec 2.0 and HuBERT encoders from the Hub or a folder, in safetensors only."""

from pathlib import Path

from safetensors import SafetensorError
from torch import nn

from kmtalk.errors import InputError
from kmtalk.models.encoder import PretrainedEncoder

KINDS = ("wav2vec2", "hubert")
_OF_THE_FILE = ("architectures", "dtype", "model_type", "torch_dtype", "transformers_version", "_name_or_path")
FROZEN = ("none", "front", "all")


def read_encoder(name: str | Path, width: int) -> tuple[str, dict, PretrainedEncoder]:
    """Read a speech encoder: a folder, or a Hub id with an optional revision after an @ (owner/name@refs/pr/4).

    Returns its kind, its transformers config as a dict (both go into KMTalkConfig), and the encoder with its weights.
    Raises InputError where it is neither wav2vec 2.0 nor HuBERT, or not there in safetensors.
    """
    from transformers import AutoConfig, AutoModel

    place, _, revision = (str(name), "", "") if Path(name).is_dir() else str(name).partition("@")
    options = {"revision": revision} if revision else {}
    try:
        config = AutoConfig.from_pretrained(place, **options)
        if config.model_type not in KINDS:
            raise InputError(f"encoder {str(name)!r} is a {config.model_type} model: use a wav2vec 2.0 or HuBERT one")
        backbone = AutoModel.from_pretrained(place, config=config, use_safetensors=True, **options)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"no encoder {str(name)!r} can be read in safetensors ({reason}): give a folder or a Hub id, with "
            "@revision where only another revision has model.safetensors"
        ) from error
    values = {key: value for key, value in config.to_diff_dict().items() if key not in _OF_THE_FILE}
    encoder = PretrainedEncoder(config.model_type, values, width)
    encoder.backbone.load_state_dict(backbone.state_dict())
    return config.model_type, values, encoder


def freeze(encoder: nn.Module, part: str) -> None:
    """Keep a part of an encoder as it was pre-trained: "none", the convolutional "front" end, or "all" of it.

    The projection to our width and the phoneme head are always trained; a mel encoder has no front end of its own.
    """
    if part not in FROZEN:
        raise InputError(f"{part!r} is no part of an encoder to freeze: choose one of {', '.join(FROZEN)}")
    if part == "none":
        return
    if not isinstance(encoder, PretrainedEncoder):
        kept = [] if part == "front" else [encoder]
    else:
        backbone = encoder.backbone
        kept = [backbone.feature_extractor] if part == "front" else [backbone]
    for module in kept:
        module.requires_grad_(False)
