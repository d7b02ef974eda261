"""Tiles: which resolution at which zoom, every cell in every tile it touches, no seams."""

import h3
import mapbox_vector_tile
import numpy as np

from hexseal.config import HexagonRange
from hexseal.mvt import EXTENT, Features, encode_layer
from hexseal.tiles import cell_outlines, zoom_bands

LOW_BITS = (1 << 52) - 1


def test_each_zoom_shows_one_resolution() -> None:
    bands = [(b.resolution, b.minzoom, b.maxzoom) for b in zoom_bands(HexagonRange(9, 5))]
    assert bands == [(5, 0, 6), (6, 7, 7), (7, 8, 9), (8, 10, 10), (9, 11, 11)]
    assert [(b.resolution, b.maxzoom) for b in zoom_bands(HexagonRange(3, 3))] == [(3, 4)]


def test_cells_stand_whole_and_alike_in_every_tile_that_they_touch() -> None:
    disk = h3.grid_disk(h3.latlng_to_cell(46.5, 11.25, 8), 30)
    cells = np.array(sorted(map(h3.str_to_int, disk)), dtype=np.uint64)
    outlines = cell_outlines(cells)
    features = Features(cells & np.uint64(LOW_BITS), outlines, {"valid_m2": np.arange(cells.size)})
    places: dict[int, set[tuple]] = {}
    tiles: dict[int, set[tuple[int, int]]] = {}
    for x, y, layer in encode_layer("hexagons", features, 10):
        decoded = mapbox_vector_tile.decode(layer, default_options={"y_coord_down": True})
        for feature in decoded["hexagons"]["features"]:
            ring = feature["geometry"]["coordinates"][0]
            world = tuple((x * EXTENT + px, y * EXTENT + py) for px, py in ring)
            places.setdefault(feature["id"], set()).add(world)
            tiles.setdefault(feature["id"], set()).add((x, y))
    assert len(places) == cells.size
    # The same corners in world coordinates in every tile: nothing clipped, no seam.
    assert all(len(rings) == 1 for rings in places.values())
    assert max(map(len, tiles.values())) >= 2
    for cell, x, y in zip(cells.tolist(), outlines.x, outlines.y, strict=True):
        columns = {int(edge * 1024) for edge in (x.min(), x.max())}
        rows = {int(edge * 1024) for edge in (y.min(), y.max())}
        assert {(c, r) for c in columns for r in rows} <= tiles[cell & LOW_BITS]


def test_outlines_run_clockwise_and_do_not_span_the_world() -> None:
    cells = [h3.latlng_to_cell(-16.5, 180.0, 7), h3.get_pentagons(7)[3]]
    outlines = cell_outlines(np.array([h3.str_to_int(c) for c in cells], dtype=np.uint64))
    for x, y, corners in zip(outlines.x, outlines.y, outlines.corners, strict=True):
        x, y = x[:corners], y[:corners]
        assert np.ptp(x) < 0.001
        # Positive by the surveyor's formula with y downwards, as the MVT specification asks.
        assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0
