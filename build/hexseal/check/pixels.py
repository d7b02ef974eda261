"""Checks of the pixels, from what a pass over them has counted (see ``census``)."""

from collections.abc import Iterator, Sequence

import numpy as np

from hexseal.check.census import Census, Extent
from hexseal.check.report import Finding, PairFigures, YearFigures, pixels
from hexseal.products import DENSITY_CHANGE_NAME, DENSITY_NAME, FULL, IMPERVIOUSNESS, WORLDCOVER
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import Landcover
from hexseal.region.load import Region
from hexseal.types import Box, Integers

HIGHEST_SEALED_SHARE = 0.6
# The common mask may take this share of a year's land before it is worth a warning.
LOST_SHARE = 0.05
# Sealed area in Europe grows by about 0.25 % a year; beyond this the method is the likely cause.
PLAUSIBLE_YEARLY_CHANGE = 0.05
# A map of densities has pixels between nothing and all, of many values.
LEAST_BETWEEN, LEAST_PERCENT, FEWEST_DENSITIES, MANY_PIXELS = 0.02, 20, 20, 10_000
# Codes that products keep for what is no land cover.
RESERVED_CODES = (0, *range(250, 256))
NAMED_CODES = 5
# Products of classes have few sealed codes.
DENSITY_CODES = 20
# What a classified change layer holds (EEA's quality tools: IMCC); 10 to 12 are never a year's.
CHANGE_CODES = frozenset({0, 1, 2, 10, 11, 12, 254, 255})
# A change of density is stored as 100 and the difference in per cent; 201 is unchanged unsealed.
CHANGE_DENSITIES = range(FULL + 1, 202)


def year_figures(region: Region, census: Census) -> tuple[YearFigures, ...]:
    """Return the figures of each year, every year by itself."""
    product, figures = region.product, []
    for place, year in enumerate(region.years):
        counts = census.codes[place]
        codes = {int(code): int(counts[code]) for code in np.flatnonzero(counts)}
        valid = sum(codes.get(code, 0) for code in product.valid)
        sealed = sum(codes.get(code, 0) for code in product.sealed)
        if product.is_density:
            sealed = _whole(sum(code * codes.get(code, 0) for code in product.sealed))
        figures.append(YearFigures(year, codes, valid, sealed))
    return tuple(figures)


def pair_figures(region: Region, census: Census) -> tuple[PairFigures, ...]:
    """Return the figures of each pair of years on the common valid mask."""
    counted = (census.sealed.tolist(), census.gained.tolist(), census.lost.tolist())
    if region.product.is_density:
        counted = tuple([_whole(percent) for percent in each] for each in counted)
    sealed = dict(zip(region.years, counted[0], strict=True))
    changes = zip(region.pairs, counted[1], counted[2], strict=True)
    return tuple(
        PairFigures(a, b, census.common, sealed[a], sealed[b], gained, lost)
        for (a, b), gained, lost in changes
    )


def _whole(percent: int) -> int:
    """Return per cent of pixels as whole pixels."""
    return round(percent / FULL)


def change_layers(region: Region, census: Census) -> tuple[int, ...]:
    """Return the places of epochs that hold a change layer of imperviousness, not a year's map."""
    found = []
    for place, epoch in enumerate(region.epochs):
        name = epoch.landcover.rsplit("/", 1)[-1]
        present = set(np.flatnonzero(census.codes[place]).tolist())
        has_codes = present <= CHANGE_CODES or not present.isdisjoint(CHANGE_DENSITIES)
        is_named = DENSITY_CHANGE_NAME.search(name) is not None
        is_change = is_named and (region.product.is_density or has_codes)
        if region.product.is_density and not DENSITY_NAME.search(name):
            classified = present <= CHANGE_CODES and bool(present & {11, 12})
            is_change |= classified or not present.isdisjoint(CHANGE_DENSITIES)
        if is_change:
            found.append(place)
    return tuple(found)


def check_change_layers(region: Region, census: Census) -> Iterator[Finding]:
    """Reject a change layer of imperviousness that is given as the map of a year."""
    for place in change_layers(region, census):
        epoch = region.epochs[place]
        yield Finding(
            "error",
            epoch.landcover,
            "holds the change between two years, not the map of one",
            f"codes {_ranges(np.flatnonzero(census.codes[place]).tolist())}",
            f"name the imperviousness density of {epoch.year} (IMD) there; hexseal finds change "
            "itself",
        )


