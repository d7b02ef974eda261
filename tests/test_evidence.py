"""The whole way from rasters to published change, against pixel-by-pixel references."""

import json
from collections import Counter
from pathlib import Path

import duckdb
import h3
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from noisymaps import draw_maps
from rasterfiles import NORTH, WEST, real_data, write_areas, write_tif
from scipy import ndimage
from sites import real_sao_tome
from test_patches import EIGHT, label

from hexseal.change import joining, survey, unit
from hexseal.change.joining import Parts, join_parts
from hexseal.change.patches import PatchTable
from hexseal.change.rate import fit_tail, rates
from hexseal.change.stage import judge_region, read_report
from hexseal.change.states import State
from hexseal.change.survey import count_region
from hexseal.counting import stage as counts
from hexseal.execution import Execution
from hexseal.raster.grid import Window
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region, load_region
from hexseal.statistics.stage import write_statistics
from hexseal.statistics.transitions import write_transitions
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Pair

REGIONS = Path(__file__).parents[1] / "regions"
ROWS, COLUMNS = 400, 420
TEXT = """
[region]
id = "toy"
[[epoch]]
year = 2018
landcover = "a.tif"
confidence = "ca.tif"
[[epoch]]
year = 2021
landcover = "b.tif"
confidence = "cb.tif"
post_processing = "pb.tif"
[[areas]]
layer = "half"
path = "halves.gpkg"
id = "code"
name = "code"
population = { 2018 = "people_2018", 2021 = "people_2021" }
[hexagons]
finest = 9
coarsest = 8
[noise]
decoy_ratio = 1
"""
CONFIRMED = (State.CONFIRMED, State.CONFIRMED_EDGE)


def maps(seed: int = 4) -> dict[str, np.ndarray]:
    """Two noisy maps, some pixels without data, and some corrected by hand."""
    bands = draw_maps(ROWS, COLUMNS, seed)
    bands["a"][:9], bands["b"][:9], bands["b"][:, -7:] = 10, 10, 254
    rng = np.random.default_rng(seed)
    bands["pb"] = (rng.random((ROWS, COLUMNS)) < 0.01).astype(np.uint8)
    return {name: bands[name] for name in ("a", "b", "ca", "cb", "pb")}


@pytest.fixture(scope="module")
def bands() -> dict[str, np.ndarray]:
    return maps()


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, bands: dict[str, np.ndarray]) -> Region:
    folder = tmp_path_factory.mktemp("evidence")
    for name, band in bands.items():
        write_tif(folder / f"{name}.tif", band)
    middle, south = WEST + 5.0 * COLUMNS, NORTH - 10.0 * ROWS
    halves: list[shapely.Geometry | None] = [
        shapely.box(WEST, south, middle, NORTH),
        shapely.box(middle, south, WEST + 10.0 * COLUMNS, NORTH),
    ]
    write_areas(
        folder / "halves.gpkg",
        halves,
        code=["w", "e"],
        people_2018=[1000, 500],
        people_2021=[1100, 500],
    )
    (folder / "toy.toml").write_text(TEXT)
    return load_region(folder / "toy.toml")


@pytest.fixture(scope="module")
def work(region: Region) -> Path:
    folder = region.path.parent / "work"
    folder.mkdir()
    count_region(region, folder)
    judge_region(region, folder)
    write_statistics(region, folder)
    write_transitions(region, folder)
    return folder


@pytest.fixture(scope="module")
def slow(bands: dict[str, np.ndarray]) -> np.ndarray:
    """The state of every pixel, judged over the whole array at once."""
    a, b = bands["a"], bands["b"]
    counts = (a <= 11) & (b <= 11)
    states = np.where((a == 1) & (b == 1), State.SEALED, State.UNSEALED)
    gain, loss = (a != 1) & (b == 1), (a == 1) & (b != 1)
    corrected = bands["pb"] == 1
    weight = bands["ca"].astype(float) * bands["cb"] / 10_000
    scores = {}
    for flow, state in ((gain, State.GAIN), (loss, State.LOSS)):
        kept = flow & counts & ~corrected
        states = np.where(flow & corrected, state + 2, np.where(kept, state, states))
        labels, count = label(kept)
        core = ndimage.binary_erosion(kept, EIGHT)
        scores[state] = (labels, ndimage.sum(weight * (1 + 5 * core), labels, range(1, count + 1)))
    labels, gains = scores[State.GAIN]
    tail = fit_tail(scores[State.LOSS][1])
    assert tail is not None
    q_value = np.array([1.0, *rates(gains, scores[State.LOSS][1], tail, 1.0)])
    sure = (labels > 0) & (q_value[labels] <= 0.10)
    secure = np.minimum(bands["ca"], bands["cb"]) >= 30
    states[sure] = State.CONFIRMED_EDGE
    states[sure & secure] = State.CONFIRMED
    return np.where(counts, states, 255)


