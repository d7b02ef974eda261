"""Reference samples against maps: points, pairs, LUCAS, and every way a sample can be wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from rasterfiles import NORTH, WEST, write_tif
from sites import hexseal

from hexseal.accuracy.report import AccuracyReport
from hexseal.accuracy.stage import (
    assess_accuracy,
    known_accuracy,
    paired_errors,
    sealed_accuracy,
)
from hexseal.errors import InputError
from hexseal.raster.grid import to_lonlat
from hexseal.region.load import Region, load_region
from hexseal.statistics.transfer import transfer_between
from hexseal.types import Pair

# Columns of a map of 10 x 40 pixels: 0 to 9 sealed in 2018, 0 to 14 in 2021, the last no data.
ROWS, COLUMNS = 10, 40
TEXT = """
[region]
id = "toy"
[[epoch]]
year = 2018
landcover = "a.tif"
[[epoch]]
year = 2021
landcover = "b.tif"
"""


@pytest.fixture
def region(tmp_path: Path) -> Region:
    for name, sealed in (("a", 10), ("b", 15)):
        band = np.full((ROWS, COLUMNS), 6, np.uint8)
        band[:, :sealed], band[:, -1] = 1, 254
        write_tif(tmp_path / f"{name}.tif", band)
    (tmp_path / "toy.toml").write_text(TEXT)
    return load_region(tmp_path / "toy.toml")


def at(column: int, row: int = 5) -> str:
    """Return x and y of a pixel's centre as CSV."""
    return f"{WEST + 10 * column + 5},{NORTH - 10 * row - 5}"


def write(region: Region, *lines: str, name: str = "points.csv") -> Path:
    path = region.path.with_name(name)
    path.write_text("\n".join(lines) + "\n")
    return path


def points(region: Region) -> Path:
    """Ten points of 2018: 4 of 5 sealed ones right, 1 of 5 others omitted by the map."""
    truth = [(0, 1), (2, 1), (4, 1), (6, 1), (8, 6), (12, 1), (20, 6), (24, 6), (28, 6), (32, 6)]
    return write(region, "x,y,reference_2018", *(f"{at(column)},{code}" for column, code in truth))


def more_points(region: Region) -> Path:
    """The same ten points in three rows of the map."""
    lines = points(region).read_text().splitlines()
    again = [
        line.replace(f"{NORTH - 55}", f"{NORTH - 10 * row - 5}")
        for row in (2, 5, 8)
        for line in lines[1:]
    ]
    return write(region, lines[0], *again)


def assess(region: Region, path: Path, *, crs: str = "EPSG:3035", **more: object) -> AccuracyReport:
    few = {"fewest_points": 2} | more
    return assess_accuracy(region, path, crs=crs, **few)  # type: ignore[arg-type]


def refusal(region: Region, path: Path, **more: object) -> str:
    with pytest.raises(InputError) as caught:
        assess(region, path, **more)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_points_by_hand(region: Region) -> None:
    report = assess(region, points(region))
    (year,) = report.years
    assert year.sealed.counts.tolist() == [[4, 1], [1, 4]]
    # Land: 290 pixels unsealed and 100 sealed; 290 x 1/5 + 100 x 4/5 = 138 pixels are sealed.
    assert year.sealed.mapped_m2.tolist() == [29_000, 10_000]
    assert year.sealed.estimate.area[1] == pytest.approx(13_800)
    accuracy = sealed_accuracy(report)[2018]
    assert accuracy.users == pytest.approx(0.8)
    assert accuracy.producers == pytest.approx(80 / 138)
    # sqrt(0.8 x 0.2 / 4) and sqrt of the sum of W^2 q (1 - q) / (n - 1)
    assert accuracy.users_se == pytest.approx(0.2)
    assert year.sealed.estimate.area_se[1] == pytest.approx(100 * np.hypot(290 * 0.2, 100 * 0.2))
    assert any("fewer than 20 points" in warning for warning in year.warnings)
    assert any("a pixel of 10 m observes 100 m²" in warning for warning in report.warnings)


