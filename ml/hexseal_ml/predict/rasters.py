"""What a prediction leaves behind: finished strips on disk while it runs, three rasters at the end.

A strip is stored with what the next row of windows needs, before the strip of the row above loses
its own. A prediction that was killed so resumes after the last whole strip.
"""

import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hexseal.errors import InputError
from hexseal.raster.cog import CLASSES, CogWriter, Layout
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import OUTSIDE
from hexseal.storage.cache import Stamp
from hexseal.storage.files import describe, whole_file
from hexseal_ml.predict.blending import NO_PROBABILITY, Strip

LANDCOVER, PROBABILITY, CONFIDENCE = "landcover", "sealed_probability", "confidence"
LAYOUTS = {
    LANDCOVER: replace(CLASSES, bands=("CLC+ Backbone class",)),
    PROBABILITY: Layout(bands=("probability of Sealed, percent",), nodata=NO_PROBABILITY),
    CONFIDENCE: Layout(
        bands=("probability of the class less that of the next likely one, percent",),
        nodata=OUTSIDE,
    ),
}


class Scratch:
    """Finished strips of one prediction; those of any other ``key`` are thrown away."""

    def __init__(self, folder: Path, key: str, *, fresh: bool) -> None:
        self.folder = folder
        try:
            stamp = Stamp(folder / "key.json", key)
            if fresh or not stamp.is_current():
                shutil.rmtree(folder, ignore_errors=True)
            stamp.write()
        except OSError as err:
            raise describe(err, folder) from err

    def finished(self) -> int:
        """Return how many strips, from the north on, are whole."""
        count = 0
        while self._strip(count).is_file():
            count += 1
        while count and not self._below(count - 1).is_file():
            count -= 1
        return count

    def keep(self, row: int, strip: Strip, below: Tensor) -> None:
        """Store a strip and what the next row needs; what the strip itself needed goes."""
        with whole_file(self._below(row)) as partial, partial.open("wb") as file:
            np.save(file, below.numpy())
        with whole_file(self._strip(row)) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file,
                landcover=strip.landcover,
                probability=strip.probability,
                confidence=strip.confidence,
            )
        self._below(row - 1).unlink(missing_ok=True)

    def below(self, row: int) -> Tensor:
        """Return what row ``row`` left for the next one, shape (classes, overlap, cols)."""
        return torch.from_numpy(np.load(self._below(row)))

    def strips(self, count: int) -> Iterator[Strip]:
        """Return the strips from north to south."""
        for row in range(count):
            try:
                with np.load(self._strip(row)) as arrays:
                    yield Strip(arrays["landcover"], arrays["probability"], arrays["confidence"])
            except (ValueError, KeyError, zipfile.BadZipFile) as err:
                raise InputError(
                    f"{self._strip(row)}: is damaged; predict again with --fresh"
                ) from err

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _strip(self, row: int) -> Path:
        return self.folder / f"strip_{row:05}.npz"

    def _below(self, row: int) -> Path:
        return self.folder / f"below_{row:05}.npy"


def raster_paths(out: Path, prefix: str) -> dict[str, Path]:
    """Return the path of each output raster."""
    return {kind: out / f"{prefix}_{kind}.tif" for kind in (LANDCOVER, PROBABILITY, CONFIDENCE)}


def write_rasters(paths: dict[str, Path], grid: Grid, strips: Iterator[Strip]) -> dict[int, int]:
    """Write strips as cloud-optimised GeoTIFFs; return the number of pixels of each value."""
    counts = np.zeros(256, np.int64)
    writers = {kind: CogWriter(path, grid, LAYOUTS[kind]) for kind, path in paths.items()}
    with writers[LANDCOVER] as classes, writers[PROBABILITY] as share, writers[CONFIDENCE] as sure:
        row = 0
        for strip in strips:
            height = strip.landcover.shape[0]
            if not height:
                continue
            window = Window(row, 0, height, grid.width)
            classes.write(strip.landcover, window)
            share.write(strip.probability, window)
            sure.write(strip.confidence, window)
            counts += np.bincount(strip.landcover.ravel(), minlength=256)
            row += height
    return {int(code): int(counts[code]) for code in np.flatnonzero(counts)}
