"""Vector tiles and outlines of patches against other ways to make them: ratios in one run.

Hexagons: the encoder of hexseal against mapbox_vector_tile and, where it is installed, freestiler,
one zoom of the same cells and properties. Patches: the tracer against shapely's union of squares.
"""

import gzip
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import click
import h3
import mapbox_vector_tile
import numpy as np
import shapely
from pmtiles.tile import tileid_to_zxy
from scipy import ndimage

from hexseal.tiles.hexagons import cell_outlines
from hexseal.tiles.mvt import EXTENT, Features, Layer, packed_tiles
from hexseal.vector.outline import pixel_outlines

ZOOM = 10
Result = TypeVar("Result")


@click.command()
@click.option("--cells", default=200_000, help="Hexagons of resolution 9.")
@click.option("--patches", default=60_000, help="About how many patches of changed pixels.")
def main(cells: int, patches: int) -> None:
    """Print seconds and ratios."""
    features = hexagons(cells)
    for workers in (1, 2):
        seconds, packed = timed(lambda n=workers: tiles(features, n))
        size = sum(map(len, packed.values()))
        print(
            f"hexseal, {workers} thread(s): {seconds:.2f} s, {len(features.ids) / seconds:,.0f} "
            f"hexagons a second, {size / len(features.ids):.1f} bytes each, {len(packed)} tiles"
        )
    slow, _ = timed(lambda: library_tiles(features, packed))
    print(f"mapbox_vector_tile: {slow:.2f} s, {slow / seconds:.1f} times hexseal's time")
    compare_freestiler(features, seconds)
    rows, columns, owner = changed(patches)
    traced, shapes = timed(lambda: pixel_outlines(rows, columns, owner, lambda xy: xy))
    united, _ = timed(lambda: unions(rows, columns, owner))
    print(
        f"outlines of {shapes.size:,} patches: {traced:.2f} s; union_all {united:.2f} s, "
        f"{united / traced:.1f} times the time"
    )


def hexagons(count: int) -> Features:
    """Return cells around a place with the figures of a two-year region."""
    radius = int(np.sqrt(count / 3))
    disk = sorted(map(h3.str_to_int, h3.grid_disk(h3.latlng_to_cell(47.0, 8.0, 9), radius)))
    ids = np.array(disk, np.uint64)
    random = np.random.default_rng(1)
    names = ("valid", "land", "sealed_2018", "sealed_2021", "new", "lost", "confirmed", "net")
    figures = {name: random.integers(0, 1_000, ids.size) * 100 for name in names}
    return Features(ids & np.uint64((1 << 52) - 1), cell_outlines(ids), figures)


def tiles(features: Features, workers: int) -> dict[int, bytes]:
    """Encode one zoom with hexseal."""
    layer = Layer("hexagons", features, keep_tiny=True)
    return dict(packed_tiles(layer.tiles(ZOOM), workers=workers))


def library_tiles(features: Features, wanted: dict[int, bytes]) -> dict[int, bytes]:
    """Encode the same tiles with mapbox_vector_tile."""
    outlines, found = features.outlines, {}
    columns = {name: np.asarray(values).tolist() for name, values in features.properties.items()}
    west, north, east, south = (edge * 2**ZOOM for edge in outlines.boxes())
    for tile in wanted:
        _, x, y = tileid_to_zxy(tile)
        inside = (west < x + 1) & (east >= x) & (north < y + 1) & (south >= y)
        rows = [
            {
                "geometry": shapely.Polygon(
                    (np.column_stack(outlines.ring(n)) * 2**ZOOM - (x, y)) * EXTENT
                ),
                "properties": {name: column[n] for name, column in columns.items()},
            }
            for n in np.flatnonzero(inside).tolist()
        ]
        layer = {"name": "hexagons", "features": rows}
        content = mapbox_vector_tile.encode([layer], default_options={"y_coord_down": True})
        found[tile] = gzip.compress(content, mtime=0)
    return found


def compare_freestiler(features: Features, seconds: float) -> None:
    """Time freestiler on the same outlines and properties, where it is installed."""
    try:
        import freestiler  # noqa: PLC0415
        import geopandas  # noqa: PLC0415
    except ImportError:
        print("freestiler: not installed (pip install freestiler geopandas)")
        return
    outlines = features.outlines
    lonlat = np.column_stack(
        [
            360.0 * (outlines.x - 0.5),
            np.degrees(np.arctan(np.sinh(2.0 * np.pi * (0.5 - outlines.y)))),
        ]
    )
    shapes = [shapely.Polygon(lonlat[a:b]) for a, b in pairwise(outlines.rings)]
    frame = geopandas.GeoDataFrame(dict(features.properties), geometry=shapes, crs="EPSG:4326")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "cells.pmtiles"
        other, _ = timed(
            lambda: freestiler.freestile(
                frame, str(target), layer_name="hexagons", min_zoom=ZOOM, max_zoom=ZOOM
            )
        )
        print(f"freestiler: {other:.2f} s, {other / seconds:.1f} times hexseal's time")


def changed(patches: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, columns and patch of changed pixels, clumped as on real maps."""
    side = int(np.sqrt(patches * 110))
    noise = ndimage.gaussian_filter(np.random.default_rng(2).random((side, side)), 1.0)
    labels, _ = ndimage.label(noise > np.quantile(noise, 0.95), np.ones((3, 3)))
    rows, columns = np.nonzero(labels)
    return rows, columns, labels[rows, columns].astype(np.int64) - 1


def unions(rows: np.ndarray, columns: np.ndarray, owner: np.ndarray) -> list[shapely.Geometry]:
    """Unite the squares of each patch, runs of a row as one box."""
    order = np.lexsort((columns, rows, owner))
    rows, columns, owner = rows[order], columns[order], owner[order]
    new = np.ones(rows.size, bool)
    new[1:] = (np.diff(columns) != 1) | (np.diff(rows) != 0) | (np.diff(owner) != 0)
    first = np.flatnonzero(new)
    last = np.append(first[1:], rows.size) - 1
    boxes = shapely.box(columns[first], rows[first], columns[last] + 1, rows[first] + 1)
    ends = np.searchsorted(owner[first], np.arange(owner[-1] + 2))
    return [shapely.union_all(boxes[a:b]) for a, b in pairwise(ends)]


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the seconds of the second of two runs (the first compiles) and its result."""
    work()
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
