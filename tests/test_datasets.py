"""Downloads of a made region: the same rows in every format."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import geopandas
import h3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from browser.made_site import MadeSite, made_region

from hexseal.codebook import (
    TABLES,
    Spread,
    Table,
    codebook_csv,
    codebook_json,
    columns_of,
    spread_of,
)
from hexseal.datasets.geoparquet import boxes, regroup, write_geoparquet
from hexseal.datasets.partitions import parents_of, partition_resolution, rows_at, write_partitions
from hexseal.hexgrid.outlines import cell_polygons
from hexseal.region.load import HexagonRange
from hexseal.storage.database import connect
from hexseal.types import Pair


def test_parents_are_those_of_the_library() -> None:
    cells = [h3.latlng_to_cell(46.6, -31.5, 9), h3.latlng_to_cell(-89.9, 12.0, 9)]
    numbers = np.array([h3.str_to_int(cell) for cell in cells], np.uint64)
    for resolution in (0, 5, 9):
        wanted = [h3.cell_to_parent(cell, resolution) for cell in cells]
        assert [f"{cell:x}" for cell in parents_of(numbers, resolution)] == wanted


@pytest.mark.parametrize(
    ("finest", "coarsest", "expected"), [(9, 5, 5), (9, 8, 7), (9, 9, 7), (1, 1, 0), (0, 0, 0)]
)
def test_parents_are_never_next_to_the_finest(
    tmp_path: Path, finest: int, coarsest: int, expected: int
) -> None:
    region = made_region(tmp_path, hexagons=HexagonRange(finest, coarsest))
    assert partition_resolution(region) == expected


def test_partitions_hold_the_finest_cells_below_their_parent(made: MadeSite) -> None:
    tree = made.folder / "data/made-up_hexagons_r8_by_parent"
    files = sorted(tree.glob("*/*"))
    # A disk of radius 2 around the middle: 19 cells of resolution 6, 49 below each.
    assert len(files) == 19
    table = pq.read_table(files[0], partitioning=None)
    assert files[0].name == "part-0.parquet"
    assert table.num_rows == 49
    assert table["h3"].to_pylist() == sorted(table["h3"].to_pylist())
    parents = {h3.cell_to_parent(cell, 6) for cell in table["h3_hex"].to_pylist()}
    assert f"parent={parents.pop()}" == files[0].parent.name
    assert not parents
    assert pq.ParquetFile(files[0]).metadata.row_group(0).column(0).compression == "SNAPPY"


def test_all_partitions_together_are_the_finest_file(made: MadeSite) -> None:
    data = made.folder / "data"
    whole = f"SELECT * EXCLUDE (bbox, geometry) FROM '{data}/made-up_hexagons_r8.parquet'"
    parts = (
        "SELECT * EXCLUDE (parent) FROM read_parquet("
        f"'{data}/made-up_hexagons_r8_by_parent/*/*.parquet', hive_partitioning = true)"
    )
    for one, other in ((whole, parts), (parts, whole)):
        assert duckdb.sql(f"SELECT count(*) FROM ({one} EXCEPT {other})").fetchall() == [(0,)]
    assert duckdb.sql(f"SELECT count(*) FROM ({parts})").fetchall() == [(19 * 49,)]


def test_rows_are_cut_where_the_parent_changes_not_where_batches_do(tmp_path: Path) -> None:
    middle = h3.latlng_to_cell(46.6, -31.5, 7)
    parents = sorted(h3.grid_disk(middle, 1))[:2]
    cells = sorted(h3.str_to_int(c) for p in parents for c in h3.cell_to_children(p, 9))
    table = pa.table({"h3": pa.array(cells, pa.uint64())})
    region = made_region(tmp_path, hexagons=HexagonRange(9, 7))
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=30))
    tree = write_partitions(region, reader, tmp_path)
    assert [part.parent for part in tree.partitions] == parents
    assert [part.rows for part in tree.partitions] == [49, 49]
    found = [pq.read_table(tmp_path / part.path, partitioning=None) for part in tree.partitions]
    assert pa.concat_tables(found)["h3"].to_pylist() == cells


def columns(database: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in database.sql(f"DESCRIBE FROM '{path}'").fetchall()]


STEMS = {
    "hexagons": "hexagons_r8",
    "areas": "areas",
    "patches": "patches",
    "transition_areas": "transitions_areas",
    "transition_hexagons": "transitions_hexagons_r6",
}


@pytest.mark.parametrize("table", TABLES)
def test_files_have_exactly_the_columns_and_types_of_the_codebook(
    made: MadeSite, table: Table
) -> None:
    database = duckdb.connect()
    wanted = columns_of(table, spread_of(made.region))
    path = made.folder / "data" / f"made-up_{STEMS[table]}.parquet"
    found = columns(database, path)
    outlines = ["bbox", "geometry"] if table in ("hexagons", "areas", "patches") else []
    assert [name for name, _ in found] == [column.name for column in wanted] + outlines
    assert [kind for _, kind in found][: len(wanted)] == [column.type for column in wanted]
    header = gzip.decompress(path.with_suffix(".csv.gz").read_bytes()).decode().splitlines()[0]
    in_csv = [column.name for column in wanted if column.name != "h3"]
    assert next(csv.reader([header])) == in_csv


@pytest.mark.parametrize("table", TABLES)
def test_every_value_is_what_the_codebook_says(made: MadeSite, table: Table) -> None:
    path = made.folder / "data" / f"made-up_{STEMS[table]}.parquet"
    found = pq.read_table(path)
    for column in columns_of(table, spread_of(made.region)):
        values = found[column.name]
        assert column.null is not None or values.null_count == 0, column.name
        known = values.drop_null().to_pylist()
        if column.values:
            assert set(known) <= set(column.values), column.name
        if column.low is not None:
            assert not known or min(known) >= column.low, column.name
        if column.high is not None:
            assert not known or max(known) <= column.high, column.name


def test_every_column_is_described_in_both_languages() -> None:
    spread = Spread((2018, 2021), (Pair(2018, 2021),), ("half",))
    for table in TABLES:
        for column in columns_of(table, spread):
            assert "{" not in column.name + column.formula + "".join(column.text.values())
            assert set(column.text) == {"en", "fr"}
            assert all(column.text.values())
            assert column.null is None or set(column.null) == {"en", "fr"}


def test_the_codebook_is_written_as_csv_and_json() -> None:
    spread = Spread((2018, 2021), (Pair(2018, 2021),), ("half",))
    book = {table: columns_of(table, spread) for table in TABLES}
    lines = list(csv.DictReader(io.StringIO(codebook_csv(book))))
    (share,) = (x for x in lines if x["column"] == "sealed_share_2021" and x["table"] == "hexagons")
    assert share["formula"] == "sealed_m2_2021 / land_m2"
    assert (share["minimum"], share["maximum"], share["unit"]) == ("0", "1", "1")
    tables = json.loads(codebook_json(book))["tables"]
    assert [table["name"] for table in tables] == list(TABLES)
    assert sum(len(table["columns"]) for table in tables) == len(lines)
    (pp,) = (c for c in tables[0]["columns"] if c["name"] == "net_pp_per_year_2018_2021")
    assert pp["formula"] == "100 * net_m2_2018_2021 / land_m2 / 3"


@pytest.fixture
def spatial(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(tmp_path, spatial=True) as database:
        yield database


def test_duckdb_reads_the_outlines_of_geoparquet(
    made: MadeSite, spatial: duckdb.DuckDBPyConnection
) -> None:
    """DuckDB's reader is not the writer (pyarrow): it must find geometry, CRS and figures."""
    path = made.folder / "data/made-up_hexagons_r8.parquet"
    ((kind, valid, count, least),) = spatial.sql(
        "SELECT any_value(typeof(geometry)), bool_and(ST_IsValid(geometry)), count(*), "
        f"min(ST_Area(geometry) / ST_Area(ST_Envelope(geometry))) FROM '{path}'"
    ).fetchall()
    assert kind == "GEOMETRY('OGC:CRS84')"
    assert valid
    assert count == 19 * 49
    assert least > 0.5
    ((outside,),) = spatial.sql(
        f"SELECT count(*) FROM '{path}' WHERE ST_XMin(geometry) < bbox.xmin "
        "OR ST_XMax(geometry) > bbox.xmax OR ST_YMin(geometry) < bbox.ymin "
        "OR ST_YMax(geometry) > bbox.ymax OR NOT ST_Contains(geometry, ST_Point(lon, lat))"
    ).fetchall()
    assert outside == 0


