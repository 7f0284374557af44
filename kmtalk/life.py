"""Life around the speech: blinks, gaze, brows and head motion, seeded, in channels of its own. Not from the paper.

Rates and couplings follow published observations: blinks 26 a minute in conversation and 17 at rest with a log-normal
spacing (Bentivoglio et al., 1997), drawn to pauses (Ford et al., 2013), brows up on some pitch accents (Cave et al.,
1996), the head nodding just after them (Kim, Cvejic and Davis, 2014). Amplitudes, the breath and the eyes' wandering
farther in pauses are our own choice. The mouth is left to speech, so lips meet at p b m as without life.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from kmtalk.face import Face
from kmtalk.motion import Motion
from kmtalk.phonemes import Phoneme
from kmtalk.prosody import accents

CHANNELS = (
    "eyeBlinkLeft eyeBlinkRight browInnerUp browOuterUpLeft browOuterUpRight "
    "eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight "
    "eyeLookUpLeft eyeLookUpRight eyeLookDownLeft eyeLookDownRight"
).split()
"""The weights that only life moves; speech never does."""

_PAUSE = 0.25  # seconds of silence in which there is time to breathe in and to look elsewhere
_REST = 1.5  # seconds of silence from which nobody is speaking any more
_BREATH = 3.8  # seconds from breath to breath at rest, 16 a minute


def enliven(
    weights: np.ndarray,
    face: Face,
    fps: float,
    phonemes: tuple[Phoneme, ...],
    audio: np.ndarray,
    seed: int | None,
    *,
    bounded: bool = True,
) -> Motion:
    """Return the motion of (T, K) weights of speech with life by a seed, or, for None, without.

    bounded: weights lie in [0, 1]. A face whose head_weight is 0 everywhere does not move its head.
    """
    if seed is None:
        return Motion(weights, face.basis_names, fps, np.zeros((len(weights), 6), np.float32))
    alive, head_pose = life(phonemes, audio, face.basis_names, len(weights), fps, seed)
    together = np.minimum(weights + alive, 1) if bounded else weights + alive
    head_pose = head_pose * bool(face.head_weight.any())
    return Motion(together, face.basis_names, fps, head_pose, alive)


def life(
    phonemes: tuple[Phoneme, ...], audio: np.ndarray, names: tuple[str, ...], frames: int, fps: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of CHANNELS (frames, K) float32, and the head pose (frames, 6) float32 in radians and metres.

    names: the K basis names; channels that a basis lacks are left out. The same seed gives the same life.
    """
    random = np.random.default_rng(seed)
    time = np.arange(frames) / fps
    stressed = accents(phonemes, audio)
    silences = [phoneme for phoneme in phonemes if phoneme.label == "sil"]
    pauses = [silence for silence in silences if silence.duration > _PAUSE]
    curves = {**_blinks(random, time, silences), **_brows(random, time, stressed), **_gaze(random, time, pauses)}
    weights = np.zeros((frames, len(names)), np.float32)
    for name, curve in curves.items():
        if name in names:
            weights[:, names.index(name)] = curve
    return weights, _head(random, time, fps, stressed, pauses)


def _blinks(random: np.random.Generator, time: np.ndarray, silences: list[Phoneme]) -> dict[str, np.ndarray]:
    edges = [edge for silence in silences if silence.duration > 0.12 for edge in (silence.start, silence.end)]
    pauses = np.array(edges or [-np.inf])
    lids = np.zeros(len(time))
    when = random.uniform(0.6, 1.8)
    while len(time) and when < time[-1]:
        pause = pauses[np.abs(pauses - when).argmin()]
        at = pause if abs(pause - when) < 0.35 else when
        opening = random.uniform(0.12, 0.20)
        near = _around(time, at, 0.3)
        close = np.clip((time[near] - at + 0.09) / 0.09, 0, 1)
        reopen = np.clip((time[near] - at - 0.03) / opening, 0, 1)
        lids[near] = np.maximum(lids[near], _ease(close) * (1 - _ease(reopen)))
        spacing = max(0.5, random.lognormal(np.log(2.0), 0.5))
        resting = any(silence.start <= at < silence.end and silence.duration > _REST for silence in silences)
        when = max(at, when) + spacing * (1.5 if resting else 1.0)
    return {"eyeBlinkLeft": lids, "eyeBlinkRight": lids}


def _brows(random: np.random.Generator, time: np.ndarray, stressed: list[tuple[float, float]]) -> dict[str, np.ndarray]:
    raised = np.zeros(len(time))
    for at, strength in stressed:
        if random.random() < 0.4:
            length = random.uniform(0.14, 0.22)
            near = _around(time, at, 5 * length)
            height = strength * random.uniform(0.25, 0.5)
            raised[near] = np.maximum(raised[near], height * _bump(time[near], at, length))
    raised = np.clip(raised + 0.03 * _drift(random, time, 0.25), 0, 0.6)
    return {"browInnerUp": raised * 0.8, "browOuterUpLeft": raised * 0.6, "browOuterUpRight": raised * 0.55}


