"""Images: bands by name, reflectance whichever way it is stored, and what is refused or warned."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlmodels import reflectance, write_image
from rasterfiles import SHARED, north_up, real_data

from hexseal.errors import GridMismatchError, HexsealError, InputError
from hexseal.raster.grid import Window
from hexseal_ml.imagery.bands import BANDS, band_name
from hexseal_ml.imagery.image import open_image

ALL = Window(0, 0, 40, 50)


@pytest.fixture
def values() -> np.ndarray:
    return reflectance(40, 50)


def test_bands_come_in_the_order_asked_for(tmp_path: Path, values: np.ndarray) -> None:
    path = write_image(tmp_path / "a.tif", values[::-1], bands=BANDS[::-1])
    with open_image(path, bands=("B02", "B12", "B08")) as image:
        seen, known = image.read(ALL)
    places = [BANDS.index(band) for band in ("B02", "B12", "B08")]
    np.testing.assert_array_equal(seen, values[places])
    assert known.all()


def test_files_of_one_band_each_are_an_image(tmp_path: Path, values: np.ndarray) -> None:
    for place, band in enumerate(BANDS):
        write_image(tmp_path / f"S2_{band}.tif", values[place][None], bands=(None,))
    with open_image(str(tmp_path / "S2_B*.tif"), bands=BANDS) as image:
        seen, _ = image.read(ALL)
    np.testing.assert_array_equal(seen, values)


def test_catalogue_names_are_understood(tmp_path: Path, values: np.ndarray) -> None:
    path = write_image(tmp_path / "a.tif", values[:3], bands=("blue", "nir", "swir16"))
    with open_image(path) as image:
        assert image.bands == ("B02", "B08", "B11")


@pytest.mark.parametrize(("scale", "offset"), [(1e-4, 0.0), (1e-4, -0.1)])
def test_tagged_numbers_become_reflectance(
    tmp_path: Path, values: np.ndarray, scale: float, offset: float
) -> None:
    numbers = np.round((values - offset) / scale).astype(np.int16)
    path = write_image(tmp_path / "a.tif", numbers, scale=scale, offset=offset, nodata=0)
    with open_image(path, bands=BANDS) as image:
        seen, _ = image.read(ALL)
        assert image.warnings == ()
    np.testing.assert_allclose(seen, values, atol=1e-4)


def test_untagged_numbers_are_told_by_their_size(tmp_path: Path, values: np.ndarray) -> None:
    numbers = np.round(values * 10_000).astype(np.uint16)
    with open_image(write_image(tmp_path / "a.tif", numbers), bands=BANDS) as image:
        seen, _ = image.read(ALL)
        (warning,) = image.warnings
    np.testing.assert_allclose(seen, values, atol=1e-4)
    assert "reflectance x 10 000" in warning


def test_an_offset_left_in_is_warned_of(tmp_path: Path, values: np.ndarray) -> None:
    numbers = np.round(values * 10_000 + 1000).astype(np.uint16)
    path = write_image(tmp_path / "a.tif", numbers, scale=1e-4, nodata=0)
    with open_image(path, bands=BANDS) as image:
        (warning,) = image.warnings
    assert "offset -0.1 of processing baseline 04.00" in warning
    assert path in warning


def test_unknown_pixels_are_nan_in_every_way(tmp_path: Path, values: np.ndarray) -> None:
    values[3, 0, 0], values[4, 1, 1], values[:, 2, 2] = np.nan, np.inf, -9999
    with open_image(write_image(tmp_path / "a.tif", values, nodata=-9999), bands=BANDS) as image:
        seen, known = image.read(ALL)
    assert not known[0, 0]
    assert not known[1, 1]
    assert not known[2, 2]
    assert known.sum() == known.size - 3
    assert np.isnan(seen[:, 2, 2]).all()


def test_zero_is_no_data_in_whole_numbers_without_a_tag(tmp_path: Path, values: np.ndarray) -> None:
    numbers = np.round(values * 10_000).astype(np.uint16)
    numbers[:, 5, 5] = 0
    with open_image(write_image(tmp_path / "a.tif", numbers), bands=BANDS) as image:
        _, known = image.read(ALL)
    assert not known[5, 5]
    assert known.sum() == known.size - 1


def test_beyond_the_image_nothing_is_known(tmp_path: Path, values: np.ndarray) -> None:
    with open_image(write_image(tmp_path / "a.tif", values), bands=BANDS) as image:
        seen, known = image.read(Window(-2, -3, 44, 56))
    np.testing.assert_array_equal(seen[:, 2:42, 3:53], values)
    assert known.sum() == 40 * 50


def test_coarser_bands_come_onto_the_finest_grid(tmp_path: Path, values: np.ndarray) -> None:
    fine = write_image(tmp_path / "fine_B04.tif", values[:1], bands=("B04",))
    flat = np.full((1, 20, 25), 0.25, np.float32)
    coarse = write_image(
        tmp_path / "coarse_B11.tif", flat, bands=("B11",), transform=north_up(size=20.0)
    )
    with open_image(f"{fine},{coarse}") as image:
        seen, known = image.read(ALL)
    assert known.all()
    np.testing.assert_allclose(seen[image.bands.index("B11")], 0.25, atol=1e-6)


def _refused(address: str, **options: object) -> str:
    with pytest.raises(HexsealError) as caught:
        open_image(address, **options)  # type: ignore[arg-type]
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_missing_bands_are_named(tmp_path: Path, values: np.ndarray) -> None:
    path = write_image(tmp_path / "a.tif", values[:9], bands=BANDS[:9])
    line = _refused(path, bands=BANDS)
    assert "has no band B12" in line
    assert path in line
    with open_image(path, bands=BANDS, allow_missing=True) as image:
        seen, known = image.read(ALL)
        assert image.missing == ("B12",)
        assert "B12" in image.warnings[0]
    assert known.all()
    assert np.isnan(seen[9]).all()


def test_bands_without_names_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    path = write_image(tmp_path / "a.tif", values, bands=(None,) * 10)
    assert "10 bands without a name, so their order is unknown" in _refused(path, bands=BANDS)


def test_a_band_given_twice_is_refused(tmp_path: Path, values: np.ndarray) -> None:
    path = write_image(tmp_path / "a.tif", values[:2], bands=("B02", "B02"))
    assert "B02 stands there more than once" in _refused(path)


def test_degrees_are_refused_with_the_command_that_helps(
    tmp_path: Path, values: np.ndarray
) -> None:
    path = write_image(
        tmp_path / "a.tif", values, crs="EPSG:4326", transform=north_up(6.0, 49.0, 1e-4)
    )
    assert "gdalwarp" in _refused(path, bands=BANDS)


def test_bands_of_other_grids_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    one = write_image(tmp_path / "a_B04.tif", values[:1], bands=("B04",))
    two = write_image(
        tmp_path / "a_B08.tif", values[:1], bands=("B08",), transform=north_up(west=4_040_005.0)
    )
    with pytest.raises(GridMismatchError, match="lies on another grid"):
        open_image(f"{one},{two}")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert "nowhere.tif" in _refused(str(tmp_path / "nowhere.tif"))


def test_a_file_cut_off_is_told_where(tmp_path: Path, values: np.ndarray) -> None:
    path = Path(write_image(tmp_path / "a.tif", reflectance(400, 400)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"a\.tif"), open_image(str(path), bands=BANDS) as image:
        image.read(Window(0, 0, 400, 400))


@pytest.mark.parametrize("_", [pytest.param(0, marks=real_data)])
def test_lommel_is_read_with_its_clouds_and_gaps(_: int) -> None:
    address = str(SHARED / "sentinel2-lommel-2019" / "ref_input_S2_B*.tif")
    with open_image(address, bands=BANDS, allow_missing=True) as image:
        assert set(image.missing) == {"B05", "B06", "B07", "B12"}
        seen, known = image.read(Window(0, 0, image.grid.height, image.grid.width))
        assert image.grid.crs_label == "EPSG:32631"
    assert 0.02 < np.nanmedian(seen) < 0.4
    assert known.any()


@pytest.mark.parametrize("_", [pytest.param(0, marks=real_data)])
def test_the_slovenian_composite_is_the_median_of_the_clear_frames(tmp_path: Path, _: int) -> None:
    script = Path(__file__).parents[1] / "bench" / "real_images.py"
    command = [sys.executable, str(script), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    near_infrared = []
    for name in ("2", "3", "4", "composite"):
        with open_image(str(tmp_path / f"slovenia_{name}.tif"), bands=("B08",)) as image:
            near_infrared.append(float(image.read(Window(50, 50, 1, 1))[0][0, 0, 0]))
    assert near_infrared == pytest.approx([0.2708, 0.2807, 0.3657, 0.2807], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "band"),
    [
        ("B2_median", "B02"), ("B8A_p50", "B8A"), ("B02 (490 nm)", "B02"), ("blue", "B02"),
        ("B02_10m", "B02"), ("B8A (865 nm)", "B8A"), ("B12_20m_median", "B12"), ("nir08", "B8A"),
        ("swir_1", "B11"), ("Red Edge 2", "B06"), ("Band 4 - Red", "B04"), ("B08:842nm", "B08"),
        ("red_mean", "B04"), ("narrow_nir", "B8A"), ("B11_median_20m", "B11"), ("B5.median", "B05"),
        ("B4, central wavelength 665 nm", "B04"), ("Blue (B2)", "B02"), ("S2_B8A", "B8A"),
        ("0_B2", "B02"), ("B02_20230512", "B02"), ("sentinel_2_l2a B04", "B04"),
        ("red (B02)", None), ("S2_NDVI", None), ("B3_min", None), ("12", None),
        ("B4_stdDev", None), ("B4_B8 ratio", None), ("SR_B4", None), ("B13", None), ("NDVI", None),
        ("B02_count", None), ("Band 4 - Blue", None), ("probability", None), ("B1 2", None),
    ],
)  # fmt: skip
def test_bands_as_earth_engine_stac_odc_and_snap_name_them(name: str, band: str | None) -> None:
    assert band_name(name) == band


def test_unknown_names_are_quoted(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.tif", reflectance(40, 40, bands=2), bands=["VV", "VH"])
    with pytest.raises(InputError, match="bands named 'VV', 'VH' are not known"):
        open_image(path)


def _warned(path: str) -> str:
    with open_image(path, bands=BANDS) as image:
        return " ".join(image.warnings)


def test_two_processing_baselines_in_one_image_are_noticed(tmp_path: Path) -> None:
    values = np.random.default_rng(2).uniform(300, 3000, (10, 160, 160)).astype("uint16")
    assert "one part" not in _warned(write_image(tmp_path / "one.tif", values))
    values[:, :, 80:] += 1000
    assert "baseline 04.00 and of earlier ones were joined" in _warned(
        write_image(tmp_path / "two.tif", values)
    )


def test_a_bright_part_alone_is_no_second_baseline(tmp_path: Path) -> None:
    values = np.random.default_rng(2).uniform(0.03, 0.3, (10, 160, 160)).astype("float32")
    # A desert: brighter by 0.1 in blue but by 0.3 in the short-wave infrared.
    values[:, :, 80:] += np.linspace(0.1, 0.3, 10, dtype=np.float32)[:, None, None]
    assert "one part" not in _warned(write_image(tmp_path / "desert.tif", values))


def test_level_1c_is_known_by_its_bluish_dark_pixels(tmp_path: Path) -> None:
    values = np.random.default_rng(2).uniform(0.02, 0.3, (10, 80, 80)).astype("float32")
    assert "Level-1C" not in _warned(write_image(tmp_path / "ground.tif", values))
    values[BANDS.index("B02")] += 0.06
    assert "Level-1C" in _warned(write_image(tmp_path / "top.tif", values))
