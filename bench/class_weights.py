"""What class weights do to the mapped area: three small trainings, one table.

    just bench-weights

The same SegFormer-B0 learns the same crops three times: without class weights, with weights by
the inverse square root of the classes' frequency, and by its inverse. Each model's offset is
matched on validation regions; bias and IoU are then measured on test regions, which neither
training nor matching saw. The schedule is short: compare the rows, do not take them for what a
full training reaches.
"""

import argparse
import tempfile
from contextlib import nullcontext
from pathlib import Path

import torch

from hexseal_ml.data.sampling import plots, validation_crops
from hexseal_ml.data.sources import open_scenes
from hexseal_ml.data.split import TEST
from hexseal_ml.model.folder import load_model
from hexseal_ml.train.config import WEIGHTINGS, load_train_config
from hexseal_ml.train.stage import train
from hexseal_ml.train.validation import validate

ROOT = Path(__file__).parents[1]
PIXELS, SIDE = 3_000_000, 512
CONFIG = """
cache = "{cache}"
[model]
size = "b0"
out = "{out}"
pretrained = ""
[training]
steps = {steps}
batch = 8
learning_rate = 1e-3
smoothing = 0.98
validate_every = {steps}
validation_pixels = 2000000
precision = "fp32"
class_weights = "{weights}"
"""
DATA = """
[[data]]
kind = "simulation"
role = "{role}"
seeds = "{seeds}"
years = [2018, 2024]
"""
SEEDS = {"train": "1001-1016", "validation": "1017-1020", "test": "1021-1024"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    (ROOT / "work").mkdir(exist_ok=True)
    data = "".join(DATA.format(role=role, seeds=seeds) for role, seeds in SEEDS.items())
    print("weights        IoU    bias without offset   offset   bias with offset (pp of pixels)")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "work") as folder:
        for weights in WEIGHTINGS:
            path = Path(folder) / f"{weights}.toml"
            facts = {"cache": ROOT / "work" / "ml", "out": Path(folder) / weights}
            path.write_text(CONFIG.format(steps=options.steps, weights=weights, **facts) + data)
            print(measure(path, weights), flush=True)


def measure(path: Path, weights: str) -> str:
    """Train by a file and return the row of its model."""
    config = load_train_config(path)
    scenes = open_scenes(config.sources, config.bands, config.cache, lambda *_: None)
    train(config, scenes, report=lambda *_: None, log_line=lambda _: None)
    model = load_model(config.out)
    grounds = plots(scenes, config.split, TEST, seed=0)
    crops = validation_crops(grounds, config.bands, TEST, SIDE, PIXELS, seed=0)
    found = validate(model, crops, torch.device("cpu"), nullcontext())
    offset = float(str(model.facts["sealed_logit_offset"]))
    matched, plain = found.figures(offset), found.figures()
    return (
        f"{weights:13} {matched['iou_sealed']:.3f}   {plain['sealed_share_bias']:+17.2f}   "
        f"{offset:+6.2f}   {matched['sealed_share_bias']:+16.2f}"
    )


if __name__ == "__main__":
    main()