def check_codes(region: Region, census: Census) -> Iterator[Finding]:
    """Report codes that the product does not have, and how to read them as no data."""
    product, refused = region.product, change_layers(region, census)
    for place, epoch in enumerate(region.epochs):
        if place in refused:
            continue
        unknown = sorted(code for raster, code in census.first if raster == place)
        reserved = [code for code in unknown if code in RESERVED_CODES]
        nodata = sorted({*product.nodata, *reserved})
        for code in unknown[:NAMED_CODES]:
            row, column = census.first[place, code]
            fits = code in RESERVED_CODES and not (code == 0 and len(unknown) - len(reserved) > 0)
            yield Finding(
                "error",
                epoch.landcover,
                f"code {code} is not a code of {product.title}",
                f"{pixels(census.codes[place, code])}, first at row {row}, column {column}",
                f"if it marks what lies outside the map, write [product] nodata = {nodata}"
                if fits
                else f"known codes are {_ranges(product.known)}; check [product] name",
            )
        rest = unknown[NAMED_CODES:]
        if rest:
            yield Finding(
                "error",
                epoch.landcover,
                f"{len(rest)} more codes are not of {product.title}",
                ", ".join(map(str, rest[:NAMED_CODES])) + ", …" * (len(rest) > NAMED_CODES),
                "check [product] name",
            )


def check_figures(region: Region, years: Sequence[YearFigures]) -> Iterator[Finding]:
    """Check each year's counts: nothing valid, implausible share, wrong edition."""
    for epoch, figures in zip(region.epochs, years, strict=True):
        if not figures.valid:
            yield Finding(
                "error",
                epoch.landcover,
                f"{figures.year} has no valid pixel in the region",
                f"codes {_ranges(figures.codes)}",
                "check [region] window and [product] valid",
            )
            continue
        share = figures.sealed / figures.valid
        if not 0.0 < share <= HIGHEST_SEALED_SHARE:
            yield Finding(
                "warning",
                epoch.landcover,
                f"the sealed share of {figures.year} is outside 0 to {HIGHEST_SEALED_SHARE:.0%}",
                f"{share:.1%}",
                "check [product] sealed and the raster",
            )
        if region.product.name == "clcplus" and figures.year == 2018 and figures.codes.get(253):
            yield Finding(
                "warning",
                epoch.landcover,
                "has code 253, which CLC+ Backbone has only since 2021",
                pixels(figures.codes[253]),
                "check that this is the 2018 map",
            )


def check_data_marks(
    region: Region, rasters: Sequence[Landcover], census: Census
) -> Iterator[Finding]:
    """Compare what files mark as no data (a tag, a mask, a missing tile) with the counts."""
    product = region.product
    for place, (epoch, raster) in enumerate(zip(region.epochs, rasters, strict=True)):
        tags = {tile.layout.nodata for tile in raster.tiles} & product.valid
        for tag in sorted(tag for tag in tags if tag is not None):
            if census.codes[place, tag]:
                yield Finding(
                    "warning",
                    epoch.landcover,
                    f"its nodata tag is {tag}, which [product] counts as valid",
                    pixels(census.codes[place, tag]),
                    f"if {tag} is no data, move it from [product] valid to nodata; else remove the "
                    "tag with gdal_edit.py -unsetnodata",
                )
        if any(tile.layout.has_mask for tile in raster.tiles):
            yield Finding(
                "info", epoch.landcover, "pixels that its mask or alpha band hides are no data"
            )
        if census.uncovered[place]:
            yield Finding(
                "info",
                epoch.landcover,
                f"{pixels(census.uncovered[place])} of the frame have no tile and are no data",
            )


def check_density(region: Region, census: Census) -> Iterator[Finding]:
    """Warn of per cent sealed given as classes, which a threshold would count, and the reverse."""
    product = region.product
    if product.is_density:
        yield from _check_percent(region, census)
        return
    for place, epoch in enumerate(region.epochs):
        present = np.flatnonzero(census.codes[place, :256])
        within = set(present.tolist()) <= {*range(101), *range(250, 256)}
        is_named = DENSITY_NAME.search(epoch.landcover.rsplit("/", 1)[-1]) is not None
        if within and (is_named or len(product.sealed & {*range(1, 101)}) > DENSITY_CODES):
            yield Finding(
                "warning",
                epoch.landcover,
                "looks like an imperviousness density, 0 to 100 % of each pixel",
                f"codes {_ranges(present.tolist())}",
                "as a class map it is counted by threshold: every pixel of [product] sealed counts "
                "whole, whatever its density; to add up densities write [product] name = "
                f"'{IMPERVIOUSNESS.name}'",
            )


def _check_percent(region: Region, census: Census) -> Iterator[Finding]:
    """Warn where maps of densities hold no or few values between nothing and all."""
    refused = change_layers(region, census)
    for place, epoch in enumerate(region.epochs):
        percent = census.codes[place, : FULL + 1]
        between = np.flatnonzero(percent[1:FULL]) + 1
        sealed = int(percent[1:].sum())
        if place in refused or not sealed:
            continue
        share = percent[between].sum() / sealed
        present = np.flatnonzero(percent).tolist()
        values = _ranges(present)
        is_worldcover = len(present) > 2 and WORLDCOVER.valid.issuperset(present)
        if share < LEAST_BETWEEN or between.max() < LEAST_PERCENT or is_worldcover:
            yield Finding(
                "warning",
                epoch.landcover,
                "looks like a map of classes, not of the sealed per cent of each pixel",
                f"{share:.1%} of its sealed pixels lie between 1 and 99; codes {values}",
                "if these are classes, write [product] name = 'custom' with sealed and valid, or "
                "the name of the product",
            )
        elif len(between) < FEWEST_DENSITIES and sealed >= MANY_PIXELS:
            yield Finding(
                "info",
                epoch.landcover,
                f"holds only {len(between)} densities between 1 and 99",
                f"codes {values}",
                "check that they were not grouped into ranges",
            )


