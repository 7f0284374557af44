"""What is scored: a model, and the baselines it is measured against, all as the curves and phonemes they predict."""

from dataclasses import dataclass

import numpy as np

from kmtalk.animate import animate
from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.articulation import Articulation
from kmtalk.errors import InputError
from kmtalk.evaluate.recordings import Recording
from kmtalk.face import Face
from kmtalk.models.kmtalk import KMTalk
from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import LABELS, RATE, Phoneme
from kmtalk.prosody import loudness

FPS = 50.0


@dataclass(frozen=True)
class Prediction:
    """curves: (T,) each at fps by their name in recordings.CURVES, the gap in millimetres; phonemes: () for none."""

    curves: dict[str, np.ndarray]
    fps: float
    phonemes: tuple[Phoneme, ...] = ()
    millimetres: bool = True
    """Whether the gap is one of lips, else only its shape means anything."""


def by_model(audio: np.ndarray, model: KMTalk, keys: str = "phonemes") -> Prediction:
    """Predict with a model; keys: where its key frames are, as animate() takes them."""
    animation = animate((audio, SAMPLE_RATE), model=model, fps=FPS, keys=keys, life=False)
    return Prediction(mouth_curves(animation), FPS, animation.phonemes)


def by_rules(phonemes: tuple[Phoneme, ...], audio: np.ndarray, rules: Articulation) -> Prediction:
    """Predict with the articulation rules that make the corpus's motion, from phonemes found by anything."""
    weights = rules.articulate(phonemes, audio, len(audio) * RATE // SAMPLE_RATE)
    motion = Motion(weights, rules.face.basis_names, float(RATE), np.zeros((len(weights), 6), np.float32))
    ends = np.array([0, len(weights) - 1])
    animation = Animation(audio, rules.face, motion, phonemes, ends, weights[ends], "rules", np.zeros((0, 1)))
    return Prediction(mouth_curves(animation), float(RATE), phonemes)


def by_loudness(audio: np.ndarray) -> Prediction:
    """Predict every curve as how loud the sound is."""
    level = loudness(audio, len(audio) * RATE // SAMPLE_RATE)
    return Prediction(dict.fromkeys(("gap", "jaw", "width", "rounding"), level), float(RATE), millimetres=False)


def by_tracker(recording: Recording) -> Prediction:
    """Return the real mouth, for what the scores without a reference curve make of it."""
    rate = 1 / float(np.median(np.diff(recording.tracked.time)))
    at = np.arange(round(recording.duration * rate)) / rate
    curves = {name: np.interp(at, recording.tracked.time, c) for name, c in recording.tracked.curves.items()}
    return Prediction(curves, rate, millimetres=False)


class PhoneLoop:
    """The phonemes that pocketsphinx hears, an untrained-for baseline whose models were trained on real speech.

    Raises InputError where it is not installed.
    """

    def __init__(self) -> None:
        try:
            from pocketsphinx import Config, Decoder, get_model_path
        except ImportError as error:
            raise InputError("pocketsphinx is not installed: pip install pocketsphinx") from error
        grammar = get_model_path("en-us/en-us-phone.lm.bin")
        options = {"lm": None, "dict": None, "lw": 1.0, "beam": 1e-20, "pbeam": 1e-20, "allphone": grammar}
        self._decoder = Decoder(Config(samprate=float(SAMPLE_RATE), loglevel="FATAL", **options))

    def __call__(self, audio: np.ndarray) -> tuple[Phoneme, ...]:
        """Return the phonemes of (S,) audio."""
        samples = np.clip(audio * 32767, -32768, 32767).astype(np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        phonemes: list[Phoneme] = []
        for segment in self._decoder.seg():
            label = segment.word if segment.word in LABELS else "sil"
            start, end = segment.start_frame / RATE, (segment.end_frame + 1) / RATE
            if phonemes and phonemes[-1].label == label == "sil":
                start = phonemes.pop().start
            phonemes.append(Phoneme(label, start, end))
        return tuple(phonemes) or (Phoneme("sil", 0.0, len(audio) / SAMPLE_RATE),)


def mouth_curves(animation: Animation) -> dict[str, np.ndarray]:
    """Return the (T,) curves a tracker of real mouths measures: gap, jaw, width in millimetres, rounding as a ratio."""
    face, weights, width = animation.face, animation.weights, animation.mouth_width() * 1e3
    return {
        "gap": animation.mouth_opening() * 1e3,
        "jaw": face.distance(weights, "nose_tip", "chin") * 1e3,
        "width": width,
        "rounding": _outer_height(face, weights) * 1e3 / width,
    }


def _outer_height(face: Face, weights: np.ndarray) -> np.ndarray:
    return face.distance(weights, "lip_top", "lip_bottom")
