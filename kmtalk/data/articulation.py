"""Articulation rules: phonemes with times and the sound's loudness give the motion of a speaking face.

They make the ground truth of the spoken corpus. The blend is the dominance model of Cohen and Massaro (1993);
closures, anticipation and the jaw's dependence on loudness follow JALI (Edwards et al., 2016). Targets are ours.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from kmtalk.face import Face
from kmtalk.phonemes import LABELS, RATE, VOWELS, Phoneme
from kmtalk.prosody import loudness

ARTICULATORS = ("jaw", "round", "flare", "spread", "upper", "lower", "tip", "back", "out")

# Targets by phoneme, in the order of ARTICULATORS, then the dominance of jaw, lips and tongue.
# A second row is the second half of a diphthong.
_TARGETS = """
sil 0    0    0    0    0    0    0    0    0    | 1.0 .45 .3
P   .03  0    0    0    0    0    0    0    0    | 1.2 .25 .1
B   .03  0    0    0    0    0    0    0    0    | 1.2 .25 .1
M   .03  0    0    0    0    0    0    0    0    | 1.2 .25 .1
F   .05  0    0    .05  0    0    0    0    0    | 1.2 .4  .1
V   .05  0    0    .05  0    0    0    0    0    | 1.2 .4  .1
TH  .13  0    0    .10  .05  .20  .3   0    .42  | .9  .4  2
DH  .12  0    0    .10  .05  .18  .3   0    .36  | .7  .3  2
T   .07  0    0    .10  .05  .12  .8   0    0    | .7  .25 2
D   .07  0    0    .10  .05  .12  .8   0    0    | .7  .25 2
N   .07  0    0    .10  .05  .12  .8   0    0    | .6  .25 2
L   .10  0    0    .05  .05  .15  1.0  0    0    | .6  .25 2.5
S   .03  0    0    .35  .20  .40  .5   0    0    | 1.6 .8  2
Z   .03  0    0    .35  .20  .40  .5   0    0    | 1.6 .8  2
SH  .04  .20  .75  0    .10  .15  .5   .2   0    | 1.5 1.8 2
ZH  .04  .20  .75  0    .10  .15  .5   .2   0    | 1.5 1.8 2
CH  .04  .20  .75  0    .10  .15  .6   .2   0    | 1.5 1.8 2
JH  .04  .20  .75  0    .10  .15  .6   .2   0    | 1.5 1.8 2
K   .10  0    0    .05  0    .08  0    .9   0    | .5  .15 2
G   .10  0    0    .05  0    .08  0    .9   0    | .5  .15 2
NG  .10  0    0    .05  0    .08  0    .9   0    | .5  .15 2
HH  .12  0    0    0    .02  .08  0    .2   0    | .25 .1  .3
R   .07  .45  .15  0    .05  .10  .4   .3   0    | .8  1.1 1.5
ER  .13  .35  .10  0    .05  .12  .4   .3   0    | 1.0 1.0 1.5
AA  .38  .05  0    .05  .10  .25  -.1  .1   0    | 1.2 1.0 1
AH  .25  .03  0    .10  .07  .20  0    .1   0    | .9  .7  .6
AE  .36  0    0    .30  .15  .28  0    0    0    | 1.2 1.0 1
AY  .38  0    0    .10  .10  .25  -.1  .1   0    | 1.2 1.0 1
AY  .15  0    0    .50  .12  .25  .1   .3   0    | .9  .9  1
AW  .37  .05  0    .10  .10  .25  -.1  .1   0    | 1.2 1.0 1
AW  .13  .80  .10  0    0    .05  0    .4   0    | .9  1.2 1
EH  .26  0    0    .35  .12  .25  0    .1   0    | 1.1 1.0 1
EY  .22  0    0    .45  .12  .25  .1   .2   0    | 1.1 1.0 1
EY  .12  0    0    .60  .12  .28  .1   .4   0    | 1.0 1.0 1
IH  .14  0    0    .45  .12  .22  .1   .3   0    | .9  .9  1
IY  .10  0    0    .80  .15  .30  .1   .5   0    | 1.0 1.3 1
Y   .08  0    0    .55  .10  .22  .1   .6   0    | .8  .8  1.5
AO  .27  .50  .10  0    .05  .15  0    .3   0    | 1.2 1.3 1
OW  .18  .65  .15  0    .03  .10  0    .3   0    | 1.1 1.4 1
OW  .10  .90  .10  0    0    .05  0    .4   0    | 1.0 1.5 1
OY  .22  .65  .15  0    .03  .10  0    .3   0    | 1.1 1.4 1
OY  .12  0    0    .50  .12  .25  .1   .3   0    | .9  .9  1
UW  .07  1.0  .05  0    0    .03  0    .5   0    | 1.0 1.7 1
UH  .12  .60  .10  0    .03  .10  0    .4   0    | .9  1.2 1
W   .05  1.0  .05  0    0    .02  0    .5   0    | 1.1 1.9 1
"""

# Weights of the rig at full strength of each articulator; "Left" and "Right" are filled in by `_pair`.
_SHAPES = {
    "jaw": {"jawOpen": 1.0},
    "round": {"mouthPucker": 0.90, "mouthFunnel": 0.15},
    "flare": {"mouthFunnel": 0.50, "mouthPucker": 0.15},
    "spread": {"mouthStretch*": 0.42, "mouthSmile*": 0.25, "mouthDimple*": 0.10},
    "upper": {"mouthUpperUp*": 1.7},
    "lower": {"mouthLowerDown*": 1.3},
    "tip": {"tongueUp": 1.0},
    "back": {"tongueBackUp": 1.0},
    "out": {"tongueOut": 1.0},
}
_CLOSED = {"mouthPress*": 0.05, "mouthPucker": 0.10, "mouthRollLower": 0.24, "mouthRollUpper": 0.14}
_KEPT = {"mouthPucker": 0.6, "mouthStretch*": 0.6, "mouthSmile*": 0.6, "mouthDimple*": 0.6}
"""Share of a shape that stays while the lips are closed: a b is wide in "bee" and narrow in "boo"."""
_TUCKED = {"mouthRollLower": 0.52, "mouthUpperUp*": 0.34, "mouthShrugLower": 0.12, "jawOpen": 0.055}

_BILABIAL = {"P": 0.70, "B": 0.80, "M": 0.92}
_LABIODENTAL = {"F": 0.95, "V": 0.92}
_LEAD = 0.01
_SPREAD_BEFORE = {"jaw": 0.070, "lips": 0.085, "tongue": 0.04}
_SPREAD_AFTER = {"jaw": 0.075, "lips": 0.065, "tongue": 0.04}
_GROUP = ("jaw",) + ("lips",) * 5 + ("tongue",) * 3


@dataclass(frozen=True)
class _Target:
    values: np.ndarray
    dominance: dict[str, float]


def _read_targets() -> dict[str, list[_Target]]:
    targets: dict[str, list[_Target]] = {}
    for line in _TARGETS.strip().splitlines():
        values, dominance = line.split("|")
        label, *numbers = values.split()
        jaw, lips, tongue = (float(number) for number in dominance.split())
        target = _Target(np.array([float(n) for n in numbers]), {"jaw": jaw, "lips": lips, "tongue": tongue})
        targets.setdefault(label, []).append(target)
    return targets


class Articulation:
    """The rules bound to one face: its rig's names and the geometry of its lips.

    articulate(): phonemes and audio -> (T, K) float32 weights at RATE.
    """

    def __init__(self, face: Face) -> None:
        self.face = face
        self._index = {name: i for i, name in enumerate(face.basis_names)}
        self._targets = _read_targets()
        missing = set(LABELS) - set(self._targets)
        if missing:
            raise ValueError(f"no articulation target for {sorted(missing)}")
        self._mixing = np.stack([self._pose(_SHAPES[name]) for name in ARTICULATORS])
        self._jaw = self._index["jawOpen"]
        self._jaw_opens = float(face.lip_row()[self._jaw])
        self._closed = self._part(self._pose(_CLOSED)[None])[0]
        self._tucked = self._pose(_TUCKED)
        self._yields = 1 - self._pose(_KEPT)

    def articulate(self, phonemes: tuple[Phoneme, ...], audio: np.ndarray, frames: int) -> np.ndarray:
        """Return (frames, K) float32 weights at RATE for phonemes (seconds) spoken in 16 kHz audio."""
        time = np.arange(frames) / RATE + _LEAD
        segments = self._segments(phonemes, audio, frames)
        blended = self._blend(segments, time)
        blended[:, 0] = gaussian_filter1d(blended[:, 0], 1.8, mode="nearest")
        blended[:, 1:] = gaussian_filter1d(blended[:, 1:], 1.2, axis=0, mode="nearest")
        weights = np.maximum(blended, [0, 0, 0, 0, 0, 0, -1, 0, 0]) @ self._mixing
        weights = self._part(weights)
        tuck = _plateaus(phonemes, _LABIODENTAL, time, hold=0.060, ramp=0.050)[:, None]
        weights = weights * (1 - tuck) + self._tucked * tuck
        close = _plateaus(phonemes, _BILABIAL, time, hold=0.070, ramp=0.055)[:, None]
        weights = self._part(weights * (1 - close * self._yields) + self._closed * close)
        return weights.astype(np.float32)

    def _pose(self, shape: dict[str, float]) -> np.ndarray:
        pose = np.zeros(len(self._index))
        for name, value in shape.items():
            for side in ("Left", "Right") if name.endswith("*") else ("",):
                pose[self._index[name.removesuffix("*") + side]] += value
        return pose

    def _part(self, weights: np.ndarray) -> np.ndarray:
        """Open the jaw of (T, K) weights just so far that lips touch instead of passing through each other."""
        weights[:, self._jaw] += np.maximum(0.0, -self.face.lip_gap(weights)) / self._jaw_opens
        return weights

    def _segments(
        self, phonemes: tuple[Phoneme, ...], audio: np.ndarray, frames: int
    ) -> list[tuple[float, float, _Target, float]]:
        level = loudness(audio, frames)
        strength = _strength(phonemes, level)
        segments = []
        for phoneme, scale in zip(phonemes, strength, strict=True):
            targets = self._targets[phoneme.label]
            split = phoneme.start + 0.6 * phoneme.duration
            bounds = [phoneme.start, split, phoneme.end] if len(targets) == 2 else [phoneme.start, phoneme.end]
            for target, start, end in zip(targets, bounds, bounds[1:], strict=False):
                segments.append((start, end, target, scale))
        return segments

    def _blend(self, segments: list[tuple[float, float, _Target, float]], time: np.ndarray) -> np.ndarray:
        """Cohen and Massaro: each articulator is the dominance-weighted mean of the segments' targets."""
        start = np.array([segment[0] for segment in segments])
        end = np.array([segment[1] for segment in segments])
        scale = np.array([segment[3] for segment in segments])
        values = np.stack([segment[2].values for segment in segments])
        quarter = 0.25 * (end - start)
        before = np.maximum(0, (start + quarter) - time[:, None])
        after = np.maximum(0, time[:, None] - (end - quarter))
        blended = np.empty((len(time), len(ARTICULATORS)))
        for column, group in enumerate(_GROUP):
            height = np.array([segment[2].dominance[group] for segment in segments])
            dominance = height * np.exp(-before / _SPREAD_BEFORE[group] - after / _SPREAD_AFTER[group]) + 1e-9
            target = values[:, column] * (scale if column in (0, 4, 5) else 1.0)
            blended[:, column] = dominance @ target / dominance.sum(axis=1)
        return blended


