"""Training on tiny data: splits that do not leak, areas that match, and going on after a kill."""

import csv
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mlmodels import reflectance, write_image
from rasterfiles import write_tif

from hexseal.errors import GridMismatchError, HexsealError, InputError
from hexseal.raster.grid import Window
from hexseal_ml.data.augment import OFTEN_MISSING, Augmentation, augment, dropped_bands
from hexseal_ml.data.sampling import Sampler, plots, validation_crops
from hexseal_ml.data.scenes import Scene, kept_scene, pack
from hexseal_ml.data.sources import Source, open_scenes
from hexseal_ml.data.split import BUFFER, TRAIN, VALIDATION, SplitOptions, role_map
from hexseal_ml.imagery.bands import BANDS
from hexseal_ml.model.classes import IGNORE
from hexseal_ml.model.folder import load_model, model_checksum
from hexseal_ml.train.card import model_card
from hexseal_ml.train.config import Schedule, TrainConfig, load_train_config
from hexseal_ml.train.spread import measure_spread
from hexseal_ml.train.stage import Outcome, class_weights, pixel_times, train
from hexseal_ml.train.validation import Validation, sealed_accuracy, widened

STILL = Augmentation(0, 0, 0, 0, 0, 0, 0)
USED = ("B04", "B08", "B11")
SHIPPED = Path(__file__).parents[1] / "ml" / "weights" / "clcplus-forward-b2"


def _labels(rows: int, columns: int) -> np.ndarray:
    """Return codes: sealed strips on grass, a little water."""
    codes = np.full((rows, columns), 6, np.uint8)
    codes[:, ::8] = 1
    codes[:4] = 10
    return codes


def _scene(folder: Path, rows: int = 96, columns: int = 96) -> Scene:
    facts: dict[str, object] = {
        "name": "a", "group": "EPSG:3035", "origin": [4_000_000.0, 3_000_000.0], "pixel_m": 10.0,
        "bands": list(BANDS),
    }  # fmt: skip
    made = pack(reflectance(rows, columns)), _labels(rows, columns)
    return kept_scene(folder, f"scene-{rows}", facts, lambda: made)


def test_training_keeps_a_buffer_from_ground_that_is_held_out() -> None:
    options = SplitOptions(block_m=200.0, buffer_m=30.0, validation=0.3)
    roles = role_map(options, "a", (1000.0, 5000.0), (80, 90), 10.0)
    held = np.argwhere(roles == VALIDATION)
    learnt = np.argwhere(roles == TRAIN)
    assert len(held) > 100
    assert len(learnt) > 100
    apart = np.abs(held[:, None] - learnt[None]).max(axis=2).min()
    assert apart == 4
    assert (roles == BUFFER).any()


def test_ground_has_one_role_in_every_image() -> None:
    options = SplitOptions(block_m=200.0, buffer_m=30.0, validation=0.3, test=0.2)
    whole = role_map(options, "a", (1000.0, 5000.0), (80, 90), 10.0)
    part = role_map(options, "a", (1000.0 + 250.0, 5000.0 - 130.0), (40, 50), 10.0)
    np.testing.assert_array_equal(part, whole[13:53, 25:75])


def test_crops_show_labels_of_their_role_only(tmp_path: Path) -> None:
    options = SplitOptions(block_m=240.0, buffer_m=40.0, validation=0.4, seed=2)
    scenes: list[tuple[Scene, int | None]] = [(_scene(tmp_path), None)]
    window = Window(0, 0, 96, 96)
    seen = {}
    for role in (TRAIN, VALIDATION):
        (plot,) = plots(scenes, options, role, seed=0)
        _, codes = plot.crop(window, role)
        seen[role] = codes != IGNORE
        assert seen[role].any()
        assert (plot.roles[tuple(plot.sealed.T)] == role).all()
    assert not (seen[TRAIN] & seen[VALIDATION]).any()


def test_crops_of_a_step_are_always_the_same(tmp_path: Path) -> None:
    grounds = plots([(_scene(tmp_path), TRAIN)], SplitOptions(), TRAIN, seed=0)
    sampler = Sampler(grounds, USED, 32, 2, 0.5, Augmentation(), 7)
    first, again, other = sampler.draw(3), sampler.draw(3), sampler.draw(4)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1], equal_nan=True)
    assert first[0].shape == (2, 3, 32, 32)


