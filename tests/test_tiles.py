"""Tiles: which resolution at which zoom, every cell in every tile it touches, no seams."""

import gzip
import math
from collections.abc import Iterator
from pathlib import Path

import h3
import mapbox_vector_tile
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from browser.made_site import YEARS, make_site, pairs
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import TileType, tileid_to_zxy
from rasterio import Affine

from hexseal.codebook.measures import SIGNALS
from hexseal.raster.grid import Grid
from hexseal.region.load import HexagonRange
from hexseal.tiles.archives import read_header, write_archive
from hexseal.tiles.hexagons import cell_outlines, zoom_bands
from hexseal.tiles.mercator import bounds_of, header_bounds, span_of, tiles_over, view_of
from hexseal.tiles.mvt import EXTENT, Features, Layer, outlines_of, packed_tiles
from hexseal.types import Box
from hexseal.verify.tiles import wrong_attribution

LOW_BITS = (1 << 52) - 1


def decoded_tiles(layer: Layer, zoom: int) -> Iterator[tuple[tuple[int, int], dict]]:
    """Yield the column and row of each tile with its layers; rows count downwards."""
    for tile, packed in packed_tiles(layer.tiles(zoom)):
        _, x, y = tileid_to_zxy(tile)
        options = {"y_coord_down": True}
        yield (x, y), mapbox_vector_tile.decode(gzip.decompress(packed), default_options=options)


def one_feature(shape: shapely.Geometry, zoom: int, **properties: object) -> dict:
    """Return the decoded feature of the only tile, 0/0/0 or below, that a shape touches."""
    values = {name: np.array([value]) for name, value in properties.items()}
    shapes = np.array([shape], dtype=object)
    layer = Layer("shapes", Features(np.array([7], np.uint64), outlines_of(shapes), values))
    ((_, decoded),) = decoded_tiles(layer, zoom)
    (feature,) = decoded["shapes"]["features"]
    return feature


def test_values_of_every_kind_come_back() -> None:
    square = shapely.box(0.25, 0.25, 0.5, 0.5)
    feature = one_feature(
        square, 0, zero=0, less=-3, large=2**40, share=0.125, none=float("nan"), name="Örkény"
    )
    assert feature["id"] == 7
    assert math.isnan(feature["properties"].pop("none"))
    assert feature["properties"] == {
        "zero": 0, "less": -3, "large": 2**40, "share": 0.125, "name": "Örkény"
    }  # fmt: skip
    ring = feature["geometry"]["coordinates"][0]
    assert {tuple(corner) for corner in ring} == {
        (1024, 1024),
        (1024, 2048),
        (2048, 1024),
        (2048, 2048),
    }


def test_parts_and_holes_stay_what_they_are() -> None:
    holed = shapely.box(0.25, 0.25, 0.5, 0.5) - shapely.box(0.3125, 0.3125, 0.375, 0.375)
    other = shapely.box(0.625, 0.625, 0.75, 0.75)
    geometry = one_feature(shapely.MultiPolygon([holed, other]), 0)["geometry"]
    decoded = shapely.geometry.shape(geometry)
    wanted = shapely.transform(shapely.MultiPolygon([holed, other]), lambda places: places * EXTENT)
    assert shapely.equals(decoded, wanted)


def test_what_vanishes_at_a_zoom_leaves_nothing_behind() -> None:
    # A shell below a unit with a hole, beside a part that is seen.
    tiny = shapely.box(0.1, 0.1, 0.1 + 1e-5, 0.1 + 1e-5) - shapely.box(
        0.1 + 2e-6, 0.1 + 2e-6, 0.1 + 5e-6, 0.1 + 5e-6
    )
    part = shapely.box(0.5, 0.5, 0.75, 0.75)
    feature = one_feature(shapely.MultiPolygon([tiny, part]), 0)
    assert shapely.geometry.shape(feature["geometry"]).area == 1024**2
    line = Layer(
        "shapes",
        Features(np.array([1], np.uint64), outlines_of(np.array([tiny], dtype=object)), {}),
    )
    ((_, decoded),) = decoded_tiles(line, 0)
    assert decoded["shapes"]["features"] == []


def test_a_cell_is_in_the_tiles_of_a_zoom_that_it_is_too_small_for() -> None:
    cell = np.array([h3.str_to_int(h3.latlng_to_cell(46.5, 11.25, 9))], np.uint64)
    layer = Layer("cells", Features(cell, cell_outlines(cell), {"n": [5]}), keep_tiny=True)
    ((_, decoded),) = decoded_tiles(layer, 0)
    assert [feature["properties"] for feature in decoded["cells"]["features"]] == [{"n": 5}]


