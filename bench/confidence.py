"""Whether the model's confidence knows anything, plain and as the mean of turned images.

    just build && just bench-confidence

Contrast is test 6 of the statistics: the mean confidence inside what is sealed at both dates less
that at faint changes, in points, on windows of the sample's two images. Calibration is the mean
gap between the probability of Sealed and how often it is Sealed, over tenths of probability, on
the sample against its truth and on the held-aside real tiles against their teacher's labels;
"of doubtful" leaves out what is below 5 or above 95 %. The third figure ranks: how often a pixel
that is right is surer than one that is wrong (0.5 is chance). Time is the processor's.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
import torch
from torch import Tensor

from hexseal.progress import no_progress
from hexseal.raster.confidence import ConfidenceContrast
from hexseal.raster.grid import Window
from hexseal_ml.data.sampling import student_of
from hexseal_ml.data.sources import open_scenes
from hexseal_ml.data.split import VALIDATION
from hexseal_ml.imagery.image import open_image
from hexseal_ml.model.classes import SEALED
from hexseal_ml.model.folder import load_model
from hexseal_ml.model.network import ForwardModel
from hexseal_ml.predict.mapper import Runtime, probabilities_of
from hexseal_ml.predict.stage import Settings, runtime_of
from hexseal_ml.train.config import load_train_config

ROOT = Path(__file__).parents[1]
INPUTS = ROOT / "work" / "seal-island" / "inputs"
MODEL = ROOT / "ml" / "weights" / "clcplus-forward-b2"
CONFIG = ROOT / "ml" / "configs" / "clcplus-forward-b2-real-3.toml"
SIDE, YEARS = 384, (2021, 2024)
DOUBTFUL = (0.05, 0.95)
TURNS = {"plain": (0,), "half a turn": (0, 2), "four turns": (0, 1, 2, 3)}


@dataclass
class Gathered:
    """Probability of Sealed, confidence, whether it is Sealed and whether the map is right."""

    parts: list[np.ndarray] = field(default_factory=list)

    def add(self, chance: np.ndarray, sure: np.ndarray, sealed: np.ndarray) -> None:
        right = (chance > 0.5) == sealed
        self.parts.append(np.stack([chance, sure, sealed, right]).astype(np.float32))

    def figures(self) -> str:
        chance, sure, sealed, right = np.concatenate(self.parts, axis=1)
        doubtful = (chance > DOUBTFUL[0]) & (chance < DOUBTFUL[1])
        return (
            f"calibration error {100 * gap(chance, sealed):.2f}, of doubtful "
            f"{100 * gap(chance[doubtful], sealed[doubtful]):.1f} points, "
            f"right surer than wrong {ranked(sure, right > 0):.3f}"
        )


def gap(chance: np.ndarray, sealed: np.ndarray) -> float:
    """Return the expected calibration error over tenths of probability."""
    tenth = np.minimum((chance * 10).astype(int), 9)
    counts = np.bincount(tenth, minlength=10)
    sums = np.bincount(tenth, chance, 10) - np.bincount(tenth, sealed, 10)
    return float(np.abs(sums).sum() / max(counts.sum(), 1))


def ranked(sure: np.ndarray, right: np.ndarray) -> float:
    """Return the chance that a right pixel is surer than a wrong one."""
    order = sure.argsort(kind="stable")
    ranks = np.empty(len(sure))
    ranks[order] = np.arange(len(sure))
    good = int(right.sum())
    return float((ranks[right].sum() - good * (good - 1) / 2) / (good * (len(sure) - good)))


def turned(network: ForwardModel, values: Tensor, runtime: Runtime, turns: Sequence[int]) -> Tensor:
    """Return probabilities (K, rows, cols) of a window (1, bands, rows, cols), mean over turns."""
    found = [
        torch.rot90(
            probabilities_of(network, torch.rot90(values, turn, (2, 3)), runtime), -turn, (2, 3)
        )
        for turn in turns
    ]
    return torch.stack(found).mean(dim=0)[0]


def layers(chances: Tensor, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of Sealed and the confidence, each (rows, cols)."""
    best = chances.topk(2, dim=0).values
    return chances[place].numpy(), (best[0] - best[1]).numpy()


def windows(step: int) -> Iterator[Window]:
    """Yield every ``step``-th window of the sample that is mostly land."""
    with rasterio.open(INPUTS / "truth" / "landcover_2024.tif") as file:
        truth = file.read(1)
    corners = [
        (row, column)
        for row in range(0, truth.shape[0] - SIDE + 1, SIDE)
        for column in range(0, truth.shape[1] - SIDE + 1, SIDE)
        if ((truth[row : row + SIDE, column : column + SIDE] - 1) < 11).mean() > 0.3
    ]
    for row, column in corners[::step]:
        yield Window(row, column, SIDE, SIDE)


def sample(network: ForwardModel, runtime: Runtime, turns: Sequence[int], step: int) -> str:
    place = network.class_codes.index(SEALED)
    contrast, gathered = ConfidenceContrast(), Gathered()
    for window in windows(step):
        box = (
            (window.row, window.row + window.height),
            (window.column, window.column + window.width),
        )
        maps, certain, counts = [], [], np.ones((SIDE, SIDE), np.bool_)
        for year in YEARS:
            with open_image(str(INPUTS / f"sentinel2_{year}.tif"), bands=network.bands) as image:
                values, known = image.read(window)
            with rasterio.open(INPUTS / "truth" / f"landcover_{year}.tif") as file:
                truth = file.read(1, window=box)
            values[:, ~known] = np.nan
            chance, sure = layers(
                turned(network, torch.from_numpy(values[None]), runtime, turns), place
            )
            known &= (truth >= 1) & (truth <= 11)
            gathered.add(chance[known], sure[known], truth[known] == SEALED)
            maps.append(chance > 0.5)
            certain.append((sure * 100).round().astype(np.uint8))
            counts &= known
        contrast.add(maps[0], maps[1], counts, (certain[0], certain[1]))
    first, second = contrast.values()
    return f"contrast {first or 0:.1f} and {second or 0:.1f} points, {gathered.figures()}"


def tiles(network: ForwardModel, runtime: Runtime, turns: Sequence[int], config: Path) -> str:
    """Measure on the held-aside tiles of a training's first [[data]], as Level-2A."""
    place = network.class_codes.index(SEALED)
    read, gathered = load_train_config(config), Gathered()
    scenes = open_scenes(read.sources[:1], read.bands, read.cache, no_progress, student_of(MODEL))
    for scene, role in scenes:
        if role != VALIDATION:
            continue
        values, codes = scene.read(Window(0, 0, *scene.shape))
        chance, sure = layers(
            turned(network, torch.from_numpy(values[None]), runtime, turns), place
        )
        known = codes != 255
        gathered.add(chance[known], sure[known], codes[known] == SEALED)
    return gathered.figures()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--step", type=int, default=3, help="every so many windows  [default: 3]")
    options = parser.parse_args()
    network, runtime = load_model(options.model), runtime_of(Settings())
    with torch.inference_mode():
        for name, turns in TURNS.items():
            started = time.process_time()
            print(f"sample, {name}: {sample(network, runtime, turns, options.step)}, "
                  f"{time.process_time() - started:.0f} s", flush=True)  # fmt: skip
            print(f"real tiles, {name}: {tiles(network, runtime, turns, options.config)}",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
