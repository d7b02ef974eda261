"""The files that a reader downloads, Parquet and CSV: hexagons, areas, patches, transitions."""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import duckdb

from hexseal.config import Region
from hexseal.database import connect, copy_csv, copy_parquet, fetch, run
from hexseal.datasets.partitions import ROWS_AT_ONCE, write_partitions
from hexseal.evidence import pair_name
from hexseal.files import sha256, whole_file
from hexseal.summaries import Datasets, Download, PartitionTree
from hexseal.transitions import transition_resolution

Kind = Literal["hexagons", "areas", "patches", "transitions"]
Suffix = Literal[".parquet", ".csv.gz"]
FORMATS: dict[Suffix, str] = {".parquet": "Parquet", ".csv.gz": "CSV"}


def write_datasets(region: Region, work: Path, site: Path) -> Datasets:
    """Write hexagons.parquet and areas.parquet of ``work`` as downloads into ``site/data``.

    CSV files are gzip-compressed and name a cell by its hexadecimal H3 index only. All files
    come from the same two tables, so they agree to the last digit.
    """
    with connect(work, spatial=bool(region.pairs)) as database:
        partitions = _write_tree(database, region, work, site)
        return Datasets(tuple(_write_all(database, region, work, site / "data")), partitions)


def _write_tree(
    database: duckdb.DuckDBPyConnection, region: Region, work: Path, site: Path
) -> PartitionTree:
    values = {
        "hexagons": str(work / "hexagons.parquet"),
        "resolution": region.hexagons.finest,
    }
    run(database, "dataset_hexagons", values=values)
    rows = database.table("dataset").to_arrow_reader(ROWS_AT_ONCE)
    return write_partitions(region, rows, site)


def _write_all(
    database: duckdb.DuckDBPyConnection, region: Region, work: Path, data: Path
) -> Iterator[Download]:
    for resolution in reversed(region.hexagons.resolutions):
        values = {"hexagons": str(work / "hexagons.parquet"), "resolution": resolution}
        run(database, "dataset_hexagons", values=values)
        for suffix in FORMATS:
            path = data / f"{region.id}_hexagons_r{resolution}{suffix}"
            yield _write(database, path, suffix, "hexagons", resolution)
    run(database, "dataset_areas", values={"areas": str(work / "areas.parquet")})
    for suffix in FORMATS:
        yield _write(database, data / f"{region.id}_areas{suffix}", suffix, "areas")
    if region.pairs:
        yield from _write_change(database, region, work, data)


def _write_change(
    database: duckdb.DuckDBPyConnection, region: Region, work: Path, data: Path
) -> Iterator[Download]:
    """Write the work list of patches and what became sealed from which class."""
    names = [pair_name(pair) for pair in region.pairs]
    files = [str(work / f"patches_{name}.parquet") for name in names]
    run(database, "dataset_patches", values={"patches": files, "names": names})
    for suffix in FORMATS:
        yield _write(database, data / f"{region.id}_patches{suffix}", suffix, "patches")
    finest = f"hexagons_r{transition_resolution(region)}"
    for kind, title in (("areas", "areas"), ("hexagons", finest)):
        values = {"transitions": str(work / f"transition_{kind}.parquet")}
        names_in = {"index": kind == "hexagons"}
        run(database, "dataset_transitions", names=names_in, values=values)
        for suffix in FORMATS:
            path = data / f"{region.id}_transitions_{title}{suffix}"
            yield _write(database, path, suffix, "transitions")


def _write(
    database: duckdb.DuckDBPyConnection,
    path: Path,
    suffix: Suffix,
    kind: Kind,
    resolution: int | None = None,
) -> Download:
    """Write the table dataset as one file."""
    with whole_file(path) as partial:
        if suffix == ".parquet":
            copy_parquet(database, "dataset", partial)
        else:
            _write_csv(database, partial)
    ((rows,),) = fetch(database, "dataset_rows")
    return Download(
        path=f"data/{path.name}",
        format=FORMATS[suffix],
        title=kind,
        resolution=resolution,
        rows=rows,
        bytes=path.stat().st_size,
        sha256=sha256(path),
    )


def _write_csv(database: duckdb.DuckDBPyConnection, path: Path) -> None:
    plain = path.with_name(f"{path.name}.plain")
    try:
        copy_csv(database, "dataset_csv", plain)
        # No name and no time inside, so that the same rows give the same bytes.
        with (
            plain.open("rb") as source,
            path.open("wb") as target,
            gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as packed,
        ):
            shutil.copyfileobj(source, packed)
    finally:
        plain.unlink(missing_ok=True)