def test_degrees_tell_the_same(region: Region) -> None:
    path = points(region)
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    x, y = (np.array([float(row[axis]) for row in rows]) for axis in range(2))
    lon, lat = to_lonlat("EPSG:3035", x, y)
    lines = [f"{a:.9f},{b:.9f},{row[2]}" for a, b, row in zip(lon, lat, rows, strict=True)]
    result = assess(
        region, write(region, "lon,lat,reference_2018", *lines, name="d.csv"), crs="EPSG:4326"
    )
    assert result.years[0].to_json() == assess(region, path).years[0].to_json()


def test_points_off_the_map_and_on_no_data_are_counted(region: Region) -> None:
    path = points(region)
    path.write_text(path.read_text() + f"{at(39)},1\n{at(400)},1\n{at(3)},\n")
    (year,) = assess(region, path).years
    assert year.points == 10
    assert year.skipped == {
        "no data on the map": 1,
        "no reference class": 1,
        "outside the maps": 1,
    }


def test_two_years_of_references_give_change(region: Region) -> None:
    truth = [(0, 1, 1), (4, 1, 1), (20, 6, 6), (30, 6, 6), (11, 6, 1), (12, 6, 6), (13, 6, 1)]
    lines = [f"{at(column)},{a},{b}" for column, a, b in truth]
    path = write(region, "x,y,reference_2018,reference_2021", *lines)
    (change,) = assess(region, path).changes
    assert change.years == (2018, 2021)
    assert change.table.labels == ("stable unsealed", "stable sealed", "gain", "loss")
    assert change.table.counts.tolist() == [[2, 0, 0, 0], [0, 2, 0, 0], [1, 0, 2, 0], [0] * 4]
    # 50 pixels of mapped gain, two thirds of it real; W = 50 pixels, q = 2/3, n = 3.
    assert change.change.gain == pytest.approx(5_000 * 2 / 3)
    assert change.change.gain_se == pytest.approx(5_000 * np.sqrt(2 / 9 / 2))
    assert change.change.net == pytest.approx(change.change.gain)


def test_errors_that_both_years_share_cancel_where_one_sample_labels_both(region: Region) -> None:
    # Of what both maps call sealed 4 of 20 points never were, of other land 1 of 20 always was.
    labels = [(2, (1, 1))] * 16 + [(2, (6, 6))] * 4 + [(12, (6, 1))] * 20
    labels += [(20, (6, 6))] * 19 + [(20, (1, 1))]
    lines = [f"{at(column)},{a},{b}" for column, (a, b) in labels]
    report = assess(region, write(region, "x,y,reference_2018,reference_2021", *lines))
    found = paired_errors(report)[Pair(2018, 2021)]
    # 100 x 0.8 + 240 x 0.05 = 92 pixels, and 142; their common part has a variance of
    # (100^2 x 0.16 + 240^2 x 0.0475) / 19 = 228.2, which moves both: sqrt(228.2) (1/92 - 1/142) =
    # 0.058. That no point lost its sealing, and no gain was false, is not certain: a little more.
    assert 0.058 < found < 0.1
    estimates = [year.sealed.estimate for year in report.years]
    apart = [estimate.area_se[1] / estimate.area[1] for estimate in estimates]
    assert found < np.hypot(*apart) / 2
    known = known_accuracy(report, region.accuracy)
    first, second = (known.years[year] for year in (2018, 2021))
    usual = transfer_between(first, second, sealed=100, land=390)
    paired = transfer_between(first, second, sealed=100, land=390, paired_error=found)
    assert (paired.slope, paired.bias) == (usual.slope, usual.bias)
    assert paired.bias_sd < usual.bias_sd / 2


def test_a_sample_of_one_year_pairs_nothing(region: Region) -> None:
    assert paired_errors(assess(region, points(region))) == {}


def test_pairs_of_classes_need_no_coordinates(region: Region) -> None:
    lines = ["sealed,sealed"] * 4 + ["sealed,unsealed"] + ["unsealed,unsealed"] * 4
    path = write(region, "map,reference", *lines, "unsealed,sealed")
    (year,) = assess(region, path, year=2018).years
    assert year.sealed.estimate.area[1] == pytest.approx(13_800)


