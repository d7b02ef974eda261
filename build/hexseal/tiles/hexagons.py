"""Vector tiles of hexagons and areas in one PMTiles archive, one H3 resolution per zoom band."""

import base64
import hashlib
import math
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from h3.api import basic_int
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from hexseal.codebook import columns_for, spread_of
from hexseal.codebook.measures import SIGNALS
from hexseal.manifest import TileSummary, ZoomBand
from hexseal.progress import Progress, no_progress
from hexseal.region.load import HexagonRange, Region, wants_script
from hexseal.storage.database import connect, fetch, run
from hexseal.storage.files import whole_file, write_bytes
from hexseal.storage.workdir import WorkFolder
from hexseal.tiles.mercator import header_bounds, span_of
from hexseal.tiles.mvt import BUFFER, EXTENT, Features, Layer, Outlines, packed_tiles
from hexseal.types import Box, Doubles, Integers

# The web Mercator square ends here.
LATITUDE_LIMIT = 85.051_128
EARTH_CIRCUMFERENCE_M = 40_075_016.685_578_488
# Outlines come from H3 as Python objects, so many cells at a time.
CELLS_AT_ONCE = 100_000


def zoom_bands(hexagons: HexagonRange) -> tuple[ZoomBand, ...]:
    """Return which resolution each zoom shows: zoom − 1 up to zoom 8, zoom − 2 after.

    >>> [(b.resolution, b.minzoom, b.maxzoom) for b in zoom_bands(HexagonRange(9, 6))]
    [(6, 0, 7), (7, 8, 9), (8, 10, 10), (9, 11, 11)]
    """
    last = next(zoom for zoom in range(32) if _resolution(zoom) >= hexagons.finest)
    shown = [max(_resolution(zoom), hexagons.coarsest) for zoom in range(last + 1)]
    return tuple(
        ZoomBand(resolution, shown.index(resolution), last - shown[::-1].index(resolution))
        for resolution in sorted(set(shown))
    )


def _resolution(zoom: int) -> int:
    return zoom - 1 if zoom <= 8 else zoom - 2


def write_tiles(
    region: Region,
    work: Path,
    site: Path,
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> TileSummary:
    """Encode hexagons.parquet and the area outlines of ``work`` as one PMTiles archive in ``site``.

    Every cell stands whole in each tile that its extent touches. Beside the
    archive, pages get the same bytes as a script for opening without a server.
    """
    bands = zoom_bands(region.hexagons)
    archive = site / "tiles" / "hexagons.pmtiles"
    bounds = _write_archive(region, work, archive, bands, workers, progress)
    content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:10]
    named = archive.with_name(f"hexagons-{digest}.pmtiles")
    archive.replace(named)
    script = None
    if wants_script(region.site.standalone, len(content)):
        script = f"assets/tiles-{digest}.js"
        encoded = base64.b64encode(content)
        write_bytes(site / script, b'globalThis.hexsealArchive="' + encoded + b'";\n')
    west, south, east, north = bounds
    return TileSummary(
        pmtiles=f"tiles/{named.name}",
        script=script,
        bytes=len(content),
        bounds=bounds,
        center=((west + east) / 2.0, (south + north) / 2.0),
        minzoom=0,
        maxzoom=bands[-1].maxzoom,
        bands=bands,
    )


def _write_archive(
    region: Region,
    work: Path,
    archive: Path,
    bands: tuple[ZoomBand, ...],
    workers: int | None,
    progress: Progress,
) -> Box:
    """Write the tiles in ascending order of their ids; return the bounds in degrees."""
    hexagons = {
        band.resolution: Layer(
            "hexagons", _read_hexagons(region, work, band.resolution), keep_tiny=True
        )
        for band in bands
    }
    bounds = _bounds(hexagons[bands[-1].resolution].outlines)
    with connect(work, spatial=True) as database:
        database.register("borders", border_table(WorkFolder(work).zone_shapes))
        run(database, "area_shapes")
        with whole_file(archive) as partial, partial.open("wb") as stream:
            writer = Writer(stream)
            for band in bands:
                for zoom in range(band.minzoom, band.maxzoom + 1):
                    progress("tiles", zoom, bands[-1].maxzoom)
                    layer = hexagons[band.resolution]
                    for tile, content in _zoom_tiles(database, layer, zoom, workers):
                        writer.write_tile(tile, content)
            writer.finalize(_header(bounds, bands), _metadata(region, bands))
    return bounds


def _zoom_tiles(
    database: duckdb.DuckDBPyConnection, hexagons: Layer, zoom: int, workers: int | None
) -> Iterator[tuple[int, bytes]]:
    """Yield the packed tiles of one zoom in ascending order of their ids."""
    values = {
        "zoom": zoom,
        "across": 2**zoom,
        "margin": BUFFER / EXTENT,
        "buffer": BUFFER,
        "detail_m": EARTH_CIRCUMFERENCE_M / 2**zoom / 512,
    }
    areas = {
        zxy_to_tileid(zoom, x, y): bytes(layer)
        for x, y, layer in fetch(database, "area_tiles", values=values)
    }
    yield from packed_tiles(hexagons.tiles(zoom), areas, workers=workers)


def _read_hexagons(region: Region, work: Path, resolution: int) -> Features:
    """Return the cells of one resolution; properties are whole square metres and signals."""
    names, signals = _m2_columns(region), _signal_columns(region)
    table = pq.read_table(
        WorkFolder(work).hexagons,
        columns=["h3", *names, *signals],
        filters=[("resolution", "=", resolution)],
    )
    cells = table["h3"].to_numpy()
    figures = {name: whole_m2(table[name]) for name in names}
    figures |= {name: signal_codes(table[name]) for name in signals}
    return Features(
        ids=cells & np.uint64((1 << 52) - 1),
        outlines=cell_outlines(cells),
        properties={"resolution": np.full(cells.size, resolution, np.int64), **figures},
    )


