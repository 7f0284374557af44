"""Writing a source in kmtalk's layout: clip by clip, never more than a few frames in memory, and taken up again."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import numpy as np

from kmtalk.audio import SAMPLE_RATE, load_audio, save_audio
from kmtalk.data.fitting import check_count, fit_basis, write_weights
from kmtalk.data.places import find_places
from kmtalk.data.prepared import FORMAT_VERSION, INDEX, Prepared, PreparedClip, load_prepared
from kmtalk.data.readers import READERS
from kmtalk.data.rows import is_whole, write_rows
from kmtalk.data.source import Source, SourceClip, SourceOptions, blocks, output_frames, read_at
from kmtalk.errors import InputError
from kmtalk.files import make_folder, replacing

SMALLEST, LARGEST = 0.05, 1.0
"""Metres that a face, from chin to forehead or with its whole head and neck, can be tall."""

FARTHEST = 0.08
"""Metres that a vertex may be away from its place in the template before the two cannot belong together."""

_RECIPE, _DONE = "recipe.json", "done"
_APART = 0.25  # seconds by which sound and motion may differ in length without a word

Progress = Callable[[float, str], None]
"""Told the share that is done and what is being done."""


def find_source(kind: str, folder: str | Path, options: SourceOptions) -> Source:
    """Find a data set of one of READERS in a folder. Errors: InputError where it is not there or damaged."""
    folder = Path(folder).expanduser()
    if kind not in READERS:
        raise InputError(f"no reader {kind!r}: use one of {', '.join(READERS)}")
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: give the one that holds the data set's files")
    if options.fps is not None and not 1 <= options.fps <= 240:
        raise InputError(f"{options.fps:g} frames a second: give 1 to 240, usually 25 or 30")
    if options.source_fps is not None and not 1 <= options.source_fps <= 1000:
        raise InputError(f"frames stored at {options.source_fps:g} a second: give --source-fps from 1 to 1000")
    return import_module(f"kmtalk.data.{kind}").find(folder, options)


def prepare(source: Source, out: str | Path, basis: int = 128, progress: Progress | None = None) -> Prepared:
    """Write a source into folder `out` and open it; what a stopped run has written is kept.

    basis: how many shapes to fit to the training motion, 0 for none. Clips that cannot be used are left out, which the
    result's notes say. Errors: InputError where none is left, the disk is too small or `out` holds something else.
    """
    out, say = Path(out).expanduser(), progress or (lambda done, what: None)
    if basis:
        check_count(basis)
    _check_unit(source)
    _begin(source, out)
    _check_room(source, out, basis)
    _write_faces(source, out)
    clips, notes = _write_clips(source, out, say)
    splits = {split: tuple(name for name in names if name in clips) for split, names in source.splits.items()}
    if not splits["train"]:
        raise InputError(f"no clip to train on is left: {notes[-1] if notes else 'the source holds none'}")
    prepared = Prepared(
        folder=out,
        name=source.name,
        fps=float(source.fps),
        metres_per_unit=source.metres_per_unit,
        subjects=tuple(source.templates),
        splits=splits,
        index=clips,
        regions={},
        landmarks={},
        origins={},
        missing=source.missing,
        notes=tuple(notes),
    )
    say(1.0, "regions")
    prepared = find_places(prepared, source.regions, source.landmarks, source.origins)
    if basis:
        say(1.0, "basis")
        prepared = write_weights(fit_basis(prepared, basis), say)
    return _finish(prepared)


def report(prepared: Prepared) -> str:
    """Return what a prepared data set holds, lacks and had done to it, as text."""
    clips = prepared.clips()
    seconds = sum(clip.frames for clip in clips) / prepared.fps
    lines = [
        f"{prepared.name}: {len(clips)} clips of {len({clip.subject for clip in clips})} subjects, "
        f"{seconds / 3600:.2f} hours at {prepared.fps:g} frames a second, {prepared.vertex_count} vertices",
        *(f"  {split}: {len(names)} clips" for split, names in prepared.splits.items()),
    ]
    height = np.ptp(prepared.template(prepared.subjects[0]), axis=0)
    lines.append("  face of {:.0f} x {:.0f} x {:.0f} mm".format(*height * 1e3))
    lines += [f"  {name}: {len(ids)} vertices ({prepared.origins[name]})" for name, ids in prepared.regions.items()]
    if prepared.landmarks:
        lines.append(f"  landmarks: {', '.join(prepared.landmarks)}")
    if prepared.error_mm:
        errors = ", ".join(f"{split} {error:.3f} mm" for split, error in prepared.error_mm.items())
        lines.append(f"  basis of {len(prepared.basis)}: leaves {errors}")
    lines += [f"missing: {sentence}" for sentence in prepared.missing]
    lines += [f"note: {sentence}" for sentence in prepared.notes]
    return "\n".join(lines)


def _check_unit(source: Source) -> None:
    for subject, template in source.templates.items():
        height = float(np.ptp(template, axis=0).max()) * source.metres_per_unit
        if not SMALLEST <= height <= LARGEST:
            raise InputError(
                f"the template of {subject} would be {height:.3g} m tall, faces are {SMALLEST} to {LARGEST} m: "
                "give what one unit is, such as --unit mm for millimetres"
            )


def _begin(source: Source, out: Path) -> None:
    """Make the folder, or make sure that what it holds was begun from the same source."""
    recipe = {
        "name": source.name,
        "fps": source.fps,
        "metres_per_unit": source.metres_per_unit,
        "vertices": len(next(iter(source.templates.values()))),
        "clips": {clip.name: output_frames(clip.times, source.fps) for clip in source.clips},
    }
    written = json.dumps(recipe)
    if out.is_dir() and any(out.iterdir()):
        found = (out / _RECIPE).read_bytes() if (out / _RECIPE).is_file() else None
        if found != written.encode():
            raise InputError(f"{out} holds something else, or another preparation: remove it or choose another --out")
    for part in ("vertices", "audio", "templates", _DONE):
        make_folder(out / part)
    with replacing(out / _RECIPE) as path:
        path.write_text(written, "utf-8")
    (out / INDEX).unlink(missing_ok=True)


def _check_room(source: Source, out: Path, basis: int) -> None:
    vertices = len(next(iter(source.templates.values())))
    left = [clip for clip in source.clips if not (out / _DONE / f"{clip.name}.json").is_file()]
    need = sum(
        output_frames(clip.times, source.fps) * (vertices * 12 + basis * 4) + (clip.times[-1] + 1) * SAMPLE_RATE * 2
        for clip in left
    )
    need += basis * vertices * 12
    free = shutil.disk_usage(out).free
    if need > free:
        raise InputError(
            f"{out} needs {need / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are free there: make room or choose "
            "another --out"
        )


def _write_faces(source: Source, out: Path) -> None:
    for subject, template in source.templates.items():
        with replacing(out / "templates" / f"{subject}.npy") as path:
            np.save(path, (template * source.metres_per_unit).astype(np.float32))
    with replacing(out / "triangles.npy") as path:
        np.save(path, source.triangles.astype(np.int32))


def _write_clips(source: Source, out: Path, say: Progress) -> tuple[dict[str, PreparedClip], list[str]]:
    """Write all clips that can be used, and return them with the notes on them."""
    clips, farthest, notes = {}, {}, list(source.notes)
    for index, clip in enumerate(source.clips):
        say(index / len(source.clips), clip.name)
        try:
            entry = _write_clip(source, clip, out)
        except InputError as error:
            notes.append(f"{clip.name} left out: {error}")
            continue
        farthest[clip.name] = entry.pop("farthest")
        clips[clip.name] = PreparedClip(clip.name, **entry)
        notes += [f"{clip.name}: {clip.note}"] if clip.note else []
    if not clips:
        return clips, notes
    return clips, [*notes, *_lengths(clips, source.fps), *_reach(farthest)]


def _write_clip(source: Source, clip: SourceClip, out: Path) -> dict:
    """Write one clip unless it is there, whole, and return what the index says of it."""
    done, stored = out / _DONE / f"{clip.name}.json", out / "vertices" / f"{clip.name}.npy"
    heard, frames = out / "audio" / f"{clip.name}.wav", output_frames(clip.times, source.fps)
    template = source.templates[clip.subject] * source.metres_per_unit
    if done.is_file() and heard.is_file() and is_whole(stored, (frames, *template.shape)):
        return json.loads(done.read_text("utf-8"))
    if clip.audio is None:
        raise InputError("it has no sound: add the wav of the same name")
    audio, farthest = load_audio(clip.audio), 0.0

    def metres() -> Iterator[np.ndarray]:
        nonlocal farthest
        for start, stop in blocks(frames):
            vertices = read_at(clip, source.fps, start, stop) * np.float32(source.metres_per_unit)
            farthest = max(farthest, float(np.abs(vertices - template).max()))
            if not farthest <= FARTHEST or not np.isfinite(vertices).all():
                raise InputError(
                    f"its vertices are {farthest:.3g} m off the template of {clip.subject}: "
                    "they are in another unit, not numbers, or head motion was not taken out"
                )
            yield vertices

    write_rows(stored, (frames, *template.shape), metres())
    save_audio(heard, audio)
    entry = {
        "subject": clip.subject,
        "sentence": clip.sentence,
        "frames": frames,
        "seconds": len(audio) / SAMPLE_RATE,
        "farthest": farthest,
    }
    with replacing(done) as path:
        path.write_text(json.dumps(entry), "utf-8")
    return entry


def _lengths(clips: dict[str, PreparedClip], fps: float) -> list[str]:
    apart = {name: clip.seconds - clip.frames / fps for name, clip in clips.items()}
    odd = {name: seconds for name, seconds in apart.items() if abs(seconds) > _APART}
    if not odd:
        return []
    worst = max(odd, key=lambda name: abs(odd[name]))
    longer = "longer" if odd[worst] > 0 else "shorter"
    return [
        f"in {len(odd)} clips sound and motion differ by more than {_APART} s; most in {worst}, whose sound is "
        f"{abs(odd[worst]):.2f} s {longer}: the shorter of the two counts"
    ]


def _reach(ranges: dict[str, float]) -> list[str]:
    widest = max(ranges, key=lambda name: ranges[name])
    return [f"no vertex moves farther than {ranges[widest] * 1e3:.1f} mm from its template (in {widest})"]


def _finish(prepared: Prepared) -> Prepared:
    """Write what marks the data set as finished, last of all, and open it as anyone would."""
    places = {
        "regions": {name: np.asarray(ids).tolist() for name, ids in prepared.regions.items()},
        "landmarks": dict(prepared.landmarks),
        "origins": dict(prepared.origins),
    }
    with replacing(prepared.folder / "regions.json") as path:
        path.write_text(json.dumps(places), "utf-8")
    clips = {name: asdict(clip) for name, clip in prepared.index.items()}
    entry = {
        "format_version": FORMAT_VERSION,
        "name": prepared.name,
        "fps": prepared.fps,
        "metres_per_unit": prepared.metres_per_unit,
        "subjects": prepared.subjects,
        "splits": prepared.splits,
        "error_mm": prepared.error_mm,
        "missing": prepared.missing,
        "notes": prepared.notes,
        "clips": {name: {key: value for key, value in clip.items() if key != "name"} for name, clip in clips.items()},
    }
    with replacing(prepared.folder / INDEX) as path:
        path.write_text(json.dumps(entry, indent=1), "utf-8")
    return load_prepared(prepared.folder)
