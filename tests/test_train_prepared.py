"""Training on prepared data sets, from the files people download to a face that speaks."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file

import kmtalk
from kmtalk.__main__ import main
from kmtalk.data.crops import Crops
from kmtalk.data.prepared import load_prepared
from kmtalk.errors import InputError
from kmtalk.models.kmtalk import KMTalk
from kmtalk.phonemes import Phoneme
from kmtalk.takes import score_model
from kmtalk.train import ModelChoice, PreparedConfig, read_settings, train_prepared
from kmtalk.train.build import build_model
from kmtalk.train.judge import Judge
from kmtalk.train.log import read_log
from kmtalk.train.objective import MotionObjective
from kmtalk.train.prepared import mean_face
from tests import replicas
from tests.test_pretrained import save_backbone

TINY = {"width": 32, "encoder_blocks": 2, "key_layers": 1, "key_heads": 2, "key_reach": 4}
CONFIG = PreparedConfig(
    steps=40, batch=4, seconds=1.0, report_steps=20, learning_rate=1e-2, warmup=5, average=0.8, collapse_after=1000
)
SUBJECTS = ["FaceTalk_170728_03272_TA", "FaceTalk_170904_00128_TA", "FaceTalk_170811_03275_TA"]


def prepare(kind, source, out):
    assert main(["prepare", kind, str(source), "--out", str(out), "--basis", "4"]) == 0
    return load_prepared(out)


@pytest.fixture(scope="module")
def vocaset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocaset")
    replicas.vocaset(folder / "source", SUBJECTS, ["sentence21", "sentence22"], frames=120)
    return prepare("vocaset", folder / "source", folder / "made")


@pytest.fixture(scope="module")
def biwi(tmp_path_factory):
    folder = tmp_path_factory.mktemp("biwi")
    replicas.biwi_converted(folder / "source", ["F2", "M3"], ["e01", "e02", "e33"], frames=60)
    return prepare("biwi", folder / "source", folder / "made")


def listen(audio):
    """Half a second of each: ears that need no model."""
    count = len(audio) // 8000
    return tuple(Phoneme(("AA", "M")[place % 2], place / 2, place / 2 + 0.5) for place in range(count))


@pytest.fixture(scope="module")
def trained(vocaset, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    return out, train_prepared(vocaset, out, replace(CONFIG, steps=80), ModelChoice(**TINY), label=listen)


@pytest.mark.parametrize("fps", [15.0, 50.0, 60.0])
def test_rates_at_which_no_model_runs_are_told_before_training(vocaset, tmp_path, fps):
    with pytest.raises(InputError, match=f"{fps:g} frames a second, models run at 20 to 41"):
        train_prepared(replace(vocaset, fps=fps), tmp_path / "run", CONFIG, ModelChoice(**TINY))
    assert not (tmp_path / "run").exists()


def test_it_learns_to_move_as_the_data_do(trained):
    out, _ = trained
    log = read_log(out)
    assert [row["step"] for row in log] == [20, 40, 60, 80]
    assert log[-1]["lve_rest_mm"] > 5
    assert log[-1]["lve_mm"] < 0.3 * log[-1]["lve_rest_mm"]
    assert 0.7 < log[-1]["motion_ratio"] < 1.3
    assert json.loads((out / "config.json").read_text())["train"]["steps"] == 80


def test_the_checkpoint_speaks_by_itself(trained, vocaset, tmp_path):
    out, _ = trained
    model = KMTalk.from_pretrained(out / "checkpoint")
    assert model.config.subjects == tuple(SUBJECTS[:2])
    assert not model.config.bounded
    assert model.face.name == "vocaset"
    clip = vocaset.clips("validation")[0]
    animation = kmtalk.animate((vocaset.audio(clip.name), 16000), model=model, fps=vocaset.fps, style=SUBJECTS[1])
    assert animation.vertices().shape == (clip.frames, vocaset.vertex_count, 3)
    truth = np.array(vocaset.vertices(clip.name)) - vocaset.template(clip.subject)
    moved = animation.vertices() - model.face.template
    jaw = np.abs(truth).max((0, 2)).argmax()
    assert np.corrcoef(moved[:, jaw, 1], truth[:, jaw, 1])[0, 1] > 0.9
    kmtalk.render(animation, tmp_path / "talk.mp4", size=64)
    kmtalk.export(animation, tmp_path / "talk.glb")
    assert (tmp_path / "talk.mp4").stat().st_size > 1000
    with pytest.raises(InputError, match="knows no style 'nobody'"):
        kmtalk.animate((vocaset.audio(clip.name), 16000), model=model, style="nobody")


def test_the_card_says_whose_terms_bind_the_checkpoint(trained):
    card = (trained[0] / "checkpoint" / "README.md").read_text()
    assert "license: other" in card
    assert "apache" not in card.lower()
    assert "The recordings' terms bind" in card
    assert "trained on 4 clips" in card
    assert f'style="{SUBJECTS[0]}"' in card


def test_the_checkpoint_scores_on_held_out_clips(trained, vocaset, tmp_path, capsys):
    scores = tmp_path / "scores.json"
    arguments = ["score", str(trained[0] / "checkpoint"), "--truth", str(vocaset.folder), "--split", "validation"]
    assert main([*arguments, "--json", str(scores)]) == 0
    assert "LVE" in capsys.readouterr().out
    summary = json.loads(scores.read_text())["summary"]
    assert summary["clips"] == 2
    assert summary["lip_max_mm"] == pytest.approx(min(row["lve_mm"] for row in read_log(trained[0])), rel=0.1)


def test_a_model_of_another_face_is_not_scored(vocaset, tiny_model):
    with pytest.raises(InputError, match="moves another face"):
        score_model(tiny_model, vocaset, "validation")


def test_the_page_serves_the_checkpoint(trained, vocaset):
    import app

    blocks = app.build(KMTalk.from_pretrained(trained[0] / "checkpoint"), "own")
    _, url, _ = app.launch(blocks, prevent_thread_lock=True, quiet=True)
    try:
        client = Client(url, verbose=False)
        info = client.predict(api_name="/info")
        assert info["identities"] == ["vocaset"]
        assert info["styles"] == SUBJECTS[:2]
        clip = vocaset.folder / "audio" / f"{vocaset.clips('validation')[0].name}.wav"
        made = client.predict(audio=handle_file(str(clip)), formats=["npz", "glb"], api_name="/animate")
        with np.load(made["npz"]) as arrays:
            assert arrays["vertices"].shape[1:] == (vocaset.vertex_count, 3)
    finally:
        blocks.close(verbose=False)


def test_key_motions_of_such_a_model_can_be_edited(trained, vocaset):
    model = KMTalk.from_pretrained(trained[0] / "checkpoint")
    speech = (vocaset.audio(vocaset.clips("validation")[0].name), 16000)
    plain = kmtalk.animate(speech, model=model, fps=30, life=False)
    edited = kmtalk.animate(speech, model=model, fps=30, life=False, edits={20: {"motion001": -2.5}})
    assert edited.key_motions[edited.key_frames.tolist().index(20), 0] == -2.5
    assert edited.weights[20, 0] < plain.weights[20, 0] - 0.5


def test_styles_differ(trained, vocaset):
    model = KMTalk.from_pretrained(trained[0] / "checkpoint")
    speech = (vocaset.audio(vocaset.clips("train")[0].name), 16000)
    first, second, mean = (
        kmtalk.animate(speech, model=model, life=False, style=style).weights for style in (*SUBJECTS[:2], None)
    )
    assert np.abs(first - second).max() > 1e-3
    assert np.abs(first - mean).max() > 1e-4


def test_a_seed_fixes_the_run_and_a_stopped_one_ends_the_same(vocaset, tmp_path, monkeypatch):
    config, choice = replace(CONFIG, steps=12, report_steps=4, batch=2), ModelChoice(**TINY)
    whole = train_prepared(vocaset, tmp_path / "whole", config, choice, label=listen)

    def stop(self, metrics, step):
        if step == 8:
            raise InputError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(Judge, "watch", stop)
        with pytest.raises(InputError, match="stopped"):
            train_prepared(vocaset, tmp_path / "parts", config, choice, label=listen)
    parts = train_prepared(vocaset, tmp_path / "parts", config, choice, label=listen)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name


def test_a_basis_is_learned_on_vertices(biwi, tmp_path, caplog):
    config = replace(CONFIG, steps=60, pretrained_rate=0.5)
    with caplog.at_level(logging.INFO, "kmtalk"):
        model = train_prepared(biwi, tmp_path, config, ModelChoice(basis="learned", **TINY))
    assert "4 of 4 training clips have no TextGrid" in caplog.text
    assert "pseudo labels, heard by the shipped model" in caplog.text
    log = read_log(tmp_path)
    assert log[-1]["lve_mm"] < 0.5 * log[-1]["lve_rest_mm"]
    loaded = KMTalk.from_pretrained(tmp_path / "checkpoint")
    moved = np.abs(loaded.face.basis - biwi.basis).max() * 1e3
    assert 0.01 < moved < 5
    assert loaded.face.basis.shape == (len(model.config.weight_names), biwi.vertex_count, 3)
    speech = (biwi.audio(biwi.clips("validation")[0].name), 16000)
    assert np.isfinite(kmtalk.animate(speech, model=loaded, fps=25).vertices()).all()


def test_losses_on_vertices_are_those_on_weights(vocaset):
    # As long as the basis is the fitted one, both ways measure the same distance.
    face = mean_face(vocaset)
    spoken = {clip.name: listen(vocaset.audio(clip.name)) for clip in vocaset.clips("train")}
    batch = Crops(vocaset, spoken, size=2, seconds=1.0, seed=0, pairs=8)(0)
    model = build_model(ModelChoice(**TINY), face, ())
    learned, fixed = (MotionObjective(model, face, CONFIG, learned=learned) for learned in (True, False))
    keys = torch.randn(*batch.key_frames.shape, len(face.basis))
    terms = learned._on_vertices(batch, keys, batch.motion + 0.2)
    error = torch.full((1, len(face.basis)), 0.2)
    assert terms["motion"].item() == pytest.approx(fixed.motion_loss.position(error).item(), rel=0.02)
    assert terms["velocity"].item() == pytest.approx(0.05, abs=0.03)
    true_keys = batch.motion.gather(1, batch.key_frames[..., None].expand(-1, -1, len(face.basis)))
    assert learned._on_vertices(batch, true_keys, batch.motion)["key"].item() == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_a_pre_trained_encoder_with_a_frozen_front(kind, vocaset, tmp_path):
    made = save_backbone(kind, tmp_path / "backbone")
    choice = ModelChoice(encoder=str(tmp_path / "backbone"), **TINY)
    config = replace(CONFIG, steps=4, report_steps=4, batch=2, pretrained_rate=1.0, average=0.0)
    train_prepared(vocaset, tmp_path / "run", config, choice, label=listen)
    loaded = KMTalk.from_pretrained(tmp_path / "run" / "checkpoint")
    assert loaded.config.encoder == kind
    for name, value in loaded.encoder.backbone.named_parameters():
        same = torch.allclose(value, made.get_parameter(name), atol=2e-3 * float(value.detach().abs().max()))
        if name.startswith("feature_extractor"):
            assert same, name
    tuned = loaded.encoder.backbone.encoder.layers[0].feed_forward.output_dense.weight
    before = made.encoder.layers[0].feed_forward.output_dense.weight
    assert (tuned - before).abs().max() > 5e-3
    speech = (vocaset.audio(vocaset.clips("validation")[0].name), 16000)
    assert np.isfinite(kmtalk.animate(speech, model=loaded, fps=30).weights).all()


@pytest.mark.parametrize(
    "left_out", [{"keys": "uniform"}, {"keys": "random"}, {"key_decoder": False}, {"audio_guidance": False}]
)
def test_models_without_a_part_are_trained_and_used_without_it(left_out, vocaset, tmp_path):
    config = replace(CONFIG, steps=4, report_steps=4, batch=2)
    train_prepared(vocaset, tmp_path, config, ModelChoice(**TINY, **left_out), label=listen)
    model = KMTalk.from_pretrained(tmp_path / "checkpoint")
    name, value = next(iter(left_out.items()))
    assert getattr(model.config, name) == value
    assert np.isfinite(read_log(tmp_path)[-1]["lve_mm"])
    speech = (vocaset.audio(vocaset.clips("validation")[0].name), 16000)
    animation = kmtalk.animate(speech, model=model, fps=30)
    if value == "uniform" and len(animation.key_frames) > 2:
        assert np.diff(np.diff(animation.key_frames)).max() <= 1


def test_fine_tuning_takes_what_fits(vocaset, trained, tmp_path, caplog):
    start = KMTalk.from_pretrained(trained[0] / "checkpoint")
    config = replace(CONFIG, steps=1, report_steps=1, learning_rate=0.0, batch=2, average=0.0)
    with caplog.at_level(logging.INFO, "kmtalk"):
        model = train_prepared(vocaset, tmp_path / "a", config, ModelChoice(styles=False, **TINY), start, listen)
    wanted = sum(1 for _ in model.state_dict())
    assert f"{wanted} of {wanted} tensors from checkpoint; new: none" in caplog.text
    assert torch.equal(model.completion.flow_input.weight, start.completion.flow_input.weight)
    with pytest.raises(InputError, match="choose its encoder and width"):
        other = ModelChoice(width=48, encoder_blocks=1, key_layers=1, key_reach=5, mel_bands=40)
        train_prepared(vocaset, tmp_path / "b", config, other, _shrunk(start), listen)


def _shrunk(model):
    """A model that shares no tensor's shape with a usual one."""
    return KMTalk(replace(model.config, width=6, key_heads=1, weight_names=("a", "b", "c"), subjects=(), mel_bands=13))