def test_strata_of_the_file_need_sizes_or_map_classes(region: Region) -> None:
    rows = [(0, 1, "s"), (2, 1, "s"), (20, 6, "u"), (24, 6, "u")]
    sizes = {"s": 10, "u": 90}
    lines = [f"{at(column)},{code},{name},{sizes[name]}" for column, code, name in rows]
    path = write(region, "x,y,reference_2018,stratum,stratum_size", *lines)
    (year,) = assess(region, path).years
    assert year.sealed.estimate.area[1] == pytest.approx(39_000 * 0.1)
    lines = [f"{at(column)},{code},{name}" for column, code, name in rows]
    path = write(region, "x,y,reference_2018,stratum", *lines)
    assert "add a column stratum_size or weight" in refusal(region, path)
    named = {"s": "Sealed", "u": "unsealed"}
    lines = [f"{at(column)},{code},{named[name]}" for column, code, name in rows]
    path = write(region, "x,y,reference_2018,stratum", *lines)
    assert assess(region, path).years[0].sealed.estimate.area[1] == pytest.approx(10_000)


LUCAS_ROWS = [(1, "A11"), (3, "A22"), (5, "B11"), (7, "A13"), (20, "E20"), (25, "C10"), (30, "A21")]


def lucas(region: Region, header: str, wrap: str) -> Path:
    x = np.array([WEST + 10 * column + 5 for column, _ in LUCAS_ROWS])
    lon, lat = to_lonlat("EPSG:3035", x, np.full(len(x), NORTH - 55))
    lines = [
        wrap.format(id=number, lat=f"{b:.8f}", lon=f"{a:.8f}", code=code)
        for number, (a, b, (_, code)) in enumerate(zip(lon, lat, LUCAS_ROWS, strict=True), 40)
    ]
    return write(region, header, *lines, wrap.format(id=99, lat=lat[0], lon=lon[0], code="8"))


@pytest.mark.parametrize(
    ("header", "wrap", "year"),
    [
        ("POINT_ID,NUTS0,TH_LAT,TH_LONG,LC1,LC1_PERC", "{id},LU,{lat},{lon},{code},5", 2018),
        (
            "POINT_ID,POINT_NUTS0,POINT_LAT,POINT_LONG,SURVEY_DATE,SURVEY_LC1",
            "{id},LU,{lat},{lon},2022-06-01,{code}",
            2021,
        ),
    ],
)
def test_lucas(region: Region, header: str, wrap: str, year: int) -> None:
    path = lucas(region, header, wrap)
    report = assess(region, path)
    (result,) = report.years
    assert (result.year, result.points) == (year, 7)
    # A13 is no sealed ground unless asked; the point on column 5 is sealed on the map only.
    assert result.sealed.counts.tolist() == [[2, 1], [2, 2]]
    assert result.greenhouses is not None
    assert (result.greenhouses.points, result.greenhouses.mapped_sealed) == (1, 1)
    assert sum(report.skipped.values()) == 1
    assert any("theoretical position" in warning for warning in report.warnings)
    assert any("the map of 2021" in warning for warning in result.warnings) == (year == 2021)
    (other,) = assess(region, path, greenhouses=True).years
    assert other.sealed.counts.tolist() == [[2, 1], [1, 3]]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["x,y", at(2)], "reference or reference_YEAR"),
        (
            ["x,y,reference", f"{at(2)},1"],
            "does not say of which year",
        ),
        (["x,y,reference_2018", f"{at(2)},77"], "'77' is not a class of CLC+ Backbone"),
        (["x,y,reference_2018", "here,there,1"], "line 2"),
        (["x,y,reference_2018", f"{at(2)},1"], "add points there"),
        (["x,y,reference_1999", f"{at(2)},1"], "but the maps are of 2018, 2021"),
        (["x,y,reference_2018", "6.1,49.6,1"], "none of 1 points lies in the region"),
        (["x,y,reference_2018"], "holds no row below its header"),
    ],
)
def test_samples_that_cannot_be_used(region: Region, lines: list[str], said: str) -> None:
    result = refusal(region, write(region, *lines))
    assert said in result
    assert "points.csv" in result