def test_images_smaller_than_a_crop_are_filled_up(tmp_path: Path) -> None:
    grounds = plots([(_scene(tmp_path, 20, 20), TRAIN)], SplitOptions(), TRAIN, seed=0)
    values, codes = Sampler(grounds, USED, 32, 1, 0.0, STILL, 0).draw(0)
    assert np.isnan(values[0, :, 20:]).all()
    assert (codes[0, :, 20:] == IGNORE).all()
    assert (codes[0, :20, :20] != IGNORE).all()


def test_nothing_held_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no scene has blocks for validation"):
        plots([(_scene(tmp_path), TRAIN)], SplitOptions(), VALIDATION, seed=0)
    grounds = plots([(_scene(tmp_path), VALIDATION)], SplitOptions(), VALIDATION, seed=0)
    (crop,) = validation_crops(grounds, USED, VALIDATION, 512, 100, seed=0)
    assert crop[0].shape == (3, 96, 96)


def test_labels_turn_with_their_image() -> None:
    codes = np.arange(1, 10, dtype=np.uint8).reshape(3, 3)
    values = np.stack([codes / 100] * 3).astype(np.float32)
    turned = set()
    for seed in range(60):
        seen, labels = augment(values, codes, USED, STILL, np.random.default_rng(seed))
        np.testing.assert_allclose(seen * 100, np.stack([labels] * 3), rtol=1e-5)
        turned.add(labels.tobytes())
    # All symmetries of a square, each seen.
    assert len(turned) == 8


def test_light_and_haze_change_values_but_not_labels() -> None:
    codes = np.full((8, 8), 6, np.uint8)
    values = np.full((3, 8, 8), 0.2, np.float32)
    seen, labels = augment(values, codes, USED, Augmentation(), np.random.default_rng(1))
    assert np.abs(np.nan_to_num(seen, nan=0.5) - 0.2).min() > 0
    np.testing.assert_array_equal(labels, codes)
    np.testing.assert_array_equal(values, np.float32(0.2))


def test_bands_drop_out_but_never_all() -> None:
    drawn = [dropped_bands(BANDS, 1.0, np.random.default_rng(seed)) for seed in range(200)]
    assert all(not each.all() for each in drawn)
    assert any(each[BANDS.index(OFTEN_MISSING[0])] for each in drawn)
    assert any(each[BANDS.index("B02")] for each in drawn)
    none = [dropped_bands(BANDS, 0.0, np.random.default_rng(seed)) for seed in range(20)]
    assert not np.array(none).any()


def test_class_weights_have_mean_one_over_pixels() -> None:
    assert class_weights("none", [90, 10]) is None
    inverse = class_weights("inverse", [90, 10])
    root = class_weights("sqrt_inverse", [90, 10])
    assert inverse is not None
    assert root is not None
    # 1 / 0.9 and 1 / 0.1, halved
    assert inverse.tolist() == pytest.approx([0.5556, 5.0], abs=1e-4)
    # 1.0541 and 3.1623, over 0.9 x 1.0541 + 0.1 x 3.1623 = 1.2649
    assert root.tolist() == pytest.approx([0.8333, 2.5], abs=1e-4)
    rare = class_weights("inverse", [100_000, 1, 0])
    assert rare is not None
    assert (rare / rare[0]).max() == pytest.approx(50.0)


def test_the_offset_makes_the_mapped_area_that_of_the_label() -> None:
    margins = np.array([-3.0, -1.0, -0.5, 2.0], np.float32)
    sealed = np.array([False, True, False, True])
    found = Validation(np.array([[1, 1], [0, 2]]), margins, sealed, (1, 6))
    assert found.figures()["sealed_share_bias"] == -25.0
    assert found.matched_offset() == pytest.approx(0.75)
    matched = found.figures(found.matched_offset())
    assert matched["sealed_share_bias"] == 0.0
    # One hit; two mapped and two real, three together.
    assert matched["iou_sealed"] == pytest.approx(1 / 3)


