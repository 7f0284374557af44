"""Pictures with an alpha channel, (H, W, 4) uint8."""

import numpy as np

_FAINT = 16  # of 255: below it a pixel's own colour is all but lost in rounding

_LOWER_EDGE = 0.16  # of a picture's height


def unmultiply(picture: np.ndarray) -> np.ndarray:
    """Return a picture whose colours were multiplied by their alpha with straight alpha, as PNG and WebM hold it."""
    alpha = picture[..., 3]
    blended = (alpha > 0) & (alpha < 255)
    straight = picture.copy()
    colors, opacity = picture[blended][:, :3].astype(np.uint16), alpha[blended][:, None].astype(np.uint16)
    straight[blended, :3] = np.minimum((colors * 255 + opacity // 2) // opacity, 255)
    return straight


def fade_out(picture: np.ndarray) -> np.ndarray:
    """Return a picture with straight alpha in which the bust is gone before the lower edge could cut it."""
    height = len(picture)
    up = np.clip((height - 0.5 - np.arange(height)) / (height * _LOWER_EDGE), 0, 1)
    faded = picture.copy()
    faded[..., 3] = np.round(picture[..., 3] * (up * up * (3 - 2 * up))[:, None])
    return faded


def spread(picture: np.ndarray) -> np.ndarray:
    """Return a picture with straight alpha whose empty pixels have the colours of what stands nearby.

    A video codec halves the resolution of colour and blurs it: what lies beyond an edge shows through there.
    """
    from PIL import Image

    image = Image.fromarray(picture)
    multiplied = image.convert("RGBa")
    around = Image.new("RGBA", image.size, (128, 128, 128, 255))
    for step in (32, 8):
        near = multiplied.reduce(step).convert("RGBA")
        near.putalpha(near.getchannel("A").point([min(8 * value, 255) for value in range(256)]))
        around.alpha_composite(near.resize(image.size, Image.Resampling.BILINEAR))
    faint = picture[..., 3:] < _FAINT
    return np.where(faint & (np.arange(4) < 3), np.asarray(around), picture)
