import json

import numpy as np
import pytest

from kmtalk.data.clip import Clip, is_corpus, join_parts, load_corpus, save_part
from kmtalk.errors import InputError
from kmtalk.phonemes import Phoneme


def _clip(name: str, samples: int, split: str = "train") -> Clip:
    audio = np.linspace(-1, 0.999, samples).astype(np.float32)
    middle, end = samples / 32000, samples / 16000
    phonemes = (Phoneme("sil", 0.0, middle), Phoneme("ZH", middle, end))
    return Clip(name, "voice+f3", "fi", "yö, ää", split, audio, phonemes)


def test_corpus_gives_back_the_clips(tmp_path):
    clips = [_clip("a", 1600), _clip("b", 3200, "validation"), _clip("c", 800)]
    parts = [tmp_path / "one.npz", tmp_path / "two.npz"]
    save_part(parts[0], clips[:2])
    save_part(parts[1], clips[2:])
    assert not is_corpus(tmp_path)
    join_parts(tmp_path, parts, {"seed": 3})
    corpus = load_corpus(tmp_path)
    assert len(corpus) == 3
    assert corpus.duration == pytest.approx(5600 / 16000)
    assert corpus.indices("validation") == [1]
    assert corpus.recipe == {"seed": 3}
    for given, read in zip(clips, corpus, strict=True):
        assert (read.name, read.voice, read.language, read.text, read.split) == (
            given.name, "voice+f3", "fi", "yö, ää", given.split,
        )  # fmt: skip
        assert read.audio.dtype == np.float32
        np.testing.assert_allclose(read.audio, given.audio, atol=1 / 32768)
        assert [phoneme.label for phoneme in read.phonemes] == ["sil", "ZH"]
        assert read.phonemes[1].end == pytest.approx(len(given.audio) / 16000, abs=1e-5)


def test_files_are_readable_without_kmtalk(tmp_path):
    save_part(tmp_path / "part.npz", [_clip("a", 1600)])
    join_parts(tmp_path, [tmp_path / "part.npz"], {})
    assert np.load(tmp_path / "audio.npy").shape == (1600,)
    assert json.loads((tmp_path / "index.json").read_text())["clips"][0]["audio"] == [0, 1600]


def test_missing_corpus_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="python -m kmtalk corpus"):
        load_corpus(tmp_path / "nothing")
