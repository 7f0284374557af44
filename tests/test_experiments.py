"""The experiments: every animator learns, a stopped study goes on, and the report has every row."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from kmtalk.__main__ import main
from kmtalk.data.articulation import Articulation
from kmtalk.data.clip import join_parts, load_corpus, save_part
from kmtalk.errors import InputError
from kmtalk.experiments import QUICK, StudyConfig, run_study, write_report
from kmtalk.experiments import study as study_module
from kmtalk.experiments.animators import CodeTalkerLike, FaceFormerLike, Ours, SelfTalkLike
from kmtalk.experiments.charts import Bar, bar_chart
from kmtalk.experiments.codes import CODES, PARTS, MotionCodes
from kmtalk.experiments.material import FPS, Crops, gather
from kmtalk.experiments.placements import ROBUSTNESS
from kmtalk.experiments.results import Change, agreement, change, paper_figures, read_results, verdict
from kmtalk.experiments.scoring import Judge, features_of
from kmtalk.experiments.study import ANIMATORS, JOBS, result_file
from kmtalk.experiments.training import AnimatorObjective, Schooling, train_animator, train_codes
from kmtalk.metrics import WeightMetrics
from kmtalk.models.kmtalk import KMTalkConfig
from kmtalk.train.losses import HELD_SHAPES, SHARES, MotionLoss

TINY = replace(QUICK, hours=0.01, held_out=1, width=16, encoder_blocks=1, steps=2, code_steps=2, batch=2, seeds=1)


@pytest.fixture(scope="module")
def corpus(clips, tmp_path_factory):
    """The made-up clips as a corpus folder, the one of voice-1 that is held out as the only one of its voice."""
    folder = tmp_path_factory.mktemp("corpus")
    save_part(folder / "part.npz", clips)
    join_parts(folder, [folder / "part.npz"], {"made": "up"})
    return load_corpus(folder)


@pytest.fixture(scope="module")
def material(corpus, face, tmp_path_factory):
    return gather(corpus, Articulation(face), tmp_path_factory.mktemp("material"), 1.0, 4)


@pytest.fixture(scope="module")
def config(face):
    return KMTalkConfig(face.basis_names, width=16, encoder_blocks=1, key_layers=1, key_reach=4)


@pytest.fixture(scope="module")
def studied(corpus, face, tmp_path_factory):
    """A whole study in its smallest size: its folder and the lines it printed."""
    out, lines = tmp_path_factory.mktemp("study"), []
    run_study(corpus, face, out, TINY, lines.append)
    return out, lines


def build(kind, config, scheme=False):
    torch.manual_seed(0)
    if kind is Ours:
        return Ours(config)
    extra = (MotionCodes(len(config.weight_names), config.width),) if kind is CodeTalkerLike else ()
    return kind(config, scheme, *extra)


def every_animator(config):
    kinds = [(kind, scheme) for kind in ANIMATORS.values() for scheme in (False, True)]
    return [build(Ours, config), *(build(kind, config, scheme) for kind, scheme in kinds)]


def test_material_is_the_corpus_in_frames(material, clips):
    assert len(material.train) == 5
    (held_out,) = material.held_out
    assert held_out.voice == "voice-1"
    assert not held_out.unheard  # other clips of voice-1 are learned from
    assert held_out.mel.shape == (4 * len(held_out.motion), 80)
    assert len(held_out.motion) <= 5 * FPS
    labels = [phoneme.label for phoneme in held_out.phonemes()]
    said = [phoneme.label for phoneme in clips[5].phonemes]
    merged = [label for label, before in zip(said, [None, *said], strict=False) if label != before]
    assert labels == merged[: len(labels)]


def test_material_is_kept_and_that_of_another_corpus_refused(corpus, face, tmp_path):
    first = gather(corpus, Articulation(face), tmp_path, 1.0, 4)
    again = gather(corpus, Articulation(face), tmp_path, 1.0, 4)
    assert np.array_equal(first.train[2].mel, again.train[2].mel)
    with pytest.raises(InputError, match="made of another corpus"):
        gather(corpus, Articulation(face), tmp_path, 1.0, 3)


def test_all_rows_of_a_seed_learn_from_the_same_crops(material):
    phonemes, uniform = Crops(material.train, 3, 5)(7), Crops(material.train, 3, 5, "uniform")(7)
    assert torch.equal(phonemes.mel, uniform.mel)
    assert torch.equal(phonemes.motion, uniform.motion)
    assert torch.equal(Crops(material.train, 3, 5, "centres")(7).mel, phonemes.mel)
    steps = uniform.key_frames[0].unique().diff()
    assert steps.max() - steps.min() <= 1
    assert abs(int(phonemes.key_mask[0].sum()) - int(uniform.key_mask[0].sum())) <= 1
    assert not torch.equal(Crops(material.train, 3, 6)(7).mel, phonemes.mel)


def test_crops_keep_sound_and_motion_together(material):
    batch = Crops(material.train, 2, 0)(0)
    for mel, motion in zip(batch.mel.numpy(), batch.motion.numpy(), strict=True):
        places = [
            (utterance, start)
            for utterance in material.train
            for start in range(len(utterance.motion))
            if np.array_equal(utterance.motion[start : start + 20], motion[:20])
        ]
        assert any(np.array_equal(utterance.mel[4 * start : 4 * start + 80], mel[:80]) for utterance, start in places)


@pytest.mark.parametrize("number", range(7))
def test_every_animator_learns_one_batch(number, config, material, face):
    animator = every_animator(config)[number]
    batch = Crops(material.train, 2, 0)(0)
    objective = AnimatorObjective(animator, MotionLoss(face, SHARES, HELD_SHAPES), Schooling(40, 1, 2).config(40, 0))
    optimiser = torch.optim.Adam(animator.parameters(), 1e-2)
    kept = []
    for _ in range(30):
        torch.manual_seed(1)
        objective.train()
        terms = objective(batch)
        loss = terms["motion"] + terms["key"] + terms["codes"] + 0.1 * terms["phoneme"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        kept.append({name: term.item() for name, term in terms.items()})
    assert kept[-1]["phoneme"] < kept[0]["phoneme"]
    if isinstance(animator, CodeTalkerLike):  # its decoder is untrained here, so only the choice of codes can learn
        assert kept[-1]["codes"] < 0.7 * kept[0]["codes"]
    else:
        assert kept[-1]["motion"] < 0.7 * kept[0]["motion"]
    keyed = isinstance(animator, Ours) or animator.scheme is not None
    assert (kept[0]["key"] > 0) == keyed
    if keyed:
        assert kept[-1]["key"] < 0.8 * kept[0]["key"]


def test_codes_learn_motion_and_many_of_them_are_used(material, face, tmp_path):
    untrained = MotionCodes(len(face.basis_names), 16)
    codes = train_codes(16, material, face, Schooling(1, 120, 4), 0, tmp_path)
    motion = Crops(material.train, 4, 9)(0).motion
    chosen = codes.nearest(codes.encode(motion))
    assert chosen.shape == (*motion.shape[:2], PARTS)
    assert chosen.max() < CODES
    assert len(chosen[..., 0].unique()) > 8
    loss = MotionLoss(face, SHARES)
    error = loss.position(codes.decode(codes.read(chosen)) - motion).mean()
    still = loss.position(motion).mean()
    fresh = loss.position(untrained.decode(untrained.encode(motion)) - motion).mean()
    assert error < 0.7 * still < fresh * 2
    again = train_codes(16, material, face, Schooling(1, 120, 4), 0, tmp_path)
    assert torch.equal(codes.book, again.book)


def test_the_autoregressive_animator_sees_no_future(config):
    animator = build(FaceFormerLike, config).eval()
    torch.nn.init.normal_(animator.motion.weight)
    random = torch.Generator().manual_seed(0)
    motion, features = torch.rand(1, 40, 54, generator=random), torch.rand(1, 40, 16, generator=random)
    before = animator._continue(motion, features)
    changed, sound = motion.clone(), features.clone()
    changed[:, 20:], sound[:, 21:] = 0.5, 0.5
    after = animator._continue(changed, sound)
    assert torch.allclose(before[:, :21], after[:, :21], atol=1e-5)
    assert not torch.allclose(before[:, 21:], after[:, 21:], atol=1e-2)


def test_frame_by_frame_is_the_fixed_point_of_the_parallel_pass(config):
    animator = build(FaceFormerLike, config, scheme=True).eval()
    torch.nn.init.normal_(animator.motion.weight, std=0.1)
    features, keys = torch.rand(1, 30, 16), torch.tensor([[0, 9, 29]])
    with torch.no_grad():
        motion = animator(features, keys).motion
        _, straight, guided = animator.guide(features, keys)
        assert torch.allclose(straight + animator._continue(motion, guided), motion, atol=1e-4)


@torch.no_grad()
def test_key_motions_shape_what_the_scheme_completes(config):
    keys = torch.tensor([[0, 8, 19]])
    for kind in (SelfTalkLike, FaceFormerLike, CodeTalkerLike):
        animator = build(kind, config, scheme=True).eval()
        torch.nn.init.constant_(animator.scheme.decoder.motion.bias, 0.25)
        made = animator(torch.rand(1, 20, 16), keys)
        assert made.key_motions.shape == (1, 3, 54)
        if kind is not CodeTalkerLike:  # its codes are all of the motion; the others' last layers begin at 0
            assert made.motion.mean().item() == pytest.approx(0.25, abs=0.05)
        assert build(kind, config).eval()(torch.rand(1, 20, 16), keys).key_motions is None


def test_features_are_read_where_kmtalk_reads_them(config):
    model = build(Ours, config).eval().model
    mel = torch.rand(1, 200, 80)
    with torch.no_grad():
        wanted = model.at_frames(model.encoder(mel).features, FPS, 50)
        assert torch.allclose(features_of(model.encoder, mel, 50)[0], wanted, atol=1e-6)


def test_a_training_taken_up_again_is_the_same(config, material, face, tmp_path):
    schooling = Schooling(8, 1, 2)
    whole = train_animator(build(SelfTalkLike, config), "phonemes", material, face, schooling, 0, tmp_path / "whole")
    again = train_animator(build(SelfTalkLike, config), "phonemes", material, face, schooling, 0, tmp_path / "whole")
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_placements_do_what_they_say():
    keys, true, random = np.array([0, 4, 9, 12, 19]), np.array([0, 5, 19]), np.random.default_rng(0)

    def placed(name):
        return ROBUSTNESS[name](keys, true, 20, random).tolist()

    assert placed("heard") == keys.tolist()
    assert placed("labels") == [0, 5, 19]
    assert placed("1 frame late") == [0, 5, 10, 13, 19]
    assert placed("2 frames late") == [0, 6, 11, 14, 19]
    assert placed("1 frame early") == [0, 3, 8, 11, 19]
    many = np.arange(0, 100, 2)
    dropped = ROBUSTNESS["20 % dropped"](many, true, 99, random)
    assert len(dropped) == 40
    assert {0, 98} <= set(dropped.tolist()) <= set(many.tolist())
    added = ROBUSTNESS["10 % spurious"](many, true, 99, random)
    assert len(added) == 55
    assert set(many.tolist()) <= set(added.tolist())
    for place in ROBUSTNESS.values():
        assert place(np.array([0]), np.array([0]), 1, random).tolist() == [0]


def test_scores_lie_between_a_still_face_and_the_truth(material, face):
    judge = Judge(face, material.held_out)
    still, truth = judge.limits()["still"], judge.limits()["truth"]
    assert truth["lve_mm"] == 0
    assert truth["opening_r"] == pytest.approx(1)
    assert truth["closure"] == 1  # the sentences have M
    motion = material.held_out[0].motion
    wanted = WeightMetrics(face).root_lip_vertex_error(np.zeros_like(motion), motion)
    assert still["lve_mm"] == pytest.approx(wanted)
    assert still["lve"] == pytest.approx((wanted / 1e3) ** 2)
    assert still["fdd"] == pytest.approx(WeightMetrics(face).motion_spread(motion) * 1e6)
    keys = judge.true_keys[0]
    wrong = motion.copy()
    wrong[keys] = 0
    scores = judge.score([wrong], [keys])
    assert scores["between_mm"] == 0
    assert scores["at_mm"] > 0.5
    assert scores["density"] == pytest.approx(len(keys) / len(motion))


def test_a_study_has_every_row_with_every_score(studied):
    out, lines = studied
    assert len(lines) == len(JOBS) == 12
    results = read_results(out)
    assert results.seeds == (0,)
    assert set(results.rows) == {(job, "heard") for job in JOBS} | {("full", name) for name in ROBUSTNESS}
    for rows in results.rows.values():
        assert np.isfinite([value for name, value in rows[0].items() if name != "recall"]).all()
    assert all(run[0]["processor_seconds"] > 0 for run in results.jobs.values())
    assert not (out / "runs" / "seed0-full").exists()


def test_a_stopped_study_goes_on_without_doing_anything_twice(studied, corpus, face, monkeypatch):
    out, _ = studied
    done = result_file(out, "SelfTalk-like", 0)
    kept = {path: path.stat().st_mtime_ns for path in (out / "results").glob("seed*") if path != done}
    done.unlink()
    trained = []

    def watched(*arguments):
        trained.append(arguments)
        return train_animator(*arguments)

    monkeypatch.setattr(study_module, "train_animator", watched)
    lines = []
    run_study(corpus, face, out, TINY, lines.append)
    assert len(lines) == len(trained) == 1
    assert "SelfTalk-like" in lines[0]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_study_of_other_sizes_is_refused(studied, corpus, face):
    with pytest.raises(InputError, match="other sizes"):
        run_study(corpus, face, studied[0], replace(TINY, steps=3))
    with pytest.raises(InputError, match="steps is 0"):
        StudyConfig(steps=0)


def test_the_report_has_every_row_and_the_papers_figures(studied, tmp_path):
    text = write_report(studied[0], tmp_path / "report").read_text(encoding="utf-8")
    for job in JOBS:
        assert f"| {job} |" in text, job
    for placement in ROBUSTNESS:
        assert f"full: {placement}" in text or placement in ("heard", "labels"), placement
    assert "the labels' phonemes" in text
    for figure in ("3.9654", "4.8859", "3.9991", "5.3077", "2.6608"):
        assert figure in text
    assert "One seed has no spread" in text
    assert "experiments --corpus DIR --out DIR --seeds 1 --steps 2`" in text
    assert not re.search(r"\{\w*\}|\bnan\b", text)
    short = sum(map(int, re.findall(r"^- \*\*\w.* here[\w ]*: (\d+)\.\*\*", text, re.MULTILINE)))
    assert short == 4 + 4 + 1 + 3
    verdicts = [line for line in text.splitlines() if re.match(r"- .*\*\*(worse|better|no clear)", line)]
    assert len(verdicts) == 6 + 6 + 9 + 3
    for chart in ("parts", "placements", "animators"):
        assert f"({chart}.svg)" in text
        ElementTree.parse(tmp_path / "report" / f"{chart}.svg")


def test_a_report_tells_incomplete_seeds_and_needs_a_complete_one(studied, tmp_path):
    out = tmp_path / "study"
    (out / "results").mkdir(parents=True)
    with pytest.raises(InputError, match="no study"):
        write_report(out, tmp_path / "report")
    for path in (studied[0] / "results").iterdir():
        (out / "results" / path.name).write_text(path.read_text())
    (out / "study.json").write_text(json.dumps({**json.loads((studied[0] / "study.json").read_text()), "seeds": 2}))
    result_file(out, "full", 1).write_text(result_file(out, "full", 0).read_text())
    text = write_report(out, tmp_path / "report").read_text(encoding="utf-8")
    assert "2 seeds were asked for; of the others, 1 of 12 trainings are done" in text
    result_file(out, "random keys", 0).unlink()
    with pytest.raises(InputError, match="no seed of the study"):
        write_report(out, tmp_path / "report")


def test_verdicts_follow_from_the_numbers():
    assert change([2.2, 3.3], [2.0, 3.0]).percents == pytest.approx((10, 10))
    worse, unsure, better = Change((10.0, 11.0, 12.0)), Change((-1.0, 4.0, 5.0)), Change((-3.0, -4.0, -3.5))
    assert "agrees" in verdict(worse, [5.0, 8.0])
    assert (agreement(worse, [5.0]), agreement(unsure, [5.0]), agreement(worse, [])) == ("agrees", "open", "")
    assert "larger" in verdict(worse, [2.0])
    assert "smaller" in verdict(worse, [40.0])
    assert "disagrees" in verdict(better, [5.0])
    assert "disagrees" in verdict(better, [5.0, -2.0])
    assert "neither confirmed" in verdict(unsure, [5.0])
    assert "outside the interval" in verdict(unsure, [30.0])
    assert "outside" not in verdict(unsure, [5.0])
    assert "no such row" in verdict(worse, [])
    assert worse.spread == pytest.approx(1)
    assert Change((1.0, 2.0, 3.0, 4.0)).is_clear  # 2.5 > 3.182 * 1.291 / 2
    assert not Change((10.0, 12.0)).is_clear  # 11 < 12.706 * 1.414 / 1.414
    assert not Change((4.9,)).is_clear
    assert Change((5.1,)).is_clear
    assert not Change((5.1,), faint=25.0).is_clear
    assert "one seed" in verdict(Change((5.1,)), [])


def test_the_papers_figures_are_those_of_the_notes():
    paper = paper_figures()
    assert set(paper["parts"]["lve"]) <= {*JOBS}
    assert set(paper["placements"]["lve"]) <= set(ROBUSTNESS)
    for figures in paper["animators"]["lve"].values():
        assert set(figures) == set(ANIMATORS)
        assert all(after < before for before, after in figures.values())


def test_a_chart_places_its_marks_on_the_axis():
    root = ElementTree.fromstring(
        bar_chart("T <1>", "x", [Bar("a & b", (10.0, 20.0), (-5.0,)), Bar("c", (0.0,))], ["P"])
    )
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{space}text")]
    assert {"T <1>", "a & b", "c", "P", "+15.0 %"} <= set(texts)
    dots = [float(element.get("cx")) for element in root.iter(f"{space}circle")][1:]  # the first is the legend's
    assert len(dots) == 3
    assert dots[1] - dots[0] == pytest.approx(dots[0] - dots[2], abs=0.2)


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert main(["experiments", "--out", str(tmp_path / "no"), "--report-only"]) == 2
    assert "there is no study" in capsys.readouterr().err
    assert main(["experiments", "--out", str(tmp_path / "no"), "--corpus", str(tmp_path)]) == 2
    assert "no finished spoken corpus" in capsys.readouterr().err


def test_the_command_reports(studied, tmp_path, capsys):
    assert main(["experiments", "--out", str(studied[0]), "--report", str(tmp_path / "r"), "--report-only"]) == 0
    assert (tmp_path / "r" / "README.md").is_file()
    assert "README.md" in capsys.readouterr().out
