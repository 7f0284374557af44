"""Checkpoints: what is saved comes back, and whatever is wrong with one is said in a sentence."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from kmtalk.errors import InputError
from kmtalk.models.kmtalk import KMTalk

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def saved(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "tiny"
    tiny_model.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of the checkpoint, to be spoilt."""
    return shutil.copytree(saved, tmp_path / "tiny")


def complaint(path, **options):
    with pytest.raises(InputError) as caught:
        KMTalk.from_pretrained(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    assert len(message) > 20
    return message


def change_config(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def change_tensors(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


@torch.no_grad()
def run(model, voice):
    heard = model.encode(torch.from_numpy(voice)[None])
    features = model.at_frames(heard.features, 25.0, 75)
    keys = torch.tensor([[0, 9, 31, 74]])
    return model.complete(features, keys, model.decode_keys(features, keys)), heard.log_posteriors


def test_what_is_saved_comes_back(tiny_model, saved, voice):
    loaded = KMTalk.from_pretrained(saved)
    assert loaded.config == tiny_model.config
    assert not loaded.training
    assert {tensor.dtype for tensor in loaded.parameters()} == {torch.float32}
    for wanted, found in zip(run(tiny_model, voice), run(loaded, voice), strict=True):
        assert torch.allclose(wanted, found, atol=0.02)  # saved in half precision
    again = KMTalk.from_pretrained(str(saved))
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_saving_again_changes_nothing(saved, tmp_path):
    KMTalk.from_pretrained(saved).save_pretrained(tmp_path / "again")
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / file).read_bytes() == (saved / file).read_bytes()


def test_files_are_the_documented_ones(saved, face):
    assert {path.name for path in saved.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    config = json.loads((saved / "config.json").read_text())
    assert config["model"] == "kmtalk"
    assert config["format_version"] == 1
    assert config["weight_names"] == list(face.basis_names)
    floating = {t.dtype for t in load_file(saved / "model.safetensors").values() if t.is_floating_point()}
    assert floating == {torch.float16}


def test_a_missing_tensor(folder):
    change_tensors(folder, lambda tensors: tensors.pop("completion.motion.bias"))
    assert "lacks 1 tensors, among them completion.motion.bias" in complaint(folder)


def test_an_extra_tensor(folder):
    change_tensors(folder, lambda tensors: tensors.update(surprise=torch.zeros(3)))
    assert "surprise" in complaint(folder)


def test_a_tensor_of_another_shape(folder):
    change_tensors(folder, lambda tensors: tensors.update({"completion.motion.bias": torch.zeros(7)}))
    message = complaint(folder)
    assert "completion.motion.bias has shape (7,), expected (54,)" in message


def test_a_tensor_of_another_kind(folder):
    change_tensors(folder, lambda tensors: tensors.update({"completion.motion.bias": torch.zeros(54).int()}))
    assert "completion.motion.bias is of type torch.int32" in complaint(folder)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_tensor_that_is_not_finite(folder, bad):
    def spoil(tensors):
        tensors["completion.motion.bias"][3] = bad

    change_tensors(folder, spoil)
    assert "completion.motion.bias holds values that are not finite" in complaint(folder)


def test_the_name_is_the_folder_s(saved):
    assert KMTalk.from_pretrained(saved).name == "tiny"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file(folder, share):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "damaged or not a safetensors file" in complaint(folder)


def test_a_text_file_in_place_of_the_weights(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    assert "damaged or not a safetensors file" in complaint(folder)


def test_a_pickle_is_never_loaded(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    touched = tmp_path / "touched"

    class Bomb:
        def __reduce__(self):
            return (open, (str(touched), "w"))

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    assert "pytorch_model.bin is a pickle" in complaint(folder)
    (folder / "pytorch_model.bin").rename(folder / "model.safetensors")
    complaint(folder)
    assert not touched.exists()


def test_an_empty_folder(tmp_path):
    assert "no model.safetensors" in complaint(tmp_path)


def test_weights_without_a_config(folder):
    (folder / "config.json").unlink()
    assert "no config.json" in complaint(folder)


@pytest.mark.parametrize("version", [2, 0, None, "1"])
def test_another_format_version(folder, version):
    change_config(folder, format_version=version)
    assert f"format version {version}, this kmtalk reads 1" in complaint(folder)


def test_an_unknown_key(folder):
    change_config(folder, colour="blue")
    assert "unknown keys ['colour']" in complaint(folder)


def test_a_missing_key(folder):
    config = json.loads((folder / "config.json").read_text())
    del config["weight_names"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "lacks ['weight_names']" in complaint(folder)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00", b"not json"])
def test_a_config_that_is_no_json(folder, content):
    (folder / "config.json").write_bytes(content)
    assert "not valid JSON" in complaint(folder)


@pytest.mark.parametrize("content", ["[]", "3", '{"model": "other"}', "{}"])
def test_a_config_of_something_else(folder, content):
    (folder / "config.json").write_text(content)
    assert "not a kmtalk config" in complaint(folder)


@pytest.mark.parametrize(
    "values",
    [
        {"encoder": "whisper"},
        {"encoder": 5},
        {"width": "wide"},
        {"width": 16.5},
        {"width": -4},
        {"width": None},
        {"key_heads": 5},
        {"key_reach": -1},
        {"encoder_blocks": 99},
        {"weight_names": "jawOpen"},
        {"weight_names": [1, 2]},
        {"weight_names": []},
        {"encoder_config": [1]},
        {"encoder": "wav2vec2", "encoder_config": {"hidden_size": "big"}},
        {"encoder": "wav2vec2", "encoder_config": {"hidden_size": 15}},
    ],
)
def test_a_config_with_impossible_values(folder, values):
    change_config(folder, **values)
    assert "config.json" in complaint(folder)


def test_no_such_folder(tmp_path):
    assert "neither a folder here nor a valid Hub id" in complaint(tmp_path / "nothing")
    assert "neither a folder here nor a valid Hub id" in complaint("a/b/c")
    (tmp_path / "file").touch()
    assert "is a file: give the folder of the checkpoint" in complaint(tmp_path / "file")


def test_a_file_is_no_folder(folder):
    complaint(folder / "model.safetensors")


def test_a_hub_id_without_a_network(tmp_path):
    code = (
        "from kmtalk.errors import InputError\n"
        "from kmtalk.models.kmtalk import KMTalk\n"
        "try:\n    KMTalk.from_pretrained('somebody/kmtalk-large')\n"
        "except InputError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.count("\n") == 1
    assert "somebody/kmtalk-large" in run.stdout
    assert "local cache" in run.stdout
    assert "Traceback" not in run.stderr


@pytest.fixture
def cache(saved, tmp_path):
    """A cache of the Hub laid out as huggingface_hub lays it out."""
    repository = tmp_path / "cache" / "models--somebody--kmtalk-tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(REVISION)
    shutil.copytree(saved, repository / "snapshots" / REVISION)
    return tmp_path / "cache"


@pytest.mark.parametrize("revision", [None, "main", REVISION])
def test_a_checkpoint_in_the_hub_s_cache(cache, revision, tiny_model):
    model = KMTalk.from_pretrained("somebody/kmtalk-tiny", cache_dir=cache, local_files_only=True, revision=revision)
    assert model.config == tiny_model.config
    wanted = tiny_model.completion.motion.weight.detach().numpy()
    assert np.allclose(model.completion.motion.weight.detach().numpy(), wanted, atol=1e-3)


def test_a_revision_that_is_not_in_the_cache(cache):
    message = complaint("somebody/kmtalk-tiny", cache_dir=cache, local_files_only=True, revision="v2")
    assert "not in the local cache" in message
    message = complaint("somebody/other", cache_dir=cache, local_files_only=True)
    assert "somebody/other" in message


def test_a_cached_checkpoint_is_checked_as_strictly(cache):
    change_config(cache / "models--somebody--kmtalk-tiny" / "snapshots" / REVISION, format_version=7)
    assert "format version 7" in complaint("somebody/kmtalk-tiny", cache_dir=cache, local_files_only=True)


def test_values_beyond_half_precision_are_saved_in_full(tiny_config, tmp_path):
    model = KMTalk(tiny_config)
    with torch.no_grad():
        model.completion.motion.bias[0] = 1e6
    model.save_pretrained(tmp_path / "large")
    assert KMTalk.from_pretrained(tmp_path / "large").completion.motion.bias[0] == 1e6


@pytest.mark.parametrize("name", ["width", "key_layers", "key_reach", "mel_bands", "encoder_blocks", "key_heads"])
def test_sizes_that_would_fill_the_memory_are_refused(tiny_config, name):
    with pytest.raises(InputError, match=f"{name} is {10**30}: it must be a whole number from 1 to"):
        replace(tiny_config, **{name: 10**30})
