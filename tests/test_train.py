"""Training: the losses are what they say, they fall, and a stopped run goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from kmtalk.data.batches import Batches
from kmtalk.data.validation import validate
from kmtalk.errors import InputError
from kmtalk.models.kmtalk import KMTalk
from kmtalk.phonemes import LABELS
from kmtalk.train import BankBatches, TrainConfig, train
from kmtalk.train.corpus import losses, phoneme_loss
from kmtalk.train.log import read_log
from kmtalk.train.losses import HELD_SHAPES, SHARES, SMALLEST, MotionLoss, edits


@pytest.fixture(scope="module")
def motion_loss(face):
    return MotionLoss(face, SHARES, HELD_SHAPES)


@pytest.fixture(scope="module")
def batch(bank):
    return next(Batches(bank, 4, 0, [0], (25.0,)))


def test_position_is_the_root_mean_square_distance_of_the_vertices(motion_loss, face):
    random = np.random.default_rng(0)
    errors = random.normal(0, 0.3, (5, len(face.basis_names))).astype(np.float32)
    moved = np.einsum("tk,kvc->tvc", errors.astype(np.float64), face.basis) * 1e3
    squared = (moved**2).sum(-1)
    wanted = squared[:, face.regions["lips"]].mean(1)
    wanted += 0.25 * squared[:, face.regions["lower_face"]].mean(1)
    wanted += 0.25 * squared[:, face.regions["tongue"]].mean(1)
    assert motion_loss.position(torch.from_numpy(errors)).numpy() == pytest.approx(np.sqrt(wanted), rel=1e-3)


def test_gap_is_the_change_of_the_lips_opening(motion_loss, face):
    errors = np.zeros((2, len(face.basis_names)), np.float32)
    errors[1, face.basis_names.index("jawOpen")] = 0.2
    opening = np.diff(face.lip_gap(errors)) * 1e3
    assert motion_loss.gap(torch.from_numpy(errors))[1].item() == pytest.approx(abs(opening[0]), rel=1e-3)
    assert motion_loss.gap(torch.from_numpy(errors))[0].item() == pytest.approx(SMALLEST)


def test_held_lips_count_fully_and_open_ones_do_not(motion_loss, face):
    from kmtalk.data.articulation import Articulation
    from tests.conftest import sound, spoken

    phonemes = spoken(("AA", 0.3), ("M", 0.2), ("AA", 0.3), ("F", 0.2), ("AA", 0.3))
    motion = torch.from_numpy(Articulation(face).articulate(phonemes, sound(phonemes), 130))
    held = motion_loss.held(motion)
    assert held[38] == pytest.approx(1, abs=0.01)
    assert held[88] == pytest.approx(1, abs=0.05)
    assert held[10:20].max() < 0.05
    assert held[62:68].max() < 0.05


def test_perfect_motion_has_the_smallest_loss(motion_loss, face):
    nothing = torch.zeros(3, len(face.basis_names))
    assert motion_loss.position(nothing).numpy() == pytest.approx(SMALLEST)
    assert motion_loss.gap(nothing).numpy() == pytest.approx(SMALLEST)


def test_padding_keys_do_not_count(tiny_model, batch, motion_loss):
    wider = torch.nn.functional.pad(batch.key_frames, (0, 7), value=int(batch.key_frames[0, -1]))
    padded = replace(batch, key_frames=wider, key_mask=torch.nn.functional.pad(batch.key_mask, (0, 7)))
    with torch.no_grad():
        plain = losses(tiny_model, batch, motion_loss, TrainConfig(edited=0.0))
        more = losses(tiny_model, padded, motion_loss, TrainConfig(edited=0.0))
    for name, value in plain.items():
        assert more[name].item() == pytest.approx(value.item(), rel=1e-4)


def test_losses_fall_on_one_batch(tiny_config, batch, motion_loss):
    torch.manual_seed(0)
    model = KMTalk(replace(tiny_config, width=48))
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    config = TrainConfig(smoothing=0.0)
    history = []
    for _ in range(60):
        terms = losses(model, batch, motion_loss, config)
        optimiser.zero_grad()
        sum(terms.values()).backward()
        optimiser.step()
        history.append({name: term.item() for name, term in terms.items()})
    first, last = history[0], {name: np.mean([terms[name] for terms in history[-5:]]) for name in history[0]}
    assert first["phoneme"] == pytest.approx(np.log(40), abs=0.5)
    assert last["phoneme"] < 0.5 * first["phoneme"]
    for name in ("key", "motion", "gap"):
        assert last[name] < 0.4 * first[name], name


def test_boundaries_and_lip_sounds_count_more_among_the_phonemes():
    labels = torch.tensor([[LABELS.index(label) for label in ["sil"] * 6 + ["AA"] * 6 + ["P"] * 2 + ["S"] * 6]])
    wrong = torch.full((1, 20, 40), 1 / 40).log()

    def share(frame, **weights):
        better = wrong.clone()
        better[0, frame] = torch.tensor([1e-9] * 40).log()
        better[0, frame, labels[0, frame]] = 0.0
        config = TrainConfig(smoothing=0.0, **weights)
        gained = phoneme_loss(wrong, labels, config) - phoneme_loss(better, labels, config)
        return (gained / np.log(40)).item()

    assert share(2, edge=0.0, lips=0.0) == pytest.approx(1 / 20, rel=1e-4)
    total = 20 + 10 + 2 * 2  # frames, those at boundaries, lip sounds twice
    for frame, wanted in ((2, 1), (3, 1), (4, 2), (7, 2), (8, 1), (12, 4), (15, 2), (16, 1)):
        assert share(frame) == pytest.approx(wanted / total, rel=1e-4), frame


@pytest.fixture(scope="module")
def run(bank, face, tiny_config, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    config = TrainConfig(hours=2 / 3600, batch=2, report=0.0, learning_rate=1e-2)
    return out, config, train(bank, face, out, config, tiny_config)


def lines(out):
    return read_log(out)


def test_a_run_logs_its_losses_and_held_out_metrics(run):
    out, _, _ = run
    log = lines(out)
    assert len(log) >= 2
    steps = [line["step"] for line in log]
    assert steps == sorted(steps)
    assert steps[0] > 0
    for line in log:
        for name in ("phoneme", "key", "motion", "velocity", "gap", "lip_error_mm", "rest_error_mm"):
            assert np.isfinite(line[name])
        assert 0 <= line["phoneme_accuracy"] <= 1
        assert 0 <= line["closure"] <= 1
    assert json.loads((out / "config.json").read_text())["batch"] == 2


def test_a_run_leaves_a_checkpoint_of_the_averaged_model(run):
    out, _, average = run
    loaded = KMTalk.from_pretrained(out / "checkpoint")
    for wanted, found in zip(average.state_dict().values(), loaded.state_dict().values(), strict=True):
        assert torch.allclose(wanted.float(), found.float(), rtol=2e-3, atol=1e-5)


def test_what_speech_never_moves_stays_exactly_still(run, bank):
    out, _, _ = run
    still = torch.from_numpy(~bank.moved())
    assert still.any()
    state = torch.load(out / "state.pt", weights_only=True)
    for tensors in (state["objective"], state["average"]):
        for layer in ("model.key_decoder.motion", "model.completion.motion"):
            assert not tensors[f"{layer}.weight"][still].any()
            assert not tensors[f"{layer}.bias"][still].any()
            assert tensors[f"{layer}.weight"][~still].any()


def test_a_stopped_run_goes_on(run, bank, face, tiny_config):
    out, config, _ = run
    steps, lines_before = lines(out)[-1]["step"], len(lines(out))
    train(bank, face, out, replace(config, hours=4 / 3600), tiny_config)
    log = lines(out)
    assert len(log) > lines_before
    assert log[-1]["step"] > steps
    assert log[-1]["seconds"] >= 4
    assert all(a["seconds"] <= b["seconds"] for a, b in zip(log, log[1:], strict=False))


def test_a_finished_run_takes_no_more_steps(run, bank, face, tiny_config):
    out, config, _ = run
    steps = lines(out)[-1]["step"]
    train(bank, face, out, config, tiny_config)
    assert lines(out)[-1]["step"] == steps


def test_a_run_can_start_from_a_checkpoint_s_weights(bank, face, tiny_model, tmp_path):
    config = TrainConfig(hours=0.0, batch=2, report=0.0)
    average = train(bank, face, tmp_path / "new", config, start=tiny_model)
    still = torch.from_numpy(~bank.moved())
    for (name, wanted), found in zip(tiny_model.state_dict().items(), average.state_dict().values(), strict=True):
        if name.startswith(("key_decoder.motion", "completion.motion")):
            wanted, found = wanted[~still], found[~still]
        assert torch.equal(wanted, found), name


def test_a_start_that_does_not_fit_is_refused(bank, face, tiny_model, tiny_config, tmp_path):
    config = TrainConfig(hours=0.0)
    with pytest.raises(InputError, match="other sizes"):
        train(bank, face, tmp_path / "a", config, replace(tiny_config, width=24), start=tiny_model)
    other = KMTalk(replace(tiny_config, weight_names=("a", "b")))
    with pytest.raises(InputError, match="moves 2 weights"):
        train(bank, face, tmp_path / "b", config, start=other)


def test_an_unknown_augmentation_is_refused():
    with pytest.raises(InputError, match="no augmentation 'echo': choose of speed, warp"):
        TrainConfig(without=("room", "echo"))


def test_what_is_left_out_changes_the_batches(bank, face):
    plain, straight = (BankBatches(bank, face, 2, 0, without=left_out)(0) for left_out in ((), ("speed",)))
    assert not torch.equal(plain.labels, straight.labels)


def test_a_batch_holds_clips():
    with pytest.raises(InputError, match="batch is 0: it must be a whole number from 1 on"):
        TrainConfig(batch=0)


def refuse(bank, face, out, config, model_config):
    with pytest.raises(InputError) as caught:
        train(bank, face, out, config, model_config)
    message = str(caught.value)
    assert "\n" not in message
    assert "state.pt" in message
    return message


def test_the_state_of_another_model_is_refused(run, bank, face, tiny_config):
    out, config, _ = run
    assert "another model" in refuse(bank, face, out, config, replace(tiny_config, width=24))


@pytest.mark.parametrize("content", [b"", b"not a state", b"PK\x03\x04 cut short"])
def test_a_damaged_state_is_refused(content, bank, face, tiny_config, tmp_path):
    (tmp_path / "state.pt").write_bytes(content)
    refuse(bank, face, tmp_path, TrainConfig(hours=1e-3), tiny_config)


def test_a_state_cut_short_is_refused(run, bank, face, tiny_config, tmp_path):
    out, config, _ = run
    content = (out / "state.pt").read_bytes()
    (tmp_path / "state.pt").write_bytes(content[: len(content) // 2])
    refuse(bank, face, tmp_path, config, tiny_config)


def test_a_state_of_something_else_is_refused(bank, face, tiny_config, tmp_path):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "state.pt")
    refuse(bank, face, tmp_path, TrainConfig(hours=1e-3), tiny_config)


def test_validation_knows_a_still_face(bank, face, tiny_config):
    # A model that gives zeros errs as a face that never moves does.
    torch.manual_seed(0)
    model = KMTalk(tiny_config).eval()
    model.hold_still(torch.ones(len(face.basis_names), dtype=torch.bool))
    metrics = validate(model, bank, face)
    assert metrics["lip_error_mm"] == pytest.approx(metrics["rest_error_mm"])
    assert metrics["rest_error_mm"] > 0.5
    assert metrics["phoneme_accuracy"] < 0.5
    assert metrics["closure"] == 1.0  # a shut mouth is shut at every closure


def test_validation_without_held_out_clips(bank, face, tiny_model):
    training = replace(bank, entries=tuple(entry for entry in bank.entries if entry.split == "train"))
    metrics = validate(tiny_model, training, face)
    assert np.isnan(metrics["lip_error_mm"])
    assert metrics["phoneme_accuracy"] == 0


def test_edits_change_some_keys_in_weights_that_move(batch):
    torch.manual_seed(0)
    made = torch.stack([edits(batch.motion, batch.key_mask, 1.0, -0.3, 0.6) for _ in range(40)])
    moving = (batch.motion != 0).any(dim=1)
    assert made.shape[1:] == (*batch.key_frames.shape, batch.motion.shape[2])
    assert not made.permute(0, 2, 1, 3)[:, :, ~moving].any()
    assert not made[:, ~batch.key_mask].any()
    changed = (made != 0).any(-1)[:, batch.key_mask].float().mean()
    assert 0.02 < changed < 0.2  # 0.15 of the keys, if each had a weight to change
    assert made.min() >= -0.3 and made.max() <= 0.6
    assert not edits(batch.motion, batch.key_mask, 0.0, -0.3, 0.6).any()


@pytest.mark.parametrize("values", [{"keys": "uniform"}, {"key_decoder": False, "keys": "random"}])
def test_models_without_a_part_train_on_the_corpus_too(values, bank, face, tiny_config, tmp_path):
    config = TrainConfig(steps=2, batch=2, report_steps=2)
    model = train(bank, face, tmp_path, config, replace(tiny_config, **values))
    row = lines(tmp_path)[-1]
    assert np.isfinite(row["lip_error_mm"])
    assert (row["key"] == 0) == (not model.config.key_decoder)


def test_a_number_fixes_the_batch_and_other_keys_are_as_many(bank, face):
    plain, uniform = (BankBatches(bank, face, 3, 5, keys) for keys in ("phonemes", "uniform"))
    first, again, even = plain(7), plain(7), uniform(7)
    assert torch.equal(first.mel, again.mel)
    assert torch.equal(first.key_frames, again.key_frames)
    assert not torch.equal(plain(8).mel, first.mel)
    assert torch.equal(even.mel, first.mel)
    assert torch.equal(even.key_mask, first.key_mask)
    for keys, mask in zip(even.key_frames, even.key_mask, strict=True):
        gaps = keys[mask].diff()
        assert gaps.max() - gaps.min() <= 1


def test_a_run_of_steps_ends_with_the_same_weights_when_it_is_stopped(bank, face, tiny_config, tmp_path):
    config = TrainConfig(steps=6, batch=2, report_steps=3)
    whole = train(bank, face, tmp_path / "whole", config, tiny_config)
    parts = tmp_path / "parts"

    def broken(*_):
        raise InputError("no room")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KMTalk, "save_pretrained", broken)
        with pytest.raises(InputError, match="no room"):
            train(bank, face, parts, config, tiny_config)
    again = train(bank, face, parts, config, tiny_config)
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True))
