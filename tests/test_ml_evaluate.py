"""Evaluation: figures checkable by hand, and a report of a tiny model."""

import json
from pathlib import Path

import numpy as np
import pytest
from mlmodels import reflectance, save_tiny, write_image
from rasterfiles import write_tif

from hexseal.errors import GridMismatchError, HexsealError, InputError
from hexseal.raster.landcover import open_landcover
from hexseal_ml.evaluate.config import EvaluateConfig, TileSet, load_evaluate_config
from hexseal_ml.evaluate.metrics import (
    Confusion,
    calibration,
    confusion,
    edge_iou,
    figures,
    hexagon_agreement,
)
from hexseal_ml.evaluate.report import write_report
from hexseal_ml.evaluate.stage import evaluate
from hexseal_ml.evaluate.tile_shares import chosen_tiles, tile_shares
from hexseal_ml.model.folder import load_model
from hexseal_ml.predict.stage import Settings, runtime_of

CODES = (1, 6, 11)
MATRIX = np.array([[8, 2, 0], [4, 86, 0], [0, 0, 0]])


def test_figures_of_a_matrix_are_those_of_paper_and_pencil() -> None:
    found = figures(MATRIX, CODES)
    assert found.iou[:2].tolist() == pytest.approx([8 / 14, 86 / 92])
    assert found.f1[:2].tolist() == pytest.approx([16 / 22, 172 / 178])
    assert found.users[:2].tolist() == pytest.approx([8 / 12, 86 / 88])
    assert found.producers[:2].tolist() == pytest.approx([0.8, 86 / 90])
    # A class that neither map knows has no accuracy and takes no part in the mean.
    assert np.isnan([found.iou[2], found.f1[2], found.users[2], found.producers[2]]).all()
    scalars = found.scalars()
    assert scalars["iou_mean"] == pytest.approx((8 / 14 + 86 / 92) / 2)
    assert scalars["overall_accuracy"] == pytest.approx(0.94)
    assert scalars["sealed_share_bias"] == pytest.approx(2.0)


def test_pixels_are_counted_by_block_where_both_maps_know_them() -> None:
    truth = np.array([[1, 1, 6, 254], [6, 6, 6, 6]], np.uint8)
    mapped = np.array([[1, 6, 6, 1], [1, 254, 6, 6]], np.uint8)
    found = confusion(truth, mapped, (1, 6), 2)
    assert found.blocks.tolist() == [[[1, 1], [1, 0]], [[0, 0], [0, 3]]]
    assert found.total.tolist() == [[1, 1], [1, 3]]


def test_intervals_come_from_blocks_drawn_again() -> None:
    alike = Confusion(CODES, np.stack([MATRIX] * 5))
    assert alike.intervals()["iou_sealed"] == pytest.approx((8 / 14, 8 / 14))
    low, high = alike.class_intervals()["iou"][1]
    assert (low, high) == pytest.approx((86 / 92, 86 / 92))
    assert np.isnan(alike.class_intervals()["users"][2]).all()
    worse = np.array([[2, 8, 0], [4, 86, 0], [0, 0, 0]])
    mixed = Confusion(CODES, np.stack([MATRIX, worse] * 10))
    low, high = mixed.intervals()["iou_sealed"]
    # All blocks good: 8/14; all bad: 2/14; half of each: 10/28.
    assert 2 / 14 < low < 10 / 28 < high < 8 / 14
    assert mixed.intervals() == mixed.intervals()
    assert Confusion(CODES, np.stack([MATRIX] * 2)).intervals() == {}
    assert Confusion(CODES, np.stack([MATRIX] * 2)).class_intervals() == {}


def test_edges_are_told_from_the_interior() -> None:
    truth = np.full((7, 9), 6, np.uint8)
    truth[:, :4] = 1
    mapped = truth.copy()
    mapped[:, 3] = 6
    mapped[0, 8] = 1
    found = edge_iou(truth, mapped, (1, 6))
    # Columns 3 and 4 are edge: of 7 sealed pixels none is found there.
    assert found["edge_share"] == pytest.approx(100 * 14 / 63)
    assert found["iou_sealed_edge"] == 0.0
    # Three columns of 7 are found, and one false alarm.
    assert found["iou_sealed_interior"] == pytest.approx(21 / 22)


def test_calibration_compares_probability_with_what_is_there() -> None:
    truth = np.array([[1, 6, 6, 6, 1, 1, 254, 6]], np.uint8)
    probability = np.array([[25, 25, 25, 25, 100, 80, 50, 255]], np.uint8)
    found = calibration(truth, probability, (1, 6))
    assert found.pixels.tolist() == [0, 0, 4, 0, 0, 0, 0, 0, 1, 1]
    assert found.predicted[2] == 0.25
    assert found.observed[2] == 0.25
    # One pixel of 80 % that is sealed: 0.2 off, over six pixels.
    assert found.expected_error == pytest.approx(0.2 / 6)
    # 0.75 squared, three times 0.25 squared, 0, 0.2 squared.
    assert found.brier == pytest.approx((0.5625 + 0.1875 + 0.04) / 6)


def test_shares_per_hexagon_differ_by_the_pixels_that_do(tmp_path: Path) -> None:
    with open_landcover(write_tif(tmp_path / "a.tif", np.full((150, 150), 6, np.uint8))) as raster:
        grid = raster.grid
    grass, sealed = (np.full((150, 150), code, np.uint8) for code in (6, 1))
    found = hexagon_agreement(grass, sealed, (1, 6), grid, resolution=9)
    assert len(found.mapped) > 5
    assert found.bias == 100.0
    assert found.rmse == 100.0
    same = hexagon_agreement(sealed, sealed, (1, 6), grid, resolution=9)
    assert (same.bias, same.rmse) == (0.0, 0.0)
    assert len(hexagon_agreement(grass, sealed, (1, 6), grid, resolution=6).mapped) == 0


