"""Check, delta with change against decoding and against peers of delta: ratios of one run.

    just bench

Every figure is the best of three on this machine; only the ratios mean something elsewhere.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from landscape import BLOCK, write_pair

from hexseal.change.stage import judge_region
from hexseal.change.survey import count_region
from hexseal.check.stage import check_region
from hexseal.execution import Execution
from hexseal.region.load import Region, load_region

REGION = """
[region]
id = "bench"
[[epoch]]
year = 2018
landcover = "{a}"
[[epoch]]
year = 2021
landcover = "{b}"
[hexagons]
finest = {resolution}
coarsest = 5
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "hexseal-bench"
    )
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--peak", nargs=2, metavar=("SIZE", "RESOLUTION"), help="internal")
    parser.add_argument("--no-peers", action="store_true", help="leave raster2dggs, h3ronpy out")
    arguments = parser.parse_args()
    if arguments.peak:
        print(peak_memory(arguments.folder, int(arguments.peak[0]), int(arguments.peak[1])))
        return
    compare(arguments.folder, arguments.size, peers=not arguments.no_peers)


def compare(folder: Path, size: int, *, peers: bool) -> None:
    pair = write_pair(folder, size)
    pixels = size * size
    for resolution in (8, 9):
        delta(folder, write_pair(folder, 1_000), resolution, workers=1)
    check(folder, write_pair(folder, 1_000))
    decode = best(lambda: decode_both(pair))
    print(f"pair of {size} x {size} pixels, LZW, blocks of {BLOCK}")
    report("rasterio decodes both files", decode, pixels, decode)
    report("hexseal check", best(lambda: check(folder, pair)), pixels, decode)
    ours: dict[int, float] = {}
    for resolution in (8, 9):
        for workers in (1, 2):
            seconds = best(lambda: delta(folder, pair, resolution, workers=workers))  # noqa: B023
            report(
                f"hexseal delta + change, r{resolution}, {workers} worker(s)",
                seconds,
                pixels,
                decode,
            )
            ours.setdefault(resolution, seconds / pixels)
    if peers:
        compare_peers(folder, pair, ours)
    for other in (size, 2 * size):
        write_pair(folder, other)
        for resolution in (8, 9):
            command = [sys.executable, __file__, "--folder", str(folder)]
            command += ["--peak", str(other), str(resolution)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"peak memory, {other} x {other} pixels, r{resolution}: {output.strip()}")


def compare_peers(folder: Path, pair: tuple[Path, Path], ours: dict[int, float]) -> None:
    """Per-pixel indexing of one raster on a crop of the same file, against ``ours``.

    ``ours`` holds hexseal's seconds per pixel of both rasters on one thread, by resolution.
    """
    small = crop(pair[0], folder / "crop_4000.tif", 4_000)
    pixels = 4_000 * 4_000
    seconds = best(lambda: index_by_pixel(small, 9), times=1)
    report("projection + h3ronpy, r9, one raster", seconds, pixels, None)
    say_faster(seconds / pixels / ours[9])
    seconds = best(lambda: raster2dggs(small, folder / "dggs", 8), times=1)
    report("raster2dggs, r8, one raster", seconds, pixels, None)
    say_faster(seconds / pixels / ours[8])


def say_faster(ratio: float) -> None:
    print(f"    hexseal on one thread counts both years {ratio:.0f} times faster")


def best(work: Callable[[], object], times: int = 3) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def report(what: str, seconds: float, pixels: int, decode: float | None) -> None:
    ratio = f"{seconds / decode:5.2f} x decoding" if decode else ""
    print(f"{what:<42} {seconds:8.2f} s {pixels / seconds / 1e6:8.1f} Mpx/s {ratio}")


def decode_both(pair: tuple[Path, Path]) -> None:
    for path in pair:
        with rasterio.open(path) as file:
            for row in range(0, file.height, BLOCK):
                height = min(BLOCK, file.height - row)
                file.read(1, window=rasterio.windows.Window(0, row, file.width, height))


def region_of(folder: Path, pair: tuple[Path, Path], resolution: int) -> Region:
    file = folder / "bench.toml"
    file.write_text(REGION.format(a=pair[0], b=pair[1], resolution=resolution))
    (folder / "work").mkdir(exist_ok=True)
    return load_region(file)


def delta(folder: Path, pair: tuple[Path, Path], resolution: int, *, workers: int) -> None:
    """Read the pair anew, count it and judge its change."""
    region, work = region_of(folder, pair, resolution), folder / "work"
    shutil.rmtree(work / "units", ignore_errors=True)
    count_region(region, work, execution=Execution(workers))
    judge_region(region, work, execution=Execution(workers))


def check(folder: Path, pair: tuple[Path, Path]) -> None:
    check_region(region_of(folder, pair, 8))


def peak_memory(folder: Path, size: int, resolution: int) -> str:
    delta(folder, write_pair(folder, size), resolution, workers=2)
    # VmHWM, because ru_maxrss counts the parent's memory from before exec.
    status = Path("/proc/self/status").read_text()
    return f"{int(status.split('VmHWM:')[1].split()[0]) / 1024:.0f} MiB"


def crop(path: Path, target: Path, size: int) -> Path:
    with rasterio.open(path) as file:
        window = rasterio.windows.Window(0, 0, size, size)
        profile = file.profile | {"width": size, "height": size}
        with rasterio.open(target, "w", **profile) as out:
            out.write(file.read(1, window=window), 1)
    return target


def index_by_pixel(path: Path, resolution: int) -> int:
    """Project every pixel centre, index it with h3ronpy, count (cell, class) pairs."""
    from h3ronpy.vector import coordinates_to_cells  # noqa: PLC0415
    from pyproj import Transformer  # noqa: PLC0415

    cells = 0
    with rasterio.open(path) as file:
        transformer = Transformer.from_crs(file.crs, "EPSG:4326", always_xy=True)
        for row in range(0, file.height, BLOCK):
            height = min(BLOCK, file.height - row)
            codes = file.read(1, window=rasterio.windows.Window(0, row, file.width, height))
            rows, columns = np.indices(codes.shape)
            x, y = file.transform * (columns.ravel() + 0.5, rows.ravel() + row + 0.5)
            lon, lat = transformer.transform(x, y)
            found = np.asarray(coordinates_to_cells(lat, lon, resolution))
            unique, place = np.unique(found, return_inverse=True)
            np.bincount(place * 256 + codes.ravel())
            cells += unique.size
    return cells


def raster2dggs(path: Path, target: Path, resolution: int) -> None:
    command = [str(Path(sys.executable).with_name("raster2dggs")), "h3", str(path), str(target)]
    command += ["-r", str(resolution), "--threads", "1", "--overwrite", "-a", "mode"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-600:])


if __name__ == "__main__":
    main()
