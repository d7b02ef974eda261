"""Layers beside the hexagons: each tile pixel is one raster pixel, and every archive is sound."""

import gzip
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from affine import Affine
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import Compression, TileType
from pmtiles.writer import Writer
from rasterfiles import NORTH, WEST, write_tif
from rasterio.io import MemoryFile
from sites import hexseal, tree, write_region

from hexseal.build import BuildSettings, Reporter, count, judge
from hexseal.errors import InputError, RegionError
from hexseal.raster.grid import Grid, Window
from hexseal.region.load import Forward, load_region
from hexseal.tiles import left_out, stage, write_layers
from hexseal.tiles.archives import publish, write_archive
from hexseal.tiles.codes import decode, encode, pixel_codes
from hexseal.tiles.ground import ground_table, ground_zooms, write_ground
from hexseal.tiles.images import TrueColor, encode_webp
from hexseal.tiles.mercator import TILE_PIXELS, MercatorTile, parts_of, tiles_over, view_of
from hexseal.tiles.patches import write_patch_tiles
from hexseal.tiles.pixels import ConfirmedPixels
from hexseal.tiles.stage import read_basemap
from hexseal.types import Pair


def decoded(png: bytes) -> np.ndarray:
    """Return palette numbers as another program reads them."""
    with MemoryFile(png) as memory, memory.open() as file:
        return file.read(1)


def tiles_of(archive: Path) -> dict[tuple[int, int, int], bytes]:
    with archive.open("rb") as stream:
        return dict(all_tiles(MmapSource(stream)))


def test_a_picture_holds_its_numbers() -> None:
    numbers = (np.arange(12).reshape(3, 4) % 5).astype(np.uint8)
    assert decoded(encode(numbers, bytes(15))).tolist() == numbers.tolist()
    assert encode(numbers, bytes(15)) == encode(numbers, bytes(15))
    # Odd widths, more colours than half a byte holds, and noise, which is packed another way.
    noise = np.random.default_rng(1).integers(0, 16, (300, 301)).astype(np.uint8)
    for wanted, colors in ((noise, 16), (noise, 17), (numbers, 17), (numbers[:, :3], 5)):
        png = encode(wanted, bytes(3 * colors))
        assert decoded(png).tolist() == wanted.tolist() == decode(png).tolist()


def test_a_tile_shows_the_pixel_under_each_centre() -> None:
    # One column of the raster for each 64 pixels of tile 2/1/1, one row for each 64 as well.
    grid = Grid("EPSG:3857", Affine(10018754.171394622 / 8, 0, -10018754.171394622, 0,
                                    -10018754.171394622 / 8, 10018754.171394622), 8, 8)  # fmt: skip
    view = view_of(grid, MercatorTile(2, 1, 1))
    assert view is not None
    assert view.window == Window(0, 0, 8, 8)
    numbers = np.arange(1, 65, dtype=np.uint8).reshape(8, 8)
    painted = view.paint(numbers)
    assert painted.shape == (TILE_PIXELS, TILE_PIXELS)
    assert np.array_equal(painted, np.kron(numbers, np.ones((64, 64), np.uint8)))
    beside = view_of(grid, MercatorTile(2, 2, 1))
    assert beside is None


def test_places_between_nodes_are_exact_to_a_thousandth_of_a_pixel() -> None:
    grid = Grid("EPSG:3035", Affine(10, 0, WEST, 0, -10, NORTH), 2000, 2000)
    lon, lat = grid.to_lonlat(np.array([WEST + 9000.0]), np.array([NORTH - 9000.0]))
    (tile,) = tiles_over((lon[0], lat[0], lon[0], lat[0]), 14)
    view = view_of(grid, tile)
    assert view is not None
    for row, column in ((0, 0), (100, 371), (511, 511), (255, 256)):
        x, y = (tile.x + (column + 0.5) / 512) / 2**14, (tile.y + (row + 0.5) / 512) / 2**14
        there = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y))))
        place = grid.places(*grid.from_lonlat(np.array([360 * x - 180]), np.array([there])))
        wanted = [math.floor(axis[0] + 0.5) for axis in place]
        shown = [view.columns[row, column], view.rows[row, column]]
        assert shown == [wanted[0] - view.window.column, wanted[1] - view.window.row]