def test_the_report_counts_what_a_slow_judge_counts(work: Path, slow: np.ndarray) -> None:
    report = read_report(work, Pair(2018, 2021))
    assert (report.grade, report.reasons) == ("consistent", ())
    assert report.confirmed == (slow == State.CONFIRMED).sum() > 300
    whole = np.isin(slow, (State.CONFIRMED, State.CONFIRMED_EDGE)).sum()
    assert report.confirmed_whole == whole > report.confirmed
    removed = report.removed["post_processing"]
    assert removed.gain == (slow == State.GAIN_POST_PROCESSING).sum() > 0
    assert removed.loss == (slow == State.LOSS_POST_PROCESSING).sum() > 0
    gains = [*CONFIRMED, State.GAIN, State.GAIN_POST_PROCESSING]
    assert report.raw_gain == np.isin(slow, gains).sum()
    assert report.provisional
    assert report.has_confidence


def test_confirmed_area_of_every_hexagon_is_that_of_its_pixels(
    region: Region, work: Path, slow: np.ndarray
) -> None:
    grid, _ = region_grid(region)
    rows, columns = np.nonzero(slow == State.CONFIRMED)
    lon, lat = grid.to_lonlat(*grid.centers(rows.astype(float), columns.astype(float)))
    for resolution in (8, 9):
        expected = Counter(
            h3.latlng_to_cell(y, x, resolution) for x, y in zip(lon, lat, strict=True)
        )
        if resolution == 8:
            # Coarser cells are the sum of their children, whose outlines differ from their own.
            finest = (h3.latlng_to_cell(y, x, 9) for x, y in zip(lon, lat, strict=True))
            expected = Counter(h3.cell_to_parent(cell, 8) for cell in finest)
        found = duckdb.execute(
            "SELECT h3_hex, confirmed_m2_2018_2021 FROM read_parquet($1) "
            "WHERE resolution = $2 AND confirmed_m2_2018_2021 > 0",
            [str(work / "hexagons.parquet"), resolution],
        ).fetchall()
        assert dict(found) == {cell: 100.0 * count for cell, count in expected.items()}


def test_the_common_mask_says_what_it_drops(work: Path) -> None:
    masked = json.loads((work / "judgement.json").read_text())["common_mask"]
    # The last 7 columns of the second map are outside; the first map is valid there.
    assert masked == {
        "2018": {"pixels": 7 * ROWS, "m2": 700.0 * ROWS},
        "2021": {"pixels": 0, "m2": 0.0},
    }


def test_areas_add_up_and_their_indicators_follow_the_formulas(work: Path) -> None:
    rows = duckdb.execute("FROM read_parquet($1)", [str(work / "areas.parquet")])
    whole, west, east = rows.to_arrow_table().to_pylist()
    for column in ("confirmed_m2_2018_2021", "adjusted_m2_2018_2021", "net_m2_2018_2021"):
        assert west[column] + east[column] == pytest.approx(whole[column])
    assert {area["grade_2018_2021"] for area in (whole, west, east)} == {"consistent"}
    for area, people in ((west, (1000, 1100)), (east, (500, 500))):
        adjusted, sealed = area["adjusted_m2_2018_2021"], area["sealed_m2_2018"]
        rate = adjusted / sealed / 3
        growth = np.log(people[1] / people[0]) / 3
        assert area["adjusted_low_m2_2018_2021"] < adjusted < area["adjusted_high_m2_2018_2021"]
        assert area["sealed_m2_per_inhabitant_2018"] == pytest.approx(sealed / people[0])
        assert area["index_2018"] == 100
        assert area["index_2021"] == pytest.approx(100 * (1 + adjusted / sealed))
        assert area["relative_percent_2018_2021"] == pytest.approx(100 * adjusted / sealed)
        assert area["adjusted_pp_2018_2021"] == pytest.approx(100 * adjusted / area["land_m2"])
        assert area["land_consumption_rate_2018_2021"] == pytest.approx(rate)
        assert area["population_growth_rate_2018_2021"] == pytest.approx(growth)
        assert area["loss_gain_ratio_2018_2021"] == pytest.approx(
            area["unsealed_m2_2018_2021"] / area["new_sealed_m2_2018_2021"]
        )
    assert west["lcrpgr_2018_2021"] == pytest.approx(
        west["land_consumption_rate_2018_2021"] / west["population_growth_rate_2018_2021"]
    )
    # Where nobody came or left the ratio says nothing.
    assert east["lcrpgr_2018_2021"] is None
    assert west["sealed_low_m2_2018"] is None
    assert west["signal_2018_2021"] == "gain"
    assert whole["sealed_m2_per_inhabitant_2018"] is None


