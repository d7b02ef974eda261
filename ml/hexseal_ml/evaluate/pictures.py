"""Pictures of a report: image, label, prediction and difference, as PNG."""

import base64
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from hexseal.products import CLCPLUS
from hexseal.raster.grid import Window
from hexseal.types import Bytes, Floats
from hexseal_ml.imagery.image import Image
from hexseal_ml.model.classes import OUTSIDE, SEALED

# Longest side of a picture of a whole image, in pixels.
LONGEST = 640
TRUE_COLOR = ("B04", "B03", "B02")
FALSE_COLOR = ("B08", "B04", "B03")
# A few per cent of clouds or roofs shall not make all the rest dark.
LOW, HIGH, GAMMA = 1.0, 96.0, 0.8
COLORS = {c.code: tuple(bytes.fromhex(c.color[1:])) for c in CLCPLUS.classes}
# Okabe and Ito's palette, distinguishable for colour-blind readers too.
HIT, MISSED, FALSE_ALARM, NEITHER = (0x33, 0x33, 0x33), (0xE6, 0x9F, 0), (0, 0x72, 0xB2), (240,) * 3
NO_DATA = (200, 200, 200)
UNKNOWN = (255, 0, 255)


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG: ``part`` is whole, best, median or worst, ``kind`` what it shows."""

    part: str
    kind: str
    width: int
    height: int
    png: bytes

    @property
    def uri(self) -> str:
        """Return the picture as an address that holds it."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def overview_pictures(image: Image, mapped: Bytes, truth: Bytes | None) -> tuple[Picture, ...]:
    """Return small pictures of a whole image, its map and its label, where there is one."""
    grid = image.grid
    return _pictures("whole", image, Window(0, 0, grid.height, grid.width), mapped, truth)


def detail_pictures(
    image: Image, mapped: Bytes, truth: Bytes, places: Mapping[str, Window]
) -> tuple[Picture, ...]:
    """Return pictures of a few windows, pixel by pixel."""
    return tuple(
        picture
        for part, window in places.items()
        for picture in _pictures(part, image, window, mapped, truth)
    )


def _pictures(
    part: str, image: Image, window: Window, mapped: Bytes, truth: Bytes | None
) -> tuple[Picture, ...]:
    step = max(math.ceil(max(window.height, window.width) / LONGEST), 1)
    rows = slice(window.row, window.row + window.height)
    columns = slice(window.column, window.column + window.width)
    shown = {"image": _composite(image, window, step)}
    found = mapped[rows, columns][step // 2 :: step, step // 2 :: step]
    if truth is not None:
        label = truth[rows, columns][step // 2 :: step, step // 2 :: step]
        shown["label"] = _classes(label)
        shown["prediction"] = _classes(found)
        shown["difference"] = _difference(label, found)
    else:
        shown["prediction"] = _classes(found)
    return tuple(
        Picture(part, kind, rgb.shape[1], rgb.shape[0], _png(rgb)) for kind, rgb in shown.items()
    )


def _composite(image: Image, window: Window, step: int) -> Bytes:
    """Return true colour (rows, cols, 3), or the bands there are, stretched between percentiles."""
    usable = [b for b in image.bands if b not in image.missing]
    wanted = next((names for names in (TRUE_COLOR, FALSE_COLOR) if set(names) <= set(usable)), None)
    wanted = wanted or (usable[0],) * 3
    order = [image.bands.index(band) for band in wanted]
    parts = []
    for row in range(window.row, window.row + window.height, 64 * step):
        height = min(64 * step, window.row + window.height - row)
        values, _ = image.read(Window(row, window.column, height, window.width))
        parts.append(_thinned(values[order], step))
    values = np.concatenate(parts, axis=1)
    known = np.isfinite(values).all(axis=0)
    rgb = np.full((*known.shape, 3), NO_DATA, np.uint8)
    if known.any():
        # Band by band, since haze lifts blue above the others.
        low, high = np.percentile(values[:, known], (LOW, HIGH), axis=1)[:, :, None, None]
        stretched = np.clip((values - low) / np.maximum(high - low, 1e-6), 0, 1) ** GAMMA
        rgb[known] = np.round(255 * stretched[:, known].T).astype(np.uint8)
    return rgb


def _thinned(values: Floats, step: int) -> Floats:
    """Return means of squares of ``step`` pixels of values (bands, rows, cols)."""
    height, width = (length // step * step for length in values.shape[1:])
    if step == 1 or not height or not width:
        return values
    squares = values[:, :height, :width].reshape(
        len(values), height // step, step, width // step, step
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all-NaN squares stay NaN
        return np.nanmean(squares, axis=(2, 4))


def _classes(codes: Bytes) -> Bytes:
    table = np.full((256, 3), UNKNOWN, np.uint8)
    table[OUTSIDE] = NO_DATA
    for code, color in COLORS.items():
        table[code] = color
    table[OUTSIDE] = NO_DATA
    return table[codes]


def _difference(truth: Bytes, mapped: Bytes) -> Bytes:
    rgb = np.full((*truth.shape, 3), NEITHER, np.uint8)
    known = (truth != OUTSIDE) & (mapped != OUTSIDE)
    real, found = truth == SEALED, mapped == SEALED
    for color, where in (
        (HIT, real & found),
        (MISSED, real & ~found),
        (FALSE_ALARM, ~real & found),
        (NO_DATA, ~known),
    ):
        rgb[where] = color
    return rgb


def _png(rgb: Bytes) -> bytes:
    height, width, _ = rgb.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile() as memory:
            with memory.open(
                driver="PNG", height=height, width=width, count=3, dtype="uint8"
            ) as file:
                file.write(np.moveaxis(rgb, 2, 0))
            return memory.read()
