from hashlib import sha256
from pathlib import Path

import pytest

from kmtalk.data.engines import check_installed
from kmtalk.data.synthetic import build_corpus
from kmtalk.data.voices import Voice, voices
from kmtalk.errors import InputError

HOURS = 0.006  # 22 seconds


@pytest.fixture(scope="module")
def chosen() -> list[Voice]:
    named = {voice.name: voice for voice in voices()}
    found = [named["flite-awb"], named["festival-ked"], named["espeak-de"]]
    try:
        check_installed(found)
    except InputError as error:
        pytest.skip(str(error))
    return found


@pytest.fixture(scope="module")
def corpus(chosen, tmp_path_factory):
    return build_corpus(tmp_path_factory.mktemp("corpus"), HOURS, seed=1, chosen=chosen)


def _digests(folder: Path) -> dict[str, str]:
    assert sorted(path.name for path in folder.iterdir()) == [
        "audio.npy", "index.json", "labels.npy", "recipe.json", "times.npy",
    ]  # fmt: skip
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_corpus_has_the_voices_in_their_shares(corpus, chosen):
    seconds = dict.fromkeys((voice.name for voice in chosen), 0.0)
    for clip in corpus:
        seconds[clip.voice.split("+")[0]] += len(clip.audio) / 16000
    assert corpus.duration == pytest.approx(sum(seconds.values()))
    total = sum(voice.share for voice in chosen)
    for voice in chosen:
        wanted = HOURS * 3600 * voice.share / total
        assert wanted <= seconds[voice.name] < wanted + 10


def test_held_out_voice_is_for_validation_only(corpus):
    splits = {clip.split for clip in corpus if clip.voice == "festival-ked"}
    assert splits == {"validation"}
    assert any(clip.split == "train" for clip in corpus)
    assert {corpus[index].split for index in corpus.indices("train")} == {"train"}


def test_clips_are_speech(corpus):
    for clip in corpus:
        assert clip.audio.max() > 0.05
        assert clip.phonemes[0].label == "sil" or clip.phonemes[0].start == 0
        assert len(clip.phonemes) > 3
        assert clip.text
        assert clip.phonemes[-1].end == pytest.approx(len(clip.audio) / 16000, abs=1e-4)


def test_same_seed_gives_the_same_bytes_with_any_number_of_workers(corpus, chosen, tmp_path):
    again = build_corpus(tmp_path, HOURS, seed=1, chosen=chosen, workers=1)
    assert _digests(again.folder) == _digests(corpus.folder)


def test_other_seed_gives_another_corpus(corpus, chosen, tmp_path):
    other = build_corpus(tmp_path, HOURS, seed=2, chosen=chosen)
    assert {clip.text for clip in other}.isdisjoint(clip.text for clip in corpus)


def test_stopped_build_is_taken_up_again(corpus, chosen, tmp_path):
    def stop(done: float, name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_corpus(tmp_path, HOURS, seed=1, chosen=chosen, workers=1, progress=stop)
    kept = sorted((tmp_path / "parts").iterdir())
    assert kept
    made = []
    build_corpus(tmp_path, HOURS, seed=1, chosen=chosen, progress=lambda done, name: made.append((done, name)))
    assert len(made) == len(chosen) - len(kept)
    assert all(name not in [path.stem for path in kept] for _, name in made)
    assert _digests(tmp_path) == _digests(corpus.folder)


def test_finished_corpus_is_opened_and_another_recipe_refused(corpus, chosen):
    assert len(build_corpus(corpus.folder, HOURS, seed=1, chosen=chosen)) == len(corpus)
    with pytest.raises(InputError, match="another recipe"):
        build_corpus(corpus.folder, HOURS, seed=2, chosen=chosen)


def test_no_hours_are_refused(tmp_path):
    with pytest.raises(InputError, match="0 hours"):
        build_corpus(tmp_path, 0)


def test_missing_engine_is_named_before_any_work(chosen, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get install --no-install-recommends flite"):
        build_corpus(tmp_path / "corpus", HOURS, chosen=chosen)
    assert not (tmp_path / "corpus").exists()
