"""The quiet ground of the map: the region's own land cover in a few tints, for looking only.

Each pixel of a tile shows the commonest class among the raster pixels around its centre, so that
single pixels do not flicker; sealed pixels and water are kept as they are. No figure is made from
tiles. The page puts in the colours of its theme by replacing the palette, as it does for pixels.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pmtiles.tile import TileType

from hexseal.products import Product
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Window
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Region
from hexseal.tiles.archives import write_archive
from hexseal.tiles.codes import encode
from hexseal.tiles.mercator import TILE_PIXELS, MercatorTile, bounds_of, tiles_over, view_of
from hexseal.tiles.pixels import pixel_zooms

Bytes = NDArray[np.uint8]
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
    with YearStack(region, frame) as reader:

        def paint(tile: MercatorTile) -> Bytes | None:
            view = view_of(grid, tile)
            if view is None:
                return None
            numbers = view.paint(_last_year(reader, view.window, table), OUTSIDE)
            return numbers if numbers.any() else None

        return write_archive(
            archive,
            iter(_pyramid(paint, tiles_over(bounds, zooms[-1]), zooms, workers, progress)),
            kind=TileType.PNG,
            bounds=bounds,
            metadata={"name": f"{region.id} ground", "attribution": region.attribution},
        )


def _pyramid(
    paint: Callable[[MercatorTile], Bytes | None],
    finest: Sequence[MercatorTile],
    zooms: range,
    workers: int | None,
    progress: Progress,
) -> list[tuple[int, bytes]]:
    """Return id and content of every tile by id; each coarser tile is made of its four parts."""
    tiles: dict[int, bytes] = {}
    level: dict[MercatorTile, Bytes] = {}
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for done, (tile, numbers) in enumerate(zip(finest, pool.map(paint, finest), strict=True)):
            if numbers is not None:
                tiles[tile.id] = encode(numbers, PALETTE)
                _put(level, tile, numbers)
            progress("tiles", done + 1, len(finest))
        for _ in zooms[1:]:
            parents, level = level, {}
            encoded = pool.map(lambda numbers: encode(numbers, PALETTE), parents.values())
            for (tile, numbers), content in zip(parents.items(), encoded, strict=True):
                tiles[tile.id] = content
                _put(level, tile, numbers)
    return sorted(tiles.items())


def _put(level: dict[MercatorTile, Bytes], tile: MercatorTile, numbers: Bytes) -> None:
    """Put a tile at half its size into its place in the tile above."""
    parent = MercatorTile(tile.zoom - 1, tile.x // 2, tile.y // 2)
    whole = level.setdefault(parent, np.zeros((TILE_PIXELS, TILE_PIXELS), np.uint8))
    half = TILE_PIXELS // 2
    row, column = half * (tile.y % 2), half * (tile.x % 2)
    whole[row : row + half, column : column + half] = halved(numbers)


def halved(numbers: Bytes) -> Bytes:
    """Return one pixel for four: what at least two of them are, else the first of them.

    >>> halved(np.array([[2, 6], [4, 6]], np.uint8)).tolist()
    [[6]]
    """
    one, two, three, four = (numbers[r::2, c::2] for r in (0, 1) for c in (0, 1))
    pair = np.where((two == three) | (two == four), two, np.where(three == four, three, one))
    return np.where((one == two) | (one == three) | (one == four), one, pair)


def ground_zooms(region: Region) -> range:
    """Return the zooms of the ground, without those that hold too many tiles."""
    grid, _ = region_grid(region)
    last = pixel_zooms(grid, DETAIL)[-1]
    while last > 0 and len(tiles_over(bounds_of(grid), last)) > MOST_TILES:
        last -= 1
    return range(max(0, last - ZOOMS + 1), last + 1)


def _last_year(reader: YearStack, window: Window, table: Bytes) -> Bytes:
    """Return the ground of a window: of the last year, or of one before where it has no data."""
    *earlier, last = (table[classes] for classes in reader.read(window))
    for ground in reversed(earlier):
        last = np.where(last == OUTSIDE, ground, last)
    return smoothed(last)


def smoothed(ground: Bytes) -> Bytes:
    """Set each pixel of vegetation or bare land to the commonest such class of its nine.

    >>> smoothed(np.array([[2, 2, 2], [2, 4, 2], [6, 2, 1]], np.uint8)).tolist()
    [[2, 2, 2], [2, 2, 2], [6, 2, 1]]
    """
    padded = np.pad(ground, 1, mode="edge")
    most = np.zeros(ground.shape, np.uint8)
    best = np.full(ground.shape, OUTSIDE, np.uint8)
    for kind in (GRASS, CROP, WOOD, BARE):
        here = (padded == kind).astype(np.uint8)
        rows = here[:-2] + here[1:-1] + here[2:]
        count = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
        is_more = count > most
        most[is_more], best[is_more] = count[is_more], kind
    soft = (ground >= GRASS) & (ground <= BARE)
    return np.where(soft, best, ground)
