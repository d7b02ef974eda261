"""A reference sample of blocks: strata, drawing, labels as people send them, estimates."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.raw
import pytest
import shapely
from click.testing import CliRunner
from rasterfiles import NORTH, WEST, north_up, write_tif

from hexseal.accuracy.table import NUMBER
from hexseal.cli.main import cli
from hexseal.errors import HexsealError, InputError
from hexseal.region.load import Region, load_region
from hexseal.sample.assess import SampleReport, assess_sample
from hexseal.sample.blocks import STRATA, Blocks, Census, survey_blocks
from hexseal.sample.design import Drawing, plan_sample
from hexseal.sample.estimators import LabelledStratum, difference_estimate
from hexseal.sample.stage import EDGES, draw_sample, table_csv, write_sample
from hexseal.types import Pair

HEIGHT, WIDTH = 400, 600
TEXT = """
[region]
id = "{name}"
[[epoch]]
year = 2018
landcover = "{name}_2018.tif"
[[epoch]]
year = 2021
landcover = "{name}_2021.tif"
"""
Rows = list[dict[str, str]]
SOURCE = "labels.csv"


def write_region(folder: Path, name: str, maps: list[np.ndarray], **options: object) -> Region:
    for year, band in zip((2018, 2021), maps, strict=True):
        write_tif(folder / f"{name}_{year}.tif", band, **options)
    path = folder / f"{name}.toml"
    path.write_text(TEXT.format(name=name))
    return load_region(path)


def paint(band: np.ndarray, row: int, column: int, height: int, width: int, code: int = 1) -> None:
    band[row : row + height, column : column + width] = code


def truth_and_maps(seed: int = 1) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Villages that grow by houses; maps err by scattered pixels and houses too many."""
    rng = np.random.default_rng(seed)
    before = np.full((HEIGHT, WIDTH), 6, np.uint8)
    for row, column in zip(rng.integers(0, 340, 25), rng.integers(0, 540, 25), strict=True):
        paint(before, row, column, 30, 30)
    after, mapped = before.copy(), [before.copy(), before.copy()]
    for house in range(120):
        row, column = rng.integers(0, HEIGHT - 6), rng.integers(0, WIDTH - 6)
        if house % 10:
            paint(after, row, column, 4, 5)
        paint(mapped[1], row, column, 4, 5)
    for band in mapped:
        wrong = rng.random(band.shape) < 0.002
        band[wrong] = np.where(band[wrong] == 1, 6, 1)
    for band in (*mapped, before, after):
        paint(band, 0, 0, 40, 55, 254)  # no data
        paint(band, 40, 0, 30, 30, 10)  # water
    return [before, after], mapped


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Region, list[np.ndarray]]:
    truth, maps = truth_and_maps()
    return write_region(tmp_path_factory.mktemp("made"), "made", maps), truth


def label(region: Region, truth: list[np.ndarray], seed: int = 1, path: str = SOURCE) -> Path:
    """Draw a sample and fill it in from the truth."""
    sample = draw_sample(region, seed=seed)
    columns = sample.columns()
    blocks = range(len(sample.blocks))
    for column, band in zip(sample.shares, truth, strict=True):
        columns[column] = [share_at(band, sample.bounds[place]) for place in blocks]
    target = region.path.with_name(path)
    target.write_text(table_csv(columns))
    return target


def share_at(band: np.ndarray, bounds: np.ndarray) -> float:
    left, bottom, right, top = bounds
    columns = slice(round((left - WEST) / 10), round((right - WEST) / 10))
    rows = slice(round((NORTH - top) / 10), round((NORTH - bottom) / 10))
    cells = band[rows, columns]
    return float((cells == 1).sum() / np.isin(cells, [1, 6, 10]).sum())


@pytest.fixture(scope="module")
def labelled(made: tuple[Region, list[np.ndarray]]) -> tuple[Region, Path]:
    return made[0], label(*made)


