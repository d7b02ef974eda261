"""Vector tiles of hexagons and areas in one PMTiles archive, one H3 resolution per zoom band."""

import base64
import gzip
import hashlib
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
from pyproj import Transformer

from hexseal.config import HexagonRange, Region, Standalone
from hexseal.database import connect, fetch, run
from hexseal.files import whole_file, write_bytes
from hexseal.progress import Progress, silent
from hexseal.summaries import TileSummary, ZoomBand

EXTENT = 4096
# Outlines reach this far over a tile's edge, so that no border of a clipped cell is ever drawn.
BUFFER = 80
# The web Mercator square ends here.
LATITUDE_LIMIT = 85.051_128
EARTH_CIRCUMFERENCE_M = 40_075_016.685_578_488
# Above this size the copy that a page needs when it is opened without a server is left out.
STANDALONE_LIMIT_BYTES = 64_000_000


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
    region: Region, work: Path, site: Path, *, progress: Progress = silent
) -> TileSummary:
    """Encode hexagons.parquet and the area outlines of ``work`` as one PMTiles archive in ``site``.

    Every cell stands, clipped with a buffer, in each tile that its extent touches. Beside the
    archive, pages get the same bytes as a script for opening without a server.
    """
    bands = zoom_bands(region.hexagons)
    archive = site / "tiles" / "hexagons.pmtiles"
    bounds = _write_archive(region, work, archive, bands, progress)
    content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:10]
    named = archive.with_name(f"hexagons-{digest}.pmtiles")
    archive.replace(named)
    script = None
    if _wants_script(region.site.standalone, len(content)):
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


def _wants_script(standalone: Standalone, size: int) -> bool:
    return standalone == "always" or (standalone == "auto" and size <= STANDALONE_LIMIT_BYTES)


def _write_archive(
    region: Region, work: Path, archive: Path, bands: tuple[ZoomBand, ...], progress: Progress
) -> tuple[float, float, float, float]:
    names = {"years": region.years, "pairs": region.pairs}
    with connect(work, spatial=True) as database:
        hexagons = work / "hexagons.parquet"
        cells = database.read_parquet(str(hexagons)).select("h3").fetchnumpy()["h3"]
        outlines = outline_table(cells)
        database.register("outlines", outlines)
        database.register("borders", border_table(work / "zone_shapes.parquet"))
        run(database, "tile_shapes", values={"hexagons": str(hexagons)})
        bounds = _bounds(database)
        with whole_file(archive) as partial, partial.open("wb") as stream:
            writer = Writer(stream)
            for band in bands:
                for zoom in range(band.minzoom, band.maxzoom + 1):
                    progress("tiles", zoom, bands[-1].maxzoom)
                    for tile, content in _zoom_tiles(database, zoom, band.resolution, names):
                        writer.write_tile(tile, gzip.compress(content, mtime=0))
            writer.finalize(_header(bounds, bands), _metadata(region, bands))
    return bounds


def _zoom_tiles(
    database: duckdb.DuckDBPyConnection, zoom: int, resolution: int, names: dict[str, object]
) -> Iterator[tuple[int, bytes]]:
    """Yield (tile id, layers) of one zoom in ascending order of the ids."""
    values = {
        "zoom": zoom,
        "across": 2**zoom,
        "margin": BUFFER / EXTENT,
        "buffer": BUFFER,
        "resolution": resolution,
        "detail_m": EARTH_CIRCUMFERENCE_M / 2**zoom / 512,
    }
    layers: dict[int, bytes] = {}
    for query in ("hexagon_tiles", "area_tiles"):
        for x, y, layer in fetch(database, query, names=names, values=values):
            tile = zxy_to_tileid(zoom, x, y)
            layers[tile] = layers.get(tile, b"") + bytes(layer)
    yield from sorted(layers.items())


def outline_table(cells: np.ndarray) -> pa.Table:
    """Return the outline of each cell as WKB in EPSG:3857, whole across the antimeridian."""
    rings = [np.array(basic_int.cell_to_boundary(cell)) for cell in cells.tolist()]
    lat, lon = np.concatenate(rings).T
    ring = np.repeat(np.arange(len(rings)), [len(r) for r in rings])
    first = lon[np.searchsorted(ring, np.arange(len(rings)))][ring]
    lon = lon - 360.0 * np.rint((lon - first) / 360.0)
    points = np.column_stack(_mercator(lon, lat))
    polygons = shapely.polygons(shapely.linearrings(points, indices=ring))
    return pa.table({"h3": pa.array(cells), "wkb": pa.array(shapely.to_wkb(polygons))})


def border_table(shapes: Path) -> pa.Table:
    """Return the areas of zone_shapes.parquet numbered from 1, as WKB in EPSG:3857."""
    table = pq.read_table(shapes)
    geometries = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    projected = shapely.transform(
        geometries, lambda xy: np.column_stack(_mercator(xy[:, 0], xy[:, 1]))
    )
    return pa.table(
        {
            "number": pa.array(range(1, table.num_rows + 1), pa.int64()),
            **{name: table[name] for name in ("layer", "id", "name")},
            "wkb": pa.array(list(shapely.to_wkb(projected)), pa.binary()),
        }
    )


def _mercator(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    transformer = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    lat = np.clip(lat, -LATITUDE_LIMIT, LATITUDE_LIMIT)
    return transformer.transform(lon, lat)


def _bounds(database: duckdb.DuckDBPyConnection) -> tuple[float, float, float, float]:
    """Return west, south, east, north of all hexagons in degrees, cut to the globe."""
    west, north, east, south = fetch(database, "tile_bounds")[0]
    edges = np.array([west, east]), np.array([south, north])
    x, y = ((edges[0] - 0.5), (0.5 - edges[1]))
    transformer = Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
    lon, lat = transformer.transform(x * EARTH_CIRCUMFERENCE_M, y * EARTH_CIRCUMFERENCE_M)
    low, high = max(-180.0, float(lon[0])), min(180.0, float(lon[1]))
    return low, float(lat[0]), high, float(lat[1])


def _header(
    bounds: tuple[float, float, float, float], bands: tuple[ZoomBand, ...]
) -> dict[str, object]:
    west, south, east, north = (round(edge * 10_000_000) for edge in bounds)
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
    fields = {"resolution": "Number", "valid_m2": "Number", "land_m2": "Number"}
    fields |= {f"sealed_m2_{year}": "Number" for year in region.years}
    for a, b in region.pairs:
        fields |= {f"{way}_m2_{a}_{b}": "Number" for way in ("new_sealed", "unsealed")}
    zooms = {"minzoom": bands[0].minzoom, "maxzoom": bands[-1].maxzoom}
    areas = {"layer": "String", "id": "String", "name": "String"}
    layers = [{"id": "hexagons", "fields": fields, **zooms}]
    if region.areas:
        layers.append({"id": "areas", "fields": areas, **zooms})
    return {
        "name": next(iter(region.title.values())),
        "attribution": region.product.attribution,
        "type": "overlay",
        "vector_layers": layers,
    }
