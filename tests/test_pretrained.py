"""Pre-trained encoders: read from a folder in safetensors, through the code that reads real ones."""

import json

import pytest
import torch

from kmtalk.errors import InputError
from kmtalk.models.encoder import MelEncoder
from kmtalk.models.kmtalk import KMTalk, KMTalkConfig
from kmtalk.models.pretrained import freeze, read_encoder
from tests.test_encoder import BACKBONE


def save_backbone(kind, folder):
    """A tiny random wav2vec 2.0 or HuBERT, saved as the real ones are."""
    from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model

    config, model = {"wav2vec2": (Wav2Vec2Config, Wav2Vec2Model), "hubert": (HubertConfig, HubertModel)}[kind]
    torch.manual_seed(5)
    made = model(config(**BACKBONE))
    made.save_pretrained(folder)
    return made


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_a_saved_encoder_gives_its_own_features(kind, tmp_path, voice):
    made = save_backbone(kind, tmp_path / "backbone").eval()
    found, config, encoder = read_encoder(tmp_path / "backbone", 16)
    assert found == kind
    for name, tensor in made.state_dict().items():
        assert torch.equal(encoder.backbone.state_dict()[name], tensor), name
    audio = torch.from_numpy(voice)[None]
    with torch.no_grad():
        assert torch.allclose(encoder.eval().backbone(audio)[0], made(audio)[0], atol=1e-6)
    built = KMTalk(KMTalkConfig(("jawOpen",), encoder=kind, encoder_config=config, width=16))
    built.encoder.load_state_dict(encoder.state_dict())  # the config alone builds the same encoder
    json.dumps(config)


def test_only_safetensors_are_read(tmp_path):
    made = save_backbone("wav2vec2", tmp_path)
    torch.save(made.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match="in safetensors") as caught:
        read_encoder(tmp_path, 16)
    assert "\n" not in str(caught.value)


def test_other_models_are_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(InputError, match="is a bert model: use a wav2vec 2.0 or HuBERT one$"):
        read_encoder(tmp_path, 16)


def test_a_folder_may_have_an_at_in_its_name(tmp_path):
    save_backbone("wav2vec2", tmp_path / "me@home")
    assert read_encoder(tmp_path / "me@home", 16)[0] == "wav2vec2"


def test_a_cut_file_is_said_to_be(tmp_path):
    save_backbone("wav2vec2", tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="in safetensors"):
        read_encoder(tmp_path, 16)


def test_what_is_frozen(tmp_path):
    save_backbone("wav2vec2", tmp_path)

    def trained(part):
        encoder = read_encoder(tmp_path, 16)[2]
        freeze(encoder, part)
        return {name for name, value in encoder.named_parameters() if value.requires_grad}

    everything = trained("none")
    assert "backbone.masked_spec_embed" not in everything
    assert everything - trained("front") == {name for name in everything if "feature_extractor" in name}
    assert trained("all") == {"project.weight", "project.bias", "phonemes.weight", "phonemes.bias"}
    mel = MelEncoder(8, 2)
    freeze(mel, "front")
    assert all(value.requires_grad for value in mel.parameters())
    freeze(mel, "all")
    assert not any(value.requires_grad for value in mel.parameters())
    with pytest.raises(InputError, match="choose one of none, front, all"):
        freeze(mel, "half")
