"""What a year of dates brings, for Sealed and for leaf types: TempCNN beside SegFormer, one table.

    just bench-tempcnn

Four models learn the same simulated regions: TempCNN (each pixel's series by itself) on all dates
and on one, SegFormer-B0 (a date with its surroundings) on one date and on all dates stacked. Each
is then measured on regions that none of them saw. Schedules are short and those of every kind its
own: compare rows, do not take them for what a full training reaches. Leaves, fields and the sun of
the simulation follow a calendar drawn by hand, so the table speaks of that calendar.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hexseal.progress import no_log, no_progress
from hexseal.types import Integers
from hexseal_ml.data.sampling import plots, validation_crops
from hexseal_ml.data.sources import open_scenes
from hexseal_ml.data.split import TEST
from hexseal_ml.model.folder import load_model
from hexseal_ml.train.config import load_train_config
from hexseal_ml.train.stage import train
from hexseal_ml.train.validation import validate

ROOT = Path(__file__).parents[1]
DAYS, SUMMER = (75, 120, 150, 196, 240, 300), (196,)
SEALED, NEEDLE, BROAD, EVERGREEN = 1, 2, 3, 4
SEEDS = {"train": "1101-1106", "validation": "1107-1107", "test": "1108-1110"}
PIXELS, SIDE = 4_000_000, 512
CONFIG = """
cache = "{cache}"
[model]
kind = "{kind}"
size = "b0"
out = "{out}"
pretrained = ""
days = {days}
[training]
steps = {steps}
batch = 16
crop = {crop}
learning_rate = 1e-3
smoothing = 0.98
validate_every = {steps}
validation_pixels = 400000
precision = "fp32"
[augmentation]
drop_chance = 0.0
"""
DATA = """
[[data]]
kind = "simulation"
role = "{role}"
seeds = "{seeds}"
size_km = [6, 6]
years = [2021]
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """One model of the table; ``effort`` multiplies the number of steps."""

    name: str
    kind: str
    days: Sequence[int]
    crop: int
    effort: float


CONTENDERS = (
    Contender("TempCNN, 6 dates", "tempcnn", DAYS, 32, 1.0),
    Contender("TempCNN, 1 date", "tempcnn", SUMMER, 32, 1.0),
    Contender("SegFormer, 1 date", "segformer", SUMMER, 64, 1.0),
    Contender("SegFormer, 6 dates stacked", "segformer", DAYS, 64, 1.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    (ROOT / "work").mkdir(exist_ok=True)
    print("model                       Sealed  needle  decid.  everg.  pair    mean   minutes")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "work") as folder:
        for contender in CONTENDERS:
            print(measure(contender, Path(folder), options.steps), flush=True)
    print(
        "IoU of each class; pair: mean recall of deciduous and evergreen trees told from each other"
    )


def measure(contender: Contender, folder: Path, steps: int) -> str:
    """Train one model and return its row."""
    path = folder / f"{contender.kind}-{len(contender.days)}.toml"
    data = "".join(DATA.format(role=role, seeds=seeds) for role, seeds in SEEDS.items())
    facts = {"cache": ROOT / "work" / "ml", "out": path.with_suffix("")}
    path.write_text(
        CONFIG.format(
            kind=contender.kind, days=list(contender.days), crop=contender.crop,
            steps=round(steps * contender.effort), **facts,
        ) + data
    )  # fmt: skip
    config = load_train_config(path)
    scenes = open_scenes(config.sources, config.bands, config.cache, no_progress)
    started = time.monotonic()
    train(config, scenes, report=no_progress, log_line=no_log)
    minutes = (time.monotonic() - started) / 60
    model = load_model(config.out)
    grounds = plots(scenes, config.split, TEST, seed=0)
    crops = validation_crops(grounds, config.bands, TEST, SIDE, PIXELS, seed=0)
    found = validate(model, crops, torch.device("cpu"), nullcontext())
    iou = dict(zip(found.codes, found.iou(), strict=True))
    classes = "".join(f"{iou[code]:8.3f}" for code in (SEALED, NEEDLE, BROAD, EVERGREEN))
    told = pair_recall(found.confusion, found.codes)
    mean = float(np.nanmean(found.iou()))
    return f"{contender.name:26}{classes}{told:8.3f}{mean:8.3f}{minutes:9.1f}"


def pair_recall(confusion: Integers, codes: Sequence[int]) -> float:
    """Return the mean share of each leaf type that is mapped as it, of what is mapped as either.

    >>> pair_recall(np.array([[8, 2], [4, 6]]), (3, 4))
    0.7
    """
    places = [codes.index(code) for code in (BROAD, EVERGREEN)]
    both = confusion[np.ix_(places, places)]
    return float(np.mean(np.diag(both) / both.sum(axis=1)))


if __name__ == "__main__":
    main()
