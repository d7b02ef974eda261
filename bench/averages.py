"""Means of the weights of the models that were shipped one after the other: does one do better?

    just bench-averages

The models come out of the history of this repository. For each mean: the offset that matches areas
on simulated validation regions and on held-aside real tiles, and for offsets of 0 and of the real
tiles the share of Sealed on tiles by scene class, IoU of Sealed, mean IoU and bias of the sealed
share on every fifth window of the sample's images. 20 s for each mean.
"""

import argparse
import io
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray

from hexseal.progress import no_progress
from hexseal.types import Bytes, Floats
from hexseal_ml.data.sampling import plots, student_of, validation_crops
from hexseal_ml.data.sources import open_scenes
from hexseal_ml.data.split import VALIDATION
from hexseal_ml.imagery.image import open_image
from hexseal_ml.model.classes import IGNORE, SEALED
from hexseal_ml.model.folder import load_model
from hexseal_ml.model.inference import FastSegformer
from hexseal_ml.model.network import ForwardModel, ForwardSegformer
from hexseal_ml.predict.windows import known_of, mirrored, read_mirrored
from hexseal_ml.train.config import load_train_config

ROOT = Path(__file__).parents[1]
INPUTS = ROOT / "work" / "seal-island" / "inputs"
FOLDER = "ml/weights/clcplus-forward-b2"
CONFIG = ROOT / "ml" / "configs" / "clcplus-forward-b2-real-3.toml"
# Commits that shipped a model.
PARENTS = {"simulated": "e44f6e0", "real": "be512fd", "real-3": "e348d32"}
MIXES = (
    {"real-3": 1.0}, {"real-3": 0.9, "simulated": 0.1}, {"real-3": 0.8, "simulated": 0.2},
    {"real-3": 0.7, "simulated": 0.3}, {"real-3": 0.5, "simulated": 0.5}, {"simulated": 1.0},
    {"real-3": 0.8, "real": 0.2}, {"real-3": 0.5, "real": 0.5},
    {"real-3": 0.8, "real": 0.1, "simulated": 0.1},
)  # fmt: skip
SIMULATED = tuple(range(1065, 1073))
PIXELS, SIDE, MARGIN, EVERY, YEARS = 1_500_000, 384, 32, 5, (2024, 2021)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Of pixels: the margin of Sealed over the best other class, that class, and the true one."""

    margin: Floats
    other: Bytes
    true: Bytes

    def matched_offset(self) -> float:
        return float(-np.quantile(self.margin, 1 - (self.true == SEALED).mean()))

    def figures(self, offset: float) -> tuple[float, float, float]:
        """Return IoU of Sealed, mean IoU of the classes present, bias of the share in pp."""
        mapped = np.where(self.margin + offset > 0, SEALED, self.other)
        each = []
        for code in np.unique(self.true):
            here, there = self.true == code, mapped == code
            each.append((here & there).sum() / (here | there).sum())
        bias = 100 * float((mapped == SEALED).mean() - (self.true == SEALED).mean())
        return float(each[0]) if SEALED in self.true else np.nan, float(np.mean(each)), bias


class Network:
    """A mean of models, which gives margins."""

    def __init__(self, model: ForwardModel) -> None:
        assert isinstance(model, ForwardSegformer)
        self.model = model
        self.codes = np.array(model.class_codes, np.uint8)
        self.fast = FastSegformer(model, torch.device("cpu"), torch.bfloat16)

    def margins(self, reflectance: Floats) -> tuple[Floats, Bytes]:
        """Return margin and best other code (rows, cols) of reflectance (bands, rows, cols)."""
        values = torch.from_numpy(np.ascontiguousarray(reflectance[None]))
        with torch.inference_mode():
            logits = self.fast(self.model.normalise(values))[0].numpy()
        place = self.model.class_codes.index(SEALED)
        sealed = logits[place].copy()
        logits[place] = -np.inf
        return sealed - logits.max(axis=0), self.codes[logits.argmax(axis=0)]

    def found(self, crops: Sequence[tuple[Floats, Bytes]]) -> Found:
        parts: list[tuple[NDArray[np.generic], ...]] = []
        for reflectance, true in crops:
            known = true != IGNORE
            margin, other = self.margins(reflectance)
            parts.append((margin[known], other[known], true[known]))
        return Found(*(np.concatenate(each) for each in zip(*parts, strict=True)))  # type: ignore[arg-type]


def shipped(commit: str, into: Path) -> Path:
    """Take a model out of the history."""
    command = ["git", "-C", str(ROOT), "archive", commit, FOLDER]
    packed = subprocess.run(command, capture_output=True, check=False)
    if packed.returncode:
        raise SystemExit(f"commit {commit} is not in this clone: git fetch --unshallow")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(into, filter="data")
    return into / FOLDER


def mean_of(
    models: Mapping[str, ForwardModel], shares: Mapping[str, float], empty: Path
) -> Network:
    """Return the mean of models, rounded to float16 as a shipped one is."""
    model = load_model(empty)
    states = {name: models[name].state_dict() for name in shares}
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                total = sum(states[key][name].double() * share for key, share in shares.items())
                value.copy_(torch.as_tensor(total).half())
    return Network(model)


def sample_crops(year: int, bands: Sequence[str]) -> list[tuple[Floats, Bytes]]:
    """Return every fifth window of an image of the sample with the truth inside its margin."""
    with rasterio.open(INPUTS / "truth" / f"landcover_{year}.tif") as file:
        truth = file.read(1)
    crops, number = [], 0
    with open_image(str(INPUTS / f"sentinel2_{year}.tif"), bands=bands) as image:
        for row in range(0, image.grid.height, SIDE):
            for column in range(0, image.grid.width, SIDE):
                number += 1
                if number % EVERY:
                    continue
                side = SIDE + 2 * MARGIN
                rows = mirrored(row - MARGIN, side, image.grid.height)
                columns = mirrored(column - MARGIN, side, image.grid.width)
                values = read_mirrored(image, rows, columns)
                true = truth[rows[:, None], columns[None, :]]
                true[~known_of(values) | (true < 1) | (true > 11)] = IGNORE
                inside = np.zeros(true.shape, np.bool_)
                inside[
                    MARGIN : MARGIN + min(SIDE, image.grid.height - row),
                    MARGIN : MARGIN + min(SIDE, image.grid.width - column),
                ] = True
                true[~inside] = IGNORE
                if (true != IGNORE).any():
                    crops.append((values, true))
    return crops


def tile_values(folder: Path, bands: Sequence[str]) -> dict[str, Floats]:
    """Return the held-aside tiles by name, continued at their edges as in a mirror."""
    found = {}
    for path in sorted(folder.glob("*.tif"))[4::5]:
        with open_image(str(path), bands=bands) as image:
            rows, columns = (
                mirrored(-MARGIN, length + 2 * MARGIN, length)
                for length in (image.grid.height, image.grid.width)
            )
            found[path.stem] = read_mirrored(image, rows, columns)
    return found


def main() -> None:
    argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0]).parse_args()
    if not INPUTS.is_dir():
        raise SystemExit(f"{INPUTS} is absent: run just build first")
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: shipped(commit, Path(scratch) / name) for name, commit in PARENTS.items()}
        models = {name: load_model(folder) for name, folder in folders.items()}
        config = load_train_config(CONFIG)
        taught = next(s for s in config.sources if s.taught is not None and s.taught.folds)
        simulated = next(s for s in config.sources if s.role == VALIDATION)
        sources = [taught, replace(simulated, seeds=SIMULATED)]
        student = student_of(folders["real-3"])
        scenes = open_scenes(sources, config.bands, config.cache, no_progress, student)
        held = plots(scenes, config.split, VALIDATION, 0)
        real, labelled = (
            validation_crops(
                [plot for plot in held if plot.scene.is_taught == is_real],
                config.bands, VALIDATION, 512, PIXELS, 0,
            ) for is_real in (True, False)
        )  # fmt: skip
        assert taught.taught is not None
        tiles = tile_values(taught.taught.folder, config.bands)
        sample = {year: sample_crops(year, config.bands) for year in YEARS}
        for shares in MIXES:
            network = mean_of(models, shares, folders["real-3"])
            on_real, on_simulated = network.found(real), network.found(labelled)
            matched = on_real.matched_offset()
            print(
                " + ".join(f"{share:g} {name}" for name, share in shares.items())
                + f": offsets simulated {on_simulated.matched_offset():+.2f}, real {matched:+.2f}"
            )
            margins = {
                name: network.margins(values)[0][MARGIN:-MARGIN, MARGIN:-MARGIN]
                for name, values in tiles.items()
            }
            years = {year: network.found(crops) for year, crops in sample.items()}
            for offset in (0.0, matched):
                classes: dict[str, list[float]] = defaultdict(list)
                for name, margin in margins.items():
                    share = 100 * float((margin + offset > 0).mean())
                    classes[name.rpartition("_")[0]].append(share)
                words = [f"{name} {np.mean(found):.1f}" for name, found in classes.items()]
                for year, found in years.items():
                    iou, mean, bias = found.figures(offset)
                    words.append(f"{year} {iou:.3f} {mean:.3f} {bias:+.2f} pp")
                print(f"  offset {offset:+.2f}: {', '.join(words)}", flush=True)


if __name__ == "__main__":
    main()
