"""Rasters for benchmarks: a pair of land-cover maps with the texture and size of CLC+ tiles."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from scipy import ndimage

WEST, NORTH = 4_400_000.0, 3_700_000.0
BLOCK = 512


def write_pair(
    folder: Path,
    size: int,
    seed: int = 1,
    *,
    height: int | None = None,
    scattered: float | None = None,
) -> tuple[Path, Path]:
    """Write two aligned maps, ``size`` pixels wide and as high (or ``height``).

    Byte, LZW, tiled, EPSG:3035, 10 m.

    The texture is filtered noise of several scales cut into eleven classes, so that decoding
    and counting meet patches like those of the product; about 5 % is sealed in small patches and
    0.3 % of the pixels differ between the years. Where ``scattered`` is given, that share of all
    pixels differs, each by itself: as many patches as can be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"pair_{size}" if height is None else f"pair_{size}x{height}"
    name += "" if scattered is None else f"_{scattered:g}"
    paths = folder / f"{name}_a.tif", folder / f"{name}_b.tif"
    if all(path.exists() for path in paths):
        return paths
    before = tile_classes(seed)
    after = before.copy()
    rng = np.random.default_rng(seed + 1)
    changed = rng.random(before.shape) < (scattered or 0.0006)
    if scattered is None:
        changed = ndimage.binary_dilation(changed)
    after[changed] = np.where(after[changed] == 1, 6, 1)
    for path, classes in zip(paths, (before, after), strict=True):
        _write(path, classes, size, height or size)
    return paths


def tile_classes(seed: int, size: int = 2_500) -> np.ndarray:
    """Return one square of classes that repeats over the raster."""
    rng = np.random.default_rng(seed)
    noise = sum(
        scale * ndimage.gaussian_filter(rng.standard_normal((size, size)), scale, mode="wrap")
        for scale in (2.0, 6.0, 20.0)
    )
    ranks = np.searchsorted(np.quantile(noise, np.linspace(0, 1, 11)[1:-1]), noise)
    classes = (ranks + 2).astype(np.uint8)
    towns = ndimage.gaussian_filter(rng.standard_normal((size, size)), 2.5, mode="wrap")
    classes[towns > np.quantile(towns, 0.95)] = 1
    return classes


def _write(path: Path, classes: np.ndarray, size: int, height: int) -> None:
    profile = {
        "driver": "GTiff",
        "width": size,
        "height": height,
        "count": 1,
        "dtype": "uint8",
        "crs": "EPSG:3035",
        "transform": Affine(10.0, 0.0, WEST, 0.0, -10.0, NORTH),
        "compress": "lzw",
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
    }
    across = -(-size // classes.shape[1])
    with rasterio.open(path, "w", **profile) as file:
        for row in range(0, height, BLOCK):
            rows = np.arange(row, min(row + BLOCK, height)) % classes.shape[0]
            strip = np.tile(classes[rows], (1, across))[:, :size]
            window = rasterio.windows.Window(0, row, size, len(rows))
            file.write(strip, 1, window=window)
