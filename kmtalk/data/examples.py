"""The three example recordings of the app, spoken by voices of the corpus with BSD-like licences."""

from pathlib import Path

import numpy as np

from kmtalk.audio import save_audio
from kmtalk.data.engines import Line, speak
from kmtalk.data.voices import voices

_PEAK = 0.7

EXAMPLES = {
    "bubbles": ("flite-slt", Line("Hello! Would you move my big blue boat? The puppy found five purple bubbles!")),
    "mountains": ("flite-rms", Line("Wow, what a beautiful view! We saw foggy mountains, and two huge polar bears.")),
    "porridge": ("flite-awb", Line("Oh, I love porridge! Put some warm milk and a few plums on top, and off we go.")),
}
"""Name of the file -> the voice's name and what it says."""


def make_examples(folder: str | Path) -> list[Path]:
    """Speak the examples into ``folder``, each NAME.wav, 16 kHz mono; the same bytes every time.

    Raises InputError when flite is not installed.
    """
    named = {voice.name: voice for voice in voices()}
    paths = []
    for name, (voice, line) in EXAMPLES.items():
        speech = next(speak(named[voice], [line]))
        audio = speech.audio.astype(np.float32)
        paths.append(save_audio(Path(folder, f"{name}.wav"), audio * (_PEAK / np.abs(audio).max())))
    return paths