def test_parquet_tells_what_it_was_made_from(made: MadeSite) -> None:
    for name in ("hexagons_r6", "transitions_areas"):
        result = pq.read_metadata(made.folder / f"data/made-up_{name}.parquet").metadata
        assert result[b"hexseal.region"] == b"made-up"
        assert json.loads(result[b"hexseal.years"]) == [2018, 2021, 2023]
        assert json.loads(result[b"hexseal.simulated"]) is True
        assert json.loads(result[b"hexseal.sources"])["2021"] == "Made map 2021"
        assert b"Simulated by hexseal" in result[b"hexseal.attribution"]
    geo = json.loads(pq.read_metadata(made.folder / "data/made-up_areas.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["crs"]["id"] == {"authority": "OGC", "code": "CRS84"}
    assert geo["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]


def test_the_world_is_tiled_without_gap_or_overlap() -> None:
    """5 882 cells of resolution 2, those across the antimeridian and the two poles among them."""
    cells = [c for top in h3.get_res0_cells() for c in h3.cell_to_children(top, 2)]
    shapes = cell_polygons(np.array([h3.str_to_int(cell) for cell in cells], np.uint64))
    assert len(shapes) == 5882
    assert shapely.is_valid(shapes).all()
    assert shapely.area(shapes).sum() == pytest.approx(360 * 180, abs=1e-6)
    assert shapely.bounds(shapes)[:, 0].min() == -180
    assert shapely.bounds(shapes)[:, 2].max() == 180
    cut = [shape for shape in shapes if shape.geom_type == "MultiPolygon"]
    assert len(cut) == 86


def test_boxes_never_cut_into_their_outline() -> None:
    shapes = np.array([shapely.Point(0.1, -0.1), None, shapely.box(1 / 3, 2 / 3, 4 / 3, 5 / 3)])
    first, missing, last = boxes(shapes).to_pylist()
    assert missing is None
    assert first["xmin"] <= 0.1 <= first["xmax"]
    assert first["ymin"] <= -0.1 <= first["ymax"]
    assert last["xmin"] <= 1 / 3 < 4 / 3 <= last["xmax"]
    assert first["xmax"] - first["xmin"] < 1e-8


def test_readers_prune_by_the_boxes_of_outlines_and_of_centres(tmp_path: Path) -> None:
    """150 000 cells from west to east: three row groups, of which a narrow box needs one."""
    place = np.arange(150_000)
    rows = pa.table({"lon": place / 10_000, "note": pa.array(["one", "other"] * 75_000)})

    def outlines(table: pa.Table) -> np.ndarray:
        lon = table["lon"].to_numpy()
        return shapely.box(lon - 4e-5, 0, lon + 4e-5, 1)

    path = tmp_path / "cells.parquet"
    write_geoparquet(rows.to_reader(), path, outlines, {})
    with CountingFile(path) as file:
        found = geopandas.read_parquet(file, bbox=(7.0, 0.2, 7.0050, 0.4))  # pyright: ignore[reportArgumentType]
        assert list(found["lon"]) == [n / 10_000 for n in range(70_000, 70_051)]
        assert file.count < 0.4 * path.stat().st_size
    metadata = pq.ParquetFile(path).metadata
    by_name = {
        column.path_in_schema: column
        for column in (metadata.row_group(0).column(n) for n in range(metadata.num_columns))
    }
    assert "RLE_DICTIONARY" in by_name["note"].encodings
    assert "RLE_DICTIONARY" not in by_name["lon"].encodings
    assert by_name["lon"].has_offset_index
    assert by_name["bbox.xmin"].statistics.max < 5.001
    assert by_name["geometry"].statistics is None


def test_rows_of_an_area_come_from_any_row_group(tmp_path: Path) -> None:
    path = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"n": range(10), "bbox": range(10)}), path, row_group_size=3)
    rows = rows_at(path, np.array([0, 2, 3, 9])).read_all()
    assert rows.to_pydict() == {"n": [0, 2, 3, 9]}


class CountingFile(io.FileIO):
    """A file that counts the bytes read from it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size) or b""
        self.count += len(content)
        return content


def test_row_groups_hold_the_rows_asked_for() -> None:
    table = pa.table({"n": list(range(10))})
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=3))
    assert [part["n"].to_pylist() for part in regroup(reader, 4)] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9],
    ]  # fmt: skip
    empty = pa.RecordBatchReader.from_batches(table.schema, [])
    assert [len(part) for part in regroup(empty, 4)] == [0]
