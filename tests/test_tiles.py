"""Tiles: which resolution at which zoom, every cell in every tile it touches, no seams."""

import gzip
from pathlib import Path

import h3
import mapbox_vector_tile
import numpy as np
import pyarrow.parquet as pq
from browser.made_site import YEARS, make_site, pairs
from pmtiles.reader import MmapSource, Reader, all_tiles

from hexseal.region.load import HexagonRange
from hexseal.tiles.hexagons import SIGNALS, cell_outlines, zoom_bands
from hexseal.tiles.mvt import EXTENT, Features, encode_layer

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


def test_every_hexagon_carries_what_was_judged_of_it(tmp_path: Path) -> None:
    made = make_site(tmp_path, standalone="never", radius=1)
    wanted = {
        (row["resolution"], row["h3"] & LOW_BITS): row
        for row in pq.read_table(made.work / "hexagons.parquet").to_pylist()
    }
    names = ["valid_m2", "land_m2", *(f"sealed_m2_{year}" for year in YEARS)]
    judged = ("confirmed_m2", "adjusted_m2", "adjusted_low_m2", "adjusted_high_m2")
    columns = ("new_sealed_m2", "unsealed_m2", *judged)
    names += [f"{column}_{a}_{b}" for a, b in pairs() for column in columns]
    signals = [f"signal_{a}_{b}" for a, b in pairs()]
    seen = set()
    with next((made.folder / "tiles").glob("hexagons-*.pmtiles")).open("rb") as stream:
        source = MmapSource(stream)
        fields = Reader(source).metadata()["vector_layers"][0]["fields"]
        for _, packed in all_tiles(source):
            layers = mapbox_vector_tile.decode(gzip.decompress(packed))
            for feature in layers["hexagons"]["features"]:
                told = feature["properties"]
                row = wanted[told["resolution"], feature["id"]]
                assert {n: told[n] for n in names} == {n: round(row[n]) for n in names}
                assert [SIGNALS[told[n]] for n in signals] == [row[n] for n in signals]
                assert told.keys() == fields.keys() == {"resolution", *names, *signals}
                seen.add((told["resolution"], feature["id"]))
    assert seen == wanted.keys()
    assert {row[signals[0]] for row in wanted.values()} >= {"within_noise", "gain"}