def check_change(region: Region, pairs: Sequence[PairFigures]) -> Iterator[Finding]:
    """Warn where sealed area changes faster than soil is sealed."""
    for pair in pairs:
        if not (pair.sealed_first and pair.sealed_second):
            continue
        change = pair.sealed_second / pair.sealed_first - 1.0
        yearly = abs(change) / (pair.second - pair.first)
        if yearly > PLAUSIBLE_YEARLY_CHANGE:
            yield Finding(
                "warning",
                region.id,
                f"sealed area changes by {change:+.1%} from {pair.first} to {pair.second}, "
                "faster than soil is sealed",
                f"{pair.sealed_first:,} to {pair.sealed_second:,} pixels",
                "check that both maps were made by the same method; see Methodology",
            )


def check_same(region: Region, census: Census, pairs: Sequence[PairFigures]) -> Iterator[Finding]:
    """Warn where two years look like one map: no pixel changed, all classes of the same size."""
    places = {epoch.year: place for place, epoch in enumerate(region.epochs)}
    for pair in pairs:
        first, second = places[pair.first], places[pair.second]
        alike = (census.codes[first] == census.codes[second]).all()
        if pair.common and alike and not (pair.gained or pair.lost):
            yield Finding(
                "warning",
                region.epochs[second].landcover,
                f"{pair.second} does not differ from {pair.first} in any pixel",
                f"{pair.common:,} pixels",
                "check that it is not the same map under two names",
            )


def check_coverage(
    region: Region, census: Census, years: Sequence[YearFigures], grid: Grid
) -> Iterator[Finding]:
    """Warn when the common valid mask takes much of a year's land, with how to split the region.

    Water does not count: the sea before a coast is Water in CLC+ Backbone 2018, 253 afterwards.
    """
    land = [_land(region, year) for year in years]
    if not min(land):
        return
    lost = [1.0 - kept / whole for kept, whole in zip(census.land.tolist(), land, strict=True)]
    narrow, worst = int(np.argmin(land)), int(np.argmax(lost))
    if lost[worst] <= LOST_SHARE:
        return
    if not census.common:
        yield Finding(
            "error",
            region.id,
            "no pixel is valid in every year",
            ", ".join(f"{year.year} has {year.valid:,}" for year in years),
            "check that all years cover the same place",
        )
        return
    others = [str(year.year) for year in years if year is not years[narrow]]
    window = [float(f"{edge:.12g}") for edge in _bounds(grid, census.extents[narrow])]
    yield Finding(
        "warning",
        region.epochs[narrow].landcover,
        f"{years[narrow].year} covers less: counting only what is valid in every year drops "
        f"{lost[worst]:.1%} of the land of {years[worst].year}",
        f"{census.land[worst]:,} of {land[worst]:,} land pixels are kept",
        f"to keep the rest, make two regions: one with {' and '.join(others)}, and one with all "
        f"years and [region] window = {window}",
    )


def _land(region: Region, year: YearFigures) -> int:
    land = region.product.valid - region.product.water
    return sum(year.codes.get(code, 0) for code in land)


def _bounds(grid: Grid, extent: Extent) -> Box:
    top, left, bottom, right = extent
    return grid.subgrid(Window(top, left, bottom - top, right - left)).bounds


def check_mask(subject: str, counts: Integers, allowed: frozenset[int]) -> Iterator[Finding]:
    """Check that a mask, of which ``counts`` are the pixels by value, holds only what it may."""
    wrong = [int(value) for value in np.flatnonzero(counts) if int(value) not in allowed]
    if wrong:
        yield Finding(
            "error",
            subject,
            f"holds values that this mask never has: {_ranges(wrong)}",
            f"{pixels(counts[wrong].sum())}; allowed are {_ranges(allowed)}",
            "check that the right file is named",
        )


def _ranges(codes: Iterator[int] | Sequence[int] | frozenset[int] | dict[int, int]) -> str:
    """Return codes as text, runs joined.

    >>> _ranges([1, 2, 3, 7, 254, 255])
    '1 to 3, 7, 254, 255'
    """
    runs: list[list[int]] = []
    for code in sorted(codes):
        if runs and code == runs[-1][-1] + 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    spans = [f"{r[0]} to {r[-1]}" if len(r) > 2 else ", ".join(map(str, r)) for r in runs]
    return ", ".join(spans) or "none"
