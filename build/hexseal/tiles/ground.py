"""The quiet ground of the map: the region's own land cover in a few tints, for looking only.

Each pixel of a tile shows the commonest class among the raster pixels around its centre, so that
single pixels do not flicker; sealed pixels and water are kept as they are. No figure is made from
tiles. The page puts in the colours of its theme by replacing the palette, as it does for pixels.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
from pmtiles.tile import TileType

from hexseal.products import Product
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Window
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Region
from hexseal.tiles.archives import Spool, write_archive
from hexseal.tiles.codes import encode
from hexseal.tiles.mercator import (
    TILE_PIXELS,
    MercatorTile,
    bounds_of,
    parts_of,
    tiles_over,
    view_of,
)
from hexseal.tiles.pixels import pixel_zooms
from hexseal.types import Box, Bytes

# The order of GROUND_CLASSES in site_template/src/map/palette.ts.
OUTSIDE, WATER, GRASS, CROP, WOOD, BARE, SEALED = range(7)
# As other programs see the tiles: the colours of the light theme.
PALETTE = bytes.fromhex("f6f5f2 bad2dd f2f5ea f7f4ea e5eddc f3eee4 a39c98".replace(" ", ""))
# A density below this per cent has the tint of bare ground.
LEAST_SEALED = 30
# Codes of the known products by what they are on the ground; what is not named is grass.
TINTS = {
    "clcplus": {WOOD: (2, 3, 4, 5), CROP: (7,), BARE: (8, 9, 11)},
    "imperviousness": {BARE: tuple(range(1, LEAST_SEALED))},
    "worldcover": {WOOD: (10, 20, 95), CROP: (40,), BARE: (60, 70, 100)},
}
# A tile's pixel is about as large as a raster's; more is seen by zooming into single pixels.
DETAIL = 1.0
# Down to where a region fills a phone: each coarser zoom has a quarter of the tiles.
ZOOMS = 9
# Tiles of so large a region would take longer than its figures: the finest zooms are left out.
MOST_TILES = 2_000
# A thread makes a tile that is so many zooms above the finest, with all tiles below it.
TREE_ZOOMS = 2


class Tree(NamedTuple):
    """A tile at half its size, None where it shows nothing; id and content of it and its parts."""

    half: Bytes | None
    contents: list[tuple[int, bytes]]


def ground_table(product: Product) -> Bytes:
    """Return the ground of each code of a product, shape (256,).

    >>> from hexseal.products import CLCPLUS
    >>> table = ground_table(CLCPLUS)
    >>> [int(table[code]) for code in (1, 3, 6, 7, 9, 10, 255)]
    [6, 4, 2, 3, 5, 1, 0]
    """
    table = np.full(256, OUTSIDE, np.uint8)
    table[sorted(product.valid)] = GRASS
    table[sorted(product.sealed)] = SEALED
    for ground, codes in TINTS.get(product.name, {}).items():
        table[list(codes)] = ground
    table[sorted(product.water)] = WATER
    return table


def write_ground(
    region: Region,
    archive: Path,
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> int:
    """Write the land cover of the last year as tiles; return the number of tiles."""
    grid, frame = region_grid(region)
    table, zooms, bounds = ground_table(region.product), ground_zooms(region), bounds_of(grid)
    with ExitStack() as stack:
        # The last year first: one before it is read only where it has no data.
        years = [
            stack.enter_context(YearStack(region, frame, addresses=[epoch.landcover]))
            for epoch in reversed(region.epochs)
        ]

        def paint(tile: MercatorTile) -> Bytes | None:
            view = view_of(grid, tile)
            if view is None:
                return None
            numbers = view.paint(_last_year(years, view.window, table), OUTSIDE)
            return numbers if numbers.any() else None

        contents: Spool[int] = stack.enter_context(Spool(archive.parent))
        for tile, content in _pyramid(paint, bounds, zooms, workers, progress):
            contents.add(tile, content)
        return write_archive(
            archive,
            contents.sorted(),
            kind=TileType.PNG,
            bounds=bounds,
            metadata={"name": f"{region.id} ground", "attribution": region.attribution},
        )


def _pyramid(
    paint: Callable[[MercatorTile], Bytes | None],
    bounds: Box,
    zooms: range,
    workers: int | None,
    progress: Progress,
) -> Iterator[tuple[int, bytes]]:
    """Yield id and content of every tile, each after the four finer ones that it is made of.

    A thread makes all tiles below one of a coarser zoom, depth first, and so holds one tile of
    each zoom only.
    """
    finest = {tile.id for tile in tiles_over(bounds, zooms[-1])}

    def whole(tile: MercatorTile, below: Callable[[MercatorTile], Tree]) -> Tree:
        trees = [below(part) for part in parts_of(tile)]
        numbers = _joined([tree.half for tree in trees])
        return _tree(tile, numbers, [content for tree in trees for content in tree.contents])

    def grown(tile: MercatorTile) -> Tree:
        if tile.zoom < zooms[-1]:
            return whole(tile, grown)
        return _tree(tile, paint(tile) if tile.id in finest else None, [])

    cut = max(zooms[0], zooms[-1] - TREE_ZOOMS)
    level = tiles_over(bounds, cut)
    known: dict[MercatorTile, Tree] = {}
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for tile, tree in zip(level, pool.map(grown, level), strict=True):
            yield from tree.contents
            known[tile] = Tree(tree.half, [])
            progress("tiles", len(known), len(level))
    for zoom in range(cut - 1, zooms[0] - 1, -1):
        for tile in tiles_over(bounds, zoom):
            tree = whole(tile, lambda part: known.pop(part, Tree(None, [])))
            yield from tree.contents
            known[tile] = Tree(tree.half, [])


def _tree(tile: MercatorTile, numbers: Bytes | None, below: list[tuple[int, bytes]]) -> Tree:
    if numbers is None:
        return Tree(None, below)
    return Tree(halved(numbers), [*below, (tile.id, encode(numbers, PALETTE))])


def _joined(halves: Sequence[Bytes | None]) -> Bytes | None:
    """Return a tile of its four parts at half their size, None where all are missing."""
    if all(half is None for half in halves):
        return None
    empty = np.full((TILE_PIXELS // 2, TILE_PIXELS // 2), OUTSIDE, np.uint8)
    one, two, three, four = (empty if half is None else half for half in halves)
    return np.block([[one, two], [three, four]])


@numba.njit(cache=True, nogil=True)
def halved(numbers: Bytes) -> Bytes:
    """Return one pixel for four: what at least two of them are, else the first of them.

    >>> halved(np.array([[2, 6], [4, 6]], np.uint8)).tolist()
    [[6]]
    """
    half = np.empty((numbers.shape[0] // 2, numbers.shape[1] // 2), np.uint8)
    for y in range(half.shape[0]):
        for x in range(half.shape[1]):
            one, two = numbers[2 * y, 2 * x], numbers[2 * y, 2 * x + 1]
            three, four = numbers[2 * y + 1, 2 * x], numbers[2 * y + 1, 2 * x + 1]
            kind = one
            if one not in (two, three, four):
                if two in (three, four):
                    kind = two
                elif three == four:
                    kind = three
            half[y, x] = kind
    return half


def ground_zooms(region: Region) -> range:
    """Return the zooms of the ground, without those that hold too many tiles."""
    grid, _ = region_grid(region)
    last = pixel_zooms(grid, DETAIL)[-1]
    while last > 0 and len(tiles_over(bounds_of(grid), last)) > MOST_TILES:
        last -= 1
    return range(max(0, last - ZOOMS + 1), last + 1)


def _last_year(years: Sequence[YearStack], window: Window, table: Bytes) -> Bytes:
    """Return the ground of a window: of the last year, or of one before where it has no data.

    ``years`` has the last year first.
    """
    ground = np.zeros((window.height, window.width), np.uint8)
    for year in years:
        missing = ground == OUTSIDE
        if not missing.any():
            break
        (classes,) = year.read(window)
        ground = np.where(missing, table[classes], ground)
    return smoothed(ground)


@numba.njit(cache=True, nogil=True)
def smoothed(ground: Bytes) -> Bytes:
    """Set each pixel of vegetation or bare land to the commonest such class of its nine.

    >>> smoothed(np.array([[2, 2, 2], [2, 4, 2], [6, 2, 1]], np.uint8)).tolist()
    [[2, 2, 2], [2, 2, 2], [6, 2, 1]]
    """
    height, width = ground.shape
    # How often each kind stands among the nine: a byte of a whole number for each.
    ones = np.zeros(256, np.uint32)
    for kind in range(GRASS, BARE + 1):
        ones[kind] = 1 << (8 * (kind - GRASS))
    result = np.empty((height, width), np.uint8)
    columns = np.empty(width + 2, np.uint32)
    for y in range(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            columns[x + 1] = ones[ground[above, x]] + ones[ground[y, x]] + ones[ground[below, x]]
        columns[0], columns[width + 1] = columns[1], columns[width]
        for x in range(width):
            here = ground[y, x]
            if GRASS <= here <= BARE:
                counts = columns[x] + columns[x + 1] + columns[x + 2]
                most = np.uint32(0)
                for kind in range(GRASS, BARE + 1):
                    count = counts & np.uint32(255)
                    counts >>= np.uint32(8)
                    if count > most:
                        most, here = count, np.uint8(kind)
            result[y, x] = here
    return result
