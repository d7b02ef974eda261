"""Slow and obvious references that tests compare the fast code with."""

from collections import Counter
from collections.abc import Iterable, Sequence

import h3
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexseal.accuracy.estimators import (
    SampleUnits,
    StratifiedEstimate,
    unit_weights,
    weighted_estimate,
)
from hexseal.change.patches import ChangeBand, ChangePixels, PatchBuilder, PatchTable
from hexseal.errors import InputError
from hexseal.raster.grid import Grid
from hexseal.types import Doubles

Joint = tuple[int, ...]


def cells_by_pixel(
    grid: Grid, bands: tuple[np.ndarray, ...], resolution: int
) -> Counter[tuple[int, Joint]]:
    """Count (cell, classes of all years) by asking h3.latlng_to_cell for every pixel centre."""
    rows, columns = np.indices(bands[0].shape).reshape(2, -1)
    x, y = grid.centers(rows.astype(float), columns.astype(float))
    lon, lat = grid.to_lonlat(x, y)
    joint = np.column_stack([band.ravel() for band in bands]).tolist()
    return Counter(
        (h3.str_to_int(h3.latlng_to_cell(a, b, resolution)), tuple(classes))
        for a, b, classes in zip(lat, lon, joint, strict=True)
    )


def label_patches(bands: Iterable[ChangeBand]) -> tuple[PatchTable, ChangePixels]:
    """Return all patches and all their pixels, held in memory together."""
    builder = PatchBuilder()
    parts = [builder.add(band) for band in bands]
    last, patch, table = builder.finish()
    parts.append(last)
    row, column, label, partner, secure = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ChangePixels.__slots__
    )
    return table, ChangePixels(row, column, patch[label], partner, secure)


def stratified_estimate(
    counts: ArrayLike, mapped: ArrayLike, *, names: Sequence[str] | None = None
) -> StratifiedEstimate:
    """Estimate from a confusion matrix whose map classes are the strata.

    ``counts[i, j]`` are sample units of map class i and reference class j, ``mapped[i]`` is the
    mapped area (or pixels) of class i. Raises InputError for a class with area and fewer than
    two units; one with neither is let pass.
    """
    units, sizes = np.asarray(counts), np.asarray(mapped, dtype=np.float64)
    _check_matrix(units, sizes)
    taken = units.sum(axis=1).astype(np.int64)
    weight = unit_weights(taken, sizes, names=names)
    row, column = np.nonzero(units)
    sample = SampleUnits(row, column, row, weight[row], units[row, column].astype(np.int64))
    return weighted_estimate(sample, len(sizes), total=float(sizes.sum()), names=names)


def _check_matrix(counts: NDArray, sizes: Doubles) -> None:
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or sizes.shape != counts.shape[:1]:
        raise InputError(
            f"confusion matrix of shape {counts.shape} with {sizes.size} mapped areas: "
            "give a square matrix and one area for each of its rows"
        )
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts % 1 == 0).all()):
        raise InputError("confusion matrix holds something else than counts; give whole numbers")
    if not (np.isfinite(sizes).all() and (sizes >= 0).all() and sizes.sum() > 0):
        raise InputError(f"mapped areas {sizes.tolist()}: give areas of 0 or more, not all 0")