CONFIG = """
model = "model"
out = "out"
cache = "cache"
block_km = 0.2
resolution = 10
[[test]]
name = "Field"
image = "test.tif"
label = "label.tif"
note = "<b>Made</b> by hand."
[[test]]
name = "Other codes"
image = "test.tif"
label = "other.tif"
sealed = [8]
ignore = [0]
[[test]]
name = "Picture"
image = "test.tif"
[[data]]
kind = "raster"
role = "train"
image = "train.tif"
label = "train_label.tif"
"""


def _config(folder: Path, text: str = CONFIG) -> EvaluateConfig:
    save_tiny(folder / "model")
    rng = np.random.default_rng(3)
    for name, seed in (("test", 1), ("train", 2)):
        write_image(folder / f"{name}.tif", reflectance(90, 100, seed))
    codes = rng.choice(np.array([1, 6, 10], np.uint8), (90, 100), p=[0.3, 0.5, 0.2])
    write_tif(folder / "label.tif", codes)
    write_tif(folder / "train_label.tif", codes)
    write_tif(
        folder / "other.tif", np.where(codes == 1, 8, np.where(codes == 10, 0, 3)).astype(np.uint8)
    )
    path = folder / "evaluate.toml"
    path.write_text(text)
    return load_evaluate_config(path)


def test_a_report_holds_the_figures_in_numbers_and_pictures(tmp_path: Path) -> None:
    found = evaluate(_config(tmp_path))
    facts_path, page_path = write_report(found)
    facts = json.loads(facts_path.read_text())
    field, other, picture = facts["tests"]
    assert field["name"] == "Field"
    assert set(field["maps"]) == {"model", "forest", "index"}
    matrix = np.array(field["maps"]["model"]["confusion"])
    assert matrix.sum() == 90 * 100
    hits, union = matrix[0, 0], matrix[0].sum() + matrix[:, 0].sum() - matrix[0, 0]
    assert field["maps"]["model"]["figures"]["iou_sealed"] == pytest.approx(hits / union)
    low, high = field["maps"]["model"]["intervals"]["iou_sealed"]
    assert low <= hits / union <= high
    assert field["maps"]["model"]["class_intervals"]["iou"][0] == pytest.approx([low, high])
    assert "iou_mean" not in field["maps"]["index"]["figures"]
    assert "iou_mean" not in field["maps"]["index"]["intervals"]
    assert field["maps"]["model"]["hexagons"]["count"] > 0
    assert len(field["calibration"]["pixels"]) == 10
    # Pixels of code 0 were left out of the comparison.
    assert np.array(other["maps"]["model"]["confusion"]).sum() == (matrix[0] + matrix[5]).sum()
    assert picture["maps"] == {}
    assert picture["label"] is None
    page = page_path.read_text()
    assert page.count("data:image/png;base64,") >= 4 + 4 + 2
    assert "&lt;b&gt;Made&lt;/b&gt; by hand." in page
    assert "11 Snow and ice (in neither)" in page or "11 Snow and ice" in page
    assert "nan" not in page.replace("Finance", "").split()
    assert "NaN" not in facts_path.read_text()
    before = page_path.read_bytes()
    write_report(evaluate(_again(found.config)))
    assert page_path.read_bytes() == before


def _again(config: EvaluateConfig) -> EvaluateConfig:
    return load_evaluate_config(config.path)


def test_labels_on_another_grid_are_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    config = _config(tmp_path)
    write_tif(tmp_path / "label.tif", np.full((90, 90), 6, np.uint8))
    with pytest.raises(GridMismatchError) as caught:
        evaluate(config)
    assert "label.tif: lies on another grid than" in str(caught.value)
    assert "to bring it there:" in str(caught.value)


def test_labels_of_other_codes_are_refused_unless_named(tmp_path: Path) -> None:
    config = _config(tmp_path)
    write_tif(tmp_path / "label.tif", np.full((90, 100), 77, np.uint8))
    with pytest.raises(InputError, match="holds no CLC"):
        evaluate(config)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("block_km = 0.2", "block_km = 0", "needs block_km above 0"),
        ("block_km = 0.2", "blok_km = 2", "blok_km"),
        ("sealed = [8]", 'clouds = "guess"', "is not keep or mask"),
        ('"Picture"', '"field"', "two [[test]] have the same name"),
        ("sealed = [8]", "sealed = [800]", "is not a list of codes from 0 to 255"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "evaluate.toml"
    path.write_text(CONFIG.replace(old, new))
    with pytest.raises(HexsealError) as caught:
        load_evaluate_config(path)
    assert said in str(caught.value)


def test_shares_of_sealed_are_given_by_scene_class(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model")
    folder = tmp_path / "tiles"
    folder.mkdir()
    for number in range(4):
        write_image(folder / f"Forest_{number}.tif", reflectance(40, 40, number))
    for number in range(2):
        write_image(folder / f"River_{number}.tif", reflectance(40, 40, 10 + number))
    tiles = TileSet("tiles", folder, 2, "")
    assert [path.stem for path in chosen_tiles(tiles)] == ["Forest_1", "Forest_3", "River_1"]
    network = load_model(model)
    runtime = runtime_of(Settings(precision="fp32"))
    forest, river = tile_shares(tiles, network, runtime, lambda *_: None)
    assert (forest.name, forest.tiles, river.name, river.tiles) == ("Forest", 2, "River", 1)
    assert 0 < forest.mean <= forest.largest < 1
    with pytest.raises(InputError, match="no tiles"):
        chosen_tiles(TileSet("none", tmp_path, 1, ""))
