"""Prediction against a plain loop: speed, agreement and memory in one run on one machine.

    just bench-forward

The loop is what one would write first with transformers: windows of 512 pixels side by side, fp32,
the decode head as transformers has it, the class of the greatest logit, a GeoTIFF. Both read the
same image of the sample and use the same weights. They take turns, first one then the other first,
with 2 threads each unless told otherwise; ratios are printed, never a time alone: of elapsed time,
and of processor time, which tells more where other programs run too (then best with --threads 1).
No round is begun after --minutes. Memory is that of processes of their own, on the sample and on
a quarter of it.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
import torch
from rasterio.windows import Window as RasterioWindow
from transformers import SegformerModel
from transformers.models.segformer.modeling_segformer import SegformerDecodeHead

from hexseal.raster.grid import Window
from hexseal.simulation import is_simulated, simulate
from hexseal_ml.imagery.image import open_image
from hexseal_ml.model.folder import load_model
from hexseal_ml.model.network import ForwardSegformer
from hexseal_ml.predict.stage import Settings, predict, runtime_of

ROOT = Path(__file__).parents[1]
SIZE_KM, SEED = (24.0, 18.0), 1
SIDE = 512


class StockSegformer(ForwardSegformer):
    """The same network with encoder and decode head as transformers has them."""

    def __init__(self, config) -> None:
        super().__init__(config)
        self.segformer = SegformerModel(config)
        self.decode_head = SegformerDecodeHead(config)


def plain_loop(image: str, network: StockSegformer, target: Path) -> None:
    """Predict windows side by side; those at the right and lower edge are smaller."""
    codes = np.array(network.class_codes, np.uint8)
    offset = torch.zeros(len(codes))
    offset[network.class_codes.index(1)] = float(network.facts["sealed_logit_offset"])
    with open_image(image, bands=network.bands) as opened, torch.inference_mode():
        grid = opened.grid
        with rasterio.open(
            target, "w", driver="GTiff", count=1, dtype="uint8", height=grid.height,
            width=grid.width, crs=grid.crs, transform=grid.transform, compress="LZW",
        ) as file:  # fmt: skip
            for row in range(0, grid.height, SIDE):
                for column in range(0, grid.width, SIDE):
                    height, width = min(SIDE, grid.height - row), min(SIDE, grid.width - column)
                    values, known = opened.read(Window(row, column, height, width))
                    normal = network.normalise(torch.from_numpy(values[None]))
                    logits = network(normal).logits[0] + offset[:, None, None]
                    found = codes[logits.argmax(dim=0).numpy()]
                    found[~known] = 254
                    place = RasterioWindow(column, row, width, height)
                    file.write(found, 1, window=place)


def iou(mapped: Path, truth: Path) -> float:
    with rasterio.open(mapped) as one, rasterio.open(truth) as other:
        found, real = one.read(1), other.read(1)
    known = (found <= 11) & (real >= 1) & (real <= 11)
    sealed, marked = (real == 1) & known, (found == 1) & known
    return float((sealed & marked).sum() / (sealed | marked).sum())


def quarter(image: str, target: Path) -> None:
    """Write the middle quarter of the image."""
    with rasterio.open(image) as file:
        height, width = file.height // 2, file.width // 2
        window = RasterioWindow(width // 2, height // 2, width, height)
        profile = file.profile | {
            "driver": "GTiff", "height": height, "width": width,
            "transform": file.window_transform(window),
        }  # fmt: skip
        with rasterio.open(target, "w", **profile) as out:
            out.descriptions, out.scales, out.offsets = file.descriptions, file.scales, file.offsets
            out.write(file.read(window=window))


def peak_mb(image: str, model: Path, out: Path) -> float:
    """Return the largest resident memory of a prediction in a process of its own."""
    command = [sys.executable, "-m", "hexseal_ml", "--quiet", "predict", image, "--model",
               str(model), "--out", str(out), "--prefix", "memory", "--fresh"]  # fmt: skip
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"prediction of {image} failed")
    return usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--model", type=Path, default=ROOT / "ml" / "weights" / "clcplus-forward-b2"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="processor threads  [default: 2]")
    parser.add_argument(
        "--minutes", type=float, default=3.0, help="begin no round later  [default: 3]"
    )
    parser.add_argument("--no-memory", action="store_true", help="leave the memory figure out")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    inputs = ROOT / "work" / "seal-island" / "inputs"
    if not is_simulated(inputs, size_km=SIZE_KM, seed=SEED):
        simulate(inputs, size_km=SIZE_KM, seed=SEED)
    image, truth = str(inputs / "sentinel2_2024.tif"), inputs / "truth" / "landcover_2024.tif"
    scratch = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "work"))
    try:
        compare(image, truth, scratch, options)
    finally:
        shutil.rmtree(scratch)


def compare(image: str, truth: Path, scratch: Path, options: argparse.Namespace) -> None:
    stock = StockSegformer.from_pretrained(options.model, local_files_only=True).float().eval()
    load_model(options.model)  # once, so that no round pays for a cold disk
    runs: dict[str, Callable[[], object]] = {
        "predict": lambda: predict(
            image, options.model, scratch, "fast", settings=Settings(), fresh=True
        ),
        "plain loop": lambda: plain_loop(image, stock, scratch / "plain.tif"),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    begun, rounds = time.monotonic(), 0
    while rounds < options.rounds and (not rounds or _minutes(begun) < options.minutes):
        for name in sorted(runs, reverse=rounds % 2 == 0):
            started = _clocks()
            runs[name]()
            times[name].append(_since(started))
        rounds += 1
    # Found there already, so this only reads what was written.
    done = predict(image, options.model, scratch, "fast", settings=Settings())
    pixels = sum(done.pixels.values())
    print(
        f"sample, {pixels / 1e6:.2f} Mpx of which {100 * done.pixels.get(254, 0) / pixels:.0f} % "
        f"without values, {rounds} of {options.rounds} rounds, {torch.get_num_threads()} threads, "
        f"predict in {runtime_of(Settings()).precision}"
    )
    for place, clock in enumerate(("elapsed", "processor")):
        found = {name: [taken[place] for taken in each] for name, each in times.items()}
        for name, taken in found.items():
            middle = statistics.median(taken)
            print(f"{clock:9} {name:10} {middle:7.1f} s  {pixels / middle / 1e6:6.3f} Mpx/s")
        ratios = [b / a for a, b in zip(found["predict"], found["plain loop"], strict=True)]
        middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
        print(f"{clock:9} ratio      {middle:.2f} ({low:.2f} to {high:.2f})", flush=True)
    fast, plain = iou(done.paths["landcover"], truth), iou(scratch / "plain.tif", truth)
    print(f"IoU of Sealed with the truth: predict {fast:.4f}, plain loop {plain:.4f}")
    if options.no_memory:
        return
    small = scratch / "quarter.tif"
    quarter(image, small)
    one, four = (peak_mb(name, options.model, scratch) for name in (str(small), image))
    print(f"peak memory: a quarter of the sample {one:.0f} MB, the sample {four:.0f} MB")


def _minutes(begun: float) -> float:
    return (time.monotonic() - begun) / 60


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(started: tuple[float, float]) -> tuple[float, float]:
    elapsed, processor = (now - then for now, then in zip(_clocks(), started, strict=True))
    return elapsed, processor


if __name__ == "__main__":
    main()