def test_accuracy_elsewhere_spans_the_kinds_of_images() -> None:
    def found(margins: list[float], sealed: list[bool]) -> Validation:
        codes = (1, 6)
        return Validation(
            np.zeros((2, 2), np.int64), np.array(margins, np.float32), np.array(sealed), codes
        )

    # User's 1/2 and 1, producer's 1 and 1/2.
    one = found([1, 1, -1, -1], [True, False, False, False])
    two = found([1, -1, -1, -1], [True, True, False, False])
    assert sealed_accuracy([one, two], 0.0) == {
        "both": 250_000, "model_only": 125_000, "map_only": 125_000, "neither": 500_000,
        "users_se": 0.25, "producers_se": 0.25,
    }  # fmt: skip
    assert sealed_accuracy([one], 0.0)["users_se"] == 0.25
    # An offset that maps nothing more leaves the counts.
    assert sealed_accuracy([one], 0.5)["both"] == 250_000


def test_errors_of_accuracy_grow_until_they_span_how_places_differ() -> None:
    known = {
        "both": 800, "model_only": 200, "map_only": 0, "neither": 9_000,
        "users_se": 0.06, "producers_se": 0.04,
    }  # fmt: skip
    found = widened(known, {"sd": 0.17, "places": 9})
    relative = (found["users_se"] / 0.8) ** 2 + found["producers_se"] ** 2
    assert relative == pytest.approx(0.17**2, rel=1e-3)
    assert found["users_se"] / found["producers_se"] == pytest.approx(1.5, rel=1e-3)
    assert widened(known, {"sd": 0.01, "places": 9}) == known


def test_spread_is_measured_on_regions_that_the_model_never_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    with pytest.raises(InputError, match="trained on 1030"):
        measure_spread(folder, "1030-1066", tmp_path)
    with pytest.raises(InputError, match="--seeds 'many' is not like \"1065-1072\""):
        measure_spread(folder, "many", tmp_path)
    source = partial(Source, size_km=(6.0, 6.0))
    monkeypatch.setattr("hexseal_ml.train.spread.Source", source)
    before = json.loads((folder / "config.json").read_text())["hexseal"]["metrics"]
    found = measure_spread(folder, "1070-1070", tmp_path / "cache")
    after = json.loads((folder / "config.json").read_text())["hexseal"]["metrics"]
    assert found["places"] >= 2
    assert after["spread"] == found
    known, stated = before["sealed_accuracy"], after["sealed_accuracy"]
    assert stated == widened(known, found)
    assert load_model(folder).facts["metrics"]["spread"] == found


def test_a_class_that_validation_lacks_has_no_accuracy() -> None:
    matrix = np.array([[8, 2, 0], [0, 90, 0], [0, 0, 0]])
    found = Validation(matrix, np.zeros(1, np.float32), np.ones(1, bool), (1, 6, 11))
    assert found.iou_by_class() == {"1": 0.8, "6": 0.9783, "11": None}
    assert found.figures()["iou_mean"] == pytest.approx((0.8 + 90 / 92) / 2)


def test_pixels_count_as_often_as_their_kind_of_crop() -> None:
    sealed = torch.zeros(3, 2, 2, dtype=torch.bool)
    sealed[0, 0, 0] = sealed[2, 1, 1] = True
    schedule = Schedule(sealed_weight=0.5, real_sealed_weight=3.0, natural_weight=4.0)
    found = pixel_times(sealed, 2, schedule).flatten(1).tolist()
    # A taught crop with something sealed, a natural one, one with a label of its own.
    assert found == [[3, 1, 1, 1], [4, 4, 4, 4], [1, 1, 1, 0.5]]


CONFIG = """
cache = "cache"
[model]
size = "b0"
out = "model"
pretrained = ""
bands = ["B4", "B08", "B11"]
[[data]]
kind = "raster"
role = "train"
image = "train.tif"
label = "train_label.tif"
[[data]]
kind = "raster"
role = "validation"
image = "held.tif"
label = "held_label.tif"
[training]
steps = 4
batch = 2
crop = 32
validate_every = 2
validation_pixels = 2000
precision = "fp32"
warmup = 0.25
"""


def _config(folder: Path, text: str = CONFIG) -> TrainConfig:
    folder.mkdir(exist_ok=True)
    for name, seed in (("train", 1), ("held", 2)):
        codes = _labels(48, 64)
        values = reflectance(48, 64, seed)
        values[:, codes == 1] += 0.3
        write_image(folder / f"{name}.tif", values)
        write_tif(folder / f"{name}_label.tif", codes)
    path = folder / "train.toml"
    path.write_text(text)
    return load_train_config(path)


