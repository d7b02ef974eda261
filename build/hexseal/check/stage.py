"""Input quality: everything that is wrong or odd about a region's rasters, found before counting.

Files and grids are checked first; then one pass over the pixels, block by block.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from hexseal.check.census import Census, histogram, take_census
from hexseal.check.files import (
    check_basemap,
    check_edition,
    check_grid,
    check_name,
    check_places,
    check_series,
    check_storage,
)
from hexseal.check.maps import check_maps
from hexseal.check.pixels import (
    check_change,
    check_change_layers,
    check_codes,
    check_coverage,
    check_data_marks,
    check_density,
    check_figures,
    check_mask,
    check_same,
    pair_figures,
    year_figures,
)
from hexseal.check.report import Finding, Report, refusal, render
from hexseal.errors import InputError
from hexseal.fetch import missing_files
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import Landcover, open_landcover, warp_command
from hexseal.region.load import AreaLayer, Epoch, Region
from hexseal.types import Integers
from hexseal.vector.areas import overlapping, read_areas

__all__ = ["Finding", "Report", "check_region", "render"]

OUTSIDE = 254
NAMED_AREAS = 5
# Values of the masks that come with CLC+ Backbone (product user manuals 2021 and 2023).
CONFIDENCE_VALUES = frozenset({*range(101), 254, 255})
POST_PROCESSING_VALUES = frozenset({0, 1, 254})


def check_region(
    region: Region,
    *,
    compare: bool = True,
    progress: Progress = no_progress,
    survey: Callable[[Region], Census] | None = None,
) -> Report:
    """Check all inputs of a region; findings never raise, so that all are listed at once.

    ``compare`` also measures how the maps are shifted against each other and whether confidence
    falls where they differ, in a pass of its own; a build does so when it judges their change.

    ``survey`` returns the census of a region that is read anyway; without it, or where there is an
    error already, the rasters are read for the check alone.

    Years that the build has yet to make from images are left out and listed.
    """
    region, unmade = _made(region)
    with ExitStack() as stack:
        rasters, findings = _open_all(region, stack)
        findings[:0] = [*check_basemap(region), *check_places(region), *unmade, *_unfetched(region)]
        if len(rasters) < len(region.epochs):
            return Report(region.id, tuple(findings))
        findings += _check_files(region, rasters)
        differences = list(_check_grids(region, rasters))
        findings += differences
        if differences:
            return Report(region.id, tuple(findings))
        try:
            return _check_pixels(region, rasters, findings, progress, survey, compare=compare)
        except InputError as err:
            findings.append(refusal(err, _subject(err, region, rasters)))
            return Report(region.id, tuple(findings))


def _made(region: Region) -> tuple[Region, list[Finding]]:
    """Return the region with the years that have a raster, and a finding for each other one."""
    unmade = [
        epoch
        for epoch in region.epochs
        if epoch.forward is not None and not Path(epoch.landcover).is_file()
    ]
    findings = [
        Finding(
            "info",
            epoch.landcover,
            f"{epoch.year} is not made from its images yet, so it is not checked",
            remedy="hexseal build makes it",
        )
        for epoch in unmade
    ]
    return replace(region, epochs=tuple(e for e in region.epochs if e not in unmade)), findings


def _unfetched(region: Region) -> Iterator[Finding]:
    missing = missing_files(region)
    if missing:
        names = ", ".join(path.name for path in missing)
        yield Finding("info", region.id, "inputs are not fetched yet", names,
                      f"run hexseal fetch {region.path}")  # fmt: skip


def _open_all(region: Region, stack: ExitStack) -> tuple[list[Landcover], list[Finding]]:
    rasters, findings = [], []
    fill = region.product.fill
    for epoch in region.epochs:
        try:
            raster = open_landcover(epoch.landcover, fill=fill)
        except InputError as err:
            findings.append(refusal(err, epoch.landcover))
        else:
            rasters.append(stack.enter_context(raster))
    return rasters, findings


def _check_files(region: Region, rasters: list[Landcover]) -> list[Finding]:
    checks = (
        chain(
            check_grid(region, epoch, raster.grid),
            check_name(region, epoch, raster),
            check_edition(region, epoch),
            check_storage(region, epoch, raster),
        )
        for epoch, raster in zip(region.epochs, rasters, strict=True)
    )
    return list(chain.from_iterable(checks))


def _check_grids(region: Region, rasters: list[Landcover]) -> Iterator[Finding]:
    """Compare every year's grid with that of the year before."""
    known = zip(region.epochs, rasters, strict=True)
    for (before, first), (epoch, second) in pairwise(known):
        name = f"{before.year} ({before.landcover})"
        density = region.product.is_density
        yield from _compare(
            epoch.landcover, str(epoch.year), second.grid, name, first.grid, density=density
        )


