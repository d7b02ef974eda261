"""The disk that a build needs, estimated before it starts."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h3

from hexseal.errors import OutputError
from hexseal.execution.report import counted, read_run

# Measured with two years, resolution 9 and 1 000 areas (bench/scale.py), rounded up: work files and
# spill, then the site with datasets, tiles and counts for merging.
WORK_BYTES_PER_HEXAGON, SITE_BYTES_PER_HEXAGON = 400, 1_500
WORK_BYTES_PER_PIXEL = 0.15
# More than what is measured or estimated, for safety.
MARGIN = 1.2


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a region: pixels and square metres of its raster, the H3 resolutions."""

    pixels: int
    area_m2: float
    resolutions: tuple[int, ...]

    @property
    def hexagons(self) -> float:
        """Return about how many hexagons the raster holds, all resolutions together."""
        areas = (h3.average_hexagon_area(resolution, "m^2") for resolution in self.resolutions)
        return sum(self.area_m2 / area for area in areas)


def needed_bytes(size: Size, run: Path) -> int:
    """Return about how many bytes work files and site take: as the last run, or as usual."""
    last = read_run(run)
    before = last and (last.previous if last.state != "done" else None)
    facts = before or (last and {"pixels": last.pixels, "bytes": last.work_bytes + last.site_bytes})
    if facts and facts.get("pixels") and facts.get("bytes"):
        return round(MARGIN * facts["bytes"] * size.pixels / facts["pixels"])
    hexagons = size.hexagons
    work = WORK_BYTES_PER_HEXAGON * hexagons + WORK_BYTES_PER_PIXEL * size.pixels
    return round(MARGIN * (work + SITE_BYTES_PER_HEXAGON * hexagons))


def require_space(
    folder: Path,
    needed: int,
    *,
    reused: int = 0,
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> None:
    """Raise OutputError where the disk of ``folder`` has not the bytes that a build needs.

    ``reused`` bytes are there from the last build and are written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    room = free(folder) + reused
    if room < needed:
        raise OutputError(
            f"{folder}: the build needs about {counted(needed, 'B')}, {counted(room, 'B')} are "
            "free; free some space, choose another --out, or a coarser [hexagons] finest"
        )
