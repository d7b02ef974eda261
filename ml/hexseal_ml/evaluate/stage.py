"""Evaluation: a model's map, and those of two baselines, against labels of images it never saw.

Whole rasters of one byte a pixel are held in memory; images are read strip by strip.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hexseal.errors import GridMismatchError, InputError
from hexseal.progress import Log, Progress, no_log, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import open_landcover, warp_command
from hexseal.storage.files import sha256
from hexseal.types import Bytes
from hexseal_ml.data.scenes import Scene
from hexseal_ml.data.sources import open_scenes
from hexseal_ml.evaluate.baselines import (
    UNSEALED,
    Forest,
    IndexThreshold,
    draw_pixels,
    fit_forest,
    fit_threshold,
)
from hexseal_ml.evaluate.config import OTHER, TWO_CODES, EvaluateConfig, Test, TileSet
from hexseal_ml.evaluate.metrics import (
    Calibration,
    Confusion,
    HexagonAgreement,
    calibration,
    confusion,
    edge_iou,
    hexagon_agreement,
)
from hexseal_ml.evaluate.pictures import Picture, detail_pictures, overview_pictures
from hexseal_ml.evaluate.tile_shares import ClassShare, tile_shares
from hexseal_ml.imagery.image import Image, open_image
from hexseal_ml.model.classes import CODES, OUTSIDE, SEALED
from hexseal_ml.model.folder import load_model, model_checksum
from hexseal_ml.predict.rasters import LANDCOVER, PROBABILITY
from hexseal_ml.predict.stage import Predicted, Settings, predict, runtime_of

STRIP = 512
# Bands that the baselines' indices need.
INDEX_BANDS = ("B03", "B04", "B08", "B11")
MODEL, FOREST, INDEX = "model", "forest", "index"
# A block shows how well Sealed is mapped where it holds at least so many sealed pixels.
LEAST_SEALED = 50
# What byte rasters mostly write where there is no label.
NO_LABEL = 255


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One map against the label of a test."""

    title: str
    confusion: Confusion
    edges: dict[str, float]
    hexagons: HexagonAgreement


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """All that was found of one test; without a label only pictures and pixels by class."""

    test: Test
    grid: Grid
    bands: tuple[str, ...]
    label_sha256: str | None
    pixels: dict[int, int]
    warnings: tuple[str, ...]
    compared: dict[str, Compared] = field(default_factory=dict)
    calibration: Calibration | None = None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Every test of an evaluation, and the model by its checksum."""

    config: EvaluateConfig
    checksum: str
    tests: tuple[Tested, ...]
    tiles: tuple[tuple[TileSet, tuple[ClassShare, ...]], ...] = ()


def evaluate(
    config: EvaluateConfig, *, log: Log = no_log, progress: Progress = no_progress
) -> Evaluation:
    """Map every test image, compare it with its label, and draw pictures.

    Raises InputError for what cannot be compared: other grids, images without the model's bands.
    """
    network = load_model(config.model)
    bands, runtime = network.bands, runtime_of(Settings())
    tiles = tuple(
        (each, tuple(tile_shares(each, network, runtime, progress))) for each in config.tiles
    )
    baselines = _Baselines(_training_scenes(config, bands, progress), log)
    tests = [_evaluate_one(config, test, bands, baselines, log, progress) for test in config.tests]
    return Evaluation(config, model_checksum(config.model), tuple(tests), tiles)


def _training_scenes(
    config: EvaluateConfig, bands: Sequence[str], progress: Progress
) -> list[Scene]:
    if all(test.label is None for test in config.tests) or not config.sources:
        return []
    return [scene for scene, _ in open_scenes(config.sources, bands, config.cache, progress)]


class _Baselines:
    """Fit the baselines to the bands that an image has."""

    def __init__(self, scenes: Sequence[Scene], log: Log) -> None:
        self.scenes, self.log = scenes, log
        self.fitted: dict[tuple[str, ...], dict[str, IndexThreshold | Forest]] = {}

    def fit(self, bands: tuple[str, ...]) -> dict[str, IndexThreshold | Forest]:
        """Return both, none where there is no training data or a band of the indices is missing."""
        if not self.scenes or not set(INDEX_BANDS) <= set(bands):
            return {}
        if bands not in self.fitted:
            self.log(f"fitting baselines on {len(self.scenes)} scenes, {len(bands)} bands")
            pixels = draw_pixels(self.scenes, bands)
            self.fitted[bands] = {FOREST: fit_forest(pixels), INDEX: fit_threshold(pixels)}
        return self.fitted[bands]


def _evaluate_one(
    config: EvaluateConfig,
    test: Test,
    wanted: Sequence[str],
    baselines: _Baselines,
    log: Log,
    progress: Progress,
) -> Tested:
    predicted = predict(
        test.image, config.model, config.out / "predictions", test.slug,
        settings=Settings(missing_bands=test.missing_bands), mask=test.mask, clouds=test.clouds,
        log=log, progress=progress,
    )  # fmt: skip
    mapped, grid = _read(str(predicted.paths[LANDCOVER]))
    allowed = test.missing_bands == "mean"
    with open_image(test.image, bands=wanted, allow_missing=allowed) as image:
        bands = tuple(band for band in image.bands if band not in image.missing)
        if test.label is None:
            return Tested(
                test,
                grid,
                bands,
                None,
                predicted.pixels,
                predicted.warnings,
                pictures=overview_pictures(image, mapped, None),
            )
        truth = _label(test, grid)
        block = max(round(config.block_km * 1000 / grid.pixel_size[0]), 1)
        compare = _Comparer(truth, test.codes, grid, block, config.resolution)
        compared = {MODEL: compare(config.model.name, mapped)}
        for name, baseline in baselines.fit(bands).items():
            found = _baseline_map(image, baseline, progress)
            # Pictures show the clouds, but the baselines are judged where the model is.
            found[mapped == OUTSIDE] = OUTSIDE
            compared[name] = compare(baseline.title, found)
        places = _telling_blocks(compared[MODEL].confusion, grid, block)
        shown = overview_pictures(image, mapped, truth)
        shown += detail_pictures(image, mapped, truth, places)
    iou = compared[MODEL].confusion.figures().scalars()["iou_sealed"]
    log(f"{test.name}: IoU of Sealed {iou:.3f}")
    return Tested(
        test,
        grid,
        bands,
        sha256(Path(test.label)) if Path(test.label).is_file() else None,
        predicted.pixels,
        predicted.warnings,
        compared=compared,
        calibration=_calibration(predicted, truth, test.codes),
        pictures=shown,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Comparer:
    """Compare maps with one label; a map without CLC+ classes only as Sealed or not."""

    truth: Bytes
    codes: tuple[int, ...]
    grid: Grid
    block: int
    resolution: int

    def __call__(self, title: str, mapped: Bytes) -> Compared:
        truth, codes = self.truth, self.codes
        if codes != CODES or (mapped == UNSEALED).any():
            truth, mapped, codes = _as_two(truth), _as_two(mapped), TWO_CODES
        return Compared(
            title,
            confusion(truth, mapped, codes, self.block),
            edge_iou(truth, mapped, codes),
            hexagon_agreement(truth, mapped, codes, self.grid, self.resolution),
        )


def _read(address: str) -> tuple[Bytes, Grid]:
    with open_landcover(address, fill=OUTSIDE) as raster:
        grid = raster.grid
        return raster.read(Window(0, 0, grid.height, grid.width)), grid


def _label(test: Test, grid: Grid) -> Bytes:
    """Read a label on the image's grid, its codes brought to those that are compared."""
    assert test.label is not None
    codes, own = _read(test.label)
    how = grid.difference(own)
    if how is not None:
        raise GridMismatchError(
            f"{test.label}: lies on another grid than {test.image}: {how}; "
            f"to bring it there: {warp_command(grid, test.label)}"
        )
    if test.sealed:
        unknown = np.isin(codes, [*sorted(test.ignore), OUTSIDE, NO_LABEL])
        codes = np.where(np.isin(codes, sorted(test.sealed)), SEALED, OTHER).astype(np.uint8)
    else:
        unknown = ~np.isin(codes, CODES)
    if unknown.all():
        raise InputError(
            f"{test.label}: holds no CLC+ class (1 to 11); for another map name its codes in "
            "[[test]] sealed = [...]"
        )
    codes[unknown] = OUTSIDE
    return codes


