"""Small things that many tests share: the shipped face, a made-up voice, and a model too small to be good."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kmtalk.face import load_face
from kmtalk.phonemes import Phoneme

PITCH = 120.0
FORMANTS = {"AA": (750, 1200), "IY": (300, 2300), "UW": (320, 900), "S": (5200, 6300), "M": (250, 1000)}
"""Two resonances in Hz that tell the made-up voice's sounds apart."""


def spoken(*pairs):
    """Phonemes one after the other from (label, seconds) pairs."""
    ends = np.cumsum([seconds for _, seconds in pairs])
    starts = np.concatenate([[0.0], ends[:-1]])
    return tuple(
        Phoneme(label, float(start), float(end)) for (label, _), start, end in zip(pairs, starts, ends, strict=True)
    )


def sound(phonemes, seed=0, level=0.2):
    """Say phonemes as two sine tones at their formants, beating at PITCH, and silence as faint noise: (S,) float32."""
    random = np.random.default_rng(seed)
    audio = random.normal(0, 1e-3, round(phonemes[-1].end * 16000))
    for phoneme in phonemes:
        if phoneme.label == "sil":
            continue
        place = slice(round(phoneme.start * 16000), round(phoneme.end * 16000))
        time = np.arange(place.stop - place.start) / 16000
        tones = sum(np.sin(2 * np.pi * formant * time) for formant in FORMANTS.get(phoneme.label, (500, 1500)))
        audio[place] += level * tones / 2 * (0.6 + 0.4 * np.sin(2 * np.pi * PITCH * time))
    return audio.astype(np.float32)


@pytest.fixture(scope="session")
def face():
    """The first shipped head."""
    return load_face("ari")


@pytest.fixture(scope="session")
def sentence():
    """Phonemes of 3 s with closures, open vowels and pauses."""
    word = (("M", 0.1), ("AA", 0.2), ("S", 0.14), ("IY", 0.16), ("UW", 0.2))
    return spoken(("sil", 0.4), *word, ("sil", 0.3), *word, ("sil", 0.7))


@pytest.fixture(scope="session")
def voice(sentence):
    """(48000,) float32: the sentence as sound."""
    return sound(sentence)


@pytest.fixture(scope="session")
def tiny_config(face):
    """A config for models that are built, run and saved in milliseconds."""
    from kmtalk.models.kmtalk import KMTalkConfig

    return KMTalkConfig(face.basis_names, width=16, encoder_blocks=2, key_layers=1, key_heads=2, key_reach=4)


@pytest.fixture(scope="session")
def tiny_model(tiny_config):
    """An untrained KMTalk in evaluation mode whose every stage moves something."""
    import torch

    from kmtalk.models.kmtalk import KMTalk

    torch.manual_seed(3)
    model = KMTalk(tiny_config)
    torch.nn.init.normal_(model.key_decoder.motion.weight, std=0.2)
    torch.nn.init.constant_(model.key_decoder.motion.bias, 0.3)
    torch.nn.init.normal_(model.completion.motion.weight, std=0.05)
    with torch.no_grad():  # batch statistics, so that evaluation mode does not blow features up
        model.train()
        heard = model.encode(0.1 * torch.randn(4, 16000))
        keys = torch.tensor([[0, 5, 20, 24]] * 4)
        features = model.at_frames(heard.features, 25.0, 25)
        model.complete(features, keys, model.decode_keys(features, keys))
    return model.eval()


@pytest.fixture(scope="session")
def app_folder(tmp_path_factory):
    """Where the served page keeps its temporary files."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="session")
def app_url(app_folder):
    """The address of the served page, with the shipped model."""
    import tempfile

    import app
    from kmtalk.animate import load_model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(app_folder))
        blocks = app.build(load_model())
        _, url, _ = app.launch(blocks, prevent_thread_lock=True, quiet=True)
        yield url
        blocks.close(verbose=False)


@pytest.fixture(scope="session")
def clips():
    """Six short utterances of two voices, one of them held out."""
    from kmtalk.data.clip import Clip

    random = np.random.default_rng(0)
    made = []
    for index in range(6):
        labels = [str(label) for label in random.choice(list(FORMANTS), 14)]
        phonemes = spoken(("sil", 0.2), *((label, float(random.uniform(0.08, 0.2))) for label in labels), ("sil", 0.2))
        split = "validation" if index == 5 else "train"
        voice = "espeak-anna" if index == 4 else f"voice-{index % 2}"
        made.append(Clip(f"clip-{index}", voice, "en", "", split, sound(phonemes, index), phonemes))
    return made


@pytest.fixture(scope="session")
def bank(clips, face, tmp_path_factory):
    """The clips as a bank."""
    from kmtalk.data.articulation import Articulation
    from kmtalk.data.bank import build_bank

    return build_bank(clips, Articulation(face), tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="session")
def node_modules():
    """The folder of the npm packages that packages-node.txt names."""
    folder = Path(sys.prefix) / "node" / "node_modules"
    assert (folder / "gltf-validator").is_dir(), f"no npm packages in {folder}: `make test` installs them"
    return folder


@pytest.fixture(scope="session")
def node(node_modules):
    """Run an ES module, given as its text, beside those packages: (script, *arguments) -> what it prints."""

    def run(script, *arguments):
        command = [Path(sys.prefix) / "bin" / "node", "--input-type=module", "--eval", script, *map(str, arguments)]
        done = subprocess.run(command, cwd=node_modules.parent, capture_output=True, text=True, timeout=300)
        assert not done.returncode, done.stderr
        return done.stdout

    return run
