"""What a pass over the pixels of all years counts: codes, joint land and sealed, extents.

Counts of blocks add up. ``take_census`` makes a pass of its own; where a region is read anyway,
``census_of`` derives the same from the pixels of each joint class that a block holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np

from hexseal.products import Product
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Window
from hexseal.raster.joint import DOES_NOT_COUNT, UNKNOWN, ClassJoiner, TooManyCodesError
from hexseal.raster.landcover import Landcover
from hexseal.region.load import Region
from hexseal.types import Bytes, Flags, Int16s, Integers, UInt16s

CODES = 256
# The sums of a census that are arrays.
SUMS = ("codes", "land", "sealed", "gained", "lost")
# Edges of what is valid: first row, first column, end row, end column.
Extent = tuple[int, int, int, int]
# Places of the years of a pair among those of the region.
Places = tuple[int, int]


@dataclass(slots=True)
class Census:
    """What was counted of several rasters on one grid.

    ``codes`` has one row per raster and one column per code. ``common`` pixels are valid in all
    rasters; of these ``land`` and ``sealed`` count each raster's, ``gained`` and ``lost`` those of
    each pair of years, of densities in per cent of a pixel. ``first`` is where (row, column) an
    unknown code stands first.
    ``uncovered`` counts the pixels of each raster that no tile covers. ``masks`` counts the values
    of other layers by their address, of those that were read along.
    """

    codes: Integers
    land: Integers
    sealed: Integers
    gained: Integers
    lost: Integers
    common: int = 0
    first: dict[Places, Places] = field(default_factory=dict)
    extents: dict[int, Extent] = field(default_factory=dict)
    uncovered: list[int] = field(default_factory=list)
    masks: dict[str, Integers] = field(default_factory=dict)

    @classmethod
    def none(cls, years: int, pairs: int) -> "Census":
        """Return the census of no pixels."""
        by_year, by_pair = (np.zeros(count, np.int64) for count in (years, pairs))
        return cls(
            np.zeros((years, CODES), np.int64), by_year, by_year.copy(), by_pair, by_pair.copy()
        )

    def add(self, other: "Census") -> None:
        """Add what was counted elsewhere."""
        for name in (*SUMS, "common"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, here in other.first.items():
            self.first[key] = min(here, self.first.get(key, here))
        for place, (top, left, bottom, right) in other.extents.items():
            old = self.extents.get(place, (top, left, bottom, right))
            self.extents[place] = (
                min(old[0], top), min(old[1], left), max(old[2], bottom), max(old[3], right),
            )  # fmt: skip
        for address, counts in other.masks.items():
            self.masks[address] = self.masks.get(address, 0) + counts

    def move(self, rows: int, columns: int) -> None:
        """Count rows and columns from another place, so many before the first."""
        self.first = {key: (row + rows, column + columns) for key, (row, column) in
                      self.first.items()}  # fmt: skip
        self.extents = {
            place: (top + rows, left + columns, bottom + rows, right + columns)
            for place, (top, left, bottom, right) in self.extents.items()
        }

    def leave_out_uncovered(self, rasters: Sequence[Landcover], frame: Window) -> None:
        """Note what no tile covers; it was filled by the reading: no file has these codes."""
        for place, raster in enumerate(rasters):
            self.uncovered.append(raster.uncovered(frame))
            self.codes[place, raster.fill] -= self.uncovered[place]

    def to_facts(self) -> dict[str, Any]:
        """Return the census as JSON holds it."""
        return {
            **{name: getattr(self, name).tolist() for name in SUMS},
            "common": self.common,
            "first": [[*key, *here] for key, here in self.first.items()],
            "extents": [[place, *extent] for place, extent in self.extents.items()],
            "masks": {address: counts.tolist() for address, counts in self.masks.items()},
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Census":
        """Return what ``to_facts`` returned."""
        return cls(
            *(np.array(facts[name], np.int64) for name in SUMS),
            common=facts["common"],
            first={(place, code): (row, column) for place, code, row, column in facts["first"]},
            extents={place: (a, b, c, d) for place, a, b, c, d in facts["extents"]},
            masks={name: np.array(counts, np.int64) for name, counts in facts["masks"].items()},
        )


def take_census(
    rasters: Sequence[Landcover], region: Region, frame: Window, progress: Progress = no_progress
) -> Census:
    """Count codes of all rasters of a region, one per year on one grid, block by block.

    Memory does not grow with the raster. Raises InputError where a file cannot be read.
    """
    census = Census.none(len(rasters), len(region.pairs))
    joiner, pairs = ClassJoiner(region.product), places_of(region)
    pieces = frame.cut(rasters[0].block_shape)
    for done, (window, bands) in enumerate(_read_ahead(rasters, pieces), 1):
        for found in _count(joiner, region.product, pairs, bands, window):
            census.add(found)
        progress("check", done, len(pieces))
    return census


def places_of(region: Region) -> tuple[Places, ...]:
    """Return the places of each pair's years."""
    years = region.years
    return tuple((years.index(first), years.index(second)) for first, second in region.pairs)