def test_codes_name_what_can_occur_and_nothing_else() -> None:
    codes = pixel_codes((2018, 2021, 2024), (Pair(2018, 2021), Pair(2021, 2024), Pair(2018, 2024)))
    # 000: 1; 100, 110, 111 and 101: no gain or one; by the gains of each: 1+2+4+1+4+2+1+1 = 16.
    assert len(codes.meanings) == len(set(codes.meanings)) == 16
    yes, no = np.array([True]), np.array([False])
    joined = codes.join([no, yes, yes], [yes, no, yes], valid=yes, water=no)
    assert codes.meanings[joined[0] - 2] == (0b110, 0b101)
    # Confirmed where nothing is new cannot be.
    joined = codes.join([yes, yes, yes], [yes, no, no], valid=yes, water=no)
    assert codes.meanings[joined[0] - 2] == (0b111, 0)
    assert codes.join([no] * 3, [no] * 3, valid=yes, water=yes).tolist() == [1]
    assert codes.join([yes] * 3, [no] * 3, valid=no, water=yes).tolist() == [0]


def test_too_many_years_are_refused() -> None:
    years = tuple(range(2000, 2009))
    with pytest.raises(RegionError, match='set pixels = "never"'):
        pixel_codes(years, tuple(pairwise(years)))


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory):
    """Return a counted and judged region, its work folder, and its layers in a site."""
    folder = tmp_path_factory.mktemp("layered")
    region = load_region(write_region(folder / "inputs"))
    settings = BuildSettings(folder / "site")
    work = settings.work(region)
    work.mkdir(parents=True)
    count(region, work, settings, Reporter())
    judge(region, work, settings, Reporter())
    return region, work, write_layers(region, work, folder / "site", key="k"), folder / "site"


def test_tiles_of_a_region_show_its_own_pixels(layered) -> None:
    region, work, layers, site = layered
    assert layers.pixels is not None
    assert (layers.pixels.minzoom, layers.pixels.maxzoom) == (12, 14)
    years = [rasterio.open(epoch.landcover).read(1) for epoch in region.epochs]
    grid = Grid("EPSG:3035", Affine(10, 0, WEST, 0, -10, NORTH), *years[0].shape[::-1])
    confirmed = ConfirmedPixels(grid, work, Pair(2018, 2021))
    certain = confirmed.read(Window(0, 0, grid.height, grid.width))
    # What is confirmed became sealed: at most the 5 x 20 pixels by which the town grew.
    assert not (certain & ~((years[0] != 1) & (years[1] == 1))).any()
    seen = np.zeros(years[0].shape, np.int64)
    for (zoom, x, y), content in tiles_of(site / layers.pixels.pmtiles).items():
        view = view_of(grid, MercatorTile(zoom, x, y))
        assert view is not None
        shown = decoded(content)
        inside = view.rows >= 0
        assert not shown[~inside].any()
        rows = view.rows[inside] + view.window.row
        columns = view.columns[inside] + view.window.column
        before, after = (year[rows, columns] for year in years)
        result = [(0, 0), (0, 0), *layers.codes]
        sealed = np.array([meaning[0] for meaning in result])[shown[inside]]
        sure = np.array([meaning[1] for meaning in result])[shown[inside]]
        valid = after != 254
        assert np.array_equal(shown[inside] == 0, ~valid)
        assert np.array_equal(shown[inside] == 1, valid & (before == 10) & (after == 10))
        assert np.array_equal(sealed, np.where(valid, (before == 1) + 2 * (after == 1), 0))
        assert np.array_equal(sure, certain[rows, columns].astype(int))
        if zoom == layers.pixels.maxzoom:
            np.add.at(seen, (rows, columns), 1)
    assert seen[years[1] != 254].min() > 0


