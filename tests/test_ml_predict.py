"""Prediction: blended windows, unknown pixels, what is refused, and runs that were broken off."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from mlmodels import reflectance, save_tiny, tiny_model, write_image
from torch import Tensor

from hexseal.errors import HexsealError, InputError
from hexseal.products import CLCPLUS
from hexseal_ml.imagery.bands import BANDS
from hexseal_ml.predict.mapper import Mapper, Runtime, probabilities_of
from hexseal_ml.predict.stage import (
    Predicted,
    Settings,
    predict,
    runtime_of,
)
from hexseal_ml.predict.windows import lattice, mirrored

SMALL = Settings(device="cpu", precision="fp32", window=96, overlap=32)
CPU = Runtime("cpu", "fp32", 1)
CODES = np.arange(1, 12, dtype=np.uint8)
KINDS = ("landcover", "sealed_probability", "confidence")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


def _run(image: str, model: Path, out: Path, **options: object) -> Predicted:
    settings = {"settings": SMALL} | options
    return predict(image, model, out, "map", **settings)  # type: ignore[arg-type]


def _bands(done: Predicted) -> list[np.ndarray]:
    rasters = []
    for kind in KINDS:
        with rasterio.open(done.paths[kind]) as file:
            rasters.append(file.read(1))
    return rasters


def _bytes(done: Predicted) -> list[bytes]:
    return [path.read_bytes() for path in (*done.paths.values(), done.facts)]


def _probabilities(values: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return probabilities_of(tiny_model(), torch.from_numpy(values[None]), CPU)[0].numpy()


def _mapped(probabilities: np.ndarray) -> list[np.ndarray]:
    """Return class, sealed percent and confidence percent of probabilities (K, rows, cols)."""
    ordered = np.sort(probabilities, axis=0)
    return [
        CODES[probabilities.argmax(axis=0)],
        np.round(100 * probabilities[0]).astype(np.uint8),
        np.round(100 * (ordered[-1] - ordered[-2])).astype(np.uint8),
    ]


def _blended(values: np.ndarray, window: int, overlap: int) -> np.ndarray:
    """Blend windows the slow way: all weights of all windows summed on a padded image."""
    rows, columns = (lattice(length, window, overlap) for length in values.shape[1:])
    total = np.zeros((11, *values.shape[1:]))
    weights = np.zeros(values.shape[1:])
    for i in range(rows.count):
        for j in range(columns.count):
            axes = []
            for side, place in ((rows, i), (columns, j)):
                weight = np.ones(side.size)
                rising = (np.arange(overlap) + 0.5) / overlap
                if place > 0:
                    weight[:overlap] = rising
                if place < side.count - 1:
                    weight[-overlap:] = rising[::-1]
                axes.append((side.start(place) + np.arange(side.size), weight, side.length))
            (down, down_weight, height), (across, across_weight, width) = axes
            shown = values[:, mirrored(down[0], len(down), height)[:, None],
                           mirrored(across[0], len(across), width)[None]]  # fmt: skip
            found = _probabilities(shown.astype(np.float32))
            weight = down_weight[:, None] * across_weight[None]
            inside = np.ix_((down >= 0) & (down < height), (across >= 0) & (across < width))
            at = np.ix_(
                down[(down >= 0) & (down < height)], across[(across >= 0) & (across < width)]
            )
            total[:, at[0], at[1]] += (found * weight)[:, inside[0], inside[1]]
            weights[at] += weight[inside]
    np.testing.assert_allclose(weights, 1.0)
    return total


def test_one_window_is_the_whole_image(tmp_path: Path, model: Path) -> None:
    values = reflectance(50, 60)
    done = _run(write_image(tmp_path / "a.tif", values), model, tmp_path / "out")
    whole = np.pad(values, [(0, 0), (16, 30), (16, 20)], mode="symmetric")
    expected = _mapped(_probabilities(whole)[:, 16:66, 16:76])
    classes, *percents = _bands(done)
    np.testing.assert_array_equal(classes, expected[0])
    # Sums in another order may round to the next percent.
    for found, wanted in zip(percents, expected[1:], strict=True):
        assert np.abs(found.astype(int) - wanted).max() <= 1
    assert done.pixels == {
        int(code): int(n)
        for code, n in zip(*np.unique(expected[0], return_counts=True), strict=True)
    }
    assert len(done.pixels) > 2


def test_windows_are_blended_so_that_no_seam_shows(tmp_path: Path, model: Path) -> None:
    values = reflectance(150, 171, seed=3)
    done = _run(write_image(tmp_path / "a.tif", values), model, tmp_path / "out")
    classes, sealed, confidence = _bands(done)
    expected = _mapped(_blended(values, 96, 32))
    assert (classes == expected[0]).mean() > 0.999
    # Sums in another order may round to the next percent.
    assert np.abs(sealed.astype(int) - expected[1]).max() <= 1
    assert np.abs(confidence.astype(int) - expected[2]).max() <= 1
    assert (classes != 254).all()


def test_batches_change_nothing(tmp_path: Path, model: Path) -> None:
    image = write_image(tmp_path / "a.tif", reflectance(100, 171, seed=3))
    one = _run(image, model, tmp_path / "one")
    three = predict(
        image, model, tmp_path / "three", "map",
        settings=Settings("cpu", "fp32", 96, 32, batch=3),
    )  # fmt: skip
    for found, wanted in zip(_bands(three), _bands(one), strict=True):
        assert np.abs(found.astype(int) - wanted).max() <= 1 or (found != wanted).mean() < 1e-3


@pytest.mark.parametrize("shape", [(1, 1), (13, 20), (5, 130)])
def test_images_smaller_than_a_window_are_mapped(
    tmp_path: Path, model: Path, shape: tuple[int, int]
) -> None:
    done = _run(write_image(tmp_path / "a.tif", reflectance(*shape)), model, tmp_path / "out")
    classes, sealed, confidence = _bands(done)
    assert classes.shape == shape
    assert np.isin(classes, CODES).all()
    assert (sealed <= 100).all()
    assert (confidence <= 100).all()


@pytest.mark.parametrize("length", [1, 31, 63, 64, 65, 128, 129, 200, 2400, 2401])
def test_windows_settle_every_pixel_once(length: int) -> None:
    for window, overlap in ((96, 32), (384, 32), (384, 2), (64, 16)):
        side = lattice(length, window, overlap)
        spans = [side.settled(place) for place in range(side.count)]
        covered = [p for begin, end in spans for p in range(begin, end)]
        assert covered == list(range(length))
        assert side.size % 32 == 0
        assert side.size <= window
        assert side.start(side.count - 1) + side.size >= length


def test_unknown_pixels_get_no_class(tmp_path: Path, model: Path) -> None:
    values = reflectance(60, 140)
    values[:, 10:20, 10:30] = -9999
    values[3, 40, 50], values[9, 41, 51], values[0, 42, 52] = np.nan, np.inf, -np.inf
    image = write_image(tmp_path / "a.tif", values, nodata=-9999)
    classes, sealed, confidence = _bands(_run(image, model, tmp_path / "out"))
    unknown = np.zeros((60, 140), bool)
    unknown[10:20, 10:30] = True
    unknown[40, 50] = unknown[41, 51] = unknown[42, 52] = True
    np.testing.assert_array_equal(classes == 254, unknown)
    np.testing.assert_array_equal(sealed == 255, unknown)
    np.testing.assert_array_equal(confidence == 254, unknown)


def test_windows_without_a_known_pixel_are_skipped(tmp_path: Path, model: Path) -> None:
    values = reflectance(70, 260)
    values[:, :, 70:200] = np.nan
    done = _run(write_image(tmp_path / "a.tif", values), model, tmp_path / "out")
    classes = _bands(done)[0]
    np.testing.assert_array_equal(np.flatnonzero((classes == 254).any(axis=0)), np.arange(70, 200))
    assert done.pixels[254] == 70 * 130


def test_the_network_sees_no_more_of_a_window_than_has_values(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[tuple[int, ...]] = []

    plain = Mapper.probabilities

    def seen(mapper: Mapper, windows: Tensor) -> Tensor:
        shapes.append(tuple(windows.shape[2:]))
        return plain(mapper, windows)

    monkeypatch.setattr(Mapper, "probabilities", seen)
    values = reflectance(240, 240)
    values[:, 50:] = np.nan
    values[:, :, 40:] = np.nan
    done = _run(write_image(tmp_path / "a.tif", values), model, tmp_path / "out")
    # The second row of windows begins at row 48: two rows with values, and 16 pixels below them.
    assert set(shapes) == {(96, 96), (32, 96)}
    expected = np.zeros((240, 240), bool)
    expected[:50, :40] = True
    np.testing.assert_array_equal(_bands(done)[0] != 254, expected)


def test_any_number_of_threads_gives_the_same_bytes(tmp_path: Path, model: Path) -> None:
    image = write_image(tmp_path / "a.tif", reflectance(150, 260))
    usual = torch.get_num_threads()
    made = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            done = _run(image, model, tmp_path / "out", fresh=True)
            made.append([path.read_bytes() for path in done.paths.values()])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(usual)
    assert made[0] == made[1]


def test_rasters_are_cloud_optimised_and_say_what_they_hold(tmp_path: Path, model: Path) -> None:
    image = write_image(tmp_path / "a.tif", reflectance(40, 50), crs="EPSG:32631")
    done = _run(image, model, tmp_path / "out")
    for kind, nodata in zip(KINDS, (None, 255, 254), strict=True):
        with rasterio.open(done.paths[kind]) as file, rasterio.open(image) as source:
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert file.nodata == nodata
            assert file.dtypes == ("uint8",)
            assert file.crs == source.crs
            assert file.transform == source.transform
    with rasterio.open(done.paths["landcover"]) as file:
        colors = file.colormap(1)
    for each in CLCPLUS.classes:
        assert colors[each.code][:3] == tuple(bytes.fromhex(each.color[1:]))
    facts = json.loads(done.facts.read_text())
    assert facts["model"] == "tiny"
    assert facts["image"] == image
    assert len(facts["model_checksum"]) == 64


def test_the_order_of_bands_in_the_file_does_not_matter(tmp_path: Path, model: Path) -> None:
    values = reflectance(40, 50)
    one = _run(write_image(tmp_path / "a.tif", values), model, tmp_path / "one")
    other = write_image(tmp_path / "b.tif", values[::-1], bands=BANDS[::-1])
    two = _run(other, model, tmp_path / "two")
    for found, wanted in zip(_bands(two), _bands(one), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_numbers_give_the_map_of_reflectance_and_a_warning(tmp_path: Path, model: Path) -> None:
    numbers = np.round(reflectance(40, 50) * 10_000).astype(np.uint16)
    plain = write_image(tmp_path / "a.tif", (numbers * 1e-4).astype(np.float32))
    one = _run(plain, model, tmp_path / "one")
    said: list[str] = []
    two = _run(write_image(tmp_path / "b.tif", numbers), model, tmp_path / "two", log=said.append)
    assert (_bands(one)[0] == _bands(two)[0]).mean() > 0.999
    assert "reflectance x 10 000" in said[0]
    assert json.loads(two.facts.read_text())["warnings"] == list(two.warnings)


def _refused(image: str, model: Path, out: Path, **options: object) -> str:
    with pytest.raises(HexsealError) as caught:
        _run(image, model, out, **options)
    assert not [path.name for path in out.glob("*") if path.is_file()]
    return str(caught.value)


def test_missing_bands_are_refused_unless_told_otherwise(tmp_path: Path, model: Path) -> None:
    image = write_image(tmp_path / "a.tif", reflectance(40, 50)[:8], bands=BANDS[:8])
    assert "has no band B11, B12" in _refused(image, model, tmp_path / "out")
    settings = Settings("cpu", "fp32", 96, 32, missing_bands="mean")
    done = _run(image, model, tmp_path / "out", settings=settings)
    assert (_bands(done)[0] != 254).all()
    assert "has no band B11, B12" in done.warnings[0]


def test_an_image_without_values_is_refused(tmp_path: Path, model: Path) -> None:
    values = np.full((10, 40, 50), -9999, np.float32)
    image = write_image(tmp_path / "a.tif", values, nodata=-9999)
    line = _refused(image, model, tmp_path / "out")
    assert "no pixel has values in all bands" in line
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(overlap=3), "--overlap 3"),
        (Settings(window=100), "--window 100"),
        (Settings(window=64, overlap=32), "--window 64"),
        (Settings(batch=0), "--batch 0"),
    ],
)
def test_sizes_that_make_no_windows_are_refused(
    tmp_path: Path, model: Path, settings: Settings, said: str
) -> None:
    assert said in _refused("a.tif", model, tmp_path / "out", settings=settings)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="torch sees no GPU"):
        runtime_of(Settings(device="cuda"))
    assert runtime_of(Settings()).device == "cpu"


class _Stop(Exception):  # noqa: N818
    pass


def test_a_run_broken_anywhere_goes_on_to_the_same_bytes(tmp_path: Path, model: Path) -> None:
    image = write_image(tmp_path / "a.tif", reflectance(200, 100, seed=4))
    whole = _bytes(_run(image, model, tmp_path / "whole"))
    out = tmp_path / "broken"
    steps = 0
    for stop_after in range(1, 100):
        try:
            left = stop_after % 3 + 1

            def progress(*_: object) -> None:
                nonlocal left
                left -= 1
                if not left:
                    raise _Stop

            done = _run(image, model, out, progress=progress)
            break
        except _Stop:
            steps += 1
            assert not list(out.glob("*.tif"))
    assert steps >= 3
    assert _bytes(done) == whole
    assert sorted(p.name for p in out.iterdir()) == sorted(
        p.name for p in (tmp_path / "whole").iterdir()
    )


@pytest.mark.slow  # The quick tier breaks runs anywhere in the test above.
def test_a_killed_process_goes_on_to_the_same_bytes(tmp_path: Path, model: Path) -> None:
    image = write_image(tmp_path / "a.tif", reflectance(1500, 150, seed=4))
    out = tmp_path / "killed"
    command = [
        sys.executable, "-m", "hexseal_ml", "predict", image, "--model", str(model), "--out",
        str(out), "--prefix", "map", "--device", "cpu", "--precision", "fp32",
        "--window", "96", "--overlap", "32",
    ]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scratch = out / ".map.partial"
    limit = time.monotonic() + 300
    while not (scratch / "strip_00002.npz").is_file() and time.monotonic() < limit:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert not list(out.glob("*.tif"))

    starts: list[int] = []
    done = _run(image, model, out, progress=lambda _, step, __: starts.append(step))
    # Three windows make a row; the finished rows were not predicted again.
    assert starts[0] > 2 * 3

    assert _bytes(done) == _bytes(_run(image, model, tmp_path / "whole"))


def test_a_second_run_keeps_what_is_there(tmp_path: Path, model: Path) -> None:
    image = write_image(tmp_path / "a.tif", reflectance(40, 50))
    first = _run(image, model, tmp_path / "out")
    times = [path.stat().st_mtime_ns for path in first.paths.values()]
    second = _run(image, model, tmp_path / "out")
    assert second.is_kept
    assert not first.is_kept
    assert second.pixels == first.pixels
    assert [path.stat().st_mtime_ns for path in second.paths.values()] == times
    write_image(Path(image), reflectance(40, 50, seed=8))
    third = _run(image, model, tmp_path / "out")
    assert not third.is_kept
    assert not _run(image, model, tmp_path / "out", fresh=True).is_kept


def test_a_damaged_strip_is_told_of(tmp_path: Path, model: Path) -> None:
    image = write_image(tmp_path / "a.tif", reflectance(200, 50))
    out = tmp_path / "out"
    seen = 0

    def progress(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            raise _Stop

    with pytest.raises(_Stop):
        _run(image, model, out, progress=progress)
    strip = out / ".map.partial" / "strip_00000.npz"
    strip.write_bytes(strip.read_bytes()[:100])
    line = _refused(image, model, out)
    assert "strip_00000.npz: is damaged; predict again with --fresh" in line
    assert not _run(image, model, out, fresh=True).is_kept