def test_accuracies_give_stocks_an_interval(region: Region, work: Path, tmp_path: Path) -> None:
    text = region.path.read_text()
    text += "[accuracy.2018]\nusers = 0.9\nproducers = 0.8\nusers_se = 0.02\n"
    text += "[accuracy.2021]\nusers = 0.9\nproducers = 0.8\n"
    other = region.path.with_name("told.toml")
    other.write_text(text)
    for name in work.glob("*.*"):
        (tmp_path / name.name).write_bytes(name.read_bytes())
    write_statistics(load_region(other), tmp_path)
    found = duckdb.execute(
        "SELECT sealed_m2_2018, sealed_adjusted_m2_2018, sealed_low_m2_2018, sealed_high_m2_2018 "
        "FROM read_parquet($1) WHERE layer = 'region'",
        [str(tmp_path / "areas.parquet")],
    ).fetchone()
    assert found is not None
    mapped, adjusted, low, high = found
    assert adjusted == pytest.approx(mapped * 0.9 / 0.8)
    assert high - adjusted == pytest.approx(adjusted - low)
    assert high - adjusted > 1.96 * adjusted * 0.02 / 0.9
    result = json.loads((tmp_path / "judgement.json").read_text())["pairs"]["2018_2021"]
    assert result["transfer"]["slope"] < 1


def test_the_work_list_is_ranked_and_drawn(region: Region, work: Path, slow: np.ndarray) -> None:
    path = work / "patches_2018_2021.parquet"
    rows = duckdb.execute("FROM read_parquet($1)", [str(path)]).to_arrow_table().to_pylist()
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    confirmed = [row for row in rows if row["confirmed"]]
    assert sum(row["pixels"] for row in confirmed) == np.isin(slow, CONFIRMED).sum()
    assert {row["status"] for row in rows} == {"confirmed", "unconfirmed"}
    assert all(row["q_value"] <= 0.10 and row["direction"] == "gain" for row in confirmed)
    best = confirmed[0]
    assert best["area_half"] in ("w", "e")
    assert best["origin_class"] in (6, 7)
    assert (best["origin"] == "Permanent herbaceous") == (best["origin_class"] == 6)
    assert best["h3_hex"] == h3.latlng_to_cell(best["lat"], best["lon"], 9)
    shape = shapely.from_wkb(best["geometry"])
    assert shape.is_valid
    assert shape.covers(shapely.Point(best["lon"], best["lat"]))
    grid, _ = region_grid(region)
    drawn = shapely.transform(
        shape, lambda xy: np.column_stack(grid.from_lonlat(xy[:, 0], xy[:, 1]))
    )
    assert drawn.area == pytest.approx(best["area_m2"], rel=1e-4)


