"""Exact statistics of any polygon file against a region's rasters: ``hexseal areas``."""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyogrio.raw
import shapely
from pyogrio.errors import DataSourceError
from pyproj import Geod

from hexseal.counting.stage import CountFiles, Reader, count_windows, region_grid
from hexseal.counting.tally import WindowCounter
from hexseal.errors import OutputError
from hexseal.progress import Progress, silent
from hexseal.raster.grid import Grid
from hexseal.raster.joint import ClassJoiner
from hexseal.region.load import AreaLayer, Region
from hexseal.statistics.stage import source_titles
from hexseal.storage.database import connect, copy_csv, copy_parquet, run
from hexseal.storage.files import whole_file
from hexseal.vector.zones import Zones, read_zones

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
SUFFIXES = (".csv", ".parquet", *DRIVERS)
GEODESIC = Geod(ellps="WGS84")
# Variance of an area counted by the points of a square lattice: 0.0724 x perimeter x spacing^3
# (Matheron; see Gundersen & Jensen 1987, J. Microscopy 147:229-263).
LATTICE_VARIANCE = 0.0724


@dataclass(frozen=True, slots=True)
class AreasSummary:
    """How many polygons were answered, by answer."""

    rows: int
    answers: dict[str, int]


def measure_areas(
    region: Region,
    polygons: Path,
    output: Path,
    *,
    id_field: str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> AreasSummary:
    """Write one row per polygon; the suffix of ``output`` chooses the format.

    Polygons may overlap, have holes and parts, lie partly or wholly outside. ``answer`` says
    what became of each: ok, partly outside, outside, no pixel centre inside, no valid pixel.
    A pixel counts when its centre lies inside; ``edge_sd_m2`` is the standard deviation of that
    count against the exact area of the polygon. ``repaired`` tells that the polygon was invalid
    in its file and what GEOS's make_valid encloses was measured.
    """
    if output.suffix not in SUFFIXES:
        raise OutputError(
            f"{output}: cannot write {output.suffix or 'a file without suffix'}; "
            f"name it {', '.join(SUFFIXES)}"
        )
    field = id_field or ""
    layer = AreaLayer("custom", str(polygons), field, field, None, {})
    grid, frame = region_grid(region)
    zones = read_zones((layer,), grid, keep_outside=True)
    counter = WindowCounter(grid, ClassJoiner(region.product), None, zones.polygons)
    with tempfile.TemporaryDirectory(prefix="hexseal-") as scratch:
        work = Path(scratch)
        with Reader(region, frame) as reader, CountFiles(work, region.years, zones) as files:
            for counts in count_windows(reader, counter, workers, progress):
                files.add(counts)
            files.finish()
        with connect(work) as database:
            database.register("polygons", _polygon_table(zones, grid))
            _run(database, region, work)
            _write(database, output, zones)
            found = database.execute(
                "SELECT answer, count(*) FROM custom_areas GROUP BY answer ORDER BY answer"
            ).fetchall()
    return AreasSummary(zones.polygons.count, dict(found))


def _run(database: duckdb.DuckDBPyConnection, region: Region, work: Path) -> None:
    values = {
        "zones": str(work / "zones.parquet"),
        "sealed": sorted(region.product.sealed),
        "water": sorted(region.product.water),
        "sources": source_titles(region),
    }
    names = {"years": region.years, "pairs": region.pairs}
    run(database, "custom_areas", names=names, values=values)


def _polygon_table(zones: Zones, grid: Grid) -> pa.Table:
    """Return what the polygons are by themselves: areas on the ellipsoid, reach over the grid."""
    shapes = shapely.from_wkb(zones.table["geometry"].to_numpy(zero_copy_only=False))
    # Signed areas of rings add up only when holes run the other way than outlines.
    sizes = [GEODESIC.geometry_area_perimeter(shape) for shape in shapely.orient_polygons(shapes)]
    frame = shapely.box(-0.5, -0.5, grid.width - 0.5, grid.height - 0.5)
    pixel = math.sqrt(_pixel_m2(grid))
    return pa.table(
        {
            "number": pa.array(range(len(shapes)), pa.int64()),
            "id": zones.table["id"],
            "name": zones.table["name"],
            "polygon_m2": pa.array([abs(area) for area, _ in sizes], pa.float64()),
            "edge_sd_m2": pa.array(
                [math.sqrt(LATTICE_VARIANCE * length * pixel**3) for _, length in sizes],
                pa.float64(),
            ),
            "repaired": pa.array(
                [("custom", key) in zones.repaired for key in zones.table["id"].to_pylist()],
                pa.bool_(),
            ),
            "reach": pa.array(_reach(zones, frame.bounds), pa.string()),
        }
    )


def _pixel_m2(grid: Grid) -> float:
    if not grid.is_geographic:
        return grid.nominal_pixel_area_m2
    return float(grid.row_area_m2(np.array([grid.height // 2]))[0])


def _reach(zones: Zones, frame: tuple[float, float, float, float]) -> list[str]:
    """Tell of every polygon whether it lies inside, partly inside or outside the grid."""
    left, top, right, bottom = frame
    shape = zones.polygons
    ring = np.repeat(np.arange(shape.owners.size), np.diff(shape.starts))
    owner = shape.owners[ring]
    boxes = []
    for values, low in ((shape.x, True), (shape.y, True), (shape.x, False), (shape.y, False)):
        edges = np.full(shape.count, np.inf if low else -np.inf)
        (np.minimum if low else np.maximum).at(edges, owner, values)
        boxes.append(edges)
    inside = (boxes[0] >= left) & (boxes[1] >= top) & (boxes[2] <= right) & (boxes[3] <= bottom)
    away = (boxes[2] < left) | (boxes[3] < top) | (boxes[0] > right) | (boxes[1] > bottom)
    return np.select([inside, away], ["inside", "outside"], "partly").tolist()


def _write(database: duckdb.DuckDBPyConnection, output: Path, zones: Zones) -> None:
    with whole_file(output) as partial:
        if output.suffix == ".csv":
            copy_csv(database, "custom_areas", partial)
        elif output.suffix == ".parquet":
            copy_parquet(database, "custom_areas", partial)
        else:
            _write_vector(database, partial, output.suffix, zones)


def _filled(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column with any value where it is null, so that whole numbers stay whole."""
    filling = pa.scalar("" if pa.types.is_string(column.type) else 0).cast(column.type)
    return column.fill_null(filling).to_numpy()


def _write_vector(
    database: duckdb.DuckDBPyConnection, path: Path, suffix: str, zones: Zones
) -> None:
    table = database.execute("FROM custom_areas").to_arrow_table()
    try:
        pyogrio.raw.write(
            path,
            geometry=zones.table["geometry"].to_numpy(zero_copy_only=False),
            field_data=[_filled(column) for column in table.columns],
            field_mask=[column.is_null().to_numpy() for column in table.columns],
            fields=table.column_names,
            driver=DRIVERS[suffix],
            geometry_type="Unknown",
            crs="EPSG:4326",
            layer="areas",
        )
    except DataSourceError as err:
        raise OutputError(f"{path}: cannot be written ({err})") from err