def test_a_patch_wider_than_tiles_is_clipped_and_covers_what_it_covers() -> None:
    # A road along a parallel through eight tiles of zoom 4, and a ring road around a tile.
    road = shapely.box(0.01, 0.5, 0.49, 0.503)
    ring = shapely.box(0.05, 0.05, 0.4, 0.4) - shapely.box(0.07, 0.07, 0.38, 0.38)
    shapes = np.array([road, ring], dtype=object)
    layer = Layer("shapes", Features(np.arange(1, 3, dtype=np.uint64), outlines_of(shapes), {}))
    parts: dict[int, list[shapely.Geometry]] = {1: [], 2: []}
    for (x, y), decoded in decoded_tiles(layer, 4):
        for feature in decoded["shapes"]["features"]:
            shape = shapely.geometry.shape(feature["geometry"])
            west, south, east, north = shape.bounds
            assert min(west, south) >= -2 * EXTENT
            assert max(east, north) <= 3 * EXTENT
            tile = shapely.box(x, y, x + 1, y + 1)
            placed = shapely.transform(shape, lambda places, x=x, y=y: places / EXTENT + (x, y))
            parts[feature["id"]].append(shapely.intersection(placed, tile))
    for number, shape in ((1, road), (2, ring)):
        whole = shapely.union_all(parts[number])
        wanted = shapely.transform(shape, lambda places: places * 16)
        assert shapely.symmetric_difference(whole, wanted).area < 1e-3 * wanted.area + 1e-2
    assert layer.tiles(4).ids.size == len(set(layer.tiles(4).ids.tolist()))


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
    for (x, y), decoded in decoded_tiles(Layer("hexagons", features), 10):
        for feature in decoded["hexagons"]["features"]:
            ring = feature["geometry"]["coordinates"][0]
            world = tuple((x * EXTENT + px, y * EXTENT + py) for px, py in ring)
            places.setdefault(feature["id"], set()).add(world)
            tiles.setdefault(feature["id"], set()).add((x, y))
    assert len(places) == cells.size
    # The same corners in world coordinates in every tile: nothing clipped, no seam.
    assert all(len(rings) == 1 for rings in places.values())
    assert max(map(len, tiles.values())) >= 2
    for place, cell in enumerate(cells.tolist()):
        x, y = outlines.ring(place)
        columns = {int(edge * 1024) for edge in (x.min(), x.max())}
        rows = {int(edge * 1024) for edge in (y.min(), y.max())}
        assert {(c, r) for c in columns for r in rows} <= tiles[cell & LOW_BITS]


def test_outlines_run_clockwise_and_do_not_span_the_world() -> None:
    cells = [h3.latlng_to_cell(-16.5, 180.0, 7), h3.get_pentagons(7)[3]]
    outlines = cell_outlines(np.array([h3.str_to_int(c) for c in cells], dtype=np.uint64))
    assert np.diff(outlines.rings).tolist() == [6, 10]
    for x, y in map(outlines.ring, range(2)):
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
        assert Reader(source).header()["clustered"]
        for _, packed in all_tiles(source):
            layers = mapbox_vector_tile.decode(gzip.decompress(packed))
            for feature in layers["hexagons"]["features"]:
                result = feature["properties"]
                row = wanted[result["resolution"], feature["id"]]
                assert {n: result[n] for n in names} == {n: round(row[n]) for n in names}
                assert [SIGNALS[result[n]] for n in signals] == [row[n] for n in signals]
                assert result.keys() == fields.keys() == {"resolution", *names, *signals}
                seen.add((result["resolution"], feature["id"]))
    assert seen == wanted.keys()
    assert {row[signals[0]] for row in wanted.values()} >= {"within_noise", "gain"}


def test_an_archive_holds_equal_tiles_once_and_in_order(tmp_path: Path) -> None:
    tiles = [(0, b"town"), (1, b"sea"), (2, b"sea"), (3, b"town"), (4, b"sea")]
    path = tmp_path / "tiles.pmtiles"
    count = write_archive(
        path, tiles, kind=TileType.PNG, bounds=Box(-10.0, -10.0, 10.0, 10.0), metadata={}
    )
    header = read_header(path)
    assert count == header["addressed_tiles_count"] == 5
    assert header["tile_contents_count"] == 2
    assert header["tile_data_length"] == len(b"town" + b"sea")
    assert header["clustered"]


@pytest.mark.parametrize(
    ("lon", "span"),
    [
        ([6.0, 7.0], (6.0, 7.0)),
        ([179.5, -179.0, 179.9], (179.5, 181.0)),
        ([-180.0, 180.0, 179.9], (179.9, 180.0)),
        ([-180.0, -90.0, 0.0, 90.0, 180.0], (-180.0, 180.0)),
    ],
)
def test_the_span_of_longitudes_across_180_degrees(
    lon: list[float], span: tuple[float, float]
) -> None:
    assert span_of(np.array(lon)) == pytest.approx(span)


def test_tiles_and_header_of_bounds_across_180_degrees() -> None:
    tiles = tiles_over((179.0, -1.0, 181.0, 1.0), 3)
    assert {(tile.x, tile.y) for tile in tiles} == {(7, 3), (7, 4), (0, 3), (0, 4)}
    assert [tile.id for tile in tiles] == sorted(tile.id for tile in tiles)
    assert header_bounds((179.0, -1.0, 181.0, 1.0)) == (
        -1_800_000_000, -10_000_000, 1_800_000_000, 10_000_000,
    )  # fmt: skip


def test_a_grid_in_degrees_past_180_shows_on_both_sides() -> None:
    grid = Grid("EPSG:4326", Affine(0.01, 0, 179.5, 0, -0.01, 0.5), 100, 100)
    seen = set()
    for tile in tiles_over(bounds_of(grid), 7):
        view = view_of(grid, tile)
        assert view is not None
        seen |= {(tile.x, view.window.column, view.window.column + view.window.width)}
    assert seen == {(127, 0, 50), (0, 50, 100)}


@pytest.mark.parametrize(
    ("words", "simulated", "problems"),
    [
        ("Simulated by hexseal; holds no CLC+ Backbone data", True, 0),
        ("European Union, Copernicus Land Monitoring Service", False, 0),
        ("European Union, Copernicus Land Monitoring Service", True, 1),
        ("Simulated by hexseal; holds no CLC+ Backbone data", False, 1),
        (None, True, 1),
    ],
)
def test_tiles_say_whether_they_are_simulated(
    words: str | None, simulated: bool, problems: int
) -> None:
    found = list(wrong_attribution("a.pmtiles", {"attribution": words}, simulated=simulated))
    assert len(found) == problems
    assert all(line.startswith("a.pmtiles: the site is ") for line in found)