def _as_two(codes: Bytes) -> Bytes:
    """Return a map of Sealed and all that is not."""
    out = np.where(codes == SEALED, SEALED, OTHER).astype(np.uint8)
    out[codes == OUTSIDE] = OUTSIDE
    return out


def _baseline_map(image: Image, baseline: IndexThreshold | Forest, progress: Progress) -> Bytes:
    grid = image.grid
    out = np.full((grid.height, grid.width), OUTSIDE, np.uint8)
    order = [image.bands.index(band) for band in baseline.bands]
    for window in grid.window.strips(STRIP):
        values, _ = image.read(window)
        rows = slice(window.row, window.row + window.height)
        out[rows] = baseline.predict(values[order])
        progress("baseline", window.row + window.height, grid.height)
    return out


def _calibration(predicted: Predicted, truth: Bytes, codes: tuple[int, ...]) -> Calibration:
    with open_landcover(str(predicted.paths[PROBABILITY]), fill=255) as raster:
        window = Window(0, 0, raster.grid.height, raster.grid.width)
        probability = raster.read(window)
    return calibration(truth, probability, codes)


def _telling_blocks(found: Confusion, grid: Grid, block: int) -> dict[str, Window]:
    """Return the best, the median and the worst block by IoU of Sealed."""
    place = found.codes.index(SEALED)
    hits = found.blocks[:, place, place]
    reference = found.blocks[:, place].sum(axis=1)
    union = reference + found.blocks[:, :, place].sum(axis=1) - hits
    across = -(-grid.width // block)
    full = (np.arange(len(hits)) % across + 1) * block <= grid.width
    full &= (np.arange(len(hits)) // across + 1) * block <= grid.height
    usable = np.flatnonzero(full & (reference >= LEAST_SEALED))
    if len(usable) < 3:
        return {}
    order = usable[np.argsort(-(hits[usable] / union[usable]), kind="stable")]
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return {
        name: Window(int(b) // across * block, int(b) % across * block, block, block)
        for name, b in chosen.items()
    }
