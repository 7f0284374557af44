"""VOCASET: 12 people, 40 sentences each, FLAME meshes of 5,023 vertices at 60 frames a second, in metres.

Reads the files of the VOCA download page (data_verts.npy, raw_audio_fixed.pkl, templates.pkl, subj_seq_to_idx.pkl), or
the folders vertices_npy/ and wav/ that FaceFormer's script makes of them. Splits, frame rate and holes as published.
"""

from pathlib import Path

import numpy as np

from kmtalk.audio import Speech
from kmtalk.data.rows import StoredRows
from kmtalk.data.source import (
    Frames,
    Source,
    SourceClip,
    SourceOptions,
    check_templates,
    lacking,
    safe_name,
    sounds,
    stored_array,
    topology,
)
from kmtalk.data.unpickle import read_pickle
from kmtalk.errors import InputError

STORED_FPS = 60
FPS = 30
TRAIN = tuple(
    f"FaceTalk_{name}_TA"
    for name in "170728_03272 170904_00128 170725_00137 170915_00223 170811_03274 170913_03279 170904_03276 "
    "170912_03278".split()
)
VALIDATION = ("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA")
TEST = ("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA")
SPLITS = {"train": (TRAIN, range(1, 41)), "validation": (VALIDATION, range(21, 41)), "test": (TEST, range(21, 41))}
"""Subjects and sentence numbers of each split, as in the loaders of FaceFormer, CodeTalker and SelfTalk."""

HOLES = {("FaceTalk_170811_03274_TA", 24), ("FaceTalk_170809_00138_TA", 32)}
"""Sentences that the published set lacks."""

LIP_CENTRES = {"lip_top": 3531, "lip_bottom": 3504}
"""Middle of the outer lips, from the evaluation scripts of kaist-ami/Perceptual-3D-Talking-Head."""


def find(folder: Path, options: SourceOptions) -> Source:
    """Find VOCASET in a folder. Errors: InputError where a file that it needs is not there or damaged."""
    options.refuse_layout("VOCASET")
    templates = _templates(folder)
    count = len(next(iter(templates.values())))
    clips, notes = (_published if (folder / "data_verts.npy").is_file() else _converted)(folder, count)
    wanted = {f"{s}_sentence{n:02d}" for subjects, numbers in SPLITS.values() for s in subjects for n in numbers}
    unused = [clip for clip in clips if clip.name not in wanted and clip.subject in templates]
    if unused and not options.everything:
        notes.append(f"{len(unused)} clips that no split uses were left out; --everything takes them")
    untemplated = sorted({clip.subject for clip in clips} - set(templates))
    notes += [f"subject {subject} has no template and was left out" for subject in untemplated]
    chosen = tuple(c for c in clips if c.subject in templates and (options.everything or c.name in wanted))
    names = {clip.name for clip in chosen}
    regions, origins = _masks(folder, count)
    centred = count > max(LIP_CENTRES.values())
    return Source(
        name="vocaset",
        fps=options.fps or FPS,
        metres_per_unit=1.0,
        templates={subject: templates[subject] for subject in sorted(templates)},
        triangles=topology(_topologies(folder), count, "put FLAME_sample.ply of the VOCA repository into the folder"),
        clips=chosen,
        splits={
            split: tuple(f"{s}_sentence{n:02d}" for s in subjects for n in numbers if f"{s}_sentence{n:02d}" in names)
            for split, (subjects, numbers) in SPLITS.items()
        },
        regions=regions,
        landmarks=LIP_CENTRES if centred else {},
        origins={**origins, **dict.fromkeys(LIP_CENTRES if centred else (), "published vertex")},
        missing=lacking(SPLITS, "sentence{:02d}", names, HOLES),
        notes=tuple(notes),
    )


