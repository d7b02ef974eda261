"""Exact statistics of any polygon file against a region's rasters: ``hexseal areas``."""

import json
import math
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import shapely
from pyogrio.errors import DataSourceError
from pyproj import Geod

from hexseal.accuracy.stage import assess_accuracy, known_accuracy
from hexseal.change.stage import change_stamp, judge_areas, judge_region
from hexseal.change.survey import count_region, counts_stamp
from hexseal.codebook import Column, columns_of, counted_columns, spread_of
from hexseal.codebook.words import NO_POPULATION, STEADY_POPULATION
from hexseal.counting.stage import CountFiles, count_windows
from hexseal.counting.tally import WindowCounter
from hexseal.errors import OutputError
from hexseal.execution import Execution
from hexseal.forward.stage import source_titles
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid
from hexseal.raster.joint import ClassJoiner
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Accuracy, AreaLayer, Region
from hexseal.statistics.stage import write_statistics
from hexseal.storage.database import connect, copy_csv, run
from hexseal.storage.files import copy_file, one_writer, whole_file
from hexseal.storage.workdir import WorkFolder, default_site
from hexseal.types import Doubles
from hexseal.vector.areas import Areas, far_reaching, read_areas
from hexseal.vector.zones import read_zones

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
SUFFIXES = (".csv", ".parquet", *DRIVERS)
CUSTOM = "custom"
# Names of polygons and multipolygons in GeoParquet, by shapely's numbers; 7: nothing is left.
KINDS = {3: "Polygon", 6: "MultiPolygon", 7: "GeometryCollection"}
GEODESIC = Geod(ellps="WGS84")
# A polygon is ok where at least this part of it has data of every year.
COVERED = 0.99
# Shares closer to none or all than this are rounding of coordinates.
ROUNDING = 1e-6
SHORT_EDGE = 0.1
# What is written of each polygon before its figures; see sql/custom_areas.sql.
FACTS = ("id", "name", "polygon_m2", "edge_sd_m2", "covered_share", "answer", "repaired")
# Names of columns of the answer, which a kept column must not take.
RESULT = re.compile(
    r"(?:number|id|name|answer|repaired|inside|polygon_m2|edge_sd_m2|covered_share|method|geometry)$"
    r"|.*(?:sealed|adjusted|valid|land|net|signal|q_value|index|source|grade|confirmed).*_(?:m2|\d{4})"
)
# Variance of an area counted by the points of a square lattice: 0.0724 x perimeter x spacing^3
# (Matheron; see Gundersen & Jensen 1987, J. Microscopy 147:229-263).
LATTICE_VARIANCE = 0.0724


@dataclass(frozen=True, slots=True)
class AreasOptions:
    """How a polygon file is read and what is written of it.

    ``id`` and ``name`` are columns; without them polygons are numbered. ``keep`` names columns to
    copy, ``*`` all of them. ``judged`` adds the adjusted change, its interval and signal. For it
    every pixel of the region is read and judged, unless ``site`` (None: the usual place) was built
    from the same inputs and settings: then what its build judged is taken.
    """

    id: str = ""
    name: str = ""
    layer_name: str | None = None
    keep: tuple[str, ...] = ()
    judged: bool = True
    site: Path | None = None


@dataclass(frozen=True, slots=True)
class AreasSummary:
    """How many polygons were answered, by answer; whether a build's judgement was taken."""

    rows: int
    answers: dict[str, int]
    reused: bool = False