def test_transitions_say_from_which_class(
    region: Region, work: Path, slow: np.ndarray, bands: dict[str, np.ndarray]
) -> None:
    raw = np.isin(slow, [*CONFIRMED, State.GAIN, State.GAIN_POST_PROCESSING])
    west = np.arange(COLUMNS) < COLUMNS / 2
    expected = {}
    for layer, name, inside in (("region", "toy", west | True), ("half", "w", west)):
        for code in np.unique(bands["a"][raw & inside]).tolist():
            there = inside & (bands["a"] == code)
            counts = [(raw & there).sum(), ((slow == State.CONFIRMED) & there).sum()]
            expected[layer, name, code] = tuple(100.0 * count for count in counts)
    rows = duckdb.execute(
        "SELECT layer, id, origin_class, new_sealed_m2, confirmed_m2 FROM read_parquet($1) "
        "WHERE id <> 'e'",
        [str(work / "transition_areas.parquet")],
    ).fetchall()
    assert {row[:3]: row[3:] for row in rows} == expected
    (totals,) = duckdb.execute(
        "SELECT sum(new_sealed_m2), sum(confirmed_m2), min(h3_hex) FROM read_parquet($1)",
        [str(work / "transition_hexagons.parquet")],
    ).fetchall()
    assert totals[:2] == (100.0 * raw.sum(), 100.0 * (slow == State.CONFIRMED).sum())
    assert h3.get_resolution(totals[2]) == 8


def test_filters_that_are_switched_on_remove_and_say_so(region: Region) -> None:
    text = region.path.read_text() + (
        "confidence = 40\nedge_tolerance = 1\nminimum_patch = 4\npost_processing = false\n"
    )
    other = region.path.with_name("strict.toml")
    other.write_text(text)
    folder = region.path.parent / "strict"
    folder.mkdir()
    (report,) = judge_region(load_region(other), folder)
    assert report.removed["post_processing"].gain == 0
    assert all(
        report.removed[name].gain > 0 and report.removed[name].loss > 0
        for name in ("confidence", "edge_tolerance", "minimum_patch")
    )
    taken = sum(removed.gain for removed in report.removed.values())
    assert taken + report.confirmed <= report.raw_gain


@pytest.mark.parametrize(
    ("height", "width", "step"), [(400, 420, 64), (97, 420, 33), (61, 103, 512)]
)
def test_how_a_region_is_cut_changes_no_byte(
    region: Region, work: Path, monkeypatch: pytest.MonkeyPatch, height: int, width: int, step: int
) -> None:
    monkeypatch.setattr(unit, "STEP", step)
    monkeypatch.setattr(survey, "cut_units", lambda *_: cuts(height, width)[::-1])
    folder = region.path.parent / f"cut_{height}_{step}"
    folder.mkdir()
    count_region(region, folder, execution=Execution(1))
    (report,) = judge_region(region, folder, execution=Execution(1))
    assert report == read_report(work, Pair(2018, 2021))
    borders = [path.name for path in WorkFolder(folder).borders(Pair(2018, 2021))]
    assert pq.read_table(folder / borders[0]).num_rows > 0
    for name in ("patches_2018_2021.parquet", *borders):
        assert (folder / name).read_bytes() == (work / name).read_bytes(), name
    for name in ("cells", "zones", "evidence_2018_2021_cells", "evidence_2018_2021_zones"):
        assert rows_of(folder / f"{name}.parquet") == rows_of(work / f"{name}.parquet")


def test_patches_that_are_read_are_those_held_in_memory(
    region: Region, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "STEP", 64)
    monkeypatch.setattr(survey, "cut_units", lambda *_: cuts(97, 250))
    monkeypatch.setattr(joining, "BATCH", 7)
    folder = region.path.parent / "read"
    folder.mkdir()
    found = survey.survey_region(region, folder, execution=Execution(1))
    stored = found.patches("2018_2021")
    units = []
    for task in found.tasks:
        patches, origins, border = (
            pq.read_table(found.table(task, f"{name}_2018_2021"))
            for name in ("patches", "origins", "border")
        )
        columns = {name: patches[name].to_numpy() for name in patches.column_names}
        rows = (np.column_stack([c.to_numpy() for c in t.columns]) for t in (origins, border))
        units.append(Parts(columns, *rows))
    assert len(units) > 4
    patch, table = join_parts(Parts.joined(units), COLUMNS)
    np.testing.assert_array_equal(stored.patch, patch)
    assert len(stored) == len(table) < len(patch)
    for name in ("direction", "pixels", "core", "score", "plain_score", "row_mean", "column_mean",
                 "confident", "compact"):  # fmt: skip
        np.testing.assert_array_equal(getattr(stored, name), getattr(table, name), err_msg=name)
    places = np.random.default_rng(3).permutation(len(table))[:50]
    some, expected = stored.chosen(places), table.chosen(places)
    for name in PatchTable.__slots__:
        np.testing.assert_array_equal(getattr(some, name), getattr(expected, name), err_msg=name)
    outer = (table.row_min == 0) | (table.row_end == ROWS)
    outer |= (table.column_min == 0) | (table.column_end == COLUMNS)
    assert stored.outermost(ROWS, COLUMNS).tolist() == np.flatnonzero(outer).tolist()


