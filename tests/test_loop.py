"""The loop: exact to resume, early to stop, and usable for any module that turns batches into losses."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from kmtalk.errors import InputError
from kmtalk.train.log import read_log
from kmtalk.train.loop import LoopConfig, Work, fit

CONFIG = LoopConfig(steps=10, learning_rate=0.05, weight_decay=0.0, warmup=2, average=0.5, report_steps=2, seed=3)


@dataclass(frozen=True)
class Points:
    """x: (B, 3); y: (B,)."""

    x: torch.Tensor
    y: torch.Tensor

    def to(self, device):
        return Points(self.x.to(device), self.y.to(device))


def points(index, size=4):
    generator = torch.Generator().manual_seed(index)
    x = torch.randn(size, 3, generator=generator)
    return Points(x, x @ torch.tensor([1.0, -2.0, 0.5]))


class Line(nn.Module):
    """A line to be fitted, with dropout, so that the loop's own randomness matters."""

    def __init__(self, dropout=0.3):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.backbone = nn.Linear(3, 1), nn.Linear(3, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch):
        y = (self.body(self.dropout(batch.x)) + self.backbone(batch.x))[:, 0]
        return {"error": (y - batch.y).square().mean(), "size": self.body.weight.square().mean()}


def error(model, step=0):
    with torch.no_grad():
        return {"held_out": float(model(points(999, 64))["error"])}


def work(objective=None, **changes):
    made = Work(
        objective=objective or Line(),
        weights={"error": 1.0, "size": 0.0},
        batch=points,
        measure=error,
        save=lambda average, folder: (
            folder.mkdir(exist_ok=True),
            torch.save(average.state_dict(), folder / "weights.pt"),
        ),
        score="held_out",
    )
    return replace(made, **changes)


def same(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_and_logs(tmp_path):
    config = replace(CONFIG, steps=300, report_steps=100, average=0.9)
    average = fit(work(Line(dropout=0.0)), tmp_path, config)
    log = read_log(tmp_path)
    assert [row["step"] for row in log] == [100, 200, 300]
    assert log[-1]["held_out"] < 0.05 < log[0]["error"]
    assert log[0]["learning_rate"] > log[1]["learning_rate"] > log[2]["learning_rate"]
    assert log[-1]["held_out"] == pytest.approx(error(average)["held_out"], rel=1e-4)
    assert set(log[0]) == {"step", "seconds", "learning_rate", "error", "size", "held_out"}


def test_the_same_seed_gives_the_same_weights(tmp_path):
    first, again = (fit(work(), tmp_path / name, CONFIG) for name in ("first", "again"))
    other = fit(work(), tmp_path / "other", replace(CONFIG, seed=4))
    assert same(first, again)
    assert not same(first, other)


def test_a_run_that_was_stopped_ends_with_the_same_weights(tmp_path):
    whole = fit(work(), tmp_path / "whole", CONFIG)

    def stop(metrics, step):
        if step == 4:
            raise InputError("stopped")

    with pytest.raises(InputError, match="stopped"):
        fit(work(watch=stop), tmp_path / "parts", CONFIG)
    assert same(fit(work(), tmp_path / "parts", CONFIG), whole)
    rows = read_log(tmp_path / "parts")
    assert [row["step"] for row in rows] == [2, 4, 6, 8, 10]
    for row, wanted in zip(rows, read_log(tmp_path / "whole"), strict=True):
        assert {**row, "seconds": 0} == {**wanted, "seconds": 0}


def test_gathered_batches_are_one_large_batch(tmp_path):
    def both(index):
        parts = points(2 * index), points(2 * index + 1)
        return Points(torch.cat([part.x for part in parts]), torch.cat([part.y for part in parts]))

    gathered = fit(work(Line(0.0)), tmp_path / "gathered", replace(CONFIG, accumulate=2))
    large = fit(work(Line(0.0), batch=both), tmp_path / "large", CONFIG)
    for a, b in zip(gathered.parameters(), large.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_it_stops_when_the_score_gets_no_better_and_keeps_the_best(tmp_path):
    scores = iter([3.0, 1.0, 2.0, 5.0, 4.0, 0.0])
    kept = []
    changed = work(measure=lambda model, step: {"held_out": next(scores)}, save=lambda model, folder: kept.append(1))
    fit(changed, tmp_path, replace(CONFIG, steps=100, patience=3))
    assert [row["held_out"] for row in read_log(tmp_path)] == [3, 1, 2, 5, 4]
    assert len(kept) == 2
    fit(changed, tmp_path, replace(CONFIG, steps=100, patience=3))  # it stays stopped
    assert len(read_log(tmp_path)) == 5


def test_losses_that_are_not_finite_are_not_saved(tmp_path):
    def spoilt(index):
        batch = points(index)
        return replace(batch, y=batch.y / 0) if index == 5 else batch

    with pytest.raises(InputError, match="no longer finite at step 6: take a lower learning rate than 0.05"):
        fit(work(batch=spoilt), tmp_path, CONFIG)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["counters"]["steps"] == 4
    assert all(torch.isfinite(value).all() for value in state["objective"].values())


def test_pre_trained_parameters_learn_at_their_own_rate(tmp_path):
    objective = Line()
    before = {name: value.clone() for name, value in objective.named_parameters()}
    average = fit(work(objective, pretrained=("backbone.",)), tmp_path, replace(CONFIG, pretrained_rate=0.0))
    for name, value in average.named_parameters():
        assert torch.allclose(value, before[name], atol=1e-7) == name.startswith("backbone"), name


def test_what_needs_no_gradient_stays(tmp_path):
    objective = Line()
    objective.backbone.requires_grad_(False)
    before = objective.backbone.weight.clone()
    assert torch.equal(fit(work(objective), tmp_path, CONFIG).backbone.weight, before)


def test_half_precision(tmp_path):
    average = fit(work(Line(0.0)), tmp_path / "a", replace(CONFIG, precision="bf16", steps=100, report_steps=50))
    assert error(average)["held_out"] < 1.0
    assert average.body.weight.dtype == torch.float32
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        fit(work(), tmp_path / "b", replace(CONFIG, precision="fp16"))
    with pytest.raises(InputError, match="precision is 'int4'"):
        fit(work(), tmp_path / "c", replace(CONFIG, precision="int4"))
    for device in ("abacus", "cuda:63", "xpu"):
        with pytest.raises(InputError, match=f"device '{device}' cannot be used.*choose cpu or cuda"):
            fit(work(), tmp_path / "d", replace(CONFIG, device=device))


@pytest.mark.parametrize(
    "values",
    [
        {"steps": -1},
        {"steps": 1.5},
        {"accumulate": 0},
        {"warmup": 0},
        {"average": 1.0},
        {"hours": -1.0},
        {"learning_rate": -1e-3},
        {"weight_decay": float("nan")},
        {"clip": float("inf")},
    ],
)
def test_impossible_settings_are_refused(values):
    with pytest.raises(InputError, match=next(iter(values))):
        LoopConfig(**values)


def test_a_log_of_another_run_is_not_added_to(tmp_path):
    fit(work(), tmp_path, CONFIG)
    (tmp_path / "state.pt").unlink()
    with pytest.raises(InputError, match="other columns"):
        fit(work(measure=lambda model, step: {"score": 1.0}, score="score"), tmp_path, CONFIG)


def test_tensorboard_gets_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(work(), tmp_path, CONFIG)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    found = [(event.step, event.value) for event in events.Scalars("held_out")]
    assert found == [(row["step"], pytest.approx(row["held_out"], rel=1e-4)) for row in read_log(tmp_path)]