def read_rows(path: Path) -> Rows:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def write_rows(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_typed(path: Path, rows: Rows) -> Path:
    """Write rows as GeoPackage or GeoParquet: columns of numbers where all cells are numbers."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    columns = {name: typed([row[name] for row in rows]) for name in names}
    edges = np.array([[float(row[n]) for n in EDGES] for row in read_rows(path.with_name(SOURCE))])
    shapes = shapely.to_wkb(shapely.box(*np.resize(edges, (len(rows), 4)).T))
    if path.suffix == ".parquet":
        pq.write_table(pa.table({**columns, "geometry": pa.array(shapes, pa.binary())}), path)
        return path
    pyogrio.raw.write(
        path, geometry=shapes, field_data=[column.to_numpy(False) for column in columns.values()],
        fields=names, geometry_type="Polygon", crs="EPSG:3035", layer="sample", driver="GPKG",
    )  # fmt: skip
    return path


def typed(cells: list[str]) -> pa.Array:
    if all(NUMBER.fullmatch(cell) for cell in cells if cell):
        return pa.array([float(cell) if cell else None for cell in cells], pa.float64())
    return pa.array([cell or None for cell in cells], pa.string())


def changed(
    labelled: tuple[Region, Path], change: Callable[[Rows], Rows | None], kind: str = "csv"
) -> Path:
    rows = read_rows(labelled[1])
    rows = change(rows) or rows
    target = labelled[1].with_name(f"changed.{kind}")
    target.unlink(missing_ok=True)
    return write_rows(target, rows) if kind == "csv" else write_typed(target, rows)


def everything(region: Region) -> tuple[Census, Blocks]:
    parts: list[Blocks] = []
    census = survey_blocks(region, Pair(2018, 2021), parts.append)
    (blocks,) = parts
    return census, blocks


def test_strata_by_hand(tmp_path: Path) -> None:
    before = np.full((30, 80), 6, np.uint8)
    after = before.copy()
    paint(before, 0, 0, 2, 2)  # block 0: lost, 4 pixels
    paint(after, 0, 10, 4, 5)  # block 1: 20 pixels of gain in one patch
    paint(after, 0, 20, 2, 4)  # block 2: a patch of 8
    after[5, 33] = after[8, 38] = 1  # block 3: two single pixels
    paint(before, 0, 42, 3, 3)  # block 4: a patch of 9 lost
    after[9, 55] = 1  # block 5: one pixel
    paint(after, 20, 60, 10, 20)  # blocks 22, 23: a field of 200 pixels
    paint(after, 10, 46, 3, 6)  # blocks 12 and 13: 12 and 6 pixels of one patch
    for row, column in ((20, 0), (20, 4), (22, 2), (24, 0), (24, 4)):
        after[row, column] = 1  # block 16: five single pixels
    before[15, :10] = after[15, :10] = 254  # part of block 8 does not count
    paint(before, 25, 30, 5, 10, 254)  # half of block 19
    census, blocks = everything(write_region(tmp_path, "hand", [before, after]))
    named = {int(i): STRATA[place] for i, place in zip(blocks.index, blocks.stratum, strict=True)}
    assert [named[place] for place in range(8)] == [
        "single_pixel", "large_gain", "medium_gain", "small_gain", "large_loss", "single_pixel",
        "rest", "rest",
    ]  # fmt: skip
    assert [named[place] for place in (12, 13, 16)] == [
        "medium_gain", "patch_edge", "scattered_gain",
    ]  # fmt: skip
    assert named[8] == "near_sealed"
    assert named[22] == named[23] == "whole_field"
    assert blocks.valid[8] == 90
    assert blocks.valid[19] == 50
    assert census.gain_m2.sum() == 3100 + 2300
    assert census.loss_m2.sum() == 1300
    assert census.field_m2.sum() == 20_000
    assert census.gain_patch_m2.sum() == 2800 + 1800
    assert census.total == 24


def test_edges_cut_blocks_and_nothing_valid_drops_them(tmp_path: Path) -> None:
    band = np.full((25, 33), 6, np.uint8)
    band[:10, :10] = 254
    census, blocks = everything(write_region(tmp_path, "edge", [band, band]))
    assert census.total == 11
    assert 0 not in blocks.index
    assert blocks.valid.tolist()[-1] == 5 * 3
    sample = draw_sample(load_region(tmp_path / "edge.toml"))
    assert sample.bounds[:, 2].max() == WEST + 330
    assert sample.bounds[:, 1].min() == NORTH - 250


def test_geographic_grid_has_true_areas(tmp_path: Path) -> None:
    band = np.full((40, 40), 6, np.uint8)
    band[10:20, 10:20] = 1
    options = {"crs": "EPSG:4326", "transform": north_up(6.0, 50.0, 0.0001)}
    census, _ = everything(write_region(tmp_path, "degrees", [band, band], **options))
    # A pixel of 0.0001 degrees at 50 N: 11.12 m north by 7.17 m east.
    assert census.before_m2.sum() == pytest.approx(100 * 79.75, rel=0.001)


def test_drawing_is_repeatable_nested_and_random(made: tuple[Region, list[np.ndarray]]) -> None:
    region, _ = made
    one, same, other = (draw_sample(region, seed=seed) for seed in (1, 1, 2))
    assert one.blocks.index.tolist() == same.blocks.index.tolist()
    assert one.blocks.index.tolist() != other.blocks.index.tolist()
    assert (
        one.design.units
        == plan_sample(survey_blocks(region, Pair(2018, 2021), lambda _: None)).sizes
    )
    # Rows are in random order: strata do not follow each other.
    runs = np.count_nonzero(np.diff(one.blocks.stratum))
    assert runs > len(one.blocks) / 2
    census, blocks = everything(region)
    small, large = Drawing(1, most=5), Drawing(1, most=50)
    for part in (slice(0, 999), slice(999, None)):
        small(blocks.take(np.arange(len(blocks))[part]))
        large(blocks.take(np.arange(len(blocks))[part]))
    for place, (_, held) in small.held.items():
        assert set(held.index.tolist()) <= set(large.held[place][1].index.tolist())
    assert census.fingerprint == one.design.fingerprint


def test_each_block_is_drawn_equally_often(made: tuple[Region, list[np.ndarray]]) -> None:
    _, blocks = everything(made[0])
    rest = blocks.take(blocks.stratum == STRATA.index("rest"))
    counts = np.zeros(len(rest))
    for seed in range(400):
        drawing = Drawing(seed, most=len(rest) // 4)
        drawing(rest)
        (_, held) = drawing.held[STRATA.index("rest")]
        counts[np.isin(rest.index, held.index)] += 1
    # 400 draws with a chance of a quarter: 100 each, deviation sqrt(75).
    assert counts.mean() == pytest.approx(100, abs=0.5)
    assert counts.min() > 60
    assert counts.max() < 140
    assert counts.std() == pytest.approx(75**0.5, rel=0.15)


def test_formats_hold_the_same_rows(made: tuple[Region, list[np.ndarray]], tmp_path: Path) -> None:
    sample = draw_sample(made[0])
    table, design, gpkg, parquet = write_sample(sample, tmp_path / "s.csv", ("gpkg", "parquet"))
    rows = read_rows(table)
    assert list(rows[0])[:8] == [
        "unit", "stratum", "xmin", "ymin", "xmax", "ymax", "sealed_share_2018", "sealed_share_2021",
    ]  # fmt: skip
    assert rows[0]["unit"] == "1"
    assert rows[0]["sealed_share_2018"] == ""
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(sum(sample.design.blocks))
    assert json.loads(design.read_text())["units"] == len(rows)
    layer = pyogrio.read_arrow(gpkg)[1]
    assert len(layer) == pq.read_table(parquet).num_rows == len(rows)
    assert layer["sealed_share_2018"].null_count == len(rows)
    assert pyogrio.read_info(gpkg)["crs"] == "EPSG:3035"
    assert json.loads(pq.read_schema(parquet).metadata[b"geo"])["primary_column"] == "geometry"


def test_truth_is_found(labelled: tuple[Region, Path], made: tuple[Region, list]) -> None:
    report = assess_sample(labelled[0], [labelled[1]])
    before, after = (band == 1 for band in made[1])
    net = (after.sum() - before.sum()) * 100
    assert report.change.net.low < net < report.change.net.high
    assert report.change.gain.value - report.change.loss.value == pytest.approx(
        report.change.net.value
    )
    found = report.to_json()
    assert found["years"] == [2018, 2021]
    assert set(found["net_m2"]) == {"value", "low", "high"}  # type: ignore[arg-type]
    assert report.levels[2018].low < before.sum() * 100 < report.levels[2018].high
    # One interpreter: the published interval is wider than sampling alone.
    assert report.published.net.low < report.change.net.low


def test_coverage_over_draws(made: tuple[Region, list[np.ndarray]]) -> None:
    region, truth = made
    net = float((truth[1] == 1).sum() - (truth[0] == 1).sum()) * 100
    reports = [
        assess_sample(region, [label(region, truth, seed, "draw.csv")]) for seed in range(12)
    ]
    held = [report.change.net.low <= net <= report.change.net.high for report in reports]
    values = [report.change.net.value for report in reports]
    assert sum(held) >= 11
    assert np.mean(values) == pytest.approx(net, rel=0.05)


def interpreters(labelled: tuple[Region, Path], *names: str) -> list[Path]:
    rows = read_rows(labelled[1])
    paths = []
    for number, name in enumerate(names):
        mine = [dict(row) for row in rows]
        if number == 1:
            mine[0]["sealed_share_2021"] = "1"
            mine[0]["sealed_share_2018"] = "0"
        if number == 2:
            mine = mine[:1]
        paths.append(write_rows(labelled[1].with_name(f"{name}.csv"), mine))
    return paths


def test_two_interpreters_and_a_third_who_settles(labelled: tuple[Region, Path]) -> None:
    region, alone = labelled
    one, two, third = interpreters(labelled, "ann", "bob", "cid")
    pair = assess_sample(region, [one, two])
    assert pair.labels.unsettled == 1
    assert not pair.labels.is_settled
    settled = assess_sample(region, [one, two, third])
    assert settled.labels.is_settled
    assert settled.published == settled.change
    assert settled.change == assess_sample(region, [alone]).change


def test_interpreters_in_one_file(labelled: tuple[Region, Path]) -> None:
    one, two, third = (read_rows(path) for path in interpreters(labelled, "a", "b", "c"))
    rows = [
        row | {"interpreter": name}
        for name, part in (("A", one), ("B", two), ("settled", third))
        for row in part
    ]
    path = write_rows(labelled[1].with_name("all.csv"), rows)
    report = assess_sample(labelled[0], [path])
    assert report.labels.is_settled
    assert report.labels.interpreters == ("A", "B", "settled")


def test_gain_and_loss_of_one_block_are_kept_apart(labelled: tuple[Region, Path]) -> None:
    def both(rows: Rows) -> None:
        for row in rows:
            net = float(row["sealed_share_2021"]) - float(row["sealed_share_2018"])
            row["gain_share"], row["loss_share"] = str(max(net, 0) + 0.0), str(max(-net, 0) + 0.0)
        rows[0]["gain_share"] = str(float(rows[0]["gain_share"]) + 0.01)
        rows[0]["loss_share"] = str(float(rows[0]["loss_share"]) + 0.01)

    plain = assess_sample(labelled[0], [labelled[1]]).change
    apart = assess_sample(labelled[0], [changed(labelled, both)]).change
    weight = float(read_rows(labelled[1])[0]["weight"])
    assert apart.net.value == pytest.approx(plain.net.value)
    assert apart.gain.value - plain.gain.value == pytest.approx(100 * weight)


def test_no_change_has_room_around_zero(tmp_path: Path) -> None:
    before = np.full((300, 300), 6, np.uint8)
    paint(before, 100, 100, 40, 40)
    region = write_region(tmp_path, "still", [before, before])
    report = assess_sample(region, [label(region, [before, before])])
    assert report.change.net.value == 0
    assert report.change.net.low < 0 < report.change.net.high


def test_never_plus_minus_zero() -> None:
    rest = LabelledStratum("rest", 5, np.zeros(5))
    assert difference_estimate(0.0, [rest], 100.0).high > 0
    wide = LabelledStratum("rest", 5000, np.zeros(30))
    assert difference_estimate(0.0, [wide], 100.0).high > 100


def drop(stratum: str) -> Callable[[Rows], Rows]:
    return lambda rows: [row for row in rows if row["stratum"] != stratum]


def put(column: str, value: str, *, rows: int = 1) -> Callable[[Rows], None]:
    def change(table: Rows) -> None:
        for row in table[:rows]:
            row[column] = value

    return change


def without(*columns: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{k: v for k, v in row.items() if k not in columns} for row in rows]


@pytest.mark.parametrize("kind", ["csv", "gpkg", "parquet"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [*rows, rows[3]], "labelled twice"),
        (drop("rest"), "stratum 'rest' has 0 labelled"),
        (lambda rows: without("weight")(drop("rest")(rows)), "stratum 'rest' has 0 labelled"),
        (put("sealed_share_2018", "", rows=9999), "has no label of 2018"),
        (
            lambda rows: (
                put("sealed_share_2021", "", rows=9999)(rows)
                or put("sealed_share_2018", "", rows=9999)(rows)
            ),
            "none of its",
        ),
        (put("weight", "99"), "weights of stratum"),
        (put("stratum_blocks", "7"), "stratum_blocks of"),
        (put("xmin", "1e9"), "is not a block of made's grid"),
        (put("xmin", "١٢"), "is not a number"),
        (put("sealed_share_2018", "1_0"), "is not a number"),
        (put("sealed_share_2018", "٠"), "is not a number"),
        (put("sealed_share_2018", "45"), "give a share from 0 to 1"),
        (put("sealed_share_2018", "-0.1"), "give a share from 0 to 1"),
        (put("sealed_share_2018", "inf"), "is not a number"),
        (put("stratum", "gain"), "is not one of"),
        (put("design", "x"), "design = "),
        (put("design", "x", rows=9999), "was not written by hexseal sample draw"),
        (without("sealed_share_2018"), "has no column sealed_share_2018"),
        (put("unit", "2"), "unit 2 is labelled twice"),
    ],
)
def test_bad_labels(
    labelled: tuple[Region, Path], change: Callable[[Rows], Rows | None], message: str, kind: str
) -> None:
    path = changed(labelled, change, kind)
    with pytest.raises(HexsealError) as caught:
        assess_sample(labelled[0], [path])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_other_maps_and_other_regions_are_refused(
    labelled: tuple[Region, Path], tmp_path: Path
) -> None:
    _, maps = truth_and_maps()
    maps[1][200:203, 200:203] = 1
    newer = write_region(tmp_path, "made", maps)
    with pytest.raises(InputError, match="was drawn from other maps"):
        assess_sample(newer, [labelled[1]])
    # Without the column that carries the design, the strata give it away.
    bare = changed(labelled, without("design", "weight", "stratum_blocks"))
    maps[1][:, 300:] = np.roll(maps[1][:, 300:], 37, axis=0)
    moved = write_region(tmp_path, "moved", maps)
    with pytest.raises(InputError, match="a block of stratum"):
        assess_sample(moved, [bare])
    far = write_region(tmp_path, "far", maps, transform=north_up(WEST + 1e5, NORTH))
    with pytest.raises(InputError, match="is not a block of far's grid"):
        assess_sample(far, [bare])


def same(one: SampleReport, other: SampleReport) -> bool:
    return one.change == other.change


def test_files_as_excel_writes_them(labelled: tuple[Region, Path], tmp_path: Path) -> None:
    region, path = labelled
    plain = assess_sample(region, [path])
    semicolons = "\r\n".join(
        ";".join(cell.replace(".", ",") for cell in row) for row in csv.reader(path.open())
    )
    for name, content in (
        ("excel.csv", semicolons.encode("utf-8-sig")),
        ("unicode.txt", semicolons.replace(";", "\t").encode("utf-16")),
        ("bom.csv", path.read_text().encode("utf-8-sig")),
        ("tab.csv", path.read_text().replace(",", "\t").encode()),
    ):
        target = tmp_path / name
        target.write_bytes(content)
        assert same(assess_sample(region, [target]), plain), name


@pytest.mark.parametrize("kind", ["gpkg", "parquet"])
def test_the_drawn_table_is_read_back_in_each_format(
    labelled: tuple[Region, Path], kind: str
) -> None:
    region, path = labelled
    filled = changed(labelled, lambda rows: rows, kind)
    assert same(assess_sample(region, [filled]), assess_sample(region, [path]))
    drawn = path.with_name("drawn.csv")
    write_sample(draw_sample(region), drawn, [kind])  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="none of its"):
        assess_sample(region, [drawn.with_suffix(f".{kind}")])


def test_damaged_tables_are_one_line(labelled: tuple[Region, Path]) -> None:
    for kind, word in (("gpkg", "GeoPackage"), ("parquet", "Parquet")):
        path = changed(labelled, lambda rows: rows, kind)
        path.write_bytes(path.read_bytes()[:900])
        with pytest.raises(InputError, match=f"cannot be read as {word}") as caught:
            assess_sample(labelled[0], [path])
        assert "\n" not in str(caught.value)
    both = changed(labelled, lambda rows: rows, "gpkg")
    shapes = shapely.to_wkb(shapely.points([[0.0, 0.0]]))
    pyogrio.raw.write(
        both, geometry=shapes, field_data=[np.zeros(1)], fields=["other"], geometry_type="Point",
        crs="EPSG:3035", layer="more", driver="GPKG", append=True,
    )  # fmt: skip
    with pytest.raises(InputError, match="holds 2 layers"):
        assess_sample(labelled[0], [both])


def test_strata_not_named_are_found_on_the_maps(labelled: tuple[Region, Path]) -> None:
    bare = changed(labelled, without("stratum", "stratum_blocks", "weight", "design", "unit"))
    assert same(assess_sample(labelled[0], [bare]), assess_sample(labelled[0], [labelled[1]]))


def test_command_line(made: tuple[Region, list[np.ndarray]], tmp_path: Path) -> None:
    region, truth = made
    runner = CliRunner()
    planned = runner.invoke(cli, ["sample", "plan", str(region.path), "--target-se", "10%"])
    assert planned.exit_code == 0
    assert "hours for one interpreter" in planned.output
    drawn = runner.invoke(
        cli, ["sample", "draw", str(region.path), "-o", str(tmp_path / "s.csv"), "--seed", "3"]
    )
    assert drawn.exit_code == 0, drawn.output
    labels = label(region, truth, seed=3)
    report = tmp_path / "accuracy.json"
    found = runner.invoke(cli, ["accuracy", str(region.path), str(labels), "-o", str(report)])
    assert found.exit_code == 0
    assert "net with label errors" in found.output
    assert json.loads(report.read_text())["form"] == "blocks"
    wrong = runner.invoke(cli, ["sample", "plan", str(region.path), "--target-se", "٣%"])
    assert wrong.exit_code == 2
    assert "give a share such as 10%" in wrong.output