def test_counts_that_spill_to_the_disk_change_no_byte(
    region: Region, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    connect = counts.connect
    monkeypatch.setattr(counts, "connect", lambda at: (opened.append(at), connect(at))[1])
    monkeypatch.setattr(counts, "MOST_ROWS", 4)
    monkeypatch.setattr(unit, "STEP", 64)
    folder = region.path.parent / "spilled"
    folder.mkdir()
    count_region(region, folder, execution=Execution(1))
    assert len(opened) == 2
    monkeypatch.setattr(counts, "MOST_ROWS", 1 << 20)
    other = region.path.parent / "held"
    other.mkdir()
    count_region(region, other, execution=Execution(1))
    assert len(opened) == 2
    for name in ("cells.parquet", "zones.parquet"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()
        assert rows_of(folder / name) == rows_of(work / name)


def cuts(height: int, width: int) -> list[Window]:
    """Cut the region into windows of a size."""
    return [
        Window(row, column, min(height, ROWS - row), min(width, COLUMNS - column))
        for row in range(0, ROWS, height)
        for column in range(0, COLUMNS, width)
    ]


def rows_of(path: Path) -> list[tuple[object, ...]]:
    return duckdb.sql(f"FROM '{path}' ORDER BY ALL").fetchall()


def test_three_years_are_judged_pair_by_pair(tmp_path: Path) -> None:
    """0-1-0 is rejected between the first two years, 0-1-1 is not, 0-0-1 stays provisional."""
    years = np.full((3, 40, 40), 6, np.uint8)
    years[1, 5:9, 5:9] = 1  # 0-1-0
    years[1:, 20:24, 20:24] = 1  # 0-1-1
    years[2, 30:34, 5:9] = 1  # 0-0-1
    years[[0, 2], 5:9, 30:34] = 1  # 1-0-1
    for year, band in zip((2018, 2021, 2023), years, strict=True):
        write_tif(tmp_path / f"{year}.tif", band)
    epochs = "".join(
        f'[[epoch]]\nyear = {year}\nlandcover = "{year}.tif"\n' for year in (2018, 2021, 2023)
    )
    (tmp_path / "r.toml").write_text('[region]\nid = "three"\n' + epochs)
    reports = judge_region(load_region(tmp_path / "r.toml"), tmp_path)
    early, late, both = reports
    assert early.removed["three_dates"].gain == 16
    assert early.removed["three_dates"].loss == 16
    assert (early.gain_patches, early.loss_patches, early.provisional) == (1, 0, False)
    assert late.removed["three_dates"].gain == 16
    assert late.removed["three_dates"].loss == 16
    assert (late.gain_patches, late.loss_patches, late.provisional) == (1, 0, True)
    assert (both.first, both.second, both.gain_patches) == (2018, 2023, 2)
    # A handful of losses shows nothing of the noise: nothing is confirmed, and that is said.
    assert all(report.grade == "inconclusive" and report.confirmed == 0 for report in reports)
    assert all("decoys.losses" in report.reasons for report in reports)


class TestRealRasters:
    pytestmark = real_data

    def test_sao_tome_is_judged_with_a_warning(self, tmp_path: Path) -> None:
        region = load_region(real_sao_tome(tmp_path))
        count_region(region, tmp_path)
        (report,) = judge_region(region, tmp_path)
        write_statistics(region, tmp_path)
        assert (report.raw_gain, report.raw_loss) == (52_279, 4_554)
        notes = json.loads((tmp_path / "judgement.json").read_text())["notes"]
        assert report.grade == "inconclusive"
        assert {note["kind"] for note in notes if note["severe"]} >= {
            "makers",
            "rate",
            "unbalanced",
        }
        (rate,) = (note for note in notes if note["kind"] == "rate")
        (pace,) = (check for check in report.checks if check.name == "pace")
        assert pace.statistic == pytest.approx(rate["values"]["percent"] / 100)
        (makers,) = (note for note in notes if note["kind"] == "makers")
        assert makers["values"] == {
            "first": "ESA WorldCover v100",
            "second": "ESA WorldCover v200",
        }