def commonest(ground: np.ndarray) -> np.ndarray:
    """Return soft ground (2 to 5) as the commonest of its nine, the lowest of equals; slowly."""
    padded = np.pad(ground, 1, mode="edge")
    result = ground.copy()
    for row, column in np.argwhere((ground >= 2) & (ground <= 5)):
        counts = np.bincount(padded[row : row + 3, column : column + 3].ravel(), minlength=7)
        result[row, column] = 2 + counts[2:6].argmax()
    return result


def one_of_four(numbers: np.ndarray) -> np.ndarray:
    """Return each two by two pixels as the kind of at least two, else the first; slowly."""
    quads = [numbers[row::2, column::2] for row in (0, 1) for column in (0, 1)]
    result = quads[0].copy()
    for place in np.ndindex(result.shape):
        four = [int(quad[place]) for quad in quads]
        result[place] = next((kind for kind in four if four.count(kind) > 1), four[0])
    return result


def test_ground_of_a_tile_is_the_commonest_class_and_made_of_the_finer_ones(tmp_path: Path) -> None:
    region = load_region(write_region(tmp_path))
    path = Path(region.epochs[-1].landcover)
    with rasterio.open(path) as file:
        shape = file.shape
    random = np.random.default_rng(3)
    noise = random.choice(np.array([1, 2, 6, 7, 9, 10, 254], np.uint8), shape)
    noise[:40] = 254
    write_tif(path, noise)
    with rasterio.open(region.epochs[0].landcover) as file:
        first = file.read(1)
    table = ground_table(region.product)
    wanted = table[np.where(noise == 254, first, noise)]
    assert set(wanted.ravel()) >= {1, 2, 3, 4, 5, 6}
    archive = tmp_path / "ground.pmtiles"
    count = write_ground(region, archive, workers=2)
    with archive.open("rb") as stream:
        assert Reader(MmapSource(stream)).header()["clustered"]
    tiles = {place: decoded(png) for place, png in tiles_of(archive).items()}
    assert len(tiles) == count
    assert write_ground(region, tmp_path / "again.pmtiles", workers=1) == count
    assert (tmp_path / "again.pmtiles").read_bytes() == archive.read_bytes()
    grid = Grid("EPSG:3035", Affine(10, 0, WEST, 0, -10, NORTH), *shape[::-1])
    last = max(zoom for zoom, _, _ in tiles)
    for (zoom, x, y), shown in tiles.items():
        if zoom == last:
            view = view_of(grid, MercatorTile(zoom, x, y))
            assert view is not None
            at, size = view.window, (view.window.height, view.window.width)
            seen = wanted[at.row : at.row + size[0], at.column : at.column + size[1]]
            assert np.array_equal(shown, view.paint(commonest(seen)))
            continue
        parts = [tiles.get((p.zoom, p.x, p.y)) for p in parts_of(MercatorTile(zoom, x, y))]
        halves = [
            np.zeros((256, 256), np.uint8) if part is None else one_of_four(part) for part in parts
        ]
        assert np.array_equal(shown, np.block([halves[:2], halves[2:]]))
    zooms = ground_zooms(region)
    assert {zoom for zoom, _, _ in tiles} == set(zooms)
    parents = {(zoom - 1, x // 2, y // 2) for zoom, x, y in tiles if zoom > zooms[0]}
    assert parents == {place for place in tiles if place[0] < last}


def test_kept_archives_are_not_written_again(layered, tmp_path: Path) -> None:
    region, work, layers, _ = layered
    stamp = (work / "layers/pixels.pmtiles").stat().st_mtime_ns
    again = write_layers(region, work, tmp_path, key="k")
    assert (work / "layers/pixels.pmtiles").stat().st_mtime_ns == stamp
    anew = write_layers(region, work, tmp_path / "anew", key="other")
    assert again == layers == anew
    first = {name: result for name, result in tree(tmp_path).items() if not name.startswith("anew")}
    assert first == tree(tmp_path / "anew") != {}


def test_a_region_too_large_for_pixels_says_so(layered, monkeypatch: pytest.MonkeyPatch) -> None:
    region = layered[0]
    assert left_out(region) == ""
    monkeypatch.setattr(stage, "AUTO_LIMIT_PIXELS", 100)
    assert left_out(region) == (
        "no pixels and no images, since 18,000 pixels are over 100 "
        '([site] pixels = "always" makes them)'
    )
    never = replace(region, site=replace(region.site, pixels="never"))
    assert left_out(never) == ""


def test_pixels_can_be_left_out(tmp_path: Path) -> None:
    region_file = write_region(tmp_path / "inputs")
    text = region_file.read_text(encoding="utf-8")
    region_file.write_text(f'{text}[site]\npixels = "never"\n', encoding="utf-8")
    result = hexseal("build", region_file, "--out", tmp_path / "site")
    assert result.code == 0, result.err
    assert not list((tmp_path / "site/tiles").glob("pixels-*"))
    region_file.write_text(f'{text}[site]\npixels = "yes"\n', encoding="utf-8")
    with pytest.raises(RegionError, match=r"\[site\] pixels = 'yes' is not auto, always or never"):
        load_region(region_file)


def image(path: Path, bands: dict[str, np.ndarray]) -> Path:
    height, width = next(iter(bands.values())).shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=len(bands), dtype="int16",
        crs="EPSG:3035", transform=Affine(10, 0, WEST, 0, -10, NORTH), nodata=0,
    ) as file:  # fmt: skip
        for place, (name, band) in enumerate(bands.items(), 1):
            file.write(band, place)
            file.set_band_description(place, name)
    return path


def test_true_color_takes_bands_by_name_and_leaves_gaps_open(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 3000, 64).astype(np.int16).reshape(8, 8)
    gap = ramp.copy()
    gap[0, 0] = 0
    path = image(tmp_path / "i.tif", {"B02": ramp, "B08": ramp, "B03": gap, "B04": ramp[::-1]})
    with TrueColor(str(path)) as picture:
        red, green, blue, alpha = picture.read(Window(0, 0, 8, 8))
    assert (alpha == 0).sum() == 1
    assert alpha[0, 0] == green[0, 0] == 0
    # Darkest to brightest from black to white: blue rises over the rows, red falls.
    assert blue[7, 7] == red[0, 7] == 255
    assert (np.diff(blue[:, 3].astype(int)) > 0).all()
    assert (np.diff(red[1:, 3].astype(int)) < 0).all()
    white = encode_webp(np.full((4, 512, 512), 255, np.uint8))
    with MemoryFile(white) as memory, memory.open() as file:
        assert (file.width, file.height) == (512, 512)
    with pytest.raises(InputError, match=r"has no band B03, B02"):
        TrueColor(str(image(tmp_path / "j.tif", {"B04": ramp})))


def test_images_without_true_colours_are_left_out_unless_asked_for(layered, tmp_path: Path) -> None:
    region, work, _, _ = layered
    infrared = str(image(tmp_path / "i.tif", {"B08": np.full((8, 8), 900, np.int16)}))
    forward = Forward(infrared, "model", 2018, infrared, tmp_path)
    epochs = (region.epochs[0], replace(region.epochs[1], forward=forward))
    region = replace(region, epochs=epochs)
    layers = write_layers(region, work, tmp_path / "site", key="k")
    assert layers.pixels is not None
    assert layers.images == {}
    always = replace(region, site=replace(region.site, pixels="always"))
    with pytest.raises(InputError, match="has no band B04, B03, B02"):
        write_layers(always, work, tmp_path / "site", key="k")


def write_patches(work: Path, pair: Pair, grid: Grid) -> None:
    """Write two patches: 2 x 3 confirmed pixels, and one pixel that is not confirmed."""

    def outline(columns: tuple[int, int], rows: tuple[int, int]) -> bytes:
        box = shapely.box(columns[0], rows[0], columns[1], rows[1])

        def lonlat(xy: np.ndarray) -> np.ndarray:
            x, y = grid.centers(xy[:, 1] - 0.5, xy[:, 0] - 0.5)
            return np.round(np.column_stack(grid.to_lonlat(x, y)), 7)

        return shapely.to_wkb(shapely.transform(box, lonlat))

    table = {
        "rank": [1, 2],
        "confirmed": [True, False],
        "q_value": [0.0312345, 0.4],
        "area_m2": [600.0, 100.0],
        "origin": ["Permanent herbaceous", "Water"],
        "geometry": pa.array([outline((2, 5), (1, 3)), outline((0, 1), (0, 1))], pa.binary()),
    }
    pq.write_table(pa.table(table), work / f"patches_{pair.key}.parquet")


def test_confirmed_patches_give_back_their_pixels_and_their_facts(layered, tmp_path: Path) -> None:
    region = layered[0]
    grid = Grid("EPSG:3035", Affine(10, 0, WEST, 0, -10, NORTH), 8, 6)
    write_patches(tmp_path, Pair(2018, 2021), grid)
    wanted = np.zeros((6, 8), bool)
    wanted[1:3, 2:5] = True
    pixels = ConfirmedPixels(grid, tmp_path, Pair(2018, 2021))
    assert np.array_equal(pixels.read(Window(0, 0, 6, 8)), wanted)
    assert np.array_equal(pixels.read(Window(2, 3, 2, 4)), wanted[2:4, 3:7])
    assert not pixels.read(Window(4, 0, 2, 8)).any()
    assert write_patch_tiles(region, tmp_path, tmp_path / "p.pmtiles") == 1
    tiles = tiles_of(tmp_path / "p.pmtiles")
    assert {zoom for zoom, _, _ in tiles} == {10, 11, 12, 13}
    for content in tiles.values():
        (feature,) = mapbox_vector_tile.decode(gzip.decompress(content))["patches"]["features"]
        assert feature["properties"] == {
            "pair": "2018-2021", "rank": 1, "q_value": 0.03123, "area_m2": 600,
            "origin": "Permanent herbaceous",
        }  # fmt: skip


def basemap(path: Path, kind: TileType = TileType.MVT, attribution: str = "© Somebody") -> Path:
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.write_tile(0, gzip.compress(b"", mtime=0))
        header = dict.fromkeys(("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7",
                                "center_zoom", "center_lon_e7", "center_lat_e7"), 0)  # fmt: skip
        header |= {"tile_type": kind, "tile_compression": Compression.GZIP}
        layers = [{"id": "water", "fields": {}}]
        writer.finalize(header, {"attribution": attribution, "vector_layers": layers})
    return path


def test_a_basemap_is_copied_with_whom_to_name(tmp_path: Path) -> None:
    archive = basemap(tmp_path / "mine.pmtiles")
    facts = read_basemap(archive)
    assert (facts.attribution, facts.layers) == ("© Somebody", ("water",))
    published = publish(archive, "basemap", tmp_path / "site", "never")
    assert (tmp_path / "site" / published.pmtiles).read_bytes() == archive.read_bytes()
    assert (published.format, published.script) == ("mvt", None)


def test_what_is_no_basemap_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.pmtiles").write_bytes(b"PK" * 200)
    with pytest.raises(InputError, match=r"no\.pmtiles: not a PMTiles v3 archive"):
        read_basemap(tmp_path / "no.pmtiles")
    with pytest.raises(InputError, match="cannot be read"):
        read_basemap(tmp_path / "missing.pmtiles")
    with pytest.raises(InputError, match="holds tiles of type AVIF"):
        read_basemap(basemap(tmp_path / "avif.pmtiles", TileType.AVIF))


def test_an_archive_without_tiles_is_none(tmp_path: Path) -> None:
    path = tmp_path / "none.pmtiles"
    bounds = (0.0, 0.0, 1.0, 1.0)
    assert write_archive(path, [], kind=TileType.PNG, bounds=bounds, metadata={}) == 0
    assert list(tmp_path.iterdir()) == []


def test_write_tif_lies_where_the_grid_says(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", np.ones((3, 3), np.uint8))
    with rasterio.open(path) as file:
        assert (file.transform.c, file.transform.f, file.transform.a) == (WEST, NORTH, 10.0)