def test_the_command_writes_report_and_matrix(region: Region, tmp_path: Path) -> None:
    output = tmp_path / "out" / "accuracy.json"
    result = hexseal(
        "accuracy", region.path, more_points(region), "--crs", "EPSG:3035", "-o", output
    )
    assert result.code == 0, result.err
    assert "sealed: user's accuracy 0.8000 +/- 0.2095" in result.out
    assert "sealed area 1.4 +/- 0.6 ha; the map counts 1.0 ha" in result.out
    report = json.loads(output.read_text())
    assert report["years"][0]["matrix"] == [[12, 3], [3, 12]]
    assert output.with_name("accuracy_matrix.csv").read_text().splitlines()[1].startswith("2018,")
    failed = hexseal("accuracy", region.path, tmp_path / "none.csv", "-o", tmp_path / "x.json")
    assert failed.code == 1
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert not (tmp_path / "x.json").exists()


def test_a_build_reads_the_sample_of_its_region_file(region: Region, tmp_path: Path) -> None:
    sealed = [(0, 1, 1), (4, 1, 1), (6, 1, 1), (8, 6, 6)]
    others = [(11, 6, 1), (12, 6, 1), (13, 6, 1), (20, 6, 6), (30, 6, 6), (36, 6, 6)]
    lines = [f"{at(c, row)},{a},{b}" for c, a, b in sealed + others for row in (1, 3, 5, 8)]
    write(region, "x,y,reference_2018,reference_2021", *lines)
    result = region.path.with_name("told.toml")
    result.write_text(TEXT + '[accuracy]\npoints = "points.csv"\ncrs = "EPSG:3035"\n')
    built = hexseal("build", result, "--out", tmp_path / "site")
    assert built.code == 0, built.err
    judged = json.loads((tmp_path / "work/toy/judgement.json").read_text())["pairs"]["2018_2021"]
    assert judged["accuracy"] == "given"
    assert judged["transfer"]["bias_sd"] > 0
    assert json.loads((tmp_path / "work/toy/accuracy.json").read_text())["changes"]


def test_strata_with_few_points_are_refused(region: Region) -> None:
    result = refusal(region, points(region), fewest_points=10)
    assert "2018: stratum '1 Sealed' has 5 points and 26 % of the land; at least 10" in result


def test_agreement_everywhere_is_not_certain(region: Region) -> None:
    lines = [f"{at(c, row)},{1 if c < 10 else 6}" for c in (2, 6, 20, 30) for row in range(10)]
    report = assess(region, write(region, "x,y,reference_2018", *lines))
    sealed = report.years[0].sealed.estimate
    assert sealed.users_accuracy[1] == 1.0
    # Half an exception in 20 points: p = 0.5 / 21, sqrt(p (1 - p) / 20).
    assert sealed.users_se[1] == pytest.approx(0.0341, abs=1e-4)
    assert sealed.area_se[1] > 0


def test_points_drawn_by_mapped_change_are_weighted_by_it(region: Region) -> None:
    # 40 points in the 50 pixels of mapped gain, all false; 10 on each kind of stable land, right.
    gain = [f"{at(c, row)},6,6" for c in (10, 11, 12, 13) for row in range(10)]
    stable = [f"{at(5, row)},1,1" for row in range(10)] + [
        f"{at(25, row)},6,6" for row in range(10)
    ]
    path = write(region, "x,y,reference_2018,reference_2021", *gain, *stable)
    report = assess(region, path)
    later = report.years[1]
    # Two thirds of what 2021 maps as sealed is right, not the fifth of its points that are.
    assert later.sealed.estimate.users_accuracy[1] == pytest.approx(2 / 3)
    assert any("drawn by mapped change" in warning for warning in later.warnings)