def _compare(
    subject: str, what: str, grid: Grid, name: str, wanted: Grid, *, density: bool = False
) -> Iterator[Finding]:
    how = wanted.difference(grid)
    if how is not None:
        yield Finding(
            "error",
            subject,
            f"{what} lies on another grid than {name}: {how}",
            f"it is {grid}, expected {wanted}",
            f"to bring it onto the same grid: "
            f"{warp_command(wanted, subject, finer=grid if density else None)}",
        )


def _check_pixels(
    region: Region,
    rasters: list[Landcover],
    findings: list[Finding],
    progress: Progress,
    survey: Callable[[Region], Census] | None,
    *,
    compare: bool,
) -> Report:
    grid = rasters[0].grid
    frame = Window(0, 0, grid.height, grid.width)
    if region.window is not None:
        frame = grid.window_of(region.window)
    layers = [finding for epoch in region.epochs for finding in _check_layers(epoch, grid)]
    areas = [found for layer in region.areas for found in _check_areas(layer, grid.subgrid(frame))]
    if survey is None or any(known.level == "error" for known in (*findings, *layers, *areas)):
        census = take_census(rasters, region, frame, progress)
    else:
        census = survey(region)
    census.leave_out_uncovered(rasters, frame)
    years, pairs = year_figures(region, census), pair_figures(region, census)
    findings += check_change_layers(region, census)
    findings += check_codes(region, census)
    findings += check_data_marks(region, rasters, census)
    findings += check_density(region, census)
    findings += check_figures(region, years)
    findings += check_coverage(region, census, years, grid)
    findings += check_change(region, pairs)
    findings += check_same(region, census, pairs)
    findings += check_series(region)
    if compare:
        findings += check_maps(region, rasters, grid, frame)
    findings += layers
    known = {finding.subject for finding in layers}
    for epoch in region.epochs:
        findings += [f for f in _check_masks(epoch, grid, frame, census) if f.subject not in known]
    findings += areas
    if len(region.epochs) == 1:
        findings.append(
            Finding("info", region.id, "one year only, so no change is shown", str(years[0].year))
        )
    return Report(region.id, tuple(findings), years, pairs, region.product.is_density)


def _masks(epoch: Epoch) -> Iterator[tuple[str, str, frozenset[int]]]:
    """Yield kind, address and allowed values of the masks of a year."""
    if epoch.confidence is not None:
        yield "confidence", epoch.confidence, CONFIDENCE_VALUES
    if epoch.post_processing is not None:
        yield "post_processing", epoch.post_processing, POST_PROCESSING_VALUES


def _check_layers(epoch: Epoch, grid: Grid) -> Iterator[Finding]:
    """Compare the grids of a year's masks with that of the maps."""
    for kind, address, _ in _masks(epoch):
        try:
            with open_landcover(address, fill=OUTSIDE) as mask:
                name = f"{epoch.year} ({epoch.landcover})"
                yield from _compare(address, f"{kind} mask", mask.grid, name, grid)
        except InputError as err:
            yield refusal(err, address)


def _check_masks(epoch: Epoch, grid: Grid, frame: Window, census: Census) -> Iterator[Finding]:
    """Check the values of those of a year's masks that lie on the maps' grid."""
    for _, address, allowed in _masks(epoch):
        counts = census.masks.get(address)
        try:
            if counts is None:
                with open_landcover(address, fill=OUTSIDE) as mask:
                    if grid.difference(mask.grid) is None:
                        counts = _values(mask, frame)
        except InputError as err:
            yield refusal(err, address)
        if counts is not None:
            yield from check_mask(address, counts, allowed)


def _values(mask: Landcover, frame: Window) -> Integers:
    """Return how often each value occurs in a mask."""
    counts = np.zeros(256, np.int64)
    for window in frame.cut(mask.block_shape):
        counts += histogram(mask.read(window), 256)
    return counts


def _check_areas(layer: AreaLayer, grid: Grid) -> Iterator[Finding]:
    """Read an area file as the counting will; report areas that were repaired or lie outside."""
    try:
        areas = read_areas(layer, grid)
    except InputError as err:
        yield refusal(err, layer.path)
        return
    for note in areas.notes[: len(areas.notes) - bool(areas.repaired)]:
        yield Finding("warning", layer.path, note)
    if areas.repaired:
        yield Finding(
            "warning",
            layer.path,
            "areas with invalid outlines were repaired",
            f"{len(areas.repaired)}: {', '.join(areas.repaired[:NAMED_AREAS])}",
            "check their outlines",
        )
    pair = overlapping(areas)
    if pair is not None:
        yield Finding(
            "warning",
            layer.path,
            "areas of the layer overlap, so their figures cannot be added up",
            f"{pair[0]} and {pair[1]} do, among others perhaps",
            "nothing to do if they are meant to",
        )
    if areas.outside:
        yield Finding("info", layer.path, "areas that miss the rasters are left out",
                      str(areas.outside))  # fmt: skip


def _subject(err: InputError, region: Region, rasters: list[Landcover]) -> str:
    """Return the file that a failure names, or the region where it names none."""
    files = chain.from_iterable(raster.addresses for raster in rasters)
    return next((file for file in files if str(err).startswith(f"{file}: ")), region.id)
