"""Slow and obvious references that tests compare the fast code with."""

from collections import Counter
from collections.abc import Sequence

import h3
import numpy as np
from noisymaps import EIGHT
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from hexseal.accuracy.estimators import (
    SampleUnits,
    StratifiedEstimate,
    unit_weights,
    weighted_estimate,
)
from hexseal.change.patches import PatchTable
from hexseal.errors import InputError
from hexseal.raster.grid import Grid
from hexseal.raster.runs import GAIN, LOSS, OTHER, STABLE_SEALED
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


def label_patches(
    codes: np.ndarray,
    partner: np.ndarray,
    weight: np.ndarray | None = None,
    confidence: np.ndarray | None = None,
) -> tuple[PatchTable, np.ndarray]:
    """Return all patches of an array and the patch of each pixel (-1: none).

    ``codes`` are those of ``raster/runs``, ``partner`` the class that is not Sealed, ``weight`` 0
    to 10 000, ``confidence`` that of the lower date.
    """
    weight = np.full(codes.shape, 10_000) if weight is None else weight
    labels = np.zeros(codes.shape, np.int64)
    for code in (GAIN, LOSS):
        some, _ = ndimage.label(codes == code, EIGHT)
        labels[some > 0] = some[some > 0] + labels.max()
    # In the raster order of their first pixels.
    numbers, first = np.unique(labels, return_index=True)
    numbers = numbers[np.argsort(first)]
    patch = np.full(codes.shape, -1)
    rows = []
    around = np.pad(codes, 1)
    for number in numbers[numbers > 0].tolist():
        mine = labels == number
        patch[mine] = len(rows)
        pixels = [tuple(map(int, place)) for place in np.argwhere(mine)]
        code = codes[pixels[0]]
        near = [around[r : r + 3, c : c + 3] for r, c in pixels]
        beside = np.array([window[[0, 1, 1, 2], [1, 0, 2, 1]] for window in near])
        core = np.array([(window == code).all() for window in near])
        classes = Counter(int(partner[place]) for place in pixels)
        origin = min(classes, key=lambda c: (-classes[c], c))
        row, column = np.array(pixels).T
        sure = None if confidence is None else confidence[row, column].astype(int)
        rows.append((
            1 if code == GAIN else -1, len(pixels), core.sum(),
            sum((window == STABLE_SEALED).any() for window in near),
            row.min(), row.max() + 1, column.min(), column.max() + 1,
            row.sum() / len(row), column.sum() / len(row), origin,
            np.nan if sure is None else sure.sum() / len(row),
            (weight[row, column].astype(int) * (1 + 5 * core)).sum() / 10_000,
            0 if sure is None else (sure >= 30).sum(),
            sum((window == code).sum() >= 5 for window in near),
            (beside != code).sum(), ((beside != code) & (beside != OTHER)).sum(), classes[origin],
        ))  # fmt: skip
    columns = zip(*rows, strict=True) if rows else [()] * len(PatchTable.__slots__)
    return PatchTable(*(np.array(column) for column in columns)), patch


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
