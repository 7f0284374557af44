"""Tiny data sets in the exact formats that people download: a face that opens its mouth while a tone sounds."""

import json
import pickle
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

COLUMNS, ROWS = 21, 24
MOUTH = -0.035
RATE = 22000


@dataclass(frozen=True)
class TinyFace:
    """A patch with a nose and a mouth: vertices (V, 3) metres, triangles (F, 3), jaw (V, 3) metres at jaw 1."""

    vertices: np.ndarray
    triangles: np.ndarray
    jaw: np.ndarray
    brows: np.ndarray


def tiny_face(size: float = 1.0, columns: int = COLUMNS, rows: int = ROWS) -> TinyFace:
    """A face 160 by 200 mm; the upper and the lower lip are two rows of vertices at the same height."""
    x = np.linspace(-0.08, 0.08, columns)
    lower, upper = np.linspace(-0.1, MOUTH, rows // 2), np.linspace(MOUTH, 0.1, rows - rows // 2)
    y = np.concatenate([lower, upper])
    grid_x, grid_y = np.meshgrid(x, y)
    nose = 0.025 * np.exp(-(grid_x**2) / 2e-4 - grid_y**2 / 4e-4)
    z = 0.05 - 5 * grid_x**2 - 2 * grid_y**2 + nose
    vertices = np.stack([grid_x, grid_y, z], axis=-1).reshape(-1, 3)
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    seam = rows // 2 - 1
    faces = faces[~((faces // columns == seam).any(1) & (faces // columns == seam + 1).any(1))]  # the mouth is a slit
    jaw, brows = np.zeros_like(vertices), np.zeros_like(vertices)
    down = np.arange(rows * columns) // columns <= seam
    depth = np.clip((MOUTH - vertices[:, 1]) / 0.03, 0, 1)
    reach = np.clip(1 - (np.abs(vertices[:, 0]) / (0.027 + 0.02 * depth)) ** 2, 0, 1)
    jaw[down, 1] = -0.02 * reach[down]
    brows[:, 1] = 0.005 * np.exp(-((vertices[:, 1] - 0.07) ** 2) / 4e-4)
    return TinyFace(vertices * size, faces.astype(np.int32), jaw * size, brows * size)


def speech(seconds: float, rate: int = RATE, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A beating tone as (S,) int16, and how loud it is at 600 frames a second, in [0, 1]."""
    time, beat = np.arange(round(seconds * rate)) / rate, 2.0 + 0.3 * seed
    level = 0.5 - 0.5 * np.cos(2 * np.pi * beat * time)
    sound = np.rint(12000 * level * np.sin(2 * np.pi * 220 * time)).astype(np.int16)
    frames = np.arange(round(seconds * 600)) / 600
    return sound, 0.5 - 0.5 * np.cos(2 * np.pi * beat * frames)


def moving(face: TinyFace, template: np.ndarray, frames: int, fps: float, seed: int) -> np.ndarray:
    """(frames, V, 3) float64: the template with its jaw following speech(seed), and brows that wander."""
    _, level = speech(frames / fps + 1, seed=seed)
    jaw = level[np.rint(np.arange(frames) * 600 / fps).astype(int)]
    brows = np.sin(np.arange(frames) / fps * 3 + seed)
    return template + jaw[:, None, None] * face.jaw + brows[:, None, None] * face.brows


def vocaset(
    folder: Path,
    subjects: list[str],
    sentences: list[str],
    frames: int = 40,
    python2: bool = True,
    face: TinyFace | None = None,
) -> Path:
    """The four files of the VOCA download page and FLAME_sample.ply; python2: pickled as they were."""
    folder.mkdir(parents=True, exist_ok=True)
    face, protocol = face or tiny_face(), 2 if python2 else 5
    templates = {name: face.vertices * (1 + 0.02 * number) for number, name in enumerate(subjects)}
    rows, sound, stored = {}, {}, []
    for subject in subjects:
        rows[subject], sound[subject] = {}, {}
        for number, sentence in enumerate(sentences):
            first = sum(len(block) for block in stored)
            stored.append(moving(face, templates[subject], frames, 60, number))
            rows[subject][sentence] = {frame: first + frame for frame in range(frames)}
            sound[subject][sentence] = {"sample_rate": RATE, "audio": speech(frames / 60, seed=number)[0]}
    np.save(folder / "data_verts.npy", np.concatenate(stored).astype(np.float32))
    for name, value in (("templates", templates), ("subj_seq_to_idx", rows), ("raw_audio_fixed", sound)):
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(value, protocol=protocol))
    write_ply(folder / "FLAME_sample.ply", face.vertices, face.triangles)
    return folder


def biwi_published(folder: Path, subjects: list[str], sentences: list[str], frames: int = 30, tar: bool = True) -> Path:
    """faces/SUBJECT/SENTENCE.tar (or a folder) of .vl files, rigid_scans/SUBJECT.obj and audio/: upside down, in mm."""
    face = tiny_face(1000.0)
    turned = np.array([1.0, -1.0, -1.0])
    (folder / "rigid_scans").mkdir(parents=True)
    for number, subject in enumerate(subjects):
        template = face.vertices * (1 + 0.02 * number)
        write_obj(folder / "rigid_scans" / f"{subject}.obj", template * turned + 30, face.triangles)
        (folder / "faces" / subject).mkdir(parents=True)
        (folder / "audio" / subject).mkdir(parents=True)
        for seed, sentence in enumerate(sentences):
            motion = moving(face, template, frames, 25, seed) * turned + 50
            place = folder / "faces" / subject / sentence
            place.mkdir()
            for frame, vertices in enumerate(motion):
                write_vl(place / f"frame_{frame + 1:03d}.vl", vertices)
            if tar:
                with tarfile.open(place.with_suffix(".tar"), "w") as archive:
                    for file in sorted(place.iterdir()):
                        archive.add(file, f"./{file.name}")
                        file.unlink()
                place.rmdir()
            sound, _ = speech(frames / 25, 44100, seed)
            soundfile.write(folder / "audio" / subject / f"{sentence}.wav", sound, 44100)
    return folder


def biwi_converted(folder: Path, subjects: list[str], sentences: list[str], frames: int = 30) -> Path:
    """vertices_npy/ (float64), wav/, templates.pkl and BIWI.ply as CodeTalker's scripts leave them."""
    face = tiny_face(5.0)
    (folder / "vertices_npy").mkdir(parents=True)
    (folder / "wav").mkdir()
    templates = {name: face.vertices * (1 + 0.02 * number) for number, name in enumerate(subjects)}
    for subject, template in templates.items():
        for seed, sentence in enumerate(sentences):
            motion = moving(face, template, frames, 25, seed)
            np.save(folder / "vertices_npy" / f"{subject}_{sentence}.npy", motion.reshape(frames, -1))
            soundfile.write(folder / "wav" / f"{subject}_{sentence}.wav", speech(frames / 25, 44100, seed)[0], 44100)
    (folder / "templates.pkl").write_bytes(pickle.dumps(templates, protocol=2))
    write_ply(folder / "BIWI.ply", face.vertices, face.triangles, binary=True)
    return folder


def own(folder: Path, names: list[str], frames: int = 50, fps: float = 50.0, size: float = 1000.0) -> Path:
    """Someone's own folder: vertices/, wav/ and template.obj, in millimetres."""
    face = tiny_face(size)
    (folder / "vertices").mkdir(parents=True)
    (folder / "wav").mkdir()
    for seed, name in enumerate(names):
        np.save(folder / "vertices" / f"{name}.npy", moving(face, face.vertices, frames, fps, seed).astype(np.float32))
        soundfile.write(folder / "wav" / f"{name}.wav", speech(frames / fps, seed=seed)[0], RATE)
    write_obj(folder / "template.obj", face.vertices, face.triangles)
    return folder


def write_vl(path: Path, vertices: np.ndarray) -> None:
    """One frame of BIWI: a count of 4 bytes, then float32 coordinates."""
    path.write_bytes(np.uint32(len(vertices)).tobytes() + vertices.astype("<f4").tobytes())


def write_obj(path: Path, vertices: np.ndarray, triangles: np.ndarray) -> None:
    """A Wavefront file whose corners have textures of their own, as scanners write them."""
    lines = [f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in vertices]
    lines += [f"vt {index / 9:.4f} 0.5" for index in range(9)]
    lines += ["f " + " ".join(f"{corner + 1}/{1 + (corner + face) % 9}" for corner in row)
              for face, row in enumerate(triangles)]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")


def write_ply(path: Path, vertices: np.ndarray, triangles: np.ndarray, binary: bool = False) -> None:
    """A Stanford file, as text or little-endian."""
    kind = "binary_little_endian" if binary else "ascii"
    head = (
        f"ply\nformat {kind} 1.0\ncomment made by hand\nelement vertex {len(vertices)}\nproperty float x\n"
        f"property float y\nproperty float z\nelement face {len(triangles)}\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    if binary:
        faces = np.zeros(len(triangles), [("count", "u1"), ("corners", "<i4", 3)])
        faces["count"], faces["corners"] = 3, triangles
        path.write_bytes(head.encode() + vertices.astype("<f4").tobytes() + faces.tobytes())
    else:
        lines = [" ".join(f"{value:.7f}" for value in row) for row in vertices]
        lines += ["3 " + " ".join(map(str, row)) for row in triangles]
        path.write_text(head + "\n".join(lines) + "\n")


def read_json(path: Path) -> dict:
    """What a JSON file holds."""
    return json.loads(path.read_text("utf-8"))
