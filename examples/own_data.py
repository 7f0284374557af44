"""Train a talking face on your own recordings, score it, and edit what it says: the whole way, in one small file.

python examples/own_data.py --out own            some minutes on a processor
python examples/own_data.py --out own --steps 20 --size 128      a quick look

Read it cell by cell (# %%). Your own data take the place of step 1: sound, vertices and a neutral face.
"""

# %% What is needed
import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

import kmtalk
from kmtalk.__main__ import main as command
from kmtalk.assets import asset
from kmtalk.data.prepared import load_prepared

FPS = 25


def example(out: Path, steps: int = 300, size: int = 384) -> None:
    """Run every step, with all files in the folder `out`."""
    source, prepared, run = out / "recordings", out / "prepared", out / "run"

    # %% 1. Recordings: wav/NAME.wav, vertices/NAME.npy (T, V, 3), template.obj, and the numbers of the lips' vertices.
    make_recordings(source)

    # %% 2. Prepare: one memory-mapped layout in metres, splits, and the shapes that explain the motion best.
    kmtalk_command("prepare", "folder", source, "--out", prepared, "--source-fps", FPS, "--fps", FPS, "--basis", 24)

    # %% 3. Train, beginning as the shipped model. log.csv says how far it is; a stopped run goes on where it was.
    kmtalk_command("train", "--data", prepared, "--out", run, "--config", "own", "--start", "shipped", "--steps", steps)

    # %% 4. Score it on the recording that was held out.
    kmtalk_command("score", run / "checkpoint", "--truth", prepared)

    # %% 5. Let it speak. The checkpoint brings its face along.
    model = kmtalk.KMTalk.from_pretrained(run / "checkpoint")
    held_out = load_prepared(prepared).clips("test")[0]
    speech = prepared / "audio" / f"{held_out.name}.wav"
    plain = kmtalk.animate(speech, model=model, fps=FPS)
    kmtalk.render(plain, out / "plain.mp4", size=size)

    # %% 6. Ask the model: its key motions are weights over the basis, at the boundaries of the phonemes it heard.
    print(f"{len(plain.key_frames)} key frames in {plain.frames} frames: {plain.key_frames.tolist()}")
    opening = plain.mouth_opening() * 1e3
    widest = int(plain.key_frames[opening[plain.key_frames].argmax()])
    print(f"the mouth opens widest at the key of frame {widest}: {opening[widest]:.1f} mm")

    # %% 7. Edit a key motion; the model completes the motion around it again, in time with the sound.
    edits = [{"do": "shape key", "frame": widest, "strength": 0.2}]
    edited = kmtalk.animate(speech, model=model, fps=FPS, edits=edits)
    after = edited.mouth_opening() * 1e3
    changed = np.flatnonzero(np.abs(edited.weights - plain.weights).max(1) > 1e-3)
    print(f"now it opens {after[widest]:.1f} mm there; frames {changed.min()} to {changed.max()} have changed")
    kmtalk.render(edited, out / "edited.mp4", size=size)
    kmtalk.export(edited, out / "edited.glb")


def make_recordings(folder: Path) -> None:
    """Stand in for a capture: the shipped model speaks the example sentences, each cut in two, on a shipped head."""
    face = kmtalk.load_face("ben")
    head = np.flatnonzero(face.template[:, 1] > face.template[face.landmark("chin"), 1] - 0.03)  # without the chest
    for name in ("wav", "vertices"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    names = []
    for path in sorted(asset("examples").glob("*.wav")):
        animation = kmtalk.animate(path, face=face, fps=FPS, life=False)
        middle = animation.frames // 2
        for part, (first, last) in enumerate(((0, middle), (middle, animation.frames))):
            names.append(f"{path.stem}{part}")
            sound = animation.audio[first * 16000 // FPS : last * 16000 // FPS]
            soundfile.write(folder / "wav" / f"{names[-1]}.wav", sound, 16000)
            np.save(folder / "vertices" / f"{names[-1]}.npy", animation.vertices(first, last)[:, head])
    write_mesh(folder, face, head)
    splits = {"train": names[:-2], "validation": names[-2:-1], "test": names[-1:]}
    (folder / "splits.json").write_text(json.dumps(splits))


def write_mesh(folder: Path, face: kmtalk.Face, kept: np.ndarray) -> None:
    """Write template.obj and regions.json of some of a face's vertices."""
    number = np.full(len(face.template), -1)
    number[kept] = np.arange(len(kept))
    triangles = number[face.triangles]
    rows = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in face.template[kept]]
    rows += [f"f {a} {b} {c}" for a, b, c in triangles[(triangles >= 0).all(1)] + 1]
    (folder / "template.obj").write_text("\n".join(rows) + "\n")
    regions = {name: [int(n) for n in number[face.regions[name]] if n >= 0] for name in ("lips", "upper_face")}
    landmarks = {name: int(number[vertex]) for name, vertex in face.landmarks.items()}
    (folder / "regions.json").write_text(json.dumps({**regions, "landmarks": landmarks}))


def kmtalk_command(*arguments: object) -> None:
    """Run python -m kmtalk with some arguments."""
    print("python -m kmtalk", *arguments)
    if command([str(argument) for argument in arguments]):
        raise SystemExit(1)


# %% Run it
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--size", type=int, default=384, help="pixels of the videos")
    options = parser.parse_args()
    example(options.out, options.steps, options.size)