def _strength(phonemes: tuple[Phoneme, ...], level: np.ndarray) -> np.ndarray:
    """How far each vowel opens: louder than the recording's mean vowel opens wider, short ones open less."""
    means = np.array([_mean_level(phoneme, level) for phoneme in phonemes])
    vowel = np.array([phoneme.label in VOWELS for phoneme in phonemes])
    strength = np.ones(len(phonemes))
    if vowel.any():
        louder = means[vowel] - np.median(means[vowel])
        duration = np.array([phoneme.duration for phoneme in phonemes])[vowel]
        strength[vowel] = np.clip(1 + 0.055 * louder, 0.5, 1.45) * np.clip(0.62 + duration / 0.26, 0.7, 1.1)
    return strength


def _mean_level(phoneme: Phoneme, level: np.ndarray) -> float:
    first = min(int(phoneme.start * RATE), len(level) - 1)
    return float(level[first : max(first + 1, int(phoneme.end * RATE))].mean())


def _plateaus(
    phonemes: tuple[Phoneme, ...], parts: dict[str, float], time: np.ndarray, hold: float, ramp: float
) -> np.ndarray:
    """(T,) in [0, 1]: 1 while a phoneme of `parts` is held, with smooth ramps; parts: label -> share of it held."""
    height = np.zeros(len(time))
    for phoneme in phonemes:
        if phoneme.label not in parts:
            continue
        start, end = phoneme.start, phoneme.start + parts[phoneme.label] * phoneme.duration
        missing = max(0.0, hold - (end - start)) / 2
        outside = np.maximum(start - missing - time, time - end - missing)
        fall = np.clip(1 - outside / ramp, 0, 1)
        height = np.maximum(height, fall * fall * (3 - 2 * fall))
    return height
