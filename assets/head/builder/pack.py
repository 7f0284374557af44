"""Write head.npz and skin.jpg, each whole or not at all."""

import io
from pathlib import Path

import numpy as np
from cage import PARTS, Cage
from eyes import Eye
from material import Material
from mesh import RenderMesh
from PIL import Image
from regions import HEAD_PIVOT, landmarks, regions

BASIS_STEP = 1e-5  # metres
UV_STEP = 2**-15  # a sixteenth of a texel
LIMIT = 1_000_000  # bytes of each file
_QUALITIES = range(92, 70, -2)


def pack_head(
    cage: Cage, mesh: RenderMesh, material: Material, uv: np.ndarray, openness: np.ndarray, eyes: dict[str, Eye]
) -> dict[str, np.ndarray]:
    """Return the arrays of head.npz."""
    marks, names = landmarks(cage), sorted(cage.shapes)
    matrix = mesh.matrix.astype(np.float32)
    arrays = {
        "verts": cage.vertices.astype(np.float32),
        "quads": cage.quads.astype(np.int32),
        "part": _index(cage.part),
        "part_names": np.array(PARTS),
        "mh_index": cage.source.astype(np.int32),
        "basis": np.round(np.stack([cage.shapes[name] for name in names]) / BASIS_STEP).astype(np.int16),
        "basis_scale": np.float32(BASIS_STEP),
        "basis_names": np.array(names),
        "S_data": matrix.data,
        "S_indices": matrix.indices.astype(np.int32),
        "S_indptr": matrix.indptr.astype(np.int32),
        "S_shape": np.array(matrix.shape),
        "tris": mesh.triangles.astype(np.int32),
        "r_part": _index(mesh.part),
        "uv": (np.round(uv / UV_STEP) * UV_STEP).astype(np.float32),
        "color": _bytes(material.color),
        "rough": _bytes(material.roughness),
        "sss": _bytes(material.scattering),
        "ao": _bytes(openness),
        "cavity": _bytes(material.cavity),
        "depth": _bytes(material.depth),
        "lm_names": np.array(list(marks)),
        "lm_ids": np.array(list(marks.values()), np.int32),
        "eye_L": np.r_[eyes["eyeL"].centre, eyes["eyeL"].radius],
        "eye_R": np.r_[eyes["eyeR"].centre, eyes["eyeR"].radius],
        "pivot": np.array(HEAD_PIVOT),
    }
    return arrays | {f"mask_{name}": _bytes(mask) for name, mask in regions(cage).items()}


def write_head(folder: Path, arrays: dict[str, np.ndarray], image: np.ndarray) -> None:
    """Write both files. image: (H, W, 3) sRGB 0-255 with row 0 at v = 0; stored with v = 1 on top."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    if packed.tell() > LIMIT:
        raise ValueError(f"head.npz would take {packed.tell()} bytes, more than {LIMIT}")
    texture = _smallest_fault(Image.fromarray(np.clip(np.round(image), 0, 255).astype(np.uint8)[::-1]))
    for name, content in (("head.npz", packed.getvalue()), ("skin.jpg", texture)):
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(content)
        unfinished.replace(folder / name)


def _smallest_fault(picture: Image.Image) -> bytes:
    """Return the JPEG of the best quality within the limit."""
    for quality in _QUALITIES:
        encoded = io.BytesIO()
        picture.save(encoded, "JPEG", quality=quality, subsampling=0 if quality > 85 else 2, optimize=True)
        if encoded.tell() <= LIMIT:
            return encoded.getvalue()
    raise ValueError(f"skin.jpg would take {encoded.tell()} bytes, more than {LIMIT}")


def _index(parts: np.ndarray) -> np.ndarray:
    return np.array([PARTS.index(part) for part in parts], np.uint8)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