def test_a_frozen_face_stops_the_run_with_advice(vocaset, tmp_path):
    still = replace(CONFIG, learning_rate=0.0, steps=20, report_steps=5, collapse_after=10)
    with pytest.raises(InputError, match=r"frozen: at step 10 its lips move \d+\.\d% as far") as caught:
        train_prepared(vocaset, tmp_path, still, ModelChoice(**TINY), label=listen)
    assert "lower learning_rate (now 0)" in str(caught.value)
    assert [row["step"] for row in read_log(tmp_path)] == [5, 10]
    assert (tmp_path / "checkpoint" / "model.safetensors").is_file()


def test_what_a_frozen_face_is_told(vocaset, caplog):
    metrics = {"motion_ratio": 0.03, "feature_spread": 0.001}
    judge = Judge(vocaset, replace(CONFIG, collapse="warn", collapse_after=5))
    judge.watch(metrics, 5)
    assert "the encoder has collapsed: lower pretrained_rate (now 0.05) or set frozen to all" in caplog.text
    caplog.clear()
    judge.watch(metrics, 4)
    judge.watch({**metrics, "motion_ratio": 0.5}, 50)
    Judge(vocaset, replace(CONFIG, collapse="ignore", collapse_after=5)).watch(metrics, 50)
    assert not caplog.text


