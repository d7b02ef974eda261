"""A labelled sample in a region file: grade reference, figures, datasets, words."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from rasterfiles import NORTH, WEST, write_areas, write_tif

from hexseal.build import BuildSettings, build_site
from hexseal.errors import InputError, RegionError
from hexseal.progress import Reporter
from hexseal.region.load import load_region
from hexseal.sample.stage import draw_sample, table_csv
from hexseal.statistics.reference import (
    REGION,
    Estimate,
    Reference,
    ReferenceChange,
    with_reference,
)

TEXT = """
[region]
id = "measured"
[[epoch]]
year = 2018
landcover = "a.tif"
[[epoch]]
year = 2021
landcover = "b.tif"
[hexagons]
finest = 9
coarsest = 8
[[areas]]
layer = "half"
path = "halves.gpkg"
id = "id"
name = "id"
[site]
languages = ["en"]
standalone = "never"
pixels = "never"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a region whose maps lose nothing, so that nothing but its sample supports a figure."""
    folder = tmp_path_factory.mktemp("measured")
    rng = np.random.default_rng(3)
    before = np.full((400, 400), 6, np.uint8)
    for row, column in rng.integers(0, 370, (15, 2)):
        before[row : row + 25, column : column + 25] = 1
    after = before.copy()
    for row, column in rng.integers(0, 395, (60, 2)):
        after[row : row + 4, column : column + 5] = 1
    seen = after.copy()
    seen[rng.random(seen.shape) < 0.004] = 1
    for name, band in (("a", before), ("b", seen)):
        write_tif(folder / f"{name}.tif", band)
    halves = [shapely.box(WEST + x, NORTH - 4000, WEST + x + 2000, NORTH) for x in (0.0, 2000.0)]
    write_areas(folder / "halves.gpkg", halves, id=["west", "east"])
    path = folder / "measured.toml"
    path.write_text(TEXT)
    sample = draw_sample(load_region(path))
    columns = sample.columns()
    for column, band in zip(sample.shares, (before, after), strict=True):
        columns[column] = [share(band, bounds) for bounds in sample.bounds]
    (folder / "labels.csv").write_text(table_csv(columns))
    path.write_text(TEXT + '[accuracy]\nsample = "labels.csv"\n')
    build_site(path, BuildSettings(folder / "site"), Reporter(print))
    np.save(folder / "net.npy", (after == 1).sum() * 100.0 - (before == 1).sum() * 100.0)
    return folder / "site"


def share(band: np.ndarray, bounds: np.ndarray) -> float:
    left, bottom, right, top = bounds
    columns = slice(round((left - WEST) / 10), round((right - WEST) / 10))
    rows = slice(round((NORTH - top) / 10), round((NORTH - bottom) / 10))
    return float((band[rows, columns] == 1).mean())


def test_region_and_areas_carry_the_samples_figures(site: Path) -> None:
    work = site.parent / "work" / "measured"
    rows = pq.read_table(work / "areas.parquet").to_pylist()
    assert [row["grade_2018_2021"] for row in rows] == ["reference"] * 3
    report = json.loads((work / "reference_sample.json").read_text())
    published = report["with_label_errors"]["net_m2"]
    assert rows[0]["adjusted_m2_2018_2021"] == pytest.approx(published["value"], abs=0.1)
    assert rows[0]["adjusted_low_m2_2018_2021"] == pytest.approx(published["low"], abs=0.1)
    truth = float(np.load(site.parent / "net.npy"))
    assert rows[0]["adjusted_low_m2_2018_2021"] < truth < rows[0]["adjusted_high_m2_2018_2021"]
    assert rows[0]["signal_2018_2021"] == "gain"
    for row, found in zip(rows, [report, *report["areas"]], strict=True):
        for flow in ("gain", "loss"):
            named = {"value": "", "low": "low_", "high": "high_"}
            published = found["with_label_errors"][f"{flow}_m2"]
            for end, part in named.items():
                column = f"reference_{flow}_{part}m2_2018_2021"
                assert row[column] == pytest.approx(published[end], abs=0.1)
    # Confirmed places are not a matter of the sample: the maps pass no test.
    assert rows[0]["confirmed_m2_2018_2021"] is None
    grades = pq.read_table(work / "hexagons.parquet")["grade_2018_2021"].to_pylist()
    assert set(grades) == {"inconclusive"}


def test_labels_are_published_with_their_design(site: Path) -> None:
    lines = (site / "data" / "measured_reference_sample.csv").read_text().splitlines()
    assert lines[0].startswith("unit,stratum,xmin,ymin,xmax,ymax,sealed_share_2018,")
    report = json.loads((site / "data" / "measured_reference_sample.json").read_text())
    assert report["labels"]["units"] == len(lines) - 1
    assert sum(stratum["blocks"] for stratum in report["design"]["strata"]) == 1600


def test_page_says_what_the_figure_rests_on(site: Path) -> None:
    page = (site / "index.html").read_text()
    assert "95% confidence interval" in page
    assert "The interval rests on a reference sample." in page
    assert "Do not read 2018–2021 as change on the ground" not in page
    assert "blocks of 10 × 10 pixels labelled at both dates" in page


def test_only_units_of_the_sample_change() -> None:
    columns = {"adjusted_m2": 1.0, "low_m2": 0.0, "high_m2": 2.0, "q_value": 0.5}
    table = pa.Table.from_pylist(
        [{"position": place, "grade": "consistent", **columns} for place in (0, 1, 2)]
    )
    areas = pa.Table.from_pylist(
        [
            {"position": 0, "layer": "region", "id": "r"},
            {"position": 1, "layer": "half", "id": "west"},
            {"position": 2, "layer": "half", "id": "east"},
        ]
    )
    change = ReferenceChange(400, *[Estimate(50.0, 10.0, 90.0)] * 3)
    reference = Reference((2018, 2021), {REGION: change, ("half", "east"): change}, 2, True, 0)
    found = with_reference(table, areas, reference).to_pylist()
    assert [row["grade"] for row in found] == ["reference", "consistent", "reference"]
    assert [row["low_m2"] for row in found] == [10.0, 0.0, 10.0]
    # 50 in 40 / 1.96: z = 2.45
    assert found[0]["q_value"] == pytest.approx(0.0143, abs=1e-4)


def test_wrong_samples_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(TEXT + "[accuracy]\nsample = [7]\n")
    with pytest.raises(RegionError, match="name a file of labels"):
        load_region(path)
    for name in "ab":
        write_tif(tmp_path / f"{name}.tif", np.full((30, 30), 6, np.uint8))
    whole = shapely.box(WEST, NORTH - 300, WEST + 300, NORTH)
    write_areas(tmp_path / "halves.gpkg", [whole], id=["x"])
    path.write_text(TEXT + '[accuracy]\nsample = "missing.csv"\n')
    with pytest.raises(InputError, match=r"missing\.csv: no such file"):
        build_site(path, BuildSettings(tmp_path / "site"), Reporter())
    assert not (tmp_path / "site").exists()
    (tmp_path / "blocks.csv").write_text("xmin,ymin,xmax,ymax,sealed_share_2018\n")
    path.write_text(TEXT + '[accuracy]\npoints = "blocks.csv"\n')
    with pytest.raises(InputError, match=r"name it as \[accuracy\] sample"):
        build_site(path, BuildSettings(tmp_path / "site"), Reporter())
