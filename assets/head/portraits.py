"""Draw the portrait of each identity that the page shows: python assets/head/portraits.py"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kmtalk.assets import asset
from kmtalk.face import IDENTITIES, load_face
from kmtalk.render import still

SIZE = 400
LOOK = {"mouthSmileLeft": 0.25, "mouthSmileRight": 0.25, "browInnerUp": 0.1}


def main() -> None:
    """Write assets/head/NAME/portrait.webp for every identity."""
    for name in IDENTITIES:
        face = load_face(name)
        weights = np.array([LOOK.get(basis_name, 0.0) for basis_name in face.basis_names], np.float32)
        picture = Image.fromarray(still(face, weights, size=2 * SIZE)).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        picture.save(asset("head", name) / "portrait.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
