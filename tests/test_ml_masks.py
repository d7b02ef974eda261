"""Clouds: told by a scene classification or by the colours, and unknown in every map."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from mlmodels import reflectance, save_tiny, write_image
from rasterfiles import SHARED, north_up, real_data, write_tif

from hexseal.errors import GridMismatchError, HexsealError, InputError
from hexseal.raster.grid import Window
from hexseal_ml.imagery.bands import BANDS
from hexseal_ml.imagery.masks import CLOUD_BANDS, MARGIN, clouds_of, open_masked
from hexseal_ml.predict.stage import Settings, predict

ALL = Window(0, 0, 40, 50)
# Fields, a white cloud and a bright roof as (B02, B03, B04, B08, B11). The cloud's haze is
# 0.40 - 0.20 - 0.08 = 0.12, the veil's 0.19 - 0.10 - 0.08 = 0.01, the field's -0.08.
FIELD, CLOUD = (0.05, 0.08, 0.10, 0.30, 0.25), (0.40, 0.40, 0.40, 0.45, 0.40)
VEIL, SAND = (0.19, 0.19, 0.20, 0.30, 0.25), (0.20, 0.35, 0.50, 0.55, 0.60)
SNOW = (0.60, 0.60, 0.60, 0.60, 0.05)


@pytest.fixture
def image(tmp_path: Path) -> str:
    return write_image(tmp_path / "a.tif", reflectance(40, 50))


def _coarse() -> rasterio.Affine:
    fine = north_up()
    return rasterio.Affine(20.0, 0.0, fine.c, 0.0, -20.0, fine.f)


def _known(address: str, **options: object) -> np.ndarray:
    with open_masked(address, bands=BANDS, **options) as opened:  # type: ignore[arg-type]
        values, known = opened.read(ALL)
    assert np.isnan(values[:, ~known]).all()
    assert np.isfinite(values[:, known]).all()
    return known


def _refused(address: str, **options: object) -> str:
    with pytest.raises(HexsealError) as caught:
        _known(address, **options)
    return str(caught.value)


def _scene(rows: int, columns: int) -> np.ndarray:
    return np.tile(np.array(FIELD, np.float32)[:, None, None], (1, rows, columns))


def test_a_classification_among_the_files_masks_its_clouds(tmp_path: Path, image: str) -> None:
    codes = np.full((20, 25), 4, np.uint8)
    codes[0, :12] = range(12)
    write_tif(tmp_path / "a_SCL.tif", codes, transform=_coarse())
    known = _known(f"{image},{tmp_path / 'a_SCL.tif'}")
    # Codes 0 1 3 8 9 10, each a square of 2 x 2 pixels; 2 (dark), 11 (snow) and the rest stay.
    unknown = [0, 1, 2, 3, 6, 7, 16, 17, 18, 19, 20, 21]
    assert np.flatnonzero(~known[0]).tolist() == unknown
    assert np.flatnonzero(~known[1]).tolist() == unknown
    assert known[2:].all()


def test_a_classification_may_be_named_or_be_a_band(tmp_path: Path, image: str) -> None:
    codes = np.full((40, 50), 4, np.uint8)
    codes[3, 7] = 9
    path = tmp_path / "other_SCL_20m.tif"
    write_tif(path, codes, nodata=4)
    # The tag says that 4 is no value here, so nothing at all is known.
    assert not _known(image, mask=str(path)).any()
    write_tif(path, codes)
    assert np.argwhere(~_known(image, mask=str(path))).tolist() == [[3, 7]]
    stacked = np.concatenate([reflectance(40, 50), codes[None].astype(np.float32)])
    both = write_image(tmp_path / "b.tif", stacked, bands=(*BANDS, "SCL"))
    assert np.argwhere(~_known(both)).tolist() == [[3, 7]]
    # A classification counts before the colours do.
    assert np.argwhere(~_known(both, clouds="mask")).tolist() == [[3, 7]]


def test_wrong_classifications_are_refused(tmp_path: Path, image: str) -> None:
    assert "is no scene classification; name its band SCL" in _refused(image, mask=image)
    codes = np.full((40, 50), 4, np.uint8)
    one, two = (write_tif(tmp_path / f"{name}_SCL.tif", codes) for name in "xy")
    assert "two scene classifications of one image" in _refused(f"{image},{one},{two}")
    codes[0, 0] = 57
    strange = write_tif(tmp_path / "z_SCL.tif", codes)
    assert "holds 57, which is no code" in _refused(image, mask=strange)
    shifted = write_tif(tmp_path / "s_SCL.tif", codes, transform=north_up(west=north_up().c + 5.0))
    with pytest.raises(GridMismatchError, match="lies on another grid than the image"):
        _known(image, mask=shifted)
    assert "nowhere_SCL.tif" in _refused(image, mask=str(tmp_path / "nowhere_SCL.tif"))


def test_bands_that_clouds_are_told_by_must_be_there(tmp_path: Path) -> None:
    names = tuple(band for band in BANDS if band != "B11")
    path = write_image(tmp_path / "a.tif", reflectance(40, 50)[:9], bands=names)
    with pytest.raises(InputError, match=r"has no band B11, so clouds cannot be found"):
        open_masked(path, bands=("B02", "B03"), clouds="mask")


def test_a_cloud_is_masked_with_a_margin() -> None:
    values = _scene(200, 200)
    values[:, 80:120, 80:120] = np.array(CLOUD, np.float32)[:, None, None]
    masked = clouds_of(values, np.ones((200, 200), np.bool_))
    # On the middle row haze starts at column 80: of the 9 columns around it 5 are cloud, more
    # than half. The margin of 8 resumes top, on both sides.
    assert np.flatnonzero(masked[100]).tolist() == list(range(72, 128))
    assert np.flatnonzero(masked[:, 100]).tolist() == list(range(72, 128))


@pytest.mark.parametrize("spectrum", [FIELD, VEIL, SAND, SNOW])
def test_fields_sand_snow_and_thin_veils_are_no_clouds(spectrum: tuple[float, ...]) -> None:
    values = _scene(100, 100)
    values[:, 20:80, 20:80] = np.array(spectrum, np.float32)[:, None, None]
    assert not clouds_of(values, np.ones((100, 100), np.bool_)).any()


def test_roofs_stay_where_a_cloud_of_their_colour_would_not() -> None:
    values = _scene(100, 100)
    # 12 x 13 pixels are 156 of the 289 around their middle; 11 of 20 would be 159.
    values[:, 40:52, 40:53] = np.array(CLOUD, np.float32)[:, None, None]
    known = np.ones((100, 100), np.bool_)
    assert not clouds_of(values, known).any()
    # 13 x 13 are 169.
    values[:, 40:53, 40:53] = np.array(CLOUD, np.float32)[:, None, None]
    assert clouds_of(values, known).any()


def test_clouds_at_the_edge_are_judged_by_what_is_there() -> None:
    values = _scene(60, 60)
    values[:, :, :12] = np.array(CLOUD, np.float32)[:, None, None]
    masked = clouds_of(values, np.ones((60, 60), np.bool_))
    assert np.flatnonzero(masked[30]).tolist() == list(range(20))


def _cloudy(path: Path, rows: int, columns: int) -> str:
    """Write random ground with clouds of many sizes."""
    values = reflectance(rows, columns, seed=5)
    rng = np.random.default_rng(2)
    order = [BANDS.index(band) for band in CLOUD_BANDS]
    for side in (6, 10, 14, 18, 25, 40, 60):
        top, left = rng.integers(0, rows - side), rng.integers(0, columns - side)
        values[order, top : top + side, left : left + side] = np.array(CLOUD)[:, None, None]
    return write_image(path, values)


def test_a_pixels_fate_does_not_depend_on_the_window(tmp_path: Path) -> None:
    path = _cloudy(tmp_path / "a.tif", 170, 190)
    with open_masked(path, bands=BANDS, clouds="mask") as opened:
        _, whole = opened.read(Window(0, 0, 170, 190))
        parts = np.zeros_like(whole)
        for row in range(0, 170, 37):
            for column in range(0, 190, 23):
                height, width = min(37, 170 - row), min(23, 190 - column)
                _, part = opened.read(Window(row, column, height, width))
                parts[row : row + height, column : column + width] = part
    np.testing.assert_array_equal(parts, whole)
    assert 0.05 < (~whole).mean() < 0.6
    assert MARGIN == 36


def test_maps_have_no_class_under_clouds_and_go_on_to_the_same_bytes(tmp_path: Path) -> None:
    path = _cloudy(tmp_path / "a.tif", 170, 190)
    model = save_tiny(tmp_path / "model")
    small = Settings(device="cpu", precision="fp32", window=96, overlap=32)
    with open_masked(path, bands=BANDS, clouds="mask") as opened:
        _, known = opened.read(Window(0, 0, 170, 190))

    def stop(_: str, step: int, __: int) -> None:
        # Three windows make a row: broken off in the second.
        if step == 5:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        predict(path, model, out, "map", settings=small, clouds="mask", progress=stop)
    done = predict(path, model, out, "map", settings=small, clouds="mask")
    whole = predict(path, model, tmp_path / "whole", "map", settings=small, clouds="mask")
    for kind, unknown in (("landcover", 254), ("sealed_probability", 255), ("confidence", 254)):
        assert done.paths[kind].read_bytes() == whole.paths[kind].read_bytes()
        with rasterio.open(done.paths[kind]) as file:
            np.testing.assert_array_equal(file.read(1) == unknown, ~known)
    assert predict(path, model, out, "map", settings=small, clouds="mask").is_kept
    # Without the mask it is another map.
    plain = predict(path, model, out, "map", settings=small)
    assert not plain.is_kept
    assert 254 not in plain.pixels


@pytest.mark.parametrize("_", [pytest.param(0, marks=real_data)])
def test_lommels_clouds_are_unknown_and_its_halls_are_not(_: int) -> None:
    address = str(SHARED / "sentinel2-lommel-2019" / "ref_input_S2_B*.tif")
    with open_masked(address, bands=BANDS, allow_missing=True, clouds="mask") as image:
        _, known = image.read(Window(0, 0, 1024, 512))
    # The large cloud's heart; the halls south of the canal; the town's north.
    assert not known[370:440, 160:240].any()
    assert known[640:770, 140:330].all()
    assert known[810:880, 340:460].all()