def _read_ahead(
    rasters: Sequence[Landcover], pieces: Sequence[Window]
) -> Iterator[tuple[Window, tuple[Bytes, ...]]]:
    """Yield every window with its bands; the next one is read on a thread of its own."""

    def read(window: Window) -> tuple[Bytes, ...]:
        return tuple(raster.read(window) for raster in rasters)

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(read, pieces[0])
        for place, window in enumerate(pieces):
            bands = coming.result()
            if place + 1 < len(pieces):
                coming = pool.submit(read, pieces[place + 1])
            yield window, bands


def _count(
    joiner: ClassJoiner,
    product: Product,
    pairs: Sequence[Places],
    bands: tuple[Bytes, ...],
    window: Window,
) -> Iterator[Census]:
    """Yield the census of a window, of its rows one by one where it has too many classes."""
    try:
        joint = joiner.join(bands)
    except TooManyCodesError:
        for row in range(window.height):
            part = Window(window.row + row, window.column, 1, window.width)
            rows = tuple(np.ascontiguousarray(band[row : row + 1]) for band in bands)
            yield from _count(joiner, product, pairs, rows, part)
        return
    pixels = histogram(joint.codes, len(joint.classes))
    yield census_of(product, pairs, bands, (joint.classes, pixels), window)


def census_of(
    product: Product,
    pairs: Sequence[Places],
    bands: tuple[Bytes, ...],
    joint: tuple[Int16s, Integers],
    window: Window,
) -> Census:
    """Return the census of a block from its joint classes (see ``JointClasses``) and their pixels.

    ``bands`` hold the codes of every year, shape of the ``window``; they are looked at only where
    a year has codes that do not count.
    """
    seen = joint[1] > 0
    classes, pixels = joint[0][seen].astype(np.int64), joint[1][seen]
    census = Census.none(len(bands), len(pairs))
    counts = (classes != DOES_NOT_COUNT) & (classes != UNKNOWN)
    valid, known = (_table(codes) for codes in (product.valid, product.known))
    for place, band in enumerate(bands):
        if counts[:, place].all():
            np.add.at(census.codes[place], classes[:, place], pixels)
            edges = 0, 0, window.height, window.width
        else:
            census.codes[place] = histogram(band, CODES)
            edges = tuple(_edges(band, valid).tolist())
        if edges[2]:
            top, left, bottom, right = edges
            census.extents[place] = (
                top + window.row, left + window.column, bottom + window.row, right + window.column,
            )  # fmt: skip
        for code in np.flatnonzero(~known & (census.codes[place] > 0)).tolist():
            row, column = np.unravel_index(int(np.argmax(band == code)), band.shape)
            census.first[place, code] = int(row) + window.row, int(column) + window.column
    common = counts.all(axis=1)
    _compare(census, product, pairs, classes[common], pixels[common])
    return census


def _compare(
    census: Census, product: Product, pairs: Sequence[Places], classes: Integers, pixels: Integers
) -> None:
    """Add land and sealed pixels within the common mask, of densities in per cent of a pixel."""
    census.common = int(pixels.sum())
    is_land, is_sealed = _table(product.valid - product.water), _table(product.sealed)
    census.land += (is_land[classes] * pixels[:, None]).sum(axis=0)
    amount = classes if product.is_density else is_sealed[classes].astype(np.int64)
    census.sealed += (amount * pixels[:, None]).sum(axis=0)
    for place, (first, second) in enumerate(pairs):
        rise = amount[:, second] - amount[:, first]
        census.gained[place] += (np.maximum(rise, 0) * pixels).sum()
        census.lost[place] -= (np.minimum(rise, 0) * pixels).sum()


def _table(codes: frozenset[int]) -> Flags:
    return np.isin(np.arange(CODES), sorted(codes))


@numba.njit(cache=True, nogil=True)
def histogram(codes: Bytes | UInt16s, count: int) -> Integers:
    """Return how often each code below ``count`` occurs in an array of two dimensions."""
    # Four tallies in turn, so that equal neighbours do not wait.
    tally = np.zeros((4, count), np.int64)
    for row in range(codes.shape[0]):
        for column in range(codes.shape[1]):
            tally[column & 3, codes[row, column]] += 1
    return tally.sum(axis=0)


@numba.njit(cache=True, nogil=True)
def _edges(band: Bytes, valid: Flags) -> Integers:
    """Return the half-open rows and columns that hold valid pixels; all 0 where there are none."""
    height, width = band.shape
    edges = np.zeros(4, np.int64)
    for row in range(height):
        first, last = 0, width
        while first < width and not valid[band[row, first]]:
            first += 1
        if first == width:
            continue
        while not valid[band[row, last - 1]]:
            last -= 1
        if edges[2] == 0:
            edges[0], edges[1], edges[3] = row, first, last
        edges[1], edges[3] = min(edges[1], first), max(edges[3], last)
        edges[2] = row + 1
    return edges
