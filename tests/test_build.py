"""The whole way: rasters in, a verified site out; the same bytes each time."""

import os
from pathlib import Path

import duckdb
import h3
import pytest
import rasterio
from rasterfiles import real_data
from sites import COLUMNS, ROWS, hexseal, real_sao_tome, tree, write_region

from hexseal.change.stage import judge_region
from hexseal.change.survey import count_region
from hexseal.region.load import load_region
from hexseal.statistics.stage import write_statistics

REGIONS = Path(__file__).parents[1] / "regions"


@pytest.fixture(scope="session")
def built(toy: Path) -> Path:
    return toy


def query(sql: str, path: Path) -> list[tuple]:
    return duckdb.execute(sql, [str(path)]).fetchall()


def test_every_resolution_adds_up_to_the_raster(built: Path) -> None:
    sums = query(
        """SELECT sum(valid_pixels), sum(sealed_pixels_2018), sum(sealed_pixels_2021),
               sum(new_sealed_pixels_2018_2021), sum(unsealed_pixels_2018_2021),
               sum(valid_m2), sum(land_m2)
           FROM read_parquet($1) GROUP BY resolution ORDER BY resolution""",
        built / "work/toy/hexagons.parquet",
    )
    valid = ROWS * COLUMNS - 100
    land = (valid - 10 * COLUMNS) * 100.0
    assert sums == [(valid, 600, 670, 100, 30, valid * 100.0, land)] * 3


def test_areas_and_the_region_hold_what_was_drawn(built: Path) -> None:
    rows = query(
        """SELECT layer, id, name, sealed_m2_2018, new_sealed_m2_2018_2021,
               unsealed_m2_2018_2021, round(sealed_share_2021, 6)
           FROM read_parquet($1)""",
        built / "work/toy/areas.parquet",
    )
    land = ROWS * COLUMNS - 100 - 10 * COLUMNS
    west = 110 * 75
    assert rows == [
        ("region", "toy", "Toy region", 60_000.0, 10_000.0, 3_000.0, round(670 / land, 6)),
        ("half", "w", "West <b>half</b>", 60_000.0, 10_000.0, 3_000.0, round(670 / west, 6)),
        ("half", "e", "Est é", 0.0, 0.0, 0.0, 0.0),
    ]


def test_parents_are_the_sums_of_their_children(built: Path) -> None:
    rows = query(
        "SELECT h3_hex, resolution, sealed_m2_2021 FROM read_parquet($1)",
        built / "work/toy/hexagons.parquet",
    )
    children: dict[str, float] = {}
    for cell, resolution, sealed in rows:
        if resolution > 7:
            parent = h3.cell_to_parent(cell)
            children[parent] = children.get(parent, 0.0) + sealed
    parents = {cell: sealed for cell, resolution, sealed in rows if resolution < 9}
    assert children == parents


def test_two_builds_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    region = built / "inputs/toy.toml"
    # A folder that is named like a partition adds no column to any table.
    again = tmp_path / "year=2021" / "again"
    result = hexseal("build", region, "--out", again, "--workers", "1", "--fresh")
    assert result.code == 0, result.err
    assert tree(again) == tree(built / "site")


def test_a_built_site_verifies(built: Path) -> None:
    result = hexseal("verify", built / "site")
    assert (result.code, result.err) == (0, "")
    assert "no problems" in result.out


def test_delta_alone_writes_the_counts(built: Path, tmp_path: Path) -> None:
    result = hexseal("delta", built / "inputs/toy.toml", "--out", tmp_path / "site")
    assert result.code == 0
    assert (tmp_path / "work/toy/cells.parquet").is_file()
    assert not (tmp_path / "site").exists()


def totals(name: str, work: Path, columns: str) -> list[tuple]:
    """Sum columns over the hexagons of every resolution of an example region."""
    path = REGIONS / f"{name}.toml"
    region = load_region(real_sao_tome(work) if name == "sao-tome" else path)
    count_region(region, work)
    judge_region(region, work)
    write_statistics(region, work)
    return query(
        f"SELECT {columns} FROM read_parquet($1) GROUP BY resolution",
        work / "hexagons.parquet",
    )


class TestRealRasters:
    pytestmark = real_data

    def test_sao_tome_is_exact_at_every_resolution(self, tmp_path: Path) -> None:
        found = totals(
            "sao-tome",
            tmp_path,
            """sum(sealed_pixels_2020), sum(sealed_pixels_2021),
               sum(new_sealed_pixels_2020_2021), sum(unsealed_pixels_2020_2021)""",
        )
        assert found == [(125_246, 172_971, 52_279, 4_554)] * 5

    def test_ojcow_is_exact_at_every_resolution(self, tmp_path: Path) -> None:
        found = totals("ojcow", tmp_path, "sum(sealed_pixels_2023), sum(valid_pixels)")
        assert found == [(36_578, 682_113)] * 5

    def test_misaligned_corine_years_are_refused_with_the_command_that_mends(
        self, tmp_path: Path
    ) -> None:
        result = hexseal("build", REGIONS / "corine-vaud.toml", "--out", tmp_path / "site")
        assert result.code == 1
        lines = result.err.strip().splitlines() + result.out.strip().splitlines()
        told_mismatch = [line for line in lines if "gdalwarp" in line]
        assert told_mismatch, lines
        assert "100.005" in told_mismatch[0]
        assert "99.99" in told_mismatch[0]
        assert "Traceback" not in result.err

    def test_the_site_of_sao_tome_is_built_and_verified(self, tmp_path: Path) -> None:
        result = hexseal("build", real_sao_tome(tmp_path), "--out", tmp_path / "site")
        assert result.code == 0, result.err
        assert hexseal("verify", tmp_path / "site").code == 0


def test_changed_pixels_of_the_same_size_and_time_are_counted_again(tmp_path: Path) -> None:
    region = write_region(tmp_path)
    site, counts = tmp_path / "site", tmp_path / "work/toy/cells.parquet"
    build = ("build", region, "--until", "delta", "--out", site)
    sealed = "SELECT sum(pixels) FROM read_parquet($1) WHERE class_2021 = 1"
    assert hexseal(*build).code == 0
    assert query(sealed, counts) == [(670,)]
    assert "counts kept" in hexseal(*build).out
    with rasterio.open(load_region(region).epochs[1].landcover, "r+") as file:
        path, stat = Path(file.name), Path(file.name).stat()
        codes = file.read(1)
        codes[codes == 1] = 7
        codes[90:100, 80:90] = 1
        file.write(codes, 1)
    os.truncate(path, stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert "counts kept" not in hexseal(*build).out
    assert query(sealed, counts) == [(100,)]
