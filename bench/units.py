"""Reading a region once: processor time by part, workers, and memory by width, in one run.

    .venv/bin/python bench/units.py
    .venv/bin/python bench/units.py --sizes 10000 20000 30000   # 1, 4 and 9 units, two workers

Ratios are of processor time to that of decoding both files, so that other work on the machine
matters little; elapsed time is given beside them. A region of several units runs on processes:
what it takes to start them (imports, compiled code) is measured apart and subtracted.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import numpy as np
import rasterio
from delta import decode_both, region_of
from landscape import write_pair
from scale import write_region
from scipy import ndimage

from hexseal.change.stage import judge_region
from hexseal.change.survey import count_region, cut_units, survey_census
from hexseal.change.unit import UnitTask, read_unit
from hexseal.check.census import Census
from hexseal.check.stage import check_region
from hexseal.execution import Execution, UnitStore, open_executor
from hexseal.raster.grid import Window
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region, load_region
from hexseal.vector.zones import read_zones

SCATTERED = 0.1
KINDS = ("plain", "scattered", "full")
TITLES = ("", ", 10 % of all pixels changed", ", areas and confidence layers")
WIDE = ((10_000, 4_000), (20_000, 4_000), (40_000, 4_000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "hexseal-bench"
    )
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--sizes", type=int, nargs="+", help="squares of these sides alone")
    parser.add_argument("--full", action="store_true", help="areas and confidence layers alone")
    parser.add_argument("--resolution", type=int, default=8, help="of --sizes and --full")
    parser.add_argument("--run", nargs=5, help="internal: WIDTH HEIGHT RESOLUTION WORKERS KIND")
    arguments = parser.parse_args()
    folder, size, finest = arguments.folder, arguments.size, arguments.resolution
    if arguments.run:
        width, height, resolution, workers = map(int, arguments.run[:4])
        found = measure(folder, width, height, resolution, workers, arguments.run[4])
        print(json.dumps(found))
    elif arguments.sizes:
        for side in arguments.sizes:
            show(run(folder, side, side, finest, 2))
    elif arguments.full:
        show(run(folder, size, size, finest, 2, "full"))
    else:
        for resolution, workers in ((8, 1), (8, 2), (9, 1), (9, 2)):
            show(run(folder, size, size, resolution, workers))
        show(run(folder, size, size, 8, 2, "full"))
        for width, height in WIDE:
            show(run(folder, width, height, 8, 2))
        show(run(folder, size, size, 8, 1, "scattered"))


def run(
    folder: Path, width: int, height: int, resolution: int, workers: int, kind: str = "plain"
) -> dict[str, float]:
    """Measure in a process of its own; ``kind`` is one of KINDS."""
    pair_of(folder, width, height, scattered=kind == "scattered")
    command = [sys.executable, __file__, "--folder", str(folder), "--run"]
    command += [*map(str, (width, height, resolution, workers)), kind]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def pair_of(folder: Path, width: int, height: int, *, scattered: bool) -> tuple[Path, Path]:
    """Write a pair, or one that differs in a tenth of all pixels, each by itself."""
    tall = None if width == height else height
    return write_pair(folder, width, height=tall, scattered=SCATTERED if scattered else None)


def full_region(folder: Path, size: int, resolution: int) -> Region:
    """Return the region of a pair with 1 000 areas and a confidence layer for each year."""
    path = write_region(folder, size, 1_000, resolution)
    text, layers = path.read_text(), write_confidence(folder, size)
    for year, layer in zip((2018, 2021), layers, strict=True):
        text = text.replace(f"year = {year}\n", f'year = {year}\nconfidence = "{layer.name}"\n')
    path.write_text(text)
    return load_region(path)


def write_confidence(folder: Path, size: int) -> tuple[Path, Path]:
    """Write a layer for each map: 40 to 100, of the maps' texture, lower where towns end."""
    pair = write_pair(folder, size)
    paths = folder / f"confidence_{size}_a.tif", folder / f"confidence_{size}_b.tif"
    rng = np.random.default_rng(7)
    for source, path in zip(pair, paths, strict=True):
        if path.exists():
            continue
        with rasterio.open(source) as maps, rasterio.open(path, "w", **maps.profile) as file:
            for _, window in maps.block_windows(1):
                sealed = (maps.read(1, window=window) == 1).astype(np.float32)
                sure = 100.0 - 60.0 * (ndimage.uniform_filter(sealed, 5) % 1.0 > 0)
                sure -= rng.integers(0, 6, sealed.shape)
                file.write(sure.clip(0, 100).astype(np.uint8), 1, window=window)
    return paths


