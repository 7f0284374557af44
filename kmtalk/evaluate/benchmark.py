"""The benchmark: a model and its baselines on one folder of recordings, clean and changed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from kmtalk.animate import animate
from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.articulation import Articulation
from kmtalk.errors import InputError
from kmtalk.evaluate.conditions import CONDITIONS, USUAL, changed, sounds_without_speech
from kmtalk.evaluate.pooling import average_faces, pool_boundaries, pool_motion, pool_phonemes
from kmtalk.evaluate.predictions import FPS, PhoneLoop, Prediction, by_loudness, by_model, by_rules, by_tracker
from kmtalk.evaluate.recordings import CURVES, Recording, load_recordings
from kmtalk.evaluate.scores import jitter, score_boundaries, score_faces, score_motion, score_phonemes
from kmtalk.face import load_face
from kmtalk.models.kmtalk import KMTalk

STILL = 1.5
"""Millimetres within which the lips are at rest."""

OTHER_KEYS = ("centres", "uniform")
"""Where key frames can be, beside the phonemes' boundaries."""

Predictor = Callable[[Recording], Prediction]


def evaluate(
    folder: Path,
    model: KMTalk,
    progress: Callable[[str], None] | None = None,
    conditions: Sequence[str] = USUAL,
    baselines: bool = True,
) -> dict:
    """Score a model on a folder with labelled/ and faces/ (their layout: see the folder's README.md).

    conditions: of CONDITIONS, what to do to the recordings besides leaving them clean; baselines: whether to score
    loudness, rules driven by the labels and by pocketsphinx, and the real mouth too.
    Returns "labelled" and "faces" (scores by clip), "summary" (pooled, and by group under "groups"), and summaries
    under "conditions", "baselines", "with_transcript", and "keys" (with other key frames); "no_speech" has the share of
    still frames of each sound.
    Raises InputError for a folder of something else and for an unknown condition.
    """
    if unknown := sorted(set(conditions) - set(CONDITIONS)):
        raise InputError(f"no condition {unknown[0]!r}: choose of {', '.join(CONDITIONS)}")
    say = progress or (lambda name: None)
    labelled, faces = load_recordings(folder)

    def predict(recording: Recording) -> Prediction:
        say(recording.name)
        return by_model(recording.audio, model)

    result = _score(labelled, faces, predict)
    changes = [condition for condition in conditions if condition != "clean"]
    result["conditions"] = {name: _summary_under(name, labelled, faces, predict) for name in changes}
    result["keys"] = {kind: _summary_with(kind, labelled, faces, model) for kind in OTHER_KEYS}
    result["no_speech"] = {name: _stillness(sound, model) for name, sound in sounds_without_speech().items()}
    result["with_transcript"] = _with_transcript(labelled, model)
    result["baselines"] = _baselines(labelled, faces) if baselines else {}
    return {"model": model.name, **result}


def _score(labelled: list[Recording], faces: list[Recording], predict: Predictor) -> dict:
    """Scores by clip and pooled; clips without phonemes or labels have no scores of them."""
    said = [predict(recording) for recording in labelled]
    seen = [predict(recording) for recording in faces]
    clips = {recording.name: _score_labelled(recording, p) for recording, p in zip(labelled, said, strict=True)}
    faced = score_faces(faces, seen)
    for recording, prediction in zip(faces, seen, strict=True):
        if recording.labels:
            faced[recording.name] |= score_motion(prediction, recording.labels)
    groups = sorted({group for recording in labelled for group in recording.groups})
    members = {group: [clips[r.name] for r in labelled if group in r.groups] for group in groups}
    summary = _pool(list(clips.values())) | average_faces(faced, tuple(CURVES))
    summary["faces_closure"] = pool_motion(list(faced.values()))["balanced_closure"]
    summary["groups"] = {group: _pool(scores) for group, scores in members.items()}
    return {"labelled": clips, "faces": faced, "summary": summary}


def _score_labelled(recording: Recording, prediction: Prediction) -> dict:
    scores = score_motion(prediction, recording.labels)
    if prediction.phonemes:
        scores |= score_phonemes(prediction.phonemes, recording.labels, recording.duration)
    return scores


def _pool(clips: list[dict]) -> dict:
    heard = [clip for clip in clips if "confusion" in clip]
    return pool_motion(clips) | (pool_phonemes(heard) if heard else {})


def _summary_under(condition: str, labelled: list[Recording], faces: list[Recording], predict: Predictor) -> dict:
    everybody = [*labelled, *faces]

    def heard(recordings: list[Recording]) -> list[Recording]:
        under = []
        for seed, recording in enumerate(recordings):
            others = [other.audio for other in everybody if other.talker != recording.talker]
            under.append(replace(recording, audio=changed(condition, recording.audio, others, seed)))
        return under

    return _score(heard(labelled), heard(faces), predict)["summary"]


def _summary_with(kind: str, labelled: list[Recording], faces: list[Recording], model: KMTalk) -> dict:
    """The motion with other key frames; the phonemes are the same."""

    def predict(recording: Recording) -> Prediction:
        return replace(by_model(recording.audio, model, kind), phonemes=())

    return _score(labelled, faces, predict)["summary"]


def _stillness(sound: np.ndarray, model: KMTalk) -> dict[str, float]:
    gap = by_model(sound, model).curves["gap"]
    whole = [(0.0, len(sound) / SAMPLE_RATE)]
    return {"still": float(np.mean(np.abs(gap) <= STILL)), "jitter": jitter(gap, FPS, whole)}


def _with_transcript(labelled: list[Recording], model: KMTalk) -> dict:
    """The boundaries when the text is given too, of the English recordings that have one."""
    scores: dict[str, list[dict]] = {}
    for recording in labelled:
        if not recording.text or "english" not in recording.groups:
            continue
        try:
            heard = animate((recording.audio, SAMPLE_RATE), model=model, transcript=recording.text, life=False)
        except InputError as error:
            return {"left_out": str(error)}
        for group in recording.groups:
            scores.setdefault(group, []).append(score_boundaries(heard.phonemes, recording.labels))
    return {group: pool_boundaries(clips) for group, clips in scores.items()}


def _baselines(labelled: list[Recording], faces: list[Recording]) -> dict:
    rules = Articulation(load_face())
    known = [recording for recording in faces if recording.labels]

    def by_labels(recording: Recording) -> Prediction:
        return replace(by_rules(recording.labels.phonemes, recording.audio, rules), phonemes=())

    found = {
        "loudness": _score(labelled, faces, lambda recording: by_loudness(recording.audio))["summary"],
        "rules by the labels": _score(labelled, known, by_labels)["summary"],
        "the real mouth": {"faces_closure": _real_closure(known)},
    }
    try:
        loop = PhoneLoop()
    except InputError as error:
        return found | {"rules by pocketsphinx": {"left_out": str(error)}}

    def by_loop(recording: Recording) -> Prediction:
        return by_rules(loop(recording.audio), recording.audio, rules)

    return found | {"rules by pocketsphinx": _score(labelled, faces, by_loop)["summary"]}


def _real_closure(known: list[Recording]) -> float:
    return pool_motion([score_motion(by_tracker(r), r.labels) for r in known])["balanced_closure"]
