"""The maps at the places of a reference sample: one windowed pass over the years that it needs.

Strata of the sample may be classes of the map under another name.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from hexseal.accuracy.estimators import CHANGE_CLASSES, change_labels
from hexseal.accuracy.points import ReferenceSample
from hexseal.errors import InputError
from hexseal.products import Product
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window, to_lonlat
from hexseal.raster.joint import DOES_NOT_COUNT, ClassJoiner
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Region
from hexseal.types import Bytes, Doubles, Flags, Integers, Strings

OUTSIDE = -1


@dataclass(frozen=True, slots=True, eq=False)
class MapSurvey:
    """The maps of ``years``: the area of every combination of classes, and the points' classes.

    ``classes`` has one row per combination and one column per year; ``points`` one row per point.
    Pixels and points without a valid class are DOES_NOT_COUNT, points off the maps OUTSIDE.
    """

    years: tuple[int, ...]
    classes: Integers
    area_m2: Doubles
    points: Integers

    def column(self, year: int) -> tuple[Integers, Integers]:
        """Return the classes of one year: of the combinations and of the points."""
        place = self.years.index(year)
        return self.classes[:, place], self.points[:, place]


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """Rows and columns of points on the region's grid, and which point of the sample each is."""

    row: Integers
    column: Integers
    number: Integers

    def within(self, window: Window) -> "_Points":
        row, column = self.row - window.row, self.column - window.column
        here = (row >= 0) & (row < window.height) & (column >= 0) & (column < window.width)
        return _Points(row[here], column[here], self.number[here])