def test_a_set_without_a_basis_is_refused(vocaset, tmp_path):
    with pytest.raises(InputError, match="prepare it with --basis"):
        train_prepared(replace(vocaset, error_mm={}), tmp_path, CONFIG)


@pytest.mark.parametrize("basis", ["pca", "learned"])
def test_half_precision_trains_nearly_the_same(basis, vocaset, tmp_path):
    first = {}
    for precision in ("full", "bf16"):
        config = replace(CONFIG, steps=3, report_steps=3, batch=2, precision=precision)
        out = tmp_path / precision
        model = train_prepared(vocaset, out, config, ModelChoice(basis=basis, **TINY), label=listen)
        assert {value.dtype for value in model.parameters()} == {torch.float32}
        first[precision] = read_log(out)[-1]
    for name in ("phoneme", "key", "motion", "velocity", "lve_mm"):
        assert first["bf16"][name] == pytest.approx(first["full"][name], rel=0.05), name


@pytest.mark.parametrize("name", ["vocaset", "biwi", "own"])
def test_shipped_settings_can_be_read(name):
    choice, config = read_settings(name)
    assert config.steps > 1000
    assert choice.width % choice.key_heads == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be one object"),
        ('{"modle": {}}', "must be one object"),
        ('{"model": {"depth": 3}}', "model has unknown settings ['depth']"),
        ('{"train": {"batch": "many"}}', "train sets batch to 'many': it must be of type int"),
        ('{"train": {"batch": true}}', "train sets batch to True"),
        ('{"model": {"basis": "rig"}}', "choose pca or learned"),
        ('{"train": {"pairs": 3}}', "even whole number"),
        ('{"train": {"batch": 0}}', "batch is 0"),
        ('{"train": {"seconds": 0}}', "seconds is 0"),
        ('{"train": {"seconds": NaN}}', "seconds is nan"),
        ('{"train": {"lips": -1}}', "lips is -1: it must be a number from 0 on"),
        ('{"train": {"collapse": "cry"}}', 'choose "stop", "warn" or "ignore"'),
    ],
)
def test_settings_that_are_wrong_are_refused(content, said, tmp_path):
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(InputError) as caught:
        read_settings(tmp_path / "settings.json")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command(vocaset, tmp_path, capsys):
    settings = {"model": TINY, "train": {"steps": 2, "batch": 2, "seconds": 1.0, "report_steps": 2}}
    (tmp_path / "tiny.json").write_text(json.dumps(settings))
    arguments = ["train", "--data", str(vocaset.folder), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main([*arguments, "--config", str(tmp_path / "tiny.json"), "--basis", "learned", "--seed", "5"]) == 0
    assert np.isfinite(read_log(tmp_path / "run")[-1]["motion"])
    assert "checkpoint in" in capsys.readouterr().out
    used = json.loads((tmp_path / "run" / "config.json").read_text())
    assert used["model"]["basis"] == "learned"
    assert (used["train"]["seed"], used["train"]["steps"]) == (5, 2)
    assert main([*arguments, "--config", "nothing"]) == 2
    assert "one of biwi, own, vocaset" in capsys.readouterr().err
    assert main(["train", "--out", str(tmp_path), "--encoder", "mel"]) == 2
    assert main([*arguments, "--steps", "3", "--hours", "1"]) == 2
