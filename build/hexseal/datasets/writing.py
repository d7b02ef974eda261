"""The tables as GeoParquet, Parquet and CSV, in the columns and types of the codebook."""

import gzip
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from hexseal.codebook import Table, columns_of, spread_of
from hexseal.datasets.geoparquet import (
    GEOMETRY,
    ROWS_IN_GROUP,
    cells_of,
    shapes_of,
    write_geoparquet,
)
from hexseal.datasets.partitions import ROWS_AT_ONCE, write_partitions
from hexseal.datasets.provenance import Provenance
from hexseal.errors import ToolError
from hexseal.manifest import Download, PartitionTree
from hexseal.region.load import Region
from hexseal.statistics.transitions import transition_resolution
from hexseal.storage.database import connect, copy_csv, fetch, run, statement
from hexseal.storage.files import sha256, whole_file
from hexseal.storage.workdir import WorkFolder

# Level 9 takes twice as long for 2 % less.
GZIP_LEVEL, PACKED_AT_ONCE = 6, 1 << 20
Format = Literal["GeoParquet", "Parquet", "CSV"]
# https://geoarrow.org/extension-types: how a reader recognises outlines in an Arrow table.
GEOARROW_WKB = {
    "ARROW:extension:name": "geoarrow.wkb",
    "ARROW:extension:metadata": '{"crs": "OGC:CRS84", "crs_type": "authority_code"}',
}


