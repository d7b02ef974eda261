"""The simulated Sentinel-2 composites: repeatable, physical, hard, different between regions."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from hexseal.simulation import SimulatedImage, Truth, simulate_imagery, simulate_truth
from hexseal.simulation.sentinel2 import NODATA, OFFSET, SCALE
from hexseal.simulation.spectra import BANDS
from hexseal.simulation.vegetation import GRASS, NEEDLE, OUTSIDE, SEALED, WATER
from hexseal.simulation.writing import write_image

RED, NEAR_INFRARED, SHORT_WAVE = (BANDS.index(name) for name in ("B04", "B08", "B11"))


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate_truth((600, 600), 3)


@pytest.fixture(scope="module")
def images(truth: Truth) -> list[SimulatedImage]:
    return list(simulate_imagery(truth, 3))


def _reflectance(image: SimulatedImage) -> np.ndarray:
    seen = image.dn * np.float32(SCALE) + np.float32(OFFSET)
    seen[:, image.dn[0] == NODATA] = np.nan
    return seen


def test_one_image_per_year_and_the_same_again(truth: Truth, images: list[SimulatedImage]) -> None:
    again = list(simulate_imagery(truth, 3))
    assert [image.year for image in images] == [2018, 2021, 2024]
    for one, other in zip(images, again, strict=True):
        assert one.dn.dtype == np.int16
        assert one.dn.shape == (10, 600, 600)
        np.testing.assert_array_equal(one.dn, other.dn)


def test_gaps_are_gaps_in_every_band(truth: Truth, images: list[SimulatedImage]) -> None:
    for step, image in enumerate(images):
        missing = image.dn == NODATA
        assert (missing == missing[0]).all()
        assert missing[0][truth.landcover[step] == OUTSIDE].all()
        on_land = missing[0][truth.landcover[step] != OUTSIDE]
        assert on_land.mean() < 0.03


def test_reflectance_is_physical(truth: Truth, images: list[SimulatedImage]) -> None:
    for step, image in enumerate(images):
        seen = _reflectance(image)
        assert -0.05 < np.nanmin(seen) < np.nanmax(seen) < 1.2
        cover = truth.landcover[step]
        mean = {code: np.nanmean(seen[:, cover == code], axis=1) for code in (2, GRASS, WATER)}
        assert mean[GRASS][NEAR_INFRARED] > 2 * mean[GRASS][RED]
        assert mean[WATER][SHORT_WAVE] < mean[NEEDLE][SHORT_WAVE] < mean[GRASS][SHORT_WAVE]


def test_the_same_place_is_darker_or_lighter_in_another_region(truth: Truth) -> None:
    pictures = [next(simulate_imagery(truth, seed)).dn.astype(float) for seed in range(6)]
    grass = truth.landcover[0] == GRASS
    means = np.array([picture[:, grass].mean(1) for picture in pictures])
    relative = means.std(0) / (means.mean(0) + OFFSET / SCALE)
    assert relative.min() > 0.05


def test_no_single_index_tells_sealed(truth: Truth, images: list[SimulatedImage]) -> None:
    seen, cover = _reflectance(images[1]), truth.landcover[1]
    known = np.isfinite(seen[0]) & (cover <= 11) & (cover != WATER)
    red, infrared = seen[RED][known], seen[NEAR_INFRARED][known]
    greenness = (infrared - red) / (infrared + red + 1e-6)
    sealed = cover[known] == SEALED
    best = max(
        (sealed & (greenness < cut)).sum() / (sealed | (greenness < cut)).sum()
        for cut in np.linspace(0, 0.8, 81)
    )
    assert 0.05 < best < 0.55


def test_file_bears_names_scale_and_nodata(tmp_path: Path, images: list[SimulatedImage]) -> None:
    write_image(tmp_path / "one.tif", images[0])
    write_image(tmp_path / "two.tif", images[0])
    assert (tmp_path / "one.tif").read_bytes() == (tmp_path / "two.tif").read_bytes()
    with rasterio.open(tmp_path / "one.tif") as raster:
        assert raster.descriptions == BANDS
        assert set(raster.scales) == {SCALE}
        assert set(raster.offsets) == {OFFSET}
        assert raster.nodata == NODATA
        np.testing.assert_array_equal(raster.read(), images[0].dn)