def _m2_columns(region: Region) -> list[str]:
    return [c.name for c in columns_for("tile", spread_of(region)) if c.type == "DOUBLE"]


def _signal_columns(region: Region) -> list[str]:
    return [c.name for c in columns_for("tile", spread_of(region)) if c.values]


def whole_m2(column: pa.ChunkedArray) -> Integers:
    """Return square metres rounded to whole ones; halves go up, no data is 0.

    >>> whole_m2(pa.chunked_array([[1.5, -1.5, None]])).tolist()
    [2, -1, 0]
    """
    return np.floor(column.cast(pa.float64()).fill_null(0.0).to_numpy() + 0.5).astype(np.int64)


def signal_codes(column: pa.ChunkedArray) -> Integers:
    """Return the place of each signal in ``SIGNALS``.

    >>> signal_codes(pa.chunked_array([["loss", "within_noise", None]])).tolist()
    [3, 1, 0]
    """
    encoded = column.combine_chunks().fill_null(SIGNALS[0]).dictionary_encode()
    codes = np.array([SIGNALS.index(signal) for signal in encoded.dictionary.to_pylist()], np.int64)
    return codes[encoded.indices.to_numpy()]


def cell_outlines(cells: np.ndarray) -> Outlines:
    """Return the outlines of H3 cells on the web Mercator square, whole across the antimeridian."""
    parts = [
        _cell_corners(cells[at : at + CELLS_AT_ONCE]) for at in range(0, cells.size, CELLS_AT_ONCE)
    ]
    sizes = np.concatenate([size for size, _ in parts] or [np.empty(0, np.int64)])
    lat, lon = np.concatenate([places for _, places in parts] or [np.empty((0, 2))]).T
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    lon = lon - 360.0 * np.rint((lon - np.repeat(lon[starts[:-1]], sizes)) / 360.0)
    one_each = np.arange(starts.size, dtype=np.int64)
    return Outlines(*_world(lon, lat), starts, one_each, one_each)


def _cell_corners(cells: np.ndarray) -> tuple[Integers, Doubles]:
    """Return how many corners each cell has, and all corners (latitude, longitude) clockwise."""
    rings = [basic_int.cell_to_boundary(cell) for cell in cells.tolist()]
    # H3 lists corners counter-clockwise; tiles want them clockwise.
    places = np.array([place for ring in rings for place in reversed(ring)])
    return np.array([len(ring) for ring in rings], np.int64), places


def border_table(shapes: Path) -> pa.Table:
    """Return the areas of zone_shapes.parquet numbered from 1, as WKB in EPSG:3857."""
    table = pq.read_table(shapes)
    geometries = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    projected = shapely.transform(geometries, mercator)
    return pa.table(
        {
            "number": pa.array(range(1, table.num_rows + 1), pa.int64()),
            **{name: table[name] for name in ("layer", "id", "name")},
            "wkb": pa.array(list(shapely.to_wkb(projected)), pa.binary()),
        }
    )


def _world(lon: Doubles, lat: Doubles) -> tuple[Doubles, Doubles]:
    """Return places on the web Mercator square, 0 to 1 eastwards and southwards."""
    lat = np.radians(np.clip(lat, -LATITUDE_LIMIT, LATITUDE_LIMIT))
    return lon / 360.0 + 0.5, 0.5 - np.arcsinh(np.tan(lat)) / (2.0 * math.pi)


def world(lonlat: Doubles) -> Doubles:
    """Return places on the web Mercator square of degrees, both of shape (n, 2)."""
    return np.column_stack(_world(lonlat[:, 0], lonlat[:, 1]))


def mercator(lonlat: Doubles) -> Doubles:
    """Return metres in EPSG:3857 of degrees, both of shape (n, 2)."""
    x, y = _world(lonlat[:, 0], lonlat[:, 1])
    return EARTH_CIRCUMFERENCE_M * np.column_stack([x - 0.5, 0.5 - y])


def _bounds(outlines: Outlines) -> Box:
    """Return west, south, east, north of all outlines in degrees, cut to the globe.

    East lies past 180 degrees where the hexagons cross them.
    """
    west, east = span_of(360.0 * (outlines.x - 0.5))
    north, south = (
        math.degrees(math.atan(math.sinh(2.0 * math.pi * (0.5 - float(edge)))))
        for edge in (outlines.y.min(), outlines.y.max())
    )
    return (
        Box(west, south, east, north) if east - west < 180.0 else Box(-180.0, south, 180.0, north)
    )


def _header(bounds: Box, bands: tuple[ZoomBand, ...]) -> dict[str, object]:
    west, south, east, north = header_bounds(bounds)
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": min(8, bands[-1].maxzoom),
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }


def _metadata(region: Region, bands: tuple[ZoomBand, ...]) -> dict[str, object]:
    names = ["resolution", *_m2_columns(region), *_signal_columns(region)]
    fields = dict.fromkeys(names, "Number")
    zooms = {"minzoom": bands[0].minzoom, "maxzoom": bands[-1].maxzoom}
    areas = {"layer": "String", "id": "String", "name": "String"}
    layers = [{"id": "hexagons", "fields": fields, **zooms}]
    if region.areas:
        layers.append({"id": "areas", "fields": areas, **zooms})
    return {
        "name": next(iter(region.title.values())),
        "attribution": region.attribution,
        "type": "overlay",
        "vector_layers": layers,
    }
