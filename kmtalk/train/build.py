"""What to build for a prepared data set, and from which weights it starts."""

import logging

from kmtalk.data.prepared import Prepared
from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.models.kmtalk import KMTalk, KMTalkConfig
from kmtalk.models.pretrained import read_encoder
from kmtalk.train.settings import ModelChoice

logger = logging.getLogger(__name__)


def build_model(choice: ModelChoice, face: Face, subjects: tuple[str, ...], start: KMTalk | None = None) -> KMTalk:
    """Return a new model for a face's basis; start: a model from which every tensor that fits is taken."""
    kind, encoder_config, encoder = "mel", {}, None
    if choice.encoder != "mel":
        kind, encoder_config, encoder = read_encoder(choice.encoder, choice.width)
    names = ("width", "encoder_blocks", "mel_bands", "key_layers", "key_heads", "key_reach")
    names += ("keys", "key_decoder", "audio_guidance", "basis")
    config = KMTalkConfig(
        weight_names=face.basis_names,
        encoder=kind,
        encoder_config=encoder_config,
        bounded=False,
        subjects=subjects if choice.styles else (),
        **{name: getattr(choice, name) for name in names},
    )
    model = KMTalk(config)
    if encoder is not None:
        model.encoder = encoder
    if start is not None:
        _take(model, start)
    return model


def _take(model: KMTalk, start: KMTalk) -> None:
    wanted = model.state_dict()
    fits = {name: value for name, value in start.state_dict().items() if _same(value, wanted.get(name))}
    if not any(value.dim() > 1 for value in fits.values()):
        raise InputError(
            f"nothing in checkpoint {start.name!r} has the sizes of the model to train: choose its encoder and width"
        )
    model.load_state_dict(fits, strict=False)
    new = sorted({name.rsplit(".", 1)[0] for name in wanted if name not in fits})
    logger.info("%d of %d tensors from %s; new: %s", len(fits), len(wanted), start.name, ", ".join(new) or "none")


def _same(value: object, wanted: object) -> bool:
    return wanted is not None and value.shape == wanted.shape


def training_subjects(prepared: Prepared) -> tuple[str, ...]:
    """Return the subjects of the training clips, in the data set's order."""
    seen = {clip.subject for clip in prepared.clips("train")}
    return tuple(subject for subject in prepared.subjects if subject in seen)
