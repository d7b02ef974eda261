"""Checks of two maps against each other: do they lie on each other, is confidence informative."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hexseal.check.report import Finding
from hexseal.raster.confidence import INVERTED_CONTRAST, LEAST_CONTRAST, ConfidenceContrast
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import sealed_masks
from hexseal.raster.landcover import Landcover, open_landcover
from hexseal.raster.registration import (
    MOST_DRIFT,
    MOST_SHARPNESS,
    MOST_SHIFT,
    MOST_SHIFT_ERROR,
    Displacement,
    Registration,
)
from hexseal.region.load import Epoch, Region

# Rows that are looked at together, and rows of the neighbours seen with them.
STRIP_ROWS, STRIP_HALO = 512, 16
OUTSIDE = 254
Flags = NDArray[np.bool_]


def check_maps(
    region: Region, rasters: Sequence[Landcover], grid: Grid, frame: Window
) -> Iterator[Finding]:
    """Measure how consecutive maps are shifted and whether their confidence falls in doubt."""
    known = zip(region.epochs, rasters, strict=True)
    for (before, first), (after, second) in pairwise(known):
        if after.forward is not None:
            # It repeats the map before it wherever the model saw no change.
            continue
        registration, contrast = _measure(region, (before, after), (first, second), grid, frame)
        yield from _shifted(before, after, registration.solve())
        yield from _informative((before, after), contrast)


def _measure(
    region: Region,
    epochs: tuple[Epoch, Epoch],
    rasters: tuple[Landcover, Landcover],
    grid: Grid,
    frame: Window,
) -> tuple[Registration, ConfidenceContrast]:
    """Read both maps and their confidence in strips of full width."""
    product = region.product
    valid = np.isin(np.arange(256), sorted(product.valid))
    registration, contrast = Registration((frame.height, frame.width)), ConfidenceContrast()
    with ExitStack() as stack:
        masks = tuple(_confidence(epoch, grid, stack) for epoch in epochs)
        for start in range(0, frame.height, STRIP_ROWS):
            top, end = max(0, start - STRIP_HALO), min(frame.height, start + STRIP_ROWS)
            bottom = min(frame.height, end + STRIP_HALO)
            window = Window(frame.row + top, frame.column, bottom - top, frame.width)
            codes = [raster.read(window) for raster in rasters]
            counts: Flags = valid[codes[0]] & valid[codes[1]]
            before, after = sealed_masks(product, codes[0], codes[1])
            own = slice(start - top, end - top)
            registration.add(top, before, after, counts, own)
            layers = [None if mask is None else mask.read(window) for mask in masks]
            contrast.add(before, after, counts, (layers[0], layers[1]), own)
    return registration, contrast


def _confidence(epoch: Epoch, grid: Grid, stack: ExitStack) -> Landcover | None:
    """Open a year's confidence layer; None where there is none on the maps' grid."""
    if epoch.confidence is None:
        return None
    layer = stack.enter_context(open_landcover(epoch.confidence, fill=OUTSIDE))
    return layer if grid.difference(layer.grid) is None else None


def _shifted(before: Epoch, after: Epoch, found: Displacement) -> Iterator[Finding]:
    if not np.isfinite(found.shift) or not found.shift_error <= MOST_SHIFT_ERROR:
        return
    years = f"{before.year} and {after.year}"
    worst = max(found.shift, found.drift if np.isfinite(found.drift) else 0.0)
    if found.shift > MOST_SHIFT or worst > MOST_DRIFT:
        yield Finding(
            "warning",
            after.landcover,
            f"the maps of {years} are shifted against each other by {worst:.2f} pixels",
            f"at most {MOST_SHIFT} in all, {MOST_DRIFT} in parts of the region",
            "change between them will be graded inconclusive; register the maps first",
        )
    if abs(found.sharpness) > MOST_SHARPNESS:
        softer = after.year if found.sharpness > 0 else before.year
        yield Finding(
            "warning",
            after.landcover,
            f"the map of {softer} is less sharp than the other of {years}",
            f"{abs(found.sharpness):.3f}, at most {MOST_SHARPNESS}",
            "change between them will be graded inconclusive",
        )


def _informative(epochs: tuple[Epoch, Epoch], contrast: ConfidenceContrast) -> Iterator[Finding]:
    years = f"{epochs[0].year} and {epochs[1].year}"
    for epoch, gap in zip(epochs, contrast.values(), strict=True):
        if gap is None or epoch.confidence is None:
            continue
        if gap < INVERTED_CONTRAST:
            yield Finding(
                "error",
                epoch.confidence,
                f"confidence of {epoch.year} is lower inside what the maps of {years} both call "
                "sealed than where they differ: it is inverted, or something else",
                f"by {-gap:.0f} points",
                "turn it round (100 means sure) or leave the key out; a build grades change from "
                "it inconclusive",
            )
        elif gap <= LEAST_CONTRAST:
            yield Finding(
                "warning",
                epoch.confidence,
                f"confidence of {epoch.year} is hardly higher where the maps of {years} agree than "
                "where they differ",
                f"{gap:.0f} points, needed {LEAST_CONTRAST:.0f}",
                "it will not be used to weigh change",
            )
