"""Models of several dates: what they read, learn and map, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from mlmodels import reflectance, write_image
from rasterfiles import north_up, write_tif

from hexseal.errors import GridMismatchError, InputError
from hexseal.progress import no_log, no_progress
from hexseal.raster.grid import Window
from hexseal.simulation import SimulatedImage, Truth, simulate_series, simulate_truth
from hexseal.simulation.sentinel2 import NODATA, OFFSET, SCALE
from hexseal.simulation.spectra import leaves_of, season_of
from hexseal.simulation.vegetation import BROAD, EVERGREEN
from hexseal_ml.data.augment import Augmentation, augment
from hexseal_ml.data.sources import open_scenes
from hexseal_ml.imagery.bands import BANDS, channels_of
from hexseal_ml.imagery.series import Series, open_dates
from hexseal_ml.model.classes import CODES, OUTSIDE
from hexseal_ml.model.folder import load_model, save_model
from hexseal_ml.model.tempcnn import ForwardTempCnn, build_tempcnn
from hexseal_ml.predict.stage import Settings, predict
from hexseal_ml.train.config import load_train_config
from hexseal_ml.train.stage import train

DAYS = (75, 196, 300)
CHANNELS = channels_of(BANDS, DAYS)
RED, NEAR = BANDS.index("B04"), BANDS.index("B08")
CONFIG = """
cache = "cache"
[model]
kind = "{kind}"
size = "b0"
pretrained = ""
out = "{kind}"
days = [75, 196]
[[data]]
kind = "raster"
image = ["march.tif", "july.tif"]
label = "label.tif"
[split]
block_km = 0.32
buffer_m = 0
validation = 0.4
[training]
steps = 40
batch = 4
crop = 32
learning_rate = 5e-3
smoothing = 0.5
validate_every = 40
precision = "fp32"
"""


def _tempcnn() -> ForwardTempCnn:
    torch.manual_seed(3)
    model = build_tempcnn(CHANNELS, CODES)
    model.facts["mean"], model.facts["std"] = [0.1] * len(CHANNELS), [0.1] * len(CHANNELS)
    return model.eval()


def _dates(folder: Path, count: int = 3, **options: object) -> list[str]:
    return [
        write_image(folder / f"{n}.tif", reflectance(64, 70, seed=n), **options)  # type: ignore[arg-type]
        for n in range(count)
    ]


def _red_and_near(image: SimulatedImage, truth: Truth, code: int) -> tuple[float, float]:
    seen = (truth.landcover[1] == code) & (image.dn[0] != NODATA)
    red, near = (float(image.dn[place][seen].mean() * SCALE + OFFSET) for place in (RED, NEAR))
    return red, near


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate_truth((600, 600), 1101)


def test_deciduous_trees_lose_their_leaves_and_evergreen_ones_do_not(truth: Truth) -> None:
    winter, summer = simulate_series(truth, 1101, 1, (30, 196))
    assert (winter.year, winter.day, summer.day) == (2021, 30, 196)
    greenness = {}
    for code in (BROAD, EVERGREEN):
        for name, image in (("winter", winter), ("summer", summer)):
            red, near = _red_and_near(image, truth, code)
            greenness[code, name] = (near - red) / (near + red)
    assert greenness[BROAD, "summer"] - greenness[BROAD, "winter"] > 0.2
    assert abs(greenness[EVERGREEN, "summer"] - greenness[EVERGREEN, "winter"]) < 0.1


def test_a_date_is_the_same_in_every_series(truth: Truth) -> None:
    (alone,) = simulate_series(truth, 7, 1, (196,))
    _, among = simulate_series(truth, 7, 1, (75, 196))
    np.testing.assert_array_equal(alone.dn, among.dn)


def test_the_year_turns_from_bare_to_green_to_harvested() -> None:
    assert leaves_of(20) < 0.01 < 0.99 < leaves_of(196)
    june, august = season_of(165, 0.5), season_of(227, 0.5)
    assert june.green > august.green
    assert august.harvested > june.harvested
    assert august.drought > season_of(75, 0.5).drought


def test_dates_are_read_one_after_the_other(tmp_path: Path) -> None:
    paths = _dates(tmp_path)
    with open_dates(paths, CHANNELS) as series:
        assert isinstance(series, Series)
        values, known = series.read(Window(3, 5, 10, 12))
    assert values.shape == (30, 10, 12)
    assert known.all()
    for number in range(3):
        expected = reflectance(64, 70, seed=number)[:, 3:13, 5:17]
        np.testing.assert_allclose(values[10 * number : 10 * number + 10], expected, rtol=1e-6)


def test_a_pixel_is_known_where_half_of_the_dates_know_it(tmp_path: Path) -> None:
    values = [reflectance(64, 70, seed=number) for number in range(3)]
    values[0][:, :4] = np.nan
    values[1][:, :2] = np.nan
    paths = [write_image(tmp_path / f"{n}.tif", each) for n, each in enumerate(values)]
    with open_dates(paths, CHANNELS) as series:
        read, known = series.read(Window(0, 0, 64, 70))
    assert not known[:2].any()
    assert known[2:].all()
    assert np.isnan(read[:10, :4]).all()
    assert np.isfinite(read[20:]).all()


def test_a_series_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    paths = _dates(tmp_path)
    with pytest.raises(InputError, match=r"2 images given; this model takes 3, of the days 75"):
        open_dates(paths[:2], CHANNELS)
    with pytest.raises(InputError, match="3 images given; this model takes 1"):
        open_dates(paths, BANDS)
    with pytest.raises(InputError, match="one scene classification cannot be that of 3 images"):
        open_dates(paths, CHANNELS, mask="scl.tif")
    moved = north_up(west=4_000_500.0)
    paths[1] = write_image(tmp_path / "moved.tif", reflectance(64, 70), transform=moved)
    with pytest.raises(GridMismatchError, match=r"moved.tif: .* warp all dates onto one grid"):
        open_dates(paths, CHANNELS)


def test_a_pixel_is_classified_by_its_own_series_alone() -> None:
    model = _tempcnn()
    values = torch.from_numpy(np.concatenate([reflectance(8, 9, seed=n) for n in range(3)]))[None]
    whole = model(model.normalise(values)).logits
    assert whole.shape == (1, len(CODES), 8, 9)
    one = model(model.normalise(values[:, :, 2:3, 4:5])).logits
    torch.testing.assert_close(whole[:, :, 2:3, 4:5], one)


def test_the_order_of_dates_matters() -> None:
    model = _tempcnn()
    values = torch.from_numpy(np.concatenate([reflectance(8, 9, seed=n) for n in range(3)]))[None]
    turned = values.reshape(1, 3, 10, 8, 9).flip(1).reshape(1, 30, 8, 9)
    assert not torch.allclose(model(values).logits, model(turned).logits)


def test_a_tempcnn_is_kept_and_predicts(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save_model(_tempcnn(), folder, "A tiny TempCNN.\n")
    assert isinstance(load_model(folder), ForwardTempCnn)
    settings = Settings(device="cpu", precision="fp32", window=96, overlap=32)
    done = predict(_dates(tmp_path), folder, tmp_path / "out", "map", settings=settings)
    with rasterio.open(done.paths["landcover"]) as file:
        found = file.read(1)
    stacked = np.concatenate([reflectance(64, 70, seed=n) for n in range(3)])
    model = _tempcnn()
    logits = model(model.normalise(torch.from_numpy(stacked[None]))).logits[0]
    expected = np.array(CODES, np.uint8)[logits.argmax(dim=0).numpy()]
    assert OUTSIDE not in found
    assert (found == expected).mean() > 0.999


def test_each_date_has_light_of_its_own() -> None:
    values = np.full((30, 32, 32), 0.2, np.float32)
    labels = np.ones((32, 32), np.uint8)
    options = Augmentation(noise=0.0, drop_chance=0.0)
    changed, _ = augment(values, labels, CHANNELS, options, np.random.default_rng(1))
    dates = changed.reshape(3, 10, -1).mean(axis=(1, 2))
    assert len(np.unique(dates.round(5))) == 3


@pytest.mark.parametrize("kind", [pytest.param("tempcnn", marks=pytest.mark.slow), "segformer"])
def test_what_only_the_second_date_shows_is_learnt(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    label = np.kron(rng.choice([3, 4], (12, 12)), np.ones((16, 16))).astype(np.uint8)
    label[:, :8] = 1
    summer = np.full((10, 192, 192), 0.2, np.float32) + rng.normal(0, 0.01, (10, 192, 192))
    winter = summer + np.where(label == 4, 0.2, 0.0) + rng.normal(0, 0.01, (10, 192, 192))
    for values, name in ((winter, "march.tif"), (summer, "july.tif")):
        values[:, label == 1] = 0.5
        write_image(tmp_path / name, values.astype(np.float32))
    write_tif(tmp_path / "label.tif", label)
    (tmp_path / "config.toml").write_text(CONFIG.format(kind=kind))
    config = load_train_config(tmp_path / "config.toml")
    assert config.bands == channels_of(BANDS, (75, 196))
    scenes = open_scenes(config.sources, config.bands, config.cache, no_progress)
    outcome = train(config, scenes, report=no_progress, log_line=no_log)
    assert outcome.figures["iou_sealed"] > 0.8
    assert outcome.figures["overall_accuracy"] > 0.9


def test_days_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.format(kind="tempcnn").replace("[75, 196]", "[9]"))
    assert load_train_config(tmp_path / "config.toml").kind == "tempcnn"
    for wrong in ("[196, 75]", "[0, 75]", '["march"]'):
        text = CONFIG.format(kind="tempcnn").replace("[75, 196]", wrong)
        (tmp_path / "config.toml").write_text(text)
        with pytest.raises(InputError, match="are not rising days of the year"):
            load_train_config(tmp_path / "config.toml")
    with pytest.raises(InputError, match=r"learns from a series: give days"):
        build_tempcnn(BANDS, CODES)
