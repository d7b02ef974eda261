"""A site of a place without any map: every year is the model's, and every page says so."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from mlmodels import reflectance, save_tiny, stand_in, write_image
from rasterfiles import write_tif
from sites import COLUMNS, REGION, ROWS, write_region

from hexseal.build import BuildSettings, Reporter, build_site
from hexseal.check.files import check_grid
from hexseal.errors import InputError, RegionError
from hexseal.forward.report import read_report, report_facts
from hexseal.forward.stage import make_forward_years
from hexseal.region.load import load_region
from hexseal.verify import verify_site
from hexseal_ml.imagery.image import open_image

YEAR = """
[[epoch]]
year = {year}
[epoch.forward]
imagery = "s2_{year}.tif"
model = "model"
"""
KNOWN = {
    "both": 700, "model_only": 300, "map_only": 100, "neither": 8900, "users_se": 0.05,
    "producers_se": 0.04,
}  # fmt: skip


def _state(model: Path, **metrics: object) -> None:
    """Give a model's folder figures of its accuracy."""
    path = model / "config.json"
    facts = json.loads(path.read_text())
    facts["hexseal"]["metrics"] = metrics
    path.write_text(json.dumps(facts))


def _region(folder: Path, more: str = "") -> Path:
    head, tail = REGION.index("[[epoch]]"), REGION.index("[hexagons]")
    years = "".join(YEAR.format(year=year) for year in (2018, 2024)).replace(
        'imagery = "s2_2018.tif"', f'imagery = "s2_2018.tif"{more}'
    )
    path = write_region(folder, REGION[:head] + years + REGION[tail:])
    save_tiny(folder / "model")
    _state(folder / "model", sealed_accuracy=KNOWN, drift={"sd": 0.03})
    for year, seed in ((2018, 1), (2024, 2)):
        write_image(folder / f"s2_{year}.tif", reflectance(ROWS, COLUMNS, seed))
    return path


@dataclass(frozen=True)
class Made:
    """A built site and the region file it was built from."""

    site: Path
    region: Path

    @property
    def work(self) -> Path:
        """Return the folder of the made years."""
        return self.site.parent / "work" / "toy" / "forward"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("uncovered")
    region = _region(folder / "regions")
    with stand_in():
        build_site(region, BuildSettings(folder / "site"), Reporter())
    return Made(folder / "site", region)


def test_the_site_passes_verification(made: Made) -> None:
    assert verify_site(made.site).problems == ()


def test_the_figures_are_those_of_the_models_maps(made: Made) -> None:
    classes = []
    for year in (2018, 2024):
        with rasterio.open(made.work / f"landcover_{year}.tif") as file:
            classes.append(file.read(1))
    names = ["sealed_pixels_2018", "sealed_pixels_2024"]
    table = pq.read_table(made.site / "data" / "toy_hexagons_r9.parquet", columns=names)
    sums = [sum(table[name].to_pylist()) for name in names]
    assert sums == [int((c == 1).sum()) for c in classes]
    assert sums[0] != sums[1]


def test_shares_are_corrected_by_the_models_bias_with_an_interval(made: Made) -> None:
    areas = pq.read_table(made.site.parent / "work" / "toy" / "areas.parquet").to_pylist()
    area = next(row for row in areas if row["layer"] == "region")
    mapped = area["sealed_m2_2024"]
    # User's accuracy 700 / 1000, producer's 700 / 800.
    assert area["sealed_adjusted_m2_2024"] == pytest.approx(mapped * 0.7 / 0.875)
    assert area["sealed_low_m2_2024"] < area["sealed_adjusted_m2_2024"]
    assert area["sealed_adjusted_m2_2024"] < area["sealed_high_m2_2024"]


def test_every_page_says_that_no_official_map_stands_behind_it(made: Made) -> None:
    pages = sorted(made.site.rglob("*.html"))
    assert len(pages) > 5
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "about.html#uncovered" in text, page


def test_the_report_states_what_the_model_is_compared_with(made: Made) -> None:
    reports = {year: read_report(made.work / f"forward_{year}.json") for year in (2018, 2024)}
    assert [report.calibrate_on for report in reports.values()] == [None, None]
    assert reports[2018].compared == "model"
    assert reports[2018].users == 0.7
    assert "no map behind it" in reports[2018].summary
    assert report_facts(reports[2018])["calibrate_on"] is None


@pytest.mark.slow  # The quick tier compares a part and a prediction in test_forward.py.
def test_a_map_of_a_part_measures_the_model_there(tmp_path: Path) -> None:
    path = _region(tmp_path / "regions", '\nreference = "part.tif"')
    part = np.full((60, 40), 254, np.uint8)
    part[:, :20] = 6
    part[:30, :20] = 1
    write_tif(path.parent / "part.tif", part)
    region = load_region(path)
    reports = make_forward_years(region, fresh=False, log=lambda _: None, progress=lambda *_: None)
    assert [report.compared for report in reports] == ["reference", "model"]
    first = reports[0]
    assert first.both + first.map_only == 600
    assert first.model_only + first.neither == 600
    with rasterio.open(region.epochs[0].landcover) as file:
        model = file.read(1)[:60, :20]
    assert first.both == (model[:30] == 1).sum()
    assert first.model_only == (model[30:] == 1).sum()


def test_a_model_that_states_no_accuracy_is_refused(tmp_path: Path) -> None:
    path = _region(tmp_path / "regions")
    _state(path.parent / "model")
    with pytest.raises(InputError, match="states no accuracy of Sealed"):
        make_forward_years(
            load_region(path), fresh=False, log=lambda _: None, progress=lambda *_: None
        )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("\ncalibrate_on = 2018", "the key is no longer needed"),
        ('\ncalibration_imagery = "a.tif"', "no year of this region"),
        ('\ncalibrate_on = 2015\ncalibration_imagery = "a.tif"', "no year of this region"),
        (
            '\ncalibrate_on = 2015\ncalibration_imagery = "a.tif"\nreference = "b.tif"',
            "is compared with that map",
        ),
    ],
)
def test_keys_that_do_not_go_together_are_refused(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(RegionError, match=said):
        load_region(_region(tmp_path / "regions", more))


def test_images_may_lie_in_another_crs_than_clcplus(tmp_path: Path) -> None:
    path = _region(tmp_path)
    region = load_region(path)
    write_image(tmp_path / "utm.tif", reflectance(ROWS, COLUMNS), crs="EPSG:32631")
    with open_image(str(tmp_path / "utm.tif")) as image:
        assert list(check_grid(region, region.epochs[0], image.grid)) == []


def test_nobody_but_the_makers_of_images_is_credited(made: Made) -> None:
    region = load_region(made.region, site=made.site)
    assert region.attribution.startswith("Contains modified Copernicus Sentinel data")
    for page in ("index.html", "fr/index.html"):
        text = (made.site / page).read_text(encoding="utf-8")
        assert "Copernicus Land Monitoring" not in text
        assert "Copernicus Sentinel" in text
