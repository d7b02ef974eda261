"""Pictures that pages are compared with; small, and coarse enough for other fonts' hinting."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FOLDER = Path(__file__).parent / "golden"
# Pictures are averaged over squares of so many pixels, which swallows antialiasing.
SQUARE = 8
# A square differs when any channel does by more than this; so many squares in 1000 may.
DIFFERENT, TOLERATED = 28, 12
Bytes = NDArray[np.uint8]


def coarse(png: bytes) -> Bytes:
    """Return mean colours (rows, cols, 3) of the squares of a screenshot."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.float64)
    rows, columns = (length // SQUARE for length in pixels.shape[:2])
    cut = pixels[: rows * SQUARE, : columns * SQUARE]
    squares = cut.reshape(rows, SQUARE, columns, SQUARE, 3).mean(axis=(1, 3))
    return np.round(squares).astype(np.uint8)


def difference(png: bytes, name: str) -> float:
    """Return how many squares in 1000 differ from the golden picture of this name."""
    with Image.open(FOLDER / f"{name}.png") as image:
        golden = np.asarray(image.convert("RGB"), dtype=np.int16)
    seen = coarse(png).astype(np.int16)
    if seen.shape != golden.shape:
        return 1000.0
    return float(1000 * (np.abs(seen - golden).max(axis=2) > DIFFERENT).mean())


def keep(png: bytes, name: str) -> None:
    """Make this the golden picture: look at the screenshot first."""
    FOLDER.mkdir(exist_ok=True)
    Image.fromarray(coarse(png)).save(FOLDER / f"{name}.png", optimize=True)
