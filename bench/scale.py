"""Big synthetic regions: time and memory per stage, units, workers, a Dask cluster that loses one.

    just bench-scale                              # one unit of 100 x 100 km, then all comparisons
    just bench-scale --sizes 10000 20000 30000    # 1, 4 and 9 units: is time proportional?
    just bench-scale --whole --sizes 20000        # the whole build of 200 x 200 km, and EEA38

Maps have the texture of CLC+ tiles (landscape.py), 1 000 areas, resolution 9. A unit is 10 000 x
10 000 pixels. Only ratios of one run mean something elsewhere. Counting and change start in fresh
folders, numba's cache is warm.
"""

import argparse
import hashlib
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import geopandas
import numpy as np
import shapely
from landscape import NORTH, WEST, write_pair

from hexseal.build import BuildSettings, build_site
from hexseal.execution.report import PROC, RunReport, counted, family, read_run
from hexseal.progress import Reporter, lasting
from hexseal.region.load import load_region

PIXEL_M = 10.0
UNIT_PIXELS = 10_000**2
# SCALE.md: units of 100 km that hold land of EEA38.
EEA38_UNITS = 897
# What works on the pixels; check reads them.
STAGES = ("check", "delta", "change")
RESULTS = ("cells.parquet", "zones.parquet", "evidence_*.parquet", "patches_*.parquet")
REGION = """
[region]
id = "scale"
title = {{ en = "Large region" }}
simulated = true
[[epoch]]
year = 2018
landcover = "{a}"
[[epoch]]
year = 2021
landcover = "{b}"
[hexagons]
finest = {finest}
coarsest = 5
[[areas]]
layer = "municipality"
path = "{areas}"
id = "code"
name = "name"
title = {{ en = "Municipalities" }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "hexseal-scale"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--areas", type=int, default=1_000)
    parser.add_argument("--finest", type=int, default=9)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--whole", action="store_true", help="build whole sites, no comparisons")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for size in arguments.sizes:
        region = write_region(arguments.folder, size, arguments.areas, arguments.finest)
        if arguments.whole:
            whole(region, arguments.workers, size)
        else:
            compare(region, arguments.workers, size)


def write_region(folder: Path, size: int, areas: int, finest: int) -> Path:
    """Write maps of ``size`` x ``size`` pixels, areas and the region file; return the last."""
    pair = write_pair(folder, size)
    shapes = folder / f"areas_{areas}_{size}.gpkg"
    if not shapes.is_file():
        municipalities(areas, size).to_file(shapes)
    region = folder / f"scale_{size}.toml"
    names = {"a": pair[0].name, "b": pair[1].name, "areas": shapes.name, "finest": finest}
    region.write_text(REGION.format(**names))
    return region


def municipalities(count: int, size: int, seed: int = 1) -> geopandas.GeoDataFrame:
    """Return Voronoi cells of random places that fill the maps, a corner every 200 m."""
    side = size * PIXEL_M
    corners = (WEST, NORTH - side), (WEST + side, NORTH)
    points = shapely.multipoints(np.random.default_rng(seed).uniform(*corners, (count, 2)))
    frame = shapely.box(*corners[0], *corners[1])
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=frame))
    cells = shapely.segmentize(shapely.intersection(cells, frame), 200.0)
    codes = [f"{number:05}" for number in range(len(cells))]
    names = [f"Area {code}" for code in codes]
    return geopandas.GeoDataFrame({"code": codes, "name": names}, geometry=cells, crs="EPSG:3035")


def whole(region: Path, workers: int, size: int) -> None:
    """Build a site; print the run's table, the site's size and what EEA38 would take."""
    site = region.parent / f"site_{size}"
    settings = BuildSettings(site, workers, fresh=True)
    build_site(region, settings, Reporter(print))
    report = run_of(region, settings)
    data = sum(path.stat().st_size for path in (site / "data").rglob("*") if path.is_file())
    print(
        f"{size} x {size} pixels: {lasting(report.seconds)}, "
        f"peak {counted(report.peak_bytes, 'B')}, site {counted(report.site_bytes, 'B')} of which "
        f"data {counted(data, 'B')}, work files {counted(report.work_bytes, 'B')}"
    )
    times = EEA38_UNITS * UNIT_PIXELS / size**2
    print(
        f"EEA38, {EEA38_UNITS} units, if every stage grows with the pixels, each unit is as full "
        f"of land as this one, and disks keep up: {lasting(times * report.seconds)} on this "
        f"machine, {counted(times * report.site_bytes, 'B')} of site"
    )


def compare(region: Path, workers: int, size: int) -> None:
    """Count and judge with one and several workers, on a cluster, after harm; print ratios."""
    units = size**2 / UNIT_PIXELS
    seconds, wanted = {}, ""
    for name, settings in (
        ("one worker", {"workers": 1}),
        (f"{workers} workers", {"workers": workers}),
        (f"Dask cluster of {workers}", {"workers": workers, "cluster": "local"}),
    ):
        started = time.monotonic()
        report, digest = judged(region, BuildSettings(site_of(region, name), **settings))
        seconds[name] = sum(s.seconds for s in report.stages if s.name in STAGES)
        wanted = wanted or digest
        print(
            f"{size} x {size}, {name}: {seconds[name]:.1f} s in check, delta and change, "
            f"{seconds[name] / units:.1f} s a unit ({time.monotonic() - started:.1f} s in all), "
            f"peak {counted(report.peak_bytes, 'B')}, {same(digest, wanted)}"
        )
    one, several = seconds["one worker"], seconds[f"{workers} workers"]
    print(f"one worker takes {one / several:.2f} times as long as {workers}")
    lost = BuildSettings(site_of(region, "lost"), workers, cluster="local")
    with Killer(region, lost) as killer:
        _, digest = judged(region, lost)
    print(f"a worker of the cluster killed ({killer.killed or 'none'}): {same(digest, wanted)}")
    damage(region, lost)
    _, digest = judged(region, lost, keep=True)
    print(f"a unit's file damaged: {same(digest, wanted)}")


def judged(region: Path, settings: BuildSettings, *, keep: bool = False) -> tuple[RunReport, str]:
    """Count and judge; return the run and a checksum of all counts, evidence and patches."""
    work = settings.work(load_region(region, site=settings.site))
    if not keep:
        shutil.rmtree(work, ignore_errors=True)
    settings = BuildSettings(
        settings.site, settings.workers, until="change", cluster=settings.cluster
    )
    build_site(region, settings, Reporter())
    content = hashlib.sha256()
    for pattern in RESULTS:
        for path in sorted(work.glob(pattern)):
            content.update(path.name.encode() + path.read_bytes())
    return run_of(region, settings), content.hexdigest()


def damage(region: Path, settings: BuildSettings) -> None:
    """Change a byte in the middle of a unit's largest file, and forget that all is done."""
    work = settings.work(load_region(region, site=settings.site))
    files = sorted(work.glob("*units*/**/*.parquet"), key=lambda path: path.stat().st_size)
    content = bytearray(files[-1].read_bytes())
    content[len(content) // 2] ^= 1
    files[-1].write_bytes(content)
    for stamp in ("delta.json", "change.json"):
        (work / stamp).unlink(missing_ok=True)


class Killer:
    """Kills the largest child of this process while the first stage of units runs."""

    def __init__(self, region: Path, settings: BuildSettings) -> None:
        self.work = settings.work(load_region(region, site=settings.site))
        self.killed = ""
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> "Killer":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    def watch(self) -> None:
        while not self.done.wait(0.1):
            report = read_run(self.work / "run.json")
            stage = report.stages[-1] if report and report.state == "running" else None
            if stage is None or stage.name not in STAGES:
                continue
            children = [pid for pid in family(os.getpid()) if pid != os.getpid()]
            largest = max(children, key=resident, default=None)
            if largest is not None and resident(largest) > 200_000_000:
                os.kill(largest, signal.SIGKILL)
                self.killed = f"process {largest} in {stage.name}"
                return


def resident(pid: int) -> int:
    try:
        return 4096 * int((PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def site_of(region: Path, name: str) -> Path:
    """Return a site's folder, each beside work files of its own."""
    return region.parent / f"{region.stem}_{name.replace(' ', '_')}" / "site"


def run_of(region: Path, settings: BuildSettings) -> RunReport:
    report = read_run(settings.work(load_region(region, site=settings.site)) / "run.json")
    assert report is not None
    return report


def same(digest: str, wanted: str) -> str:
    return "same bytes" if digest == wanted else "OTHER BYTES"


if __name__ == "__main__":
    main()