def _gaze(random: np.random.Generator, time: np.ndarray, pauses: list[Phoneme]) -> dict[str, np.ndarray]:
    """Small saccades around the viewer's eyes: steps of 40 ms to a new place every second or so, farther in pauses."""
    starts, places = [0.0], [np.zeros(2)]
    while len(time) and starts[-1] < time[-1]:
        pause = next((pause for pause in pauses if pause.start <= starts[-1] < pause.end), None)
        following = starts[-1] + random.lognormal(np.log(1.1), 0.5)
        starts.append(following if pause is None else min(following, pause.end))
        paused = any(pause.start <= starts[-1] < pause.end for pause in pauses)
        place = random.normal(0, (0.05, 0.03)) if random.random() < 0.75 else np.zeros(2)
        places.append(place * (2.0 if paused else 1.0))
    step = np.searchsorted(starts, time, side="right") - 1
    share = _ease(np.clip((time - np.array(starts)[step]) / 0.04, 0, 1))[:, None]
    place = np.array(places)
    side, up = (place[np.maximum(step - 1, 0)] * (1 - share) + place[step] * share).T
    left, right = np.maximum(side, 0), np.maximum(-side, 0)
    raised, lowered = np.maximum(up, 0), np.maximum(-up, 0)
    return {
        "eyeLookOutLeft": left, "eyeLookInRight": left, "eyeLookInLeft": right, "eyeLookOutRight": right,
        "eyeLookUpLeft": raised, "eyeLookUpRight": raised, "eyeLookDownLeft": lowered, "eyeLookDownRight": lowered,
    }  # fmt: skip


def _head(
    random: np.random.Generator,
    time: np.ndarray,
    fps: float,
    stressed: list[tuple[float, float]],
    pauses: list[Phoneme],
) -> np.ndarray:
    degrees = np.stack([_drift(random, time, rate) * size for rate, size in ((0.3, 0.9), (0.2, 2.0), (0.25, 0.8))])
    for at, strength in stressed:
        near = _around(time, at, 1.5)
        degrees[0, near] += strength * random.uniform(0.6, 1.8) * _bump(time[near], at + 0.10, 0.16)
        degrees[1, near] += strength * random.normal(0, 0.7) * _bump(time[near], at + 0.05, 0.30)
        degrees[2, near] += strength * random.normal(0, 0.4) * _bump(time[near], at + 0.05, 0.30)
    breath = _breath(random, time, pauses)
    degrees[0] -= 0.4 * breath  # the chin rises as the chest fills
    pose = np.zeros((len(time), 6), np.float32)
    pose[:, :3] = np.radians(gaussian_filter1d(degrees, 0.06 * fps, mode="nearest")).T
    pose[:, 4] = 0.0009 * breath
    return pose


def _breath(random: np.random.Generator, time: np.ndarray, pauses: list[Phoneme]) -> np.ndarray:
    """How full the chest is, 0 to 1: filled quickly in pauses and steadily at rest, let out while speaking."""
    starts: list[float] = []
    for pause in pauses:
        when = pause.start
        while when < pause.end - 0.2:
            if not starts or when - starts[-1] > 1.2:
                starts.append(when)
            when += _BREATH * random.uniform(0.9, 1.1)
    full = np.zeros(len(time))
    for start, following in zip(starts, [*starts, np.inf][1:], strict=True):
        near = slice(*np.searchsorted(time, (start, following)))
        since = time[near] - start
        held = full[near.start - 1] if near.start else 0.0
        out = np.clip(min(following - start, 4.0) - 0.6, 0.6, None)  # the next breath begins with an empty chest
        full[near] = np.where(
            since < 0.6, held + (1 - held) * _ease(since / 0.6), 1 - _ease(np.clip((since - 0.6) / out, 0, 1))
        )
    return full


def _drift(random: np.random.Generator, time: np.ndarray, rate: float) -> np.ndarray:
    """Smooth wandering with unit size, about `rate` turns a second."""
    phases, speeds = random.uniform(0, 2 * np.pi, 4), rate * random.uniform(0.4, 1.7, 4)
    return sum(np.sin(2 * np.pi * speed * time + phase) for speed, phase in zip(speeds, phases, strict=True)) / 2


def _around(time: np.ndarray, at: float, reach: float) -> slice:
    """The frames within `reach` seconds of a time: what happens there costs the same in an hour as in a minute."""
    return slice(*np.searchsorted(time, (at - reach, at + reach)))


def _bump(time: np.ndarray, at: float, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((time - at) / width) ** 2)


def _ease(x: np.ndarray) -> np.ndarray:
    return x * x * (3 - 2 * x)