# A table as Parquet and as CSV.
InTwoFormats = tuple[Download, Future[Download]]


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table as one stem of files: data/ID_STEM.parquet and .csv.gz."""

    table: Table
    stem: str
    title: str
    resolution: int | None = None

    @property
    def has_outlines(self) -> bool:
        """Return whether the rows are places with an outline."""
        return self.table in ("hexagons", "areas", "patches")


@dataclass(frozen=True, slots=True)
class Tables:
    """Writes the tables of a region, all from the work files of one build."""

    database: duckdb.DuckDBPyConnection
    region: Region
    work: Path
    site: Path
    provenance: Provenance
    pool: ThreadPoolExecutor

    def write(self) -> tuple[tuple[InTwoFormats, ...], PartitionTree]:
        """Write every table in every format, and the finest hexagons by parent."""
        _refuse_unknown(self.region, WorkFolder(self.work))
        tree: PartitionTree | None = None
        downloads: list[InTwoFormats] = []
        for file in table_files(self.region):
            _prepare(self.database, self.region, self.work, file)
            if file.resolution == self.region.hexagons.finest:
                rows = self.database.table("dataset").to_arrow_reader(ROWS_AT_ONCE)
                tree = write_partitions(self.region, rows, self.site)
            downloads.append(self._write(file))
        assert tree is not None, "the finest resolution is always published"
        return tuple(downloads), tree

    def _write(self, file: TableFile) -> InTwoFormats:
        path = self.site / "data" / f"{self.region.id}_{file.stem}.parquet"
        self._write_parquet(file, path)
        ((rows,),) = fetch(self.database, "dataset_rows")
        kind: Format = "GeoParquet" if file.has_outlines else "Parquet"
        parquet = _download(file, path, kind, rows)
        plain = path.with_suffix(".csv")
        copy_csv(self.database, "dataset_csv", plain)
        return parquet, self.pool.submit(_packed_csv, file, plain, rows)

    def _write_parquet(self, file: TableFile, path: Path) -> None:
        metadata = self.provenance.metadata(self.region)
        if not file.has_outlines:
            write_parquet(self.database.table("dataset").to_arrow_table(), path, metadata)
            return
        if file.table == "hexagons":
            ordered = self.database.sql(statement("dataset_spatial"))
            write_geoparquet(ordered.to_arrow_reader(ROWS_IN_GROUP), path, cells_of, metadata)
        else:
            rows = self.database.table("dataset").to_arrow_reader(ROWS_IN_GROUP)
            write_geoparquet(rows, path, shapes_of, metadata)


def write_tables(
    region: Region, work: Path, site: Path, provenance: Provenance, pool: ThreadPoolExecutor
) -> tuple[tuple[InTwoFormats, ...], PartitionTree]:
    """Write every table of the region as Parquet and CSV into site/data.

    ``pool`` may still pack CSV files on return. They are gzip-compressed and name a cell by its
    hexadecimal H3 index only. All files come from the same tables, so they agree to the last digit.
    """
    with connect(work, spatial=True) as database:
        return Tables(database, region, work, site, provenance, pool).write()


def read_table(region: Region, work: Path, file: TableFile) -> pa.Table:
    """Return hexagons or areas as published, with outlines as GeoArrow WKB in degrees."""
    with connect(work, spatial=True) as database:
        _prepare(database, region, work, file)
        if file.table == "hexagons":
            rows = database.sql(statement("dataset_spatial")).to_arrow_table()
            shapes = cells_of(rows)
        else:
            rows = database.table("dataset").to_arrow_table()
            shapes = shapes_of(rows)
            rows = rows.drop_columns([GEOMETRY])
    wkb = pa.array(list(shapely.to_wkb(shapes)), pa.binary())
    return rows.append_column(pa.field(GEOMETRY, pa.binary(), metadata=GEOARROW_WKB), wkb)


def _refuse_unknown(region: Region, work: WorkFolder) -> None:
    """Raise ToolError for a column of the statistics that the codebook lacks."""
    tables: dict[Table, Path] = {"hexagons": work.hexagons, "areas": work.areas}
    for table, path in tables.items():
        known = {column.name for column in columns_of(table, spread_of(region))}
        unknown = sorted(set(pq.read_schema(path).names) - known)
        if unknown:
            raise ToolError(
                f"{path.name}: column {unknown[0]} is not in the codebook, so it would not be "
                "published; define it in build/hexseal/codebook"
            )


def _prepare(
    database: duckdb.DuckDBPyConnection, region: Region, work: Path, file: TableFile
) -> None:
    """Fill the table dataset and the view dataset_csv."""
    pairs = [pair.key for pair in region.pairs]
    kind = file.table.removeprefix("transition_")
    run(
        database,
        "dataset_transitions" if kind != file.table else f"dataset_{file.table}",
        names={
            "columns": columns_of(file.table, spread_of(region)),
            "index": file.table == "transition_hexagons",
        },
        values={
            "hexagons": str(WorkFolder(work).hexagons),
            "resolution": file.resolution,
            "areas": str(WorkFolder(work).areas),
            "shapes": str(WorkFolder(work).zone_shapes),
            "patches": [str(WorkFolder(work).patches(pair)) for pair in region.pairs],
            "names": pairs,
            "transitions": str(WorkFolder(work).transitions(kind)),
        },
    )


def write_parquet(rows: pa.Table, path: Path, metadata: Mapping[str, str]) -> None:
    """Write rows as zstd Parquet with key-value metadata."""
    with (
        whole_file(path) as partial,
        pq.ParquetWriter(partial, rows.schema, compression="zstd", store_schema=False) as writer,
    ):
        writer.write_table(rows, row_group_size=ROWS_IN_GROUP)
        writer.add_key_value_metadata(dict(sorted(metadata.items())))


def table_files(region: Region) -> Iterator[TableFile]:
    """Return the tables of a region, the finest hexagons first."""
    for resolution in reversed(region.hexagons.resolutions):
        yield TableFile("hexagons", f"hexagons_r{resolution}", "hexagons", resolution)
    yield TableFile("areas", "areas", "areas")
    if region.pairs:
        yield TableFile("patches", "patches", "patches")
        yield TableFile("transition_areas", "transitions_areas", "transitions")
        stem = f"transitions_hexagons_r{transition_resolution(region)}"
        yield TableFile("transition_hexagons", stem, "transitions")


def _download(file: TableFile, path: Path, kind: Format, rows: int) -> Download:
    return Download(
        path=f"data/{path.name}",
        format=kind,
        title=file.title,
        resolution=file.resolution,
        rows=rows,
        bytes=path.stat().st_size,
        sha256=sha256(path),
        table=file.table,
    )


def _packed_csv(file: TableFile, plain: Path, rows: int) -> Download:
    """Pack a CSV file, which goes."""
    path = plain.with_suffix(".csv.gz")
    try:
        # No name and no time inside, so that the same rows give the same bytes.
        with (
            whole_file(path) as partial,
            plain.open("rb") as source,
            partial.open("wb") as target,
            gzip.GzipFile("", "wb", GZIP_LEVEL, fileobj=target, mtime=0) as packed,
        ):
            shutil.copyfileobj(source, packed, PACKED_AT_ONCE)
    finally:
        plain.unlink(missing_ok=True)
    return _download(file, path, "CSV", rows)
