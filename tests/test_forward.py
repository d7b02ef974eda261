"""Forward years in a build: what is carried onto the last map, and what is said of the change."""

import json
import math
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import rasterio
from mlmodels import reflectance, save_tiny, stand_in, write_image
from rasterfiles import north_up, write_tif
from sites import hexseal

from hexseal.errors import GridMismatchError, InputError, RegionError
from hexseal.forward import maps
from hexseal.forward.report import USUAL_DRIFT, ForwardReport, ratio_se, read_report, write_report
from hexseal.forward.stage import carry_forward, forward_reports, make_forward_years, report_path
from hexseal.region.epochs import Epoch, Forward
from hexseal.region.load import load_region
from hexseal.statistics.transfer import Transfer, chained_transfer, forward_transfer

# Nine cases on one map; model before, model after, and what the new map must say.
MAP = [[1, 1, 6], [6, 6, 1], [10, 254, 6]]
BEFORE = [[1, 1, 6], [6, 1, 6], [10, 6, 254]]
AFTER = [[1, 7, 1], [6, 6, 1], [1, 1, 6]]
#        stays, loss, gain; nothing, the map never had it, the map had it; gain, sea, unknown
CARRIED = [[1, 7, 1], [6, 6, 1], [1, 254, 254]]
CONFIDENCE_BEFORE = [[90, 80, 70], [60, 50, 40], [30, 20, 254]]
CONFIDENCE_AFTER = [[95, 10, 75], [5, 55, 45], [35, 25, 15]]
CERTAIN = [[90, 10, 70], [5, 50, 40], [30, 254, 254]]


def _made(folder: Path, **more: object) -> tuple[Epoch, Epoch, tuple[Path, Path]]:
    """Write the map and both predictions; return the forward year, the map's year and stems."""
    mapped = Epoch(2021, write_tif(folder / "map.tif", MAP), "CLC+")
    stems = (folder / "model_2021_for_2024", folder / "model_2024_for_2024")
    for stem, classes, sure in zip(
        stems, (BEFORE, AFTER), (CONFIDENCE_BEFORE, CONFIDENCE_AFTER), strict=True
    ):
        write_tif(Path(f"{stem}_landcover.tif"), classes, **more)  # type: ignore[arg-type]
        write_tif(Path(f"{stem}_confidence.tif"), sure, **more)  # type: ignore[arg-type]
        facts = {"model_checksum": "c0ffee", "warnings": [f"{stem.name} is hazy"]}
        Path(f"{stem}.json").write_text(json.dumps(facts))
    forward = Forward("a.tif", str(folder / "model"), 2021, "b.tif", folder)
    epoch = Epoch(
        2024, str(folder / "landcover_2024.tif"), "Forward",
        confidence=str(folder / "confidence_2024.tif"), forward=forward,
    )  # fmt: skip
    return epoch, mapped, stems


def _carry(folder: Path) -> ForwardReport:
    epoch, mapped, stems = _made(folder)
    return carry_forward(epoch, mapped, stems, "key", lambda *_: None)


def test_only_the_models_own_change_is_carried_onto_the_map(tmp_path: Path) -> None:
    report = _carry(tmp_path)
    for name, expected in (("landcover", CARRIED), ("confidence", CERTAIN)):
        with rasterio.open(tmp_path / f"{name}_2024.tif") as file:
            assert file.read(1).tolist() == expected
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    # The gain on the grass and that on the water; the loss to class 7.
    assert (report.gain, report.loss) == (2, 1)
    # Two changes lie where the two makers disagreed in 2021 already.
    assert report.disagreeing == 2
    assert report.uncovered == 1
    assert report.warnings == ("model_2021_for_2024 is hazy", "model_2024_for_2024 is hazy")
    assert report.checksum == "c0ffee"


def test_the_model_is_compared_with_the_map_of_the_common_year(tmp_path: Path) -> None:
    report = _carry(tmp_path)
    assert (report.both, report.model_only, report.map_only, report.neither) == (2, 1, 1, 3)
    assert report.users == pytest.approx(2 / 3)
    assert report.producers == pytest.approx(2 / 3)
    assert report.false_rate == 0.25
    assert report.iou == 0.5
    assert report.area_ratio == 1.0
    assert report.drift_sd == USUAL_DRIFT
    # Sealed on the map: twice Sealed to the model, once class 6.
    assert report.classes[0][0] == 2
    assert report.classes[0][report.codes.index(6)] == 1


def test_a_map_of_a_part_is_compared_with_a_prediction_alone(tmp_path: Path) -> None:
    epoch, mapped, stems = _made(tmp_path)
    report = maps.compare_part(epoch, mapped.landcover, stems[0]).report(
        year=2024, key="", checksum="", drift_sd=0.0, warnings=(), calibrate_on=None, model="model",
        compared="reference",
    )  # fmt: skip
    assert (report.both, report.model_only, report.map_only, report.neither) == (2, 1, 1, 3)
    assert "no map behind it: IoU(Sealed) 0.50 with a map of a part" in report.summary
    nothing = write_tif(tmp_path / "nothing.tif", np.full((3, 3), 254, np.uint8))
    with pytest.raises(
        InputError, match=r"nothing\.tif: no pixel with a class lies under the image"
    ):
        maps.compare_part(epoch, nothing, stems[0])


