"""Patches as a dataset: the ranked list of places that somebody who checks change visits."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from hexseal.change.border import LISTED_Q
from hexseal.change.grading import Grading
from hexseal.change.patches import Patches, PatchTable
from hexseal.change.states import State
from hexseal.hexgrid.cells import index_points
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import changed_shares
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Region
from hexseal.types import Bytes, Doubles, Flags, Integers, Pair
from hexseal.vector.outline import pixel_outlines

# Gains up to the q-value LISTED_Q are listed, and at least so many of the best.
LISTED_BEST = 1000
STRIP_ROWS = 512
# Confirmed; a whole field, large and alone, to look at; what stands out where nothing can be
# confirmed; any other gain; a loss.
STATUSES = ("confirmed", "large_area", "candidate", "unconfirmed", "loss")


@dataclass(frozen=True, slots=True, eq=False)
class ListedPatches:
    """Patches of a pair, best first, as they are published; ``table`` holds these only.

    ``outcome`` is the State that the pixels of each end in; ``field`` marks whole fields that are
    not confirmed. ``pixels`` are row, column and place in ``table`` of all their pixels, in raster
    order; ``area_m2`` what changed of their area.
    """

    table: PatchTable
    outcome: Bytes
    q_value: Doubles
    score: Doubles
    candidate: Flags
    field: Flags
    pixels: tuple[Integers, Integers, Integers]
    area_m2: Doubles


def patch_rows(
    region: Region, pair: Pair, grid: Grid, shapes: pa.Table, found: ListedPatches
) -> pa.Table:
    """Return the work list; geometry as WKB in longitude and latitude.

    ``shapes`` are the areas (``zone_shapes.parquet``).
    """
    table, (rows, columns, owner) = found.table, found.pixels
    middle = _middle_pixels(table, rows, columns, owner)
    lon, lat = grid.to_lonlat(*grid.centers(*(axis.astype(np.float64) for axis in middle)))
    outlines = pixel_outlines(rows, columns, owner, lambda xy: _lonlat(grid, xy))
    cells = index_points(lon, lat, region.hexagons.finest)
    first, second = pair
    count = len(table)
    columns_out: dict[str, pa.Array] = {
        "rank": pa.array(np.arange(1, count + 1), pa.int32()),
        "direction": pa.array(np.where(table.direction > 0, "gain", "loss").tolist(), pa.string()),
        "confirmed": pa.array(found.outcome == State.CONFIRMED),
        "status": pa.array(_status(found).tolist(), pa.string()),
        "q_value": pa.array(found.q_value, from_pandas=True),
        "score": pa.array(found.score),
        "first_year": pa.array(np.full(count, first), pa.int16()),
        "second_year": pa.array(np.full(count, second), pa.int16()),
        "area_m2": pa.array(np.round(found.area_m2, 4), pa.float64()),
        "pixels": pa.array(table.pixels),
        "core_pixels": pa.array(table.core),
        "rim_pixels": pa.array(table.rim),
        "confidence": pa.array(table.confidence, from_pandas=True),
        "origin_class": pa.array(table.origin),
        "origin": pa.array(_class_names(region, table.origin), pa.string()),
        "lon": pa.array(np.round(lon, 7)),
        "lat": pa.array(np.round(lat, 7)),
        "h3": pa.array(cells, pa.uint64()),
        "h3_hex": pa.array([f"{cell:x}" for cell in cells.tolist()], pa.string()),
        **_areas(region, shapes, lon, lat),
        "geometry": pa.array(shapely.to_wkb(outlines).tolist(), pa.binary()),
    }
    return pa.table(columns_out)


def listed(table: Patches, grading: Grading, outcome: Bytes) -> Integers:
    """Return the patches that are listed, best first.

    Gains up to a q-value of 0.5 (and the best 1 000, all candidates and whole fields at least),
    losses that score as well as a confirmed gain.
    """
    score = grading.score
    gains = np.flatnonzero((table.direction > 0) & (outcome != State.GAIN_SMALL))
    good = np.nan_to_num(grading.q_value[gains], nan=1.0) <= LISTED_Q
    good |= (grading.candidate | grading.field)[gains]
    good[_best(score[gains], table.pixels[gains])] = True
    confirmed = score[outcome == State.CONFIRMED]
    least = confirmed.min() if len(confirmed) else np.inf
    losses = np.flatnonzero((table.direction < 0) & (score >= least))
    both = np.concatenate([gains[good], losses])
    return both[np.lexsort((both, -table.pixels[both], -score[both]))]


def _best(score: Doubles, pixels: NDArray[np.int32] | Integers) -> Integers:
    """Return the places of the LISTED_BEST best scores, of equals the largest, then the first."""
    some = np.arange(len(score))
    if len(score) > LISTED_BEST:
        least = np.partition(score, len(score) - LISTED_BEST)[len(score) - LISTED_BEST]
        some = np.flatnonzero(score >= least)
    return some[np.lexsort((some, -pixels[some], -score[some]))][:LISTED_BEST]


def _status(found: ListedPatches) -> NDArray[np.object_]:
    """Return what each patch counts as: the first of STATUSES that fits."""
    gains = found.table.direction > 0
    kinds = [found.outcome == State.CONFIRMED, found.field & gains, found.candidate, gains]
    return np.select(kinds, np.array(STATUSES[:-1], dtype=object), STATUSES[-1])


def changed_areas_m2(
    region: Region, pair: Pair, grid: Grid, pixels: tuple[Integers, Integers, Integers], count: int
) -> Doubles:
    """Return what changed of the area of each of ``count`` patches, in m²."""
    rows, columns, owner = pixels
    pixel_m2 = grid.pixel_areas_m2(rows, columns) * _shares(region, pair, rows, columns)
    return np.asarray(np.bincount(owner, pixel_m2, minlength=count), np.float64)


def _shares(region: Region, pair: Pair, rows: Integers, columns: Integers) -> Doubles:
    """Return the part of each pixel that changed: all of it, or the difference of densities."""
    if not region.product.is_density:
        return np.ones(len(rows))
    grid, frame = region_grid(region)
    addresses = [epoch.landcover for epoch in region.epochs if epoch.year in pair]
    found = np.zeros(len(rows))
    with YearStack(region, frame, addresses=addresses) as reader:
        for start in range(0, grid.height, STRIP_ROWS):
            end = min(start + STRIP_ROWS, grid.height)
            here = np.flatnonzero((rows >= start) & (rows < end))
            if len(here):
                bands = reader.read(Window(start, 0, end - start, grid.width))
                places = rows[here] - start, columns[here]
                former, later = (band[places] for band in bands)
                found[here] = changed_shares(region.product, former, later)
    return found


def _middle_pixels(
    table: PatchTable, rows: Integers, columns: Integers, owner: Integers
) -> tuple[Integers, Integers]:
    """Return the pixel of each patch that lies nearest to its centroid."""
    away = (rows - table.row_mean[owner]) ** 2 + (columns - table.column_mean[owner]) ** 2
    order = np.lexsort((columns, rows, away, owner))
    _, first = np.unique(owner[order], return_index=True)
    return rows[order][first], columns[order][first]


def _lonlat(grid: Grid, corners: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = grid.centers(corners[:, 1] - 0.5, corners[:, 0] - 0.5)
    return np.round(np.column_stack(grid.to_lonlat(x, y)), 7)


def _class_names(region: Region, codes: Bytes) -> list[str]:
    names = {known.code: known.name for known in region.product.classes}
    return [names.get(code, str(code)) for code in codes.tolist()]


def _areas(
    region: Region, table: pa.Table, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> dict[str, pa.Array]:
    """Return for each layer the id of the area that holds each point, the first of several."""
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    layers = np.array(table["layer"].to_pylist(), dtype=object)
    ids = table["id"].to_pylist()
    shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    found = {}
    for layer in region.areas:
        places = np.flatnonzero(layers == layer.layer)
        tree = shapely.STRtree(shapes[places])
        point, area = tree.query(points, predicate="intersects")
        order = np.lexsort((area, point))
        names: list[str | None] = [None] * len(points)
        for at, which in zip(point[order][::-1], area[order][::-1], strict=True):
            names[at] = ids[places[which]]
        found[f"area_{layer.layer}"] = pa.array(names, pa.string())
    return found
