"""A picture of the island: natural colours under a hillshade, and the CLC+ colours."""

import warnings
from pathlib import Path

import numpy as np
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from hexseal.products import CLCPLUS
from hexseal.simulation.fields import block_mean
from hexseal.simulation.truth import Truth
from hexseal.simulation.vegetation import CROPS, GRASS, OUTSIDE, SEA_BUFFER, WATER
from hexseal.simulation.writing import rgb
from hexseal.types import Bytes, Floats

NATURAL = {
    1: "#B9AEA6", 2: "#2F4A34", 3: "#4D6B3A", 4: "#3F6040", 5: "#7C7A4E", 6: "#88A35A",
    7: "#C9B87A", 8: "#A39A84", 9: "#B9AE9C", 10: "#2C5575", 11: "#F2F4F5",
    253: "#23486A", 254: "#1E4063",
}  # fmt: skip


def natural_picture(truth: Truth, cover: Bytes) -> Floats:
    """Paint ``cover`` as seen from the air; returns (3, rows, columns) from 0 to 255."""
    picture = _paint(cover, NATURAL)
    draw = truth.country.parcels.draw
    hue = (draw * 91) % 1.0
    for code, tint in ((CROPS, (44, 24, 10)), (GRASS, (26, 16, 12))):
        inside = cover == code
        for band, strength in enumerate(tint):
            picture[band][inside] += (strength * 2 * (hue - 0.5))[inside]
    picture *= _hillshade(truth)
    return np.clip(_deepen_sea(picture, truth, cover), 0, 255)


def _paint(cover: Bytes, colors: dict[int, str]) -> Floats:
    table = np.zeros((256, 3), np.float32)
    for code, color in colors.items():
        table[code] = rgb(color)
    return np.ascontiguousarray(table[cover].transpose(2, 0, 1))


def _hillshade(truth: Truth) -> Floats:
    down, right = np.gradient(truth.terrain.relief_m, 10.0)
    shade = 1 - 0.9 * (right * 0.7 + down * 0.7)
    return np.asarray(np.clip(shade, 0.45, 1.35), np.float32)


def _deepen_sea(picture: Floats, truth: Truth, cover: Bytes) -> Floats:
    sea = ~truth.terrain.land & np.isin(cover, (WATER, SEA_BUFFER, OUTSIDE))
    shallow = np.exp(-truth.terrain.sea_px / 14)
    for band, gain in enumerate((20, 70, 60)):
        picture[band][sea] = NATURAL_SEA[band] + gain * shallow[sea]
    return picture


NATURAL_SEA = rgb(NATURAL[OUTSIDE])


def class_picture(cover: Bytes) -> Floats:
    """Paint ``cover`` in the product's own colours."""
    return _paint(cover, {c.code: c.color for c in CLCPLUS.classes})


def write_png(path: Path, picture: Floats) -> None:
    """Write (3, rows, columns) as PNG."""
    bands = picture.astype(np.uint8)
    profile = {"driver": "PNG", "count": 3, "dtype": "uint8"}
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(**profile, height=bands.shape[1], width=bands.shape[2]) as image:
            image.write(bands)
        path.write_bytes(memory.read())


def write_preview(path: Path, truth: Truth, cover: Bytes) -> None:
    """Write both pictures at half size, one above the other."""
    natural = natural_picture(truth, truth.landcover[-1])
    small = np.stack([block_mean(band, 2) for band in natural])
    write_png(path, np.concatenate([small, class_picture(cover[::2, ::2])], axis=1))