def test_a_year_without_a_map_takes_the_accuracy_of_the_models_tests(tmp_path: Path) -> None:
    known = {"both": 70, "model_only": 30, "map_only": 10, "neither": 890, "users_se": 0.05,
             "producers_se": 0.04}  # fmt: skip
    config = {"hexseal": {"metrics": {"sealed_accuracy": known}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    report = maps.tested_report(
        tmp_path, year=2024, key="", checksum="", drift_sd=0.0, warnings=("hazy",)
    )
    assert (report.users, report.producers) == (0.7, 0.875)
    assert (report.users_se, report.producers_se, report.warnings) == (0.05, 0.04, ("hazy",))
    assert report.calibrate_on is None
    assert "IoU(Sealed) 0.64 with its test labels" in report.summary


def test_a_year_without_a_map_is_the_prediction(tmp_path: Path) -> None:
    epoch, _, stems = _made(tmp_path)
    maps.publish_map(epoch, stems[1])
    for address, expected in ((epoch.landcover, AFTER), (epoch.confidence, CONFIDENCE_AFTER)):
        with rasterio.open(str(address)) as file:
            assert file.read(1).tolist() == expected


def test_the_drift_is_read_from_the_models_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    config = {"hexseal": {"metrics": {"drift": {"sd": 0.02}}}}
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    assert _carry(tmp_path).drift_sd == 0.02


def test_images_of_other_pixels_are_refused(tmp_path: Path) -> None:
    epoch, mapped, stems = _made(tmp_path, transform=north_up(west=4_040_005.0))
    with pytest.raises(GridMismatchError, match="has other pixels than"):
        carry_forward(epoch, mapped, stems, "key", lambda *_: None)
    assert not Path(epoch.landcover).exists()


def test_images_that_cover_a_part_leave_the_rest_without_data(tmp_path: Path) -> None:
    epoch, mapped, stems = _made(tmp_path, transform=north_up(west=4_040_010.0))
    report = carry_forward(epoch, mapped, stems, "key", lambda *_: None)
    with rasterio.open(epoch.landcover) as file:
        assert file.read(1)[:, 0].tolist() == [254, 254, 254]
    # The first column of the map, three pixels, and the pixel that the model does not know.
    assert report.uncovered >= 3


def test_images_of_another_place_are_refused(tmp_path: Path) -> None:
    epoch, mapped, stems = _made(tmp_path, transform=north_up(west=4_140_000.0))
    report_lines = []
    try:
        report = carry_forward(epoch, mapped, stems, "key", lambda *_: None)
        report_lines.append(report.uncovered)
    except InputError as err:
        report_lines.append(str(err))
    # Either nothing lies under the images, or every pixel of land is counted as uncovered.
    assert report_lines[0] == 8 or "no pixel lies under the images" in str(report_lines[0])


def test_reports_come_back_as_written(tmp_path: Path) -> None:
    report = _carry(tmp_path)
    path = tmp_path / "forward.json"
    write_report(report, path)
    assert read_report(path) == report
    assert json.loads(path.read_text())["derived"]["iou"] == 0.5
    path.write_text(path.read_text()[:50])
    with pytest.raises(InputError, match="build again with --fresh"):
        read_report(path)
    with pytest.raises(InputError, match="made from images by hexseal build; run that first"):
        read_report(tmp_path / "nowhere.json")


def test_the_standard_error_of_a_ratio_follows_its_formula() -> None:
    part, whole = np.array([1, 3, 2]), np.array([4, 4, 4])
    # Ratio 0.5; residuals -1, 1, 0; sqrt(3 / 2 * 2) / 12
    assert ratio_se(part, whole) == pytest.approx(math.sqrt(3) / 12)
    assert ratio_se(np.array([1]), np.array([4])) == 0.5
    assert ratio_se(np.array([0]), np.array([0])) == 0.0


def test_the_slope_of_a_models_change_lies_between_youden_and_the_area_ratio(
    tmp_path: Path,
) -> None:
    report = _carry(tmp_path)
    transfer = forward_transfer(report, sealed=1000)
    low, high = 2 / 3 - 0.25, 1.0
    assert transfer.slope == pytest.approx((low + high) / 2)
    assert transfer.slope_sd == pytest.approx((high - low) / math.sqrt(12))
    assert transfer.bias == 0.0
    # 5 % of the model's sealed area.
    assert transfer.bias_sd == pytest.approx(50.0)


def test_two_steps_seen_in_different_ways_take_both_slopes() -> None:
    root = math.sqrt(3)
    first = Transfer(slope=0.9, slope_sd=0.1 / root, bias=10.0, bias_sd=3.0)
    second = Transfer(slope=0.6, slope_sd=0.2 / root, bias=-4.0, bias_sd=4.0)
    found = chained_transfer(first, second)
    # From 0.4 to 1.0
    assert found.slope == pytest.approx(0.7)
    assert found.slope_sd == pytest.approx(0.6 / math.sqrt(12))
    assert (found.bias, found.bias_sd) == (6.0, 5.0)


REGION = """
[region]
id = "tiny"
title = { en = "Tiny" }
[[epoch]]
year = 2018
landcover = "map_2018.tif"
[[epoch]]
year = 2021
landcover = "map_2021.tif"
[[epoch]]
year = 2024
[epoch.forward]
imagery = "s2_2024.tif"
calibration_imagery = "s2_2021.tif"
calibrate_on = 2021
model = "model"
[hexagons]
finest = 9
coarsest = 8
"""


def _region(folder: Path, text: str = REGION) -> Path:
    path = folder / "regions" / "tiny.toml"
    path.parent.mkdir()
    path.write_text(text)
    for year in (2018, 2021):
        write_tif(path.parent / f"map_{year}.tif", np.full((40, 50), 6, np.uint8))
    for year, seed in ((2021, 1), (2024, 2)):
        write_image(path.parent / f"s2_{year}.tif", reflectance(40, 50, seed))
    return path


def test_a_region_makes_its_forward_year_once(tmp_path: Path) -> None:
    path = _region(tmp_path)
    save_tiny(path.parent / "model")
    region = load_region(path)
    with pytest.raises(InputError, match="run that first"):
        forward_reports(region)
    said: list[str] = []
    with stand_in():
        (report,) = make_forward_years(
            region, fresh=False, log=said.append, progress=lambda *_: None
        )
    assert (report.year, report.calibrate_on, report.model) == (2024, 2021, "model")
    assert report.both + report.model_only + report.map_only + report.neither == 40 * 50
    epoch = region.epochs[-1]
    with rasterio.open(epoch.landcover) as file:
        classes = file.read(1)
    assert set(np.unique(classes)) <= {1, 6}
    assert (classes == 1).sum() == report.gain
    assert forward_reports(region) == {2024: report}
    made = Path(epoch.landcover).stat().st_mtime_ns
    (again,) = make_forward_years(region, fresh=False, log=said.append, progress=lambda *_: None)
    assert again == report
    assert Path(epoch.landcover).stat().st_mtime_ns == made


@pytest.mark.parametrize("stands_in", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_model_that_fails_is_one_line(tmp_path: Path, stands_in: bool) -> None:
    path = _region(tmp_path, REGION.replace('"model"', '"./none/model"'))
    region = load_region(path)
    with stand_in() if stands_in else nullcontext(), pytest.raises(InputError) as caught:
        make_forward_years(region, fresh=False, log=lambda _: None, progress=lambda *_: None)
    line = str(caught.value)
    assert line.startswith(f"prediction of {path.parent / 's2_2021.tif'} failed: ")
    assert "no such model folder; train one or give another" in line
    assert "\n" not in line
    assert not report_path(region.epochs[-1]).exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('calibration_imagery = "s2_2021.tif"\n', "", "name the image of 2021"),
        ("calibrate_on = 2021", "calibrate_on = 2018", "starts from the last map before it (2021)"),
        ('model = "model"', 'model = "model"\nmissing_bands = "guess"', "is not refuse or mean"),
        ('model = "model"', 'model = "model"\nclouds = "guess"', "is not keep or mask"),
        ('model = "model"', 'model = "model"\nmodell = "x"', "modell"),
        ("year = 2024", 'year = 2024\nlandcover = "x.tif"', "a year is read or made"),
        ("[hexagons]", '[product]\nname = "worldcover"\n[hexagons]', "replicates CLC+ Backbone"),
    ],
)
def test_wrong_settings_of_a_forward_year_are_named(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = _region(tmp_path, REGION.replace(old, new))
    with pytest.raises(RegionError) as caught:
        load_region(path)
    assert said in str(caught.value)


def test_a_forward_year_starts_from_the_last_map_before_it(tmp_path: Path) -> None:
    path = _region(tmp_path, REGION.replace("calibrate_on = 2021\n", ""))
    forward = load_region(path).epochs[-1].forward
    assert forward is not None
    assert forward.calibrate_on == 2021


def test_check_looks_for_forward_years_beside_the_site(tmp_path: Path) -> None:
    path = _region(tmp_path, REGION)
    result = hexseal("check", path, "--out", tmp_path / "elsewhere/site")
    assert str(tmp_path / "elsewhere/work") in result.out + result.err


def test_images_of_one_band_each_may_be_listed(tmp_path: Path) -> None:
    path = _region(tmp_path, REGION.replace('"s2_2024.tif"', '"s2_B02.tif,s2_B03.tif"'))
    forward = load_region(path).epochs[-1].forward
    assert forward is not None
    assert forward.imagery == f"{path.parent / 's2_B02.tif'},{path.parent / 's2_B03.tif'}"
