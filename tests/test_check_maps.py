"""hexseal check compares the maps: shift, sharpness, and whether confidence knows anything."""

from pathlib import Path

import numpy as np
import pytest
from noisymaps import draw_maps
from rasterfiles import write_tif
from scipy import ndimage

from hexseal.build import BuildSettings, build_site
from hexseal.change.stage import read_report
from hexseal.check.maps import check_maps
from hexseal.check.report import Finding
from hexseal.check.stage import check_region
from hexseal.progress import Reporter
from hexseal.raster.registration import Registration
from hexseal.region.load import load_region
from hexseal.types import Pair

TEXT = """
[region]
id = "toy"
[[epoch]]
year = 2018
landcover = "a.tif"
confidence = "ca.tif"
[[epoch]]
year = 2021
landcover = "b.tif"
confidence = "cb.tif"
"""


@pytest.fixture(scope="module")
def bands() -> dict[str, np.ndarray]:
    return draw_maps(420, 400, grows=False)


def findings(folder: Path, bands: dict[str, np.ndarray]) -> tuple[Finding, ...]:
    for name in ("a", "b", "ca", "cb"):
        write_tif(folder / f"{name}.tif", bands[name])
    (folder / "toy.toml").write_text(TEXT)
    return check_region(load_region(folder / "toy.toml")).findings


def test_maps_that_lie_on_each_other_pass(tmp_path: Path, bands: dict[str, np.ndarray]) -> None:
    assert not [f for f in findings(tmp_path, bands) if "map" in f.what]


def test_a_map_moved_by_a_pixel_is_measured(tmp_path: Path, bands: dict[str, np.ndarray]) -> None:
    moved = bands | {"b": np.roll(bands["b"], 1, axis=0)}
    (found,) = [f for f in findings(tmp_path, moved) if "shifted" in f.what]
    assert (found.level, found.subject) == ("warning", str(tmp_path / "b.tif"))
    shift = float(found.what.split("by ")[1].split()[0])
    # Edges near patches of change stay out, and those that moved most make the largest.
    assert 0.7 < shift < 1.2


@pytest.mark.parametrize("turned", [("ca", "cb"), ("ca",), ("cb",)])
def test_confidence_that_is_inverted_is_an_error_of_its_own_file(
    tmp_path: Path, bands: dict[str, np.ndarray], turned: tuple[str, ...]
) -> None:
    inverted = bands | {name: 100 - bands[name] for name in turned}
    found = [f for f in findings(tmp_path, inverted) if "confidence" in f.what]
    assert [f.subject for f in found] == [str(tmp_path / f"{name}.tif") for name in turned]
    for each in found:
        assert each.level == "error"
        assert "inverted" in each.what
        assert len(each.line()) - len(each.subject) < 300


def test_a_build_names_inverted_confidence_and_confirms_nothing(
    tmp_path: Path, bands: dict[str, np.ndarray]
) -> None:
    findings(tmp_path, bands | {"ca": 100 - bands["ca"]})
    lines: list[str] = []
    settings = BuildSettings(tmp_path / "site", until="change")
    build_site(tmp_path / "toy.toml", settings, Reporter(lines.append))
    (warned,) = [line for line in lines if line.startswith("warning: ") and "confidence" in line]
    assert "ca.tif: confidence of 2018" in warned
    report = read_report(settings.work(load_region(tmp_path / "toy.toml")), Pair(2018, 2021))
    assert (report.grade, report.inverted) == ("inconclusive", (2018,))
    assert "confidence.contrast" in report.reasons


@pytest.fixture(scope="module")
def same_maker(tmp_path_factory: pytest.TempPathFactory, bands: dict[str, np.ndarray]) -> Path:
    """A region whose pair is consistent."""
    folder = tmp_path_factory.mktemp("series")
    findings(folder, bands)
    return folder


def test_another_version_makes_a_consistent_pair_inconclusive(same_maker: Path) -> None:
    """Published columns follow the grade that the page shows, also once a title was changed."""
    path = same_maker / "toy.toml"

    def grade() -> tuple[str, tuple[str, ...]]:
        settings = BuildSettings(same_maker / "site", until="change")
        build_site(path, settings, Reporter())
        report = read_report(settings.work(load_region(path)), Pair(2018, 2021))
        return report.grade, report.reasons

    assert grade() == ("consistent", ())
    path.write_text(TEXT.replace("year = 2021", 'year = 2021\nsource = "CLC+ Backbone 2021 V2"'))
    assert grade() == ("inconclusive", ("series.makers",))
    path.write_text(TEXT)
    assert grade() == ("consistent", ())


def test_confidence_that_knows_nothing_is_not_used(
    tmp_path: Path, bands: dict[str, np.ndarray]
) -> None:
    rng = np.random.default_rng(1)
    noise = {
        name: rng.integers(0, 101, bands[name].shape).astype(np.uint8) for name in ("ca", "cb")
    }
    found = [f for f in findings(tmp_path, bands | noise) if "confidence" in f.what]
    assert [f.level for f in found] == ["warning", "warning"]
    assert all("not be used" in f.remedy for f in found)


@pytest.mark.parametrize("side", [300, 1200])
def test_a_shift_of_part_of_a_pixel_is_measured(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The larger maps on a sample of rows."""
    monkeypatch.setattr("hexseal.raster.registration.SAMPLED_PIXELS", 100 * 100)
    rng = np.random.default_rng(2)
    ground = ndimage.gaussian_filter(rng.standard_normal((side, side + 20)), 6)
    first = ground > 0.05
    second = ndimage.shift(ground, (0.3, -0.4), order=3, mode="nearest") > 0.05
    registration = Registration(first.shape)
    registration.add(0, first, second, np.ones_like(first))
    found = registration.solve()
    assert found.shift == pytest.approx(0.5, abs=0.07)
    assert found.drift == pytest.approx(0.5, abs=0.1)
    assert abs(found.sharpness) < 0.012


def test_maps_without_edges_have_no_shift() -> None:
    empty = np.zeros((40, 40), np.bool_)
    registration = Registration(empty.shape)
    registration.add(0, empty, empty, ~empty)
    found = registration.solve()
    assert np.isnan([found.shift, found.shift_error, found.drift]).all()


def test_a_build_leaves_the_comparison_to_its_judgement(
    tmp_path: Path, bands: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    findings(tmp_path, bands)
    monkeypatch.setattr("hexseal.check.stage.check_maps", check_maps_fails)
    region = load_region(tmp_path / "toy.toml")
    assert check_region(region, compare=False).errors == ()


def check_maps_fails(*_: object) -> None:
    raise AssertionError(f"{check_maps.__name__} must not run")
