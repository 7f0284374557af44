"""Take: one performance of a face as vertices, whoever made it, with what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from kmtalk.data.meshes import read_mesh
from kmtalk.data.prepared import Prepared
from kmtalk.errors import InputError
from kmtalk.face import IDENTITIES, Look, load_face
from kmtalk.metrics import check_metres
from kmtalk.npz import read_npz
from kmtalk.phonemes import Phoneme

_BLOCK = 128  # frames looked at at a time: the file may be larger than the memory


@dataclass(frozen=True)
class Take:
    """A performance.

    vertices: (T, V, 3) metres without head motion; template: (V, 3) metres, the neutral face; triangles: (F, 3);
    regions, landmarks: vertex indices, as far as known; key_frames: (N,) or None; audio: (S,) 16 kHz, empty if unknown;
    metres_per_unit: what the published unit of its data set is, in which the reference scores are printed;
    look: how to draw it, None for a plain mesh.
    """

    name: str
    vertices: np.ndarray
    fps: float
    template: np.ndarray
    triangles: np.ndarray
    regions: Mapping[str, np.ndarray] = field(default_factory=dict)
    landmarks: Mapping[str, int] = field(default_factory=dict)
    key_frames: np.ndarray | None = None
    phonemes: tuple[Phoneme, ...] = ()
    audio: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    subject: str = ""
    metres_per_unit: float = 1.0
    look: Look | None = None

    @property
    def lips(self) -> tuple[int, int] | None:
        """The vertices of the upper and the lower lip between which the mouth's opening is measured, if known."""
        for pair in (("lip_inner_upper", "lip_inner_lower"), ("lip_top", "lip_bottom")):
            if set(pair) <= set(self.landmarks):
                return self.landmarks[pair[0]], self.landmarks[pair[1]]
        return None


def take_of(prepared: Prepared, clip: str) -> Take:
    """Return a clip of a prepared data set, its vertices memory-mapped."""
    entry = prepared.clip(clip)
    return Take(
        name=clip,
        vertices=prepared.vertices(clip),
        fps=prepared.fps,
        template=prepared.template(entry.subject),
        triangles=prepared.triangles,
        regions=prepared.regions,
        landmarks=prepared.landmarks,
        phonemes=prepared.phonemes(clip) or (),
        audio=prepared.audio(clip) if entry.seconds else np.zeros(0, np.float32),
        subject=entry.subject,
        metres_per_unit=prepared.metres_per_unit,
    )


def read_take(
    path: str | Path,
    like: Take | None = None,
    *,
    unit: float = 1.0,
    fps: float | None = None,
    template: str | Path | None = None,
) -> Take:
    """Read a performance: an .npz of kmtalk, or an .npy of (T, V, 3) or (T, V * 3) numbers from any system.

    like: a take of the same face, which lends what the file does not say; unit: metres that one unit of the file is;
    fps: of an .npy, where there is no `like`; template: .ply or .obj of the neutral face, in the same unit.
    Errors: InputError for what is neither, holds what is no number, or is of another mesh than `like` or another unit.
    """
    path = Path(path)
    arrays = _read(path)
    vertices = _metres(arrays["vertices"], unit, path)
    face = like if template is None else _from_mesh(Path(template), unit)
    face = face or _shipped(vertices[0], path)
    if vertices.shape[1:] != face.template.shape:
        raise InputError(
            f"{path} has {vertices.shape[1]} vertices, the face {len(face.template)}: give the template of its mesh"
        )
    return replace(
        face,
        name=path.stem,
        vertices=vertices,
        fps=_rate(arrays, like.fps if fps is None and like else fps, path),
        key_frames=_key_frames(arrays, path),
        phonemes=_phonemes(arrays, path),
    )


def _rate(arrays: dict[str, np.ndarray], told: float | None, path: Path) -> float:
    """What the file says, else what was told."""
    rate = arrays.get("fps", np.array(told))
    if rate.dtype == object:
        raise InputError(f"{path} does not say how fast it runs: give --fps")
    if rate.size != 1 or rate.dtype.kind not in "fiu" or not 0 < rate.item() < np.inf:
        raise InputError(f"{path} cannot run at {rate} frames a second: give one number above 0")
    return float(rate.item())


def _key_frames(arrays: dict[str, np.ndarray], path: Path) -> np.ndarray | None:
    keys = arrays.get("key_frames", np.zeros(0))
    if not keys.size:
        return None
    if keys.ndim != 1 or keys.dtype.kind not in "iu" or keys.min() < 0:
        raise InputError(f"{path} holds key frames that are no numbers of frames: give whole numbers from 0 on")
    return keys


def _phonemes(arrays: dict[str, np.ndarray], path: Path) -> tuple[Phoneme, ...]:
    labels, times = arrays.get("phoneme_labels", np.zeros(0)), arrays.get("phoneme_times", np.zeros((0, 2)))
    if times.shape != (labels.size, 2) or times.dtype.kind != "f" or not np.isfinite(times).all():
        raise InputError(f"{path} holds {labels.size} phonemes, but not a start and an end of each: write it again")
    return tuple(Phoneme(str(label), *ends) for label, ends in zip(labels.ravel(), times.tolist(), strict=True))


def _metres(vertices: np.ndarray, unit: float, path: Path) -> np.ndarray:
    """(T, V, 3) metres, still memory-mapped where nothing has to be converted."""
    if vertices.ndim == 2 and vertices.shape[1] % 3 == 0:
        vertices = vertices.reshape(len(vertices), -1, 3)
    if vertices.ndim != 3 or vertices.shape[2] != 3 or not len(vertices) or vertices.dtype.kind not in "fiu":
        raise InputError(
            f"{path} holds {vertices.dtype} of shape {vertices.shape}: give (T, V, 3) or (T, V * 3) numbers"
        )
    vertices = vertices if unit == 1 else (vertices * np.float32(unit)).astype(np.float32)
    check_metres(vertices[0], f"file {path.name}")
    for start in range(0, len(vertices), _BLOCK):
        known = np.isfinite(vertices[start : start + _BLOCK]).all(axis=(1, 2))
        if not known.all():
            raise InputError(f"{path} holds values that are no numbers, first in frame {start + known.argmin()}")
    return vertices


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix.lower() not in (".npy", ".npz") or not path.is_file():
        raise InputError(f"{path} is no animation: give an .npz that kmtalk wrote, or an .npy of vertices")
    try:
        if path.suffix.lower() == ".npy":
            return {"vertices": np.lib.format.open_memmap(path, mode="r")}
        arrays = read_npz(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): save it again with numpy.save or kmtalk") from error
    if "vertices" not in arrays:
        raise InputError(f"{path} has no array 'vertices': it has {', '.join(arrays) or 'none'}")
    return arrays


def _from_mesh(path: Path, unit: float) -> Take:
    mesh = read_mesh(path)
    template = (mesh.vertices * unit).astype(np.float32)
    check_metres(template, f"template {path.name}")
    return Take(path.stem, template[None], 0.0, template, mesh.triangles)


def _shipped(vertices: np.ndarray, path: Path) -> Take:
    """The shipped head that a frame is nearest to."""
    faces = [load_face(name) for name in IDENTITIES]
    if vertices.shape != faces[0].template.shape:
        raise InputError(
            f"{path} is not of a shipped head: give the neutral face with its triangles, --template FILE.ply"
        )
    face = min(faces, key=lambda face: float(np.abs(vertices - face.template).mean()))
    plain = Take(path.stem, vertices[None], 0.0, face.template, face.triangles, look=face.look)
    return replace(plain, regions=face.regions, landmarks=face.landmarks)