def survey_maps(
    region: Region,
    sample: ReferenceSample,
    years: tuple[int, ...],
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> MapSurvey:
    """Count the areas of the maps of ``years`` and read their classes at the sample's points.

    A point belongs to the pixel that it lies in, its left and upper edge included. Raises
    InputError when no point lies in the region.
    """
    grid, frame = region_grid(region)
    counter = _Counter(grid, ClassJoiner(region.product), _place(sample, grid))
    points = np.full((len(sample), len(years)), OUTSIDE, dtype=np.int64)
    area: defaultdict[tuple[int, ...], float] = defaultdict(float)
    addresses = [epoch.landcover for epoch in region.epochs if epoch.year in years]
    with YearStack(region, frame, addresses=addresses) as reader:
        windows = reader.windows()
        pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
        try:
            found = pool.map(lambda window: counter.count(window, reader.read(window)), windows)
            for done, counts in enumerate(found, 1):
                points[counts.points] = counts.point_classes
                for classes, m2 in zip(counts.classes.tolist(), counts.area_m2, strict=True):
                    area[tuple(classes)] += float(m2)
                progress("accuracy", done, len(windows))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    keys = sorted(area)
    classes = np.array(keys, dtype=np.int64).reshape(-1, len(years))
    survey = MapSurvey(years, classes, np.array([area[key] for key in keys]), points)
    return survey if sample.form != "pairs" else _paired(survey, sample)


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """What one window holds; ``points`` are numbers of points of the sample."""

    classes: Integers
    area_m2: Doubles
    points: Integers
    point_classes: Integers


@dataclass(frozen=True, slots=True, eq=False)
class _Counter:
    """Count windows of one grid; safe to share between threads."""

    grid: Grid
    joiner: ClassJoiner
    points: _Points

    def count(self, window: Window, bands: tuple[Bytes, ...]) -> _Counts:
        joint = self.joiner.join(bands)
        m2 = _areas(self.grid, window, joint.codes, len(joint.classes))
        seen = m2 > 0
        self.joiner.refuse_unknown(bands, joint.classes[seen])
        here = self.points.within(window)
        classes = joint.classes.astype(np.int64)
        at_points = classes[joint.codes[here.row, here.column]]
        return _Counts(classes[seen], m2[seen], here.number, at_points)


def _paired(survey: MapSurvey, sample: ReferenceSample) -> MapSurvey:
    """Put the classes that the sample itself holds in the place of those read."""
    nothing = np.full(len(sample), DOES_NOT_COUNT)
    mapped = [sample.mapped.get(year, nothing) for year in survey.years]
    points = np.stack(mapped, axis=1)
    return replace(survey, points=np.where(points < 0, DOES_NOT_COUNT, points))


def _place(sample: ReferenceSample, grid: Grid) -> _Points:
    """Return the pixels of the points that lie on the grid; InputError when none does."""
    if sample.xy is None:
        return _Points(*np.zeros((3, 0), dtype=np.int64))
    x, y = sample.xy
    row, column, inside = _pixels(grid, sample.crs, x, y)
    if not inside.any():
        raise InputError(f"{sample.path}: none of {len(sample)} points lies in the region; "
                         + _hint(sample, grid))  # fmt: skip
    number = np.flatnonzero(inside)
    return _Points(row[number], column[number], number)


def _pixels(grid: Grid, crs: str, x: Doubles, y: Doubles) -> tuple[Integers, Integers, Flags]:
    if not _grid_of(crs).has_crs_of(grid):
        x, y = grid.from_lonlat(*to_lonlat(crs, x, y))
    columns, rows = grid.places(x, y)
    # Whole numbers are pixel centres; beyond the grid anything will do.
    columns, rows = (
        np.floor(np.clip(np.nan_to_num(places, nan=-9.0), -9.0, 1e9) + 0.5).astype(np.int64)
        for places in (columns, rows)
    )
    inside = (rows >= 0) & (rows < grid.height) & (columns >= 0) & (columns < grid.width)
    return rows, columns, inside


def _grid_of(crs: str) -> Grid:
    """Return a grid that stands for its CRS."""
    return Grid(crs, Affine(1.0, 0.0, 0.0, 0.0, -1.0, 0.0), 1, 1)


def _hint(sample: ReferenceSample, grid: Grid) -> str:
    """Suggest what may be wrong with coordinates that lie elsewhere."""
    assert sample.xy is not None
    x, y = sample.xy
    if _grid_of(sample.crs).is_geographic and (np.abs(x).max() > 180 or np.abs(y).max() > 360):
        return f"x = {x[0]:g}, y = {y[0]:g} are not degrees: give their CRS with --crs"
    if _pixels(grid, sample.crs, y, x)[2].any():
        return f"x = {x[0]:g}, y = {y[0]:g} seem to be swapped: exchange the two columns"
    return (
        f"x is {x.min():g} to {x.max():g}, y {y.min():g} to {y.max():g} in {sample.crs}, "
        f"the region is {grid}; check --crs"
    )


def _areas(grid: Grid, window: Window, codes: NDArray[np.uint16], count: int) -> Doubles:
    """Return the true area in m² of each code of a window.

    Where the projection is not equal-area, a row's pixels count as the one in its middle.
    """
    if grid.is_equal_area:
        pixels = np.bincount(codes.ravel(), minlength=count)
        return pixels.astype(np.float64) * grid.nominal_pixel_area_m2
    rows = np.arange(window.row, window.row + window.height)
    middle = np.full(rows.shape, window.column + window.width // 2)
    pixel = np.repeat(grid.pixel_areas_m2(rows, middle), window.width)
    return np.bincount(codes.ravel(), pixel, count).astype(np.float64)


def plain(name: str) -> str:
    """Return a stratum's name as the map would write it.

    >>> plain(" 1.0 "), plain("Gain")
    ('1', 'gain')
    """
    return re.sub(r"^(\d+)\.0*$", r"\1", name.strip().lower())


def possible_strata(
    sample: ReferenceSample, survey: MapSurvey, product: Product
) -> Iterator[tuple[Strings, Strings]]:
    """Yield namings of the maps' combinations and of the points: classes, sealed or not, change."""
    for year in survey.years:
        columns = survey.column(year)
        yield _named(columns, str)
        if not (sample.is_binary and sample.form == "pairs"):
            yield _named(columns, lambda code: "sealed" if code in product.sealed else "unsealed")
    for pair in combinations(survey.years, 2):
        before, after = (survey.column(year) for year in pair)
        maps, points = (
            np.array(CHANGE_CLASSES)[change_labels(old, new, product.sealed)]
            for old, new in zip(before, after, strict=True)
        )
        yield maps, points


def first_of_each(strata: list[str], used: Integers) -> list[int]:
    """Return the first used row of every stratum.

    >>> first_of_each(["a", "b", "a"], np.array([1, 2, 0]))
    [1, 2]
    """
    first: dict[str, int] = {}
    for row in used.tolist():
        first.setdefault(strata[row], row)
    return list(first.values())


def _named(
    columns: tuple[Integers, Integers], name: Callable[[int], str]
) -> tuple[Strings, Strings]:
    maps, points = (np.array([name(code) for code in part.tolist()]) for part in columns)
    return maps, points
