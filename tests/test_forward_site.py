"""A whole small site whose last year a model makes from images, one of them with a cloud."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from mlmodels import reflectance, save_tiny, write_image
from sites import COLUMNS, REGION, ROWS, two_years, write_region

from hexseal.build import BuildSettings, Reporter, build_site
from hexseal.forward.stage import forward_reports
from hexseal.region.load import load_region
from hexseal.verify import verify_site
from hexseal_ml.imagery.bands import BANDS
from hexseal_ml.imagery.masks import CLOUD_BANDS

FORWARD = """
[[epoch]]
year = 2024
[epoch.forward]
imagery = "s2_2024.tif"
calibration_imagery = "s2_2021.tif"
model = "model"
clouds = "mask"
"""
CLOUD = (0.40, 0.40, 0.40, 0.45, 0.40)


@dataclass(frozen=True)
class Made:
    """A built site and the region file it was built from."""

    site: Path
    region: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("forward")
    inputs = folder / "regions"
    region = write_region(inputs, REGION.replace("[hexagons]", f"{FORWARD}[hexagons]"))
    save_tiny(inputs / "model")
    for year, seed in ((2021, 1), (2024, 2)):
        values = reflectance(ROWS, COLUMNS, seed)
        # Ground without haze, so that no colour but the cloud's can be one.
        values[BANDS.index("B02")] *= 0.2
        if year == 2024:
            order = [BANDS.index(band) for band in CLOUD_BANDS]
            values[order, 75:105, 90:120] = np.array(CLOUD, np.float32)[:, None, None]
        write_image(inputs / f"s2_{year}.tif", values)
    build_site(region, BuildSettings(folder / "site"), Reporter())
    return Made(folder / "site", region)


def _classes(made: Made) -> np.ndarray:
    with rasterio.open(load_region(made.region, site=made.site).epochs[-1].landcover) as file:
        return file.read(1)


def test_the_site_passes_verification(made: Made) -> None:
    assert verify_site(made.site).problems == ()


def test_the_cloud_has_no_class_and_is_left_out_of_every_year(made: Made) -> None:
    classes = _classes(made)
    # The cloud and a margin of 8 pixels around the middle of its sides.
    assert (classes[67:113, 105] == 254).all()
    assert (classes[90, 82:128] == 254).all()
    # Nothing but the cloud, its margin and what the map of 2021 lacks.
    outside = classes == 254
    outside[67:113, 82:128] = False
    _, after = two_years()
    np.testing.assert_array_equal(outside, after == 254)


def test_hexagons_hold_what_the_model_carried_onto_the_map(made: Made) -> None:
    classes = _classes(made)
    _, after = two_years()
    known = (classes != 254) & (after != 254)
    names = ["valid_pixels", "sealed_pixels_2021", "sealed_pixels_2024",
             "new_sealed_pixels_2021_2024", "unsealed_pixels_2021_2024"]  # fmt: skip
    table = pq.read_table(made.site / "data" / "toy_hexagons_r9.parquet", columns=names)
    sums = [sum(table[name].to_pylist()) for name in names]
    was, now = known & (after == 1), known & (classes == 1)
    expected = [known, was, now, now & ~was, was & ~now]
    assert sums == [pixels.sum() for pixels in expected]
    (report,) = forward_reports(load_region(made.region, site=made.site)).values()
    assert (report.gain, report.loss) == (sums[3], sums[4])
    assert report.gain > 0
    # The whole cloud with its margin is land on the map, and not covered.
    assert report.uncovered == (classes == 254).sum() - (after == 254).sum()


def test_the_pages_say_that_a_model_made_the_year(made: Made) -> None:
    assert "CLC+ Forward 2024 (model)" in (made.site / "about.html").read_text(encoding="utf-8")
    summary = json.loads((made.site / "data" / "summary.json").read_text(encoding="utf-8"))
    assert list(summary["years"]) == ["2018", "2021", "2024"]
    assert list(summary["pairs"]) == ["2018_2021", "2021_2024", "2018_2024"]
