"""What units count for the check of the inputs is what a pass of its own counts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rasterfiles import write_tif

from hexseal.change import survey as surveys
from hexseal.change.survey import survey_census, survey_region
from hexseal.check.census import take_census
from hexseal.check.stage import check_region
from hexseal.errors import InputError
from hexseal.execution import Execution
from hexseal.raster.grid import Window
from hexseal.raster.landcover import open_landcover
from hexseal.region.load import Region, load_region

SHAPE = 90, 120


def region(folder: Path, *, product: str = "", unknown: bool = False, masks: bool = True) -> Region:
    """Three years with no data along one side, and masks."""
    rng = np.random.default_rng(3)
    text = f'[region]\nid = "r"\nsimulated = true\n{product}'
    for place, year in enumerate((2018, 2021, 2023)):
        top = 101 if product else 12
        codes = rng.integers(1, top, SHAPE).astype(np.uint8)
        codes[:, : 5 * place] = 255 if product else 254
        if unknown and place == 1:
            codes[40, 7] = codes[60, 100] = 203
        write_tif(folder / f"{year}.tif", codes)
        text += f'[[epoch]]\nyear = {year}\nlandcover = "{year}.tif"\n'
        if masks and place:
            write_tif(folder / f"sure{year}.tif", rng.integers(0, 101, SHAPE).astype(np.uint8))
            text += f'confidence = "sure{year}.tif"\n'
    (folder / "r.toml").write_text(text + "[hexagons]\nfinest = 10\n")
    return load_region(folder / "r.toml")


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveys, "FEWEST_PIXELS", 0)
    monkeypatch.setattr(surveys, "_unit_axes", lambda *_: ((0, 40), (0, 50)))


@pytest.mark.usefixtures("small_units")
@pytest.mark.parametrize("product", ["", '[product]\nname = "imperviousness"\n'])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("inner", [False, True])
def test_units_count_what_a_pass_of_its_own_counts(
    tmp_path: Path, product: str, unknown: bool, inner: bool
) -> None:
    known = region(tmp_path, product=product, unknown=unknown)
    frame = Window(0, 0, *SHAPE)
    if inner:
        frame = Window(20, 3, 55, 100)
        with open_landcover(known.epochs[0].landcover) as raster:
            known = replace(known, window=raster.grid.subgrid(frame).bounds)
    found = survey_census(known, tmp_path / "work", execution=Execution(1)).to_facts()
    rasters = [open_landcover(e.landcover, fill=known.product.fill) for e in known.epochs]
    wanted = take_census(rasters, known, frame).to_facts()
    masks = found.pop("masks")
    assert wanted.pop("masks") == {}
    assert sorted(found.pop("first")) == sorted(wanted.pop("first"))
    assert sorted(found.pop("extents")) == sorted(wanted.pop("extents"))
    assert found == wanted
    pixels = {Path(name).name: sum(counts) for name, counts in masks.items()}
    assert pixels == dict.fromkeys(("sure2021.tif", "sure2023.tif"), frame.height * frame.width)


@pytest.mark.usefixtures("small_units")
@pytest.mark.parametrize("unknown", [False, True])
def test_check_finds_the_same_with_the_units_census(tmp_path: Path, unknown: bool) -> None:
    known = region(tmp_path, unknown=unknown)
    alone = check_region(known, compare=False)
    read = check_region(
        known,
        compare=False,
        survey=lambda one: survey_census(one, tmp_path / "work", execution=Execution(1)),
    )
    assert read == alone
    assert bool(read.errors) == unknown


def test_a_region_with_an_error_in_its_files_is_not_surveyed(tmp_path: Path) -> None:
    known = region(tmp_path)
    write_tif(tmp_path / "sure2023.tif", np.zeros((3, 3), np.uint8))
    report = check_region(known, compare=False, survey=lambda _: pytest.fail("was read"))
    assert any("lies on another grid" in finding.what for finding in report.errors)


def test_counting_refuses_unknown_codes(tmp_path: Path) -> None:
    known = region(tmp_path, unknown=True)
    with pytest.raises(InputError, match=r"class code 203 .*is not a code of"):
        survey_region(known, tmp_path / "work", execution=Execution(1))