def start_workers(region: Region, work: Path, workers: int) -> float:
    """Return the seconds that workers take to start and to load compiled code."""
    grid, frame = region_grid(region)
    zones, store = read_zones(region.areas, grid).polygons, UnitStore(work / "start", "0" * 64)
    height = grid.height // workers
    windows = [Window(number * height, 0, height, grid.width) for number in range(workers)]
    tasks = [UnitTask(region, grid, frame, zones, window, store) for window in windows]
    started = time.perf_counter()
    with open_executor(Execution(workers), work) as executor:
        assert all(outcome.error is None for outcome in executor.run(read_unit, tasks))
    return time.perf_counter() - started


def measure(
    folder: Path, width: int, height: int, resolution: int, workers: int, kind: str
) -> dict[str, float]:
    """Check, count and judge a pair that nothing is known of."""
    pair = pair_of(folder, width, height, scattered=kind == "scattered")
    region, work = region_of(folder, pair, resolution), folder / "work"
    small = region_of(folder, write_pair(folder, 1_000), resolution)
    if kind == "full":
        small, region = (full_region(folder, side, resolution) for side in (1_000, width))
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    check_region(small, compare=False)
    count_region(small, work, execution=Execution(1))
    judge_region(small, work, execution=Execution(1))
    units = len(cut_units(*region_grid(region)))
    start = start_workers(small, work, workers) if min(units, workers) > 1 else 0.0
    decode_both(pair)
    found: dict[str, float] = {
        "width": width, "height": height, "resolution": resolution, "workers": workers,
        "kind": KINDS.index(kind), "units": units, "start_s": start,
    }  # fmt: skip
    execution = Execution(workers)

    def survey(known: Region) -> Census:
        return survey_census(known, work, execution=execution)

    parts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("decode", lambda: decode_both(pair)),
        ("check", lambda: check_region(region, compare=False, survey=survey)),
        ("delta", lambda: count_region(region, work, execution=execution)),
        ("change", lambda: judge_region(region, work, execution=execution)),
    )
    for name, part in parts:
        started, used = time.perf_counter(), processor_seconds()
        part()
        found[f"{name}_s"] = time.perf_counter() - started
        found[f"{name}_cpu_s"] = processor_seconds() - used
    peak = max(getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return found | {"peak_mib": peak / 1024}


def processor_seconds() -> float:
    """Return the processor time of this process and of those that have ended."""
    return sum(sum(getrusage(who)[:2]) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))


def show(found: dict[str, float]) -> None:
    """Print one line: ratios to decoding, seconds, memory of the largest process that reads."""
    decode = found["decode_cpu_s"]
    parts = [
        f"{name} {found[f'{name}_cpu_s'] / decode:.1f}" for name in ("check", "delta", "change")
    ]
    elapsed = sum(found[f"{name}_s"] for name in ("check", "delta", "change")) - found["start_s"]
    pixels = found["width"] * found["height"]
    print(
        f"{found['width']:.0f} x {found['height']:.0f}, r{found['resolution']:.0f}, "
        f"{found['units']:.0f} unit(s), {found['workers']:.0f} worker(s)"
        f"{TITLES[int(found['kind'])]}: "
        f"decoding {decode:.2f} s processor; in its units {', '.join(parts)}; elapsed "
        f"{elapsed:.2f} s without starting workers ({found['start_s']:.1f} s) = "
        f"{elapsed / found['decode_s']:.2f} x decoding, {1e8 * elapsed / pixels:.2f} s for 100 "
        f"million pixels; peak {found['peak_mib']:.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
