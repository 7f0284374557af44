"""What a model predicts for the clips of a prepared data set, scored against their truth."""

from dataclasses import replace

from kmtalk.animate import animate
from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.prepared import Prepared
from kmtalk.errors import InputError
from kmtalk.models.kmtalk import KMTalk
from kmtalk.takes.scores import score_take
from kmtalk.takes.take import Take, take_of


def predict_take(model: KMTalk, prepared: Prepared, clip: str) -> Take:
    """Return what a model makes of a clip's sound, on its subject's face, in its style if the model knows the subject.

    Where sound and motion of the clip differ in length, it ends with the shorter of the two.
    Raises InputError for a model without a face of its own or one of another mesh.
    """
    truth, face = take_of(prepared, clip), model.face
    if face is None or face.template.shape != truth.template.shape:
        raise InputError(
            f"model {model.name!r} moves another face than that of {prepared.folder}: score one that was trained on it"
        )
    animation = animate(
        (truth.audio, SAMPLE_RATE),
        model=model,
        face=replace(face, template=truth.template),
        fps=prepared.fps,
        style=truth.subject if truth.subject in model.config.subjects else None,
        life=False,
    )
    vertices = animation.vertices(0, len(truth.vertices))
    keys = animation.key_frames[animation.key_frames < len(vertices)]
    return replace(truth, vertices=vertices, key_frames=keys, phonemes=animation.phonemes)


def score_model(model: KMTalk, prepared: Prepared, split: str = "test") -> dict[str, dict[str, float]]:
    """Score a model on the clips of a split that have sound: clip name -> scores, as score_set gives them."""
    clips = [clip for clip in prepared.clips(split) if clip.seconds]
    if not clips:
        raise InputError(f"split {split!r} of {prepared.folder} holds no clip with sound to score")
    results = {}
    for clip in clips:
        guess, truth = predict_take(model, prepared, clip.name), take_of(prepared, clip.name)
        heard = replace(truth, vertices=truth.vertices[: len(guess.vertices)])
        results[clip.name] = {**score_take(guess, heard), "subject": clip.subject}
    return results