class _Killed(Exception):  # noqa: N818
    pass


def _train(config: TrainConfig, stop_at: int | None = None) -> tuple[Outcome, list[str]]:
    said: list[str] = []

    def report(what: str, done: int, total: int) -> None:
        assert total in (4, 2)
        if what == "training" and done == stop_at:
            raise _Killed

    scenes = open_scenes(config.sources, config.bands, config.cache, lambda *_: None)
    return train(config, scenes, report=report, log_line=said.append), said


def test_a_killed_training_goes_on_to_the_same_model(tmp_path: Path) -> None:
    whole = _config(tmp_path / "whole")
    outcome, _ = _train(whole)
    assert outcome.step == 4
    broken = _config(tmp_path / "broken")
    with pytest.raises(_Killed):
        _train(broken, stop_at=3)
    assert not broken.out.exists()
    outcome, said = _train(broken)
    assert outcome.step == 4
    assert "resuming after step 2" in said[1]
    weights = [config.out / "model.safetensors" for config in (whole, broken)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_training_leaves_a_model_that_tells_of_itself(tmp_path: Path) -> None:
    config = _config(tmp_path)
    _, said = _train(config)
    model = load_model(config.out)
    assert model.bands == USED
    facts = json.loads((config.out / "config.json").read_text())["hexseal"]
    assert facts["initial_weights"] == "random"
    assert facts["training"]["class_pixels"][0] == 8 * 44
    assert list(facts["metrics"]["iou"]) == [str(code) for code in sorted(range(1, 12), key=str)]
    assert (config.out / "README.md").read_text() == model_card(facts)
    assert not [path for path in config.out.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]
    rows = list(csv.DictReader((config.out / "training.csv").open()))
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[0]["loss"]) > 0
    assert list((tmp_path / ".model.training" / "tensorboard").iterdir())
    assert "million parameters" in said[0]
    before = model_checksum(config.out)
    with pytest.raises(InputError, match="another configuration"):
        _train(_config(tmp_path, CONFIG.replace("batch = 2", "batch = 3")))
    assert model_checksum(config.out) == before


def test_labels_on_another_grid_are_refused(tmp_path: Path) -> None:
    config = _config(tmp_path)
    write_tif(tmp_path / "held_label.tif", _labels(48, 60))
    with pytest.raises((InputError, GridMismatchError), match="give labels on the image's grid"):
        open_scenes(config.sources, config.bands, config.cache, lambda *_: None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('size = "b0"', 'size = "b9"', "size = 'b9' is not one of b0"),
        ('"B4"', '"B99"', "is not a list of Sentinel-2 bands"),
        ("steps = 4", "steps = 0", "steps = 0: give 1 or more"),
        ("steps = 4", 'class_weights = "some"', "class_weights = 'some' is not one of none"),
        ("steps = 4", "stepps = 4", "stepps"),
        ('kind = "raster"', 'kind = "cube"', "kind = 'cube' is not one of"),
        ('role = "train"', 'role = "exam"', "role = 'exam' is not one of"),
        ("crop = 32", "crop = 16", "crop = 16: give 32 pixels or more"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "train.toml"
    path.write_text(CONFIG.replace(old, new))
    with pytest.raises(HexsealError) as caught:
        load_train_config(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_simulation_is_a_source_of_its_own_sizes_and_bands(tmp_path: Path) -> None:
    head = CONFIG[: CONFIG.index("[[data]]")]
    path = tmp_path / "train.toml"
    table = '[[data]]\nkind = "simulation"\nseeds = "2001-2003"\nsize_km = [0.6, 0.5]\n'
    path.write_text(head + table)
    config = load_train_config(path)
    assert config.sources[0].seeds == (2001, 2002, 2003)
    with pytest.raises(InputError, match="give whole kilometres"):
        open_scenes(config.sources, config.bands, config.cache, lambda *_: None)
    with pytest.raises(InputError, match="the simulation has no band B09"):
        open_scenes(config.sources, ("B09",), config.cache, lambda *_: None)