def measure_areas(
    region: Region,
    polygons: Path,
    output: Path,
    *,
    options: AreasOptions | None = None,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> AreasSummary:
    """Write one row per polygon; the suffix of ``output`` chooses the format.

    Polygons may overlap, have holes and parts, lie partly or wholly outside. ``answer`` is
    what became of each: ok, partly (``covered_share`` is the part that has data), outside, no pixel
    centre inside, no valid pixel.
    A pixel counts when its centre lies inside; ``edge_sd_m2`` is the standard deviation of that
    count against the exact area of the polygon. ``repaired`` marks a polygon that was invalid
    in its file and what GEOS's make_valid encloses was measured. Other columns are those of the
    site's tables of areas.
    """
    options = options or AreasOptions()
    if output.suffix not in SUFFIXES:
        raise OutputError(
            f"{output}: cannot write {output.suffix or 'a file without suffix'}; "
            f"name it {', '.join(SUFFIXES)}"
        )
    name = options.name or options.id
    layer = AreaLayer(CUSTOM, str(polygons), options.id, name, None, {}, {}, options.layer_name)
    grid, _ = region_grid(region)
    areas = read_areas(layer, grid, keep_outside=True, keep=options.keep)
    table = _polygon_table(areas, grid)
    inside = _inside_shares(areas, grid, table["polygon_m2"].to_numpy())
    table = table.append_column("inside", pa.array(inside, pa.float64()))
    with (
        tempfile.TemporaryDirectory(prefix="hexseal-") as scratch,
        connect(work := Path(scratch)) as database,
    ):
        database.register("polygons", table)
        database.register("kept", _kept_table(areas))
        reused = False
        if inside.any():
            own = replace(region, areas=(layer,))
            with built_before(region, options.site) as known:
                reused = known is not None and options.judged
                _count(own, work, known, options.judged, workers, progress)
        _run(database, region, work, judged=options.judged)
        _write(database, output, areas)
        found = database.execute(
            "SELECT answer, count(*) FROM custom_areas GROUP BY answer ORDER BY answer"
        ).fetchall()
    return AreasSummary(len(areas.ids), dict(found), reused)


@contextmanager
def built_before(region: Region, site: Path | None) -> Iterator[Path | None]:
    """Yield the work folder of a build from the same inputs and settings, None where there is none.

    No other build can begin in it while the block runs.
    """
    folder = WorkFolder.beside(site or default_site(region.path), region.id)
    with ExitStack() as stack:
        if not folder.cells.is_file():
            yield None
            return
        try:
            stack.enter_context(one_writer(folder.lock, str(folder.folder)))
        except OutputError:  # a build is running, or the folder may not be written
            yield None
            return
        is_current = counts_stamp(region, folder).is_current(folder.counts) and change_stamp(
            region, folder
        ).is_current(folder.change(region.pairs))
        yield folder.folder if is_current else None


def _count(
    region: Region,
    work: Path,
    known: Path | None,
    judged: bool,
    workers: int | None,
    progress: Progress,
) -> None:
    """Write zones.parquet, and areas.parquet as a build would, of a region with one layer."""
    judged = judged and bool(region.pairs)
    execution = Execution(workers)
    if judged and known is None:
        count_region(region, work, execution=execution, progress=progress)
        judge_region(region, work, execution=execution, progress=progress)
    else:
        _count_areas(region, work, workers, progress)
    if judged and known is not None:
        WorkFolder(work).cells.unlink()
        copy_file(WorkFolder(known).cells, WorkFolder(work).cells)
        judge_areas(region, known, work, execution=execution, progress=progress)
    if judged:
        write_statistics(region, work, accuracy=_accuracy(region, progress))


def _count_areas(region: Region, work: Path, workers: int | None, progress: Progress) -> None:
    """Write zones.parquet and zone_shapes.parquet, reading only windows that areas reach."""
    grid, frame = region_grid(region)
    zones = read_zones(region.areas, grid)
    folder = WorkFolder(work)
    targets = folder.cells, folder.zones
    zones.write(folder.zone_shapes)
    counter = WindowCounter(grid, ClassJoiner(region.product), None, zones.polygons)
    with YearStack(region, frame) as reader, CountFiles(targets, region.years, zones) as files:
        for counts in count_windows(reader, counter, workers, progress):
            files.add(counts)
        files.finish()


def _accuracy(region: Region, progress: Progress) -> Accuracy:
    """Return the accuracy of Sealed by year: as given, or as a reference sample estimates it."""
    given = region.accuracy
    if given.points is None:
        return given
    report = assess_accuracy(
        region, Path(given.points), crs=given.crs, greenhouses=given.greenhouses, progress=progress
    )
    return known_accuracy(report, given)


def _run(database: duckdb.DuckDBPyConnection, region: Region, work: Path, *, judged: bool) -> None:
    has_counts, has_areas = (WorkFolder(work).zones).is_file(), (WorkFolder(work).areas).is_file()
    values = {
        "zones": str(WorkFolder(work).zones),
        "areas": str(WorkFolder(work).areas),
        "sealed": sorted(region.product.sealed),
        "water": sorted(region.product.water),
        "sources": source_titles(region),
        "covered": COVERED,
    }
    names = {
        "years": region.years,
        "pairs": region.pairs,
        "counted_columns": counted_columns(spread_of(region)),
        "density": region.product.is_density,
        "judged_columns": _judged_columns(region) if judged else (),
        "has_counts": has_counts,
        "has_areas": has_areas,
    }
    run(database, "custom_areas", names=names, values=values)


def _judged_columns(region: Region) -> tuple[Column, ...]:
    """Return the columns of the site's areas that are not counts and need no inhabitants."""
    spread = spread_of(region)
    known = {"layer", "id", "name", *(column.name for column in counted_columns(spread))}
    return tuple(
        column
        for column in columns_of("areas", spread)
        if column.name not in known and column.null not in (NO_POPULATION, STEADY_POPULATION)
    )


def answer_columns(region: Region) -> tuple[str, ...]:
    """Return the columns of the answer with adjusted change, kept columns apart, in their order."""
    columns = (*counted_columns(spread_of(region)), *_judged_columns(region))
    return (*FACTS, *(column.name for column in columns))


def _polygon_table(areas: Areas, grid: Grid) -> pa.Table:
    """Return what the polygons are by themselves, their areas on the ellipsoid."""
    # Long edges follow their parallel, not the great circle.
    shapes = shapely.segmentize(np.array(areas.lonlat_geometries, dtype=object), SHORT_EDGE)
    sizes = [_size(shape) for shape in shapes]
    pixel = math.sqrt(_pixel_m2(grid))
    repaired = frozenset(areas.repaired)
    return pa.table(
        {
            "number": pa.array(range(len(shapes)), pa.int64()),
            "id": pa.array(areas.ids, pa.string()),
            "name": pa.array(areas.names, pa.string()),
            "polygon_m2": pa.array([area for area, _ in sizes], pa.float64()),
            "edge_sd_m2": pa.array(
                [math.sqrt(LATTICE_VARIANCE * length * pixel**3) for _, length in sizes],
                pa.float64(),
            ),
            "repaired": pa.array([key in repaired for key in areas.ids], pa.bool_()),
        }
    )


def _size(shape: shapely.Geometry) -> tuple[float, float]:
    """Return area (m²) and length of the outline (m) on the ellipsoid of a shape in degrees."""
    west, _, east, _ = shapely.bounds(shape)
    # Signed areas of rings add up only when holes run the other way than outlines.
    area, length = GEODESIC.geometry_area_perimeter(shapely.orient_polygons(shape))
    if east - west > 180.0:
        # A ring around the Earth has either pole inside: quarters have no such doubt.
        quarters = [shapely.box(lon, -90, lon + 90, 90) for lon in range(-360, 360, 90)]
        pieces = shapely.intersection(shapely.make_valid(shape), quarters)
        area = sum(
            GEODESIC.geometry_area_perimeter(piece)[0]
            for piece in shapely.orient_polygons(pieces)
            if piece.area
        )
    return abs(area), length


def _kept_table(areas: Areas) -> pa.Table:
    """Return the kept columns by number; those named like a result get ``_of_file``."""
    columns: dict[str, pa.Array] = {"number": pa.array(range(len(areas.ids)), pa.int64())}
    for name, values in areas.kept.items():
        column = f"{name}_of_file" if RESULT.match(name.lower()) else name
        try:
            columns[column] = pa.array(values, from_pandas=True)
        except (pa.ArrowException, TypeError):
            texts = [None if value is None else str(value) for value in values]
            columns[column] = pa.array(texts, pa.string())
    return pa.table(columns)


def _pixel_m2(grid: Grid) -> float:
    if not grid.is_geographic:
        return grid.nominal_pixel_area_m2
    return float(grid.row_area_m2(np.array([grid.height // 2]))[0])


def _inside_shares(areas: Areas, grid: Grid, polygon_m2: Doubles) -> Doubles:
    """Return the part of each polygon on the grid, 0 to 1; rounding counts as all or none."""
    shapes, frame = np.array(areas.geometries, dtype=object), shapely.box(*grid.bounds)
    whole, inner = shapely.area(shapes), shapely.area(shapely.intersection(shapes, frame))
    # Of a polygon that was cut around the grid, what is left is not the whole.
    far = far_reaching(np.array(areas.lonlat_geometries, dtype=object), grid)
    across, down = grid.pixel_size
    whole[far] = polygon_m2[far] * across * down / _pixel_m2(grid)
    share = np.divide(inner, whole, out=np.zeros(len(shapes)), where=whole > 0)
    nothing = inner < ROUNDING * np.minimum(whole, shapely.area(frame))
    return np.where(nothing, 0.0, np.where(share > 1.0 - ROUNDING, 1.0, share))


def _write(database: duckdb.DuckDBPyConnection, output: Path, areas: Areas) -> None:
    with whole_file(output) as partial:
        if output.suffix == ".csv":
            copy_csv(database, "custom_areas", partial)
        elif output.suffix == ".parquet":
            _write_parquet(database, partial, areas)
        else:
            _write_vector(database, partial, output.suffix, areas)


def _write_parquet(database: duckdb.DuckDBPyConnection, path: Path, areas: Areas) -> None:
    """Write GeoParquet, outlines in longitude and latitude (OGC:CRS84), its default CRS."""
    table = database.execute("FROM custom_areas").to_arrow_table()
    shapes = np.array(areas.lonlat_geometries, dtype=object)
    kinds = sorted({KINDS[kind] for kind in shapely.get_type_id(shapes).tolist()})
    column = {"encoding": "WKB", "geometry_types": kinds}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    table = table.append_column("geometry", pa.array(_wkb(areas), pa.binary()))
    metadata = {**(table.schema.metadata or {}), b"geo": json.dumps(geo).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def _wkb(areas: Areas) -> np.ndarray:
    return shapely.to_wkb(np.array(areas.lonlat_geometries, dtype=object))


def _filled(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column with any value where it is null, so that whole numbers stay whole."""
    filling = pa.scalar("" if pa.types.is_string(column.type) else 0).cast(column.type)
    return column.fill_null(filling).to_numpy()


def _write_vector(
    database: duckdb.DuckDBPyConnection, path: Path, suffix: str, areas: Areas
) -> None:
    table = database.execute("FROM custom_areas").to_arrow_table()
    try:
        pyogrio.raw.write(
            path,
            geometry=_wkb(areas),
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