def _published(folder: Path, count: int) -> tuple[list[SourceClip], list[str]]:
    """The clips of the four published files."""
    stored = StoredRows(folder / "data_verts.npy")
    if stored.shape[1:] != (count, 3):
        raise InputError(f"{folder / 'data_verts.npy'} has shape {stored.shape}, expected (frames, {count}, 3)")
    rows_of, sound_of = (_pickled(folder, name) for name in ("subj_seq_to_idx.pkl", "raw_audio_fixed.pkl"))
    clips, notes = [], []
    for subject, sequences in rows_of.items():
        for sentence, rows in sequences.items():
            pairs = np.array(list(dict(rows).items()), np.int64).reshape(-1, 2)
            numbers, places = pairs.T
            inside = (places >= 0) & (places < len(stored))
            name = f"{subject}_{sentence}"
            if not inside.any():
                notes.append(f"{name} points at no frame of data_verts.npy and was left out")
                continue
            order = np.argsort(numbers[inside])
            numbers, places = numbers[inside][order], places[inside][order]
            gaps = numbers[-1] - numbers[0] + 1 - len(numbers)
            note = f"{gaps} of its frames are not stored and were filled in from their neighbours" if gaps else ""
            times, audio = (numbers - numbers[0]) / STORED_FPS, _sound(sound_of, subject, sentence)
            clips.append(SourceClip(safe_name(name), subject, sentence, times, _rows(stored, places), audio, note))
    return clips, notes


def _rows(stored: StoredRows, places: np.ndarray) -> Frames:
    return lambda rows: stored[places[rows]]


def _sound(sound_of: dict, subject: str, sentence: str) -> Speech | None:
    entry = sound_of.get(subject, {}).get(sentence)
    if not isinstance(entry, dict) or not {"audio", "sample_rate"} <= set(entry):
        return None
    return np.asarray(entry["audio"]), int(entry["sample_rate"])


def _converted(folder: Path, count: int) -> tuple[list[SourceClip], list[str]]:
    """The clips of FaceFormer-style folders vertices_npy/ and wav/, still at 60 frames a second."""
    found = sorted((folder / "vertices_npy").glob("*.npy"))
    if not found:
        raise InputError(
            f"no VOCASET in {folder}: it needs data_verts.npy, raw_audio_fixed.pkl, templates.pkl and "
            "subj_seq_to_idx.pkl of the VOCA download page, or vertices_npy/ and wav/ made of them"
        )
    heard, clips, notes = sounds([folder / "wav"]), [], []
    for path in found:
        subject, _, sentence = path.stem.rpartition("_")
        try:
            frames, read = stored_array(path, count)
        except InputError as error:
            notes.append(f"left out: {error}")
            continue
        times, audio = np.arange(frames) / STORED_FPS, heard.get(path.stem.lower())
        clips.append(SourceClip(safe_name(path.stem), subject, sentence, times, read, audio))
    return clips, notes


def _pickled(folder: Path, name: str) -> dict:
    if not (folder / name).is_file():
        raise InputError(f"no {name} in {folder}: download it from the VOCA page, under Training Data")
    values = read_pickle(folder / name)
    if not isinstance(values, dict) or not values or not all(isinstance(value, dict) for value in values.values()):
        raise InputError(f"{folder / name} does not hold subjects and sentences: download it again")
    return values


def _templates(folder: Path) -> dict[str, np.ndarray]:
    path = folder / "templates.pkl"
    if not path.is_file():
        raise InputError(f"no templates.pkl in {folder}: download it from the VOCA page, under Training Data")
    return check_templates(read_pickle(path), path)


def _topologies(folder: Path) -> list[Path]:
    places = [folder, folder / "templates", folder / "template"]
    return [place / name for place in places for name in ("FLAME_sample.ply", "FLAME_template.ply", "FLAME_sample.obj")]


def _masks(folder: Path, count: int) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The regions of FLAME_masks.pkl where the user has put it: its own names, and our lips and upper_face."""
    path = next(
        (p for p in (folder / "FLAME_masks.pkl", folder / "FLAME_masks" / "FLAME_masks.pkl") if p.is_file()), None
    )
    if path is None:
        return {}, {}
    masks = {str(name): np.unique(np.asarray(ids, np.int64)) for name, ids in dict(read_pickle(path)).items()}
    if not {"lips", "forehead", "eye_region"} <= set(masks) or any(m.size and m.max() >= count for m in masks.values()):
        raise InputError(f"{path} does not hold the masks of FLAME's {count} vertices: download FLAME's vertex masks")
    masks["upper_face"] = np.union1d(masks["forehead"], masks["eye_region"])
    origins = dict.fromkeys(masks, path.name) | {"upper_face": f"{path.name}: forehead and eye_region"}
    return masks, origins
