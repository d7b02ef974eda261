"""Downloads of a made region: the same rows in every format."""

from pathlib import Path

import duckdb
import h3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser.made_site import MadeSite, made_region, make_site

from hexseal.config import HexagonRange
from hexseal.datasets.partitions import parents_of, partition_resolution, write_partitions


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeSite:
    return make_site(tmp_path_factory.mktemp("made"))


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
    whole = f"FROM '{data}/made-up_hexagons_r8.parquet'"
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
