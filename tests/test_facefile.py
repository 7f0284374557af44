"""The face inside a checkpoint: what is saved comes back, and whatever is wrong is said in a sentence."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.models.kmtalk import KMTalk, KMTalkConfig
from tests.replicas import tiny_face

NAMES = ("motion001", "motion002")


@pytest.fixture(scope="module")
def own_face():
    """A small face with a basis of two shapes."""
    made = tiny_face()
    return Face(
        name="somebody",
        template=made.vertices.astype(np.float32),
        triangles=made.triangles,
        basis=np.stack([made.jaw, made.brows]).astype(np.float32),
        basis_names=NAMES,
        regions={"lips": np.arange(230, 273), "upper_face": np.arange(400, 500)},
        landmarks={"lip_inner_upper": 262, "lip_inner_lower": 241},
        head_weight=np.ones(len(made.vertices), np.float32),
        head_pivot=np.zeros(3, np.float32),
    )


@pytest.fixture
def model(own_face):
    torch.manual_seed(0)
    sizes = {"width": 16, "encoder_blocks": 2, "key_layers": 1, "key_heads": 2, "key_reach": 4}
    made = KMTalk(KMTalkConfig(NAMES, basis="learned", bounded=False, subjects=("ann", "bob"), **sizes)).eval()
    made.face = own_face
    return made


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "own")
    return tmp_path / "own"


def test_a_face_comes_back_with_its_model(folder, own_face):
    loaded = KMTalk.from_pretrained(folder)
    assert loaded.config.subjects == ("ann", "bob")
    assert loaded.config.bounded is False
    found = loaded.face
    for name in ("template", "triangles", "basis", "head_weight", "head_pivot"):
        assert np.array_equal(getattr(found, name), getattr(own_face, name)), name
    assert found.basis_names == NAMES
    assert found.landmarks == own_face.landmarks
    assert {name: part.tolist() for name, part in found.regions.items()} == {
        name: part.tolist() for name, part in own_face.regions.items()
    }
    assert not [file for file in folder.iterdir() if file.suffix in (".pkl", ".npz", ".pt")]


def test_a_copy_on_another_place_needs_nothing_else(folder, tmp_path, own_face):
    shutil.move(folder, tmp_path / "moved")
    assert KMTalk.from_pretrained(tmp_path / "moved").face.name == "somebody"


def test_a_model_of_a_basis_is_not_saved_without_its_face(model, tmp_path):
    model.face = None
    with pytest.raises(InputError, match="set model.face first"):
        model.save_pretrained(tmp_path / "none")


def test_the_shipped_model_has_no_face_of_its_own(tiny_model, tmp_path):
    tiny_model.save_pretrained(tmp_path)
    assert KMTalk.from_pretrained(tmp_path).face is None
    assert not (tmp_path / "face.json").exists()


def complaint(folder):
    with pytest.raises(InputError) as caught:
        KMTalk.from_pretrained(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file(folder):
    (folder / "face.safetensors").unlink()
    assert "the face in" in complaint(folder)


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("name", ["face.json", "face.safetensors"])
def test_a_truncated_file(folder, name, share):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * share)])
    assert "cannot be read" in complaint(folder)


def change(folder, **arrays):
    held = load_file(folder / "face.safetensors")
    save_file({**held, **arrays}, folder / "face.safetensors")


def test_arrays_that_do_not_fit(folder, own_face):
    change(folder, basis=own_face.basis[:, :-1].copy())
    assert "basis has shape (2, 503, 3), expected (2, 504, 3)" in complaint(folder)


def test_values_that_are_not_finite(folder, own_face):
    change(folder, template=own_face.template * np.nan)
    assert "template holds values that are not finite" in complaint(folder)


def test_vertices_that_do_not_exist(folder):
    change(folder, **{"region.lips": np.array([3, 504], np.int32)})
    assert "beyond the 504 there are" in complaint(folder)


def test_numbers_in_place_of_lists(folder, own_face):
    change(folder, **{"region.lips": np.array([3.0], np.float32)})
    assert "must be lists of whole numbers" in complaint(folder)
    change(folder, **{"region.lips": np.array(3, np.int32)})
    assert "must be lists of whole numbers" in complaint(folder)
    change(folder, template=np.float32([1.0])[0:1].reshape(()))
    assert "template has shape (), expected (3,)" in complaint(folder)


def test_a_face_of_another_basis(folder):
    path = folder / "face.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "basis_names": ["a", "b"]}))
    assert "another basis than the model" in complaint(folder)


@torch.no_grad()
def test_styles_are_the_subjects_and_their_mean(model):
    features = torch.zeros(1, 100, 16)
    each = [model.at_frames(features, 25.0, 10, model.style([name])) for name in ("ann", "bob")]
    assert not torch.allclose(*each)
    assert torch.allclose(model.at_frames(features, 25.0, 10), sum(each) / 2)
    assert torch.equal(model.style([None]), model.style(["ann", "bob"]).mean(0, keepdim=True))
    with pytest.raises(InputError, match="no style 'eve': choose one of ann, bob"):
        model.style(["eve"])


def test_a_model_without_styles_takes_none(tiny_model):
    assert not tiny_model.style([None]).any()
    with pytest.raises(InputError, match="it has one style, name none"):
        tiny_model.style(["ann"])


@torch.no_grad()
def test_parts_that_the_ablation_takes_away(model, voice):
    features = torch.randn(1, 40, 16)
    keys = torch.tensor([[0, 7, 20, 39]])

    def built(**values):
        torch.manual_seed(1)
        made = KMTalk(replace(model.config, **values)).eval()
        torch.nn.init.normal_(made.key_decoder.motion.weight)
        torch.nn.init.normal_(made.completion.motion.weight)
        return made

    alone = built(key_decoder=False)
    changed = features.clone()
    changed[:, 8] += 1
    assert torch.equal(alone.decode_keys(features, keys), alone.decode_keys(changed, keys))
    assert not torch.equal(model.decode_keys(features, keys), built().decode_keys(changed, keys))
    deaf, whole, motions = built(audio_guidance=False), built(), torch.randn(1, 4, 2)
    assert torch.equal(deaf.complete(features, keys, motions), deaf.complete(changed, keys, motions))
    assert not torch.equal(whole.complete(features, keys, motions), whole.complete(changed, keys, motions))
    names = {name for name, _ in deaf.named_parameters()}
    assert not any("gate" in name for name in names)


@pytest.mark.parametrize(
    "values",
    [
        {"basis": "spline"},
        {"bounded": "yes"},
        {"subjects": ("a", 3)},
        {"subjects": "ann"},
        {"keys": "often"},
        {"key_decoder": 1},
        {"audio_guidance": None},
    ],
)
def test_impossible_choices_are_refused(values):
    with pytest.raises(InputError, match=next(iter(values))):
        KMTalkConfig(NAMES, **values)
