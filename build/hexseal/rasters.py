"""Land-cover rasters: opening them safely, reading windows, comparing grids."""

import glob
import logging
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.env import set_gdal_config
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterioWindow

from hexseal.config import Epoch, is_remote
from hexseal.errors import GridMismatchError, InputError
from hexseal.grid import Grid, Window

Bytes = NDArray[np.uint8]
# GDAL's own cache of decoded blocks, in bytes; by default it would take a share of all memory.
GDAL_SETTINGS: dict[str, int | str] = {"GDAL_CACHEMAX": 128_000_000, "GDAL_PAM_ENABLED": "NO"}

logging.getLogger("rasterio").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One open file of a raster and where its first pixel lies on the common grid."""

    file: DatasetReader
    address: str
    window: Window


class Landcover:
    """A byte raster of one band: one file, or several that tile one grid.

    Places that no tile covers read as ``fill``. Use one object per thread.
    """

    def __init__(self, grid: Grid, tiles: list[Tile], fill: int, stack: ExitStack) -> None:
        self.grid = grid
        self.fill = fill
        self._tiles = tiles
        self._stack = stack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        self._stack.close()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the files behind this raster."""
        return tuple(tile.address for tile in self._tiles)

    @property
    def files(self) -> tuple[DatasetReader, ...]:
        """Return the open files."""
        return tuple(tile.file for tile in self._tiles)

    @property
    def block_shape(self) -> tuple[int, int]:
        """Return height and width of a block of the first file."""
        return self._tiles[0].file.block_shapes[0]

    def read(self, window: Window) -> Bytes:
        """Return the codes of a window of the grid, shape (height, width)."""
        if len(self._tiles) == 1:
            return _read(self._tiles[0], window)
        found = np.full((window.height, window.width), self.fill, dtype=np.uint8)
        for tile in self._tiles:
            part = _overlap(tile.window, window)
            if part is None:
                continue
            shifted = Window(
                part.row - tile.window.row, part.column - tile.window.column, part.height, part.width
            )
            top, left = part.row - window.row, part.column - window.column
            found[top : top + part.height, left : left + part.width] = _read(tile, shifted)
        return found


def open_landcover(address: str, *, fill: int = 0) -> Landcover:
    """Open a path, a glob of tiles, or an http(s)/s3 address.

    Raises InputError, in one line, for a file that is missing, unreadable, not of one byte band,
    rotated or without CRS, and for tiles that do not lie on one grid.
    """
    addresses = _addresses(address)
    with ExitStack() as stack:
        _configure()
        opened = []
        for name in addresses:
            file = _open(name)
            # Not entered as a context: that would bind the file to the thread that closes it.
            stack.callback(file.close)
            opened.append((name, file))
        grids = [_grid_of(file, name) for name, file in opened]
        whole = _union(grids, addresses)
        tiles = []
        for (name, file), grid in zip(opened, grids, strict=True):
            columns, rows = whole.places(
                np.array(grid.transform.c), np.array(grid.transform.f)
            )
            row, column = round(float(rows) + 0.5), round(float(columns) + 0.5)
            tiles.append(Tile(file, name, Window(row, column, grid.height, grid.width)))
        return Landcover(whole, tiles, fill, stack.pop_all())


def read_grid(address: str) -> Grid:
    """Return the grid of a raster."""
    with open_landcover(address) as raster:
        return raster.grid


def common_grid(epochs: Iterable[Epoch]) -> Grid:
    """Return the grid that all epochs share.

    Raises GridMismatchError that names both grids and the command that would bring the second
    onto the first.
    """
    first, *others = epochs
    grid = read_grid(first.landcover)
    for epoch in others:
        other = read_grid(epoch.landcover)
        how = grid.difference(other)
        if how is not None:
            raise GridMismatchError(
                f"{epoch.year} ({epoch.landcover}) lies on another grid than {first.year} "
                f"({first.landcover}): {how}; {first.year} is {grid}; {epoch.year} is {other}; "
                f"to bring it onto the same grid: {warp_command(grid, epoch.landcover)}"
            )
    return grid


def warp_command(grid: Grid, address: str) -> str:
    """Return the gdalwarp command that puts a raster on ``grid`` without mixing its codes."""
    west, south, east, north = (f"{edge:.12g}" for edge in grid.bounds)
    path = Path(address)
    return (
        f"gdalwarp -t_srs {grid.crs_label} -te {west} {south} {east} {north} "
        f"-ts {grid.width} {grid.height} -r near {path} {path.with_name(path.stem + '_aligned.tif')}"
    )


@cache
def _configure() -> None:
    """Set GDAL up once for all threads."""
    for key, value in GDAL_SETTINGS.items():
        set_gdal_config(key, value)


def _addresses(address: str) -> list[str]:
    if is_remote(address):
        return [address]
    if glob.has_magic(address) and not Path(address).exists():
        found = sorted(glob.glob(address, recursive=True))
        if not found:
            raise InputError(f"{address}: no file fits this pattern; check the path")
        return found
    if not Path(address).exists():
        raise InputError(f"{address}: no such file; check the path in the region file")
    return [address]


def _open(address: str) -> DatasetReader:
    try:
        return rasterio.open(address)
    except (RasterioError, RasterioIOError) as err:
        raise InputError(
            f"{address}: is not a raster that GDAL can read; expected a GeoTIFF"
        ) from err


def _grid_of(file: DatasetReader, address: str) -> Grid:
    if file.count != 1:
        raise InputError(f"{address}: has {file.count} bands, expected one band of class codes")
    if file.dtypes[0] != "uint8":
        raise InputError(
            f"{address}: holds {file.dtypes[0]} values, expected byte class codes; "
            "convert it with gdal_translate -ot Byte"
        )
    if file.crs is None:
        raise InputError(
            f"{address}: has no coordinate reference system; assign one with gdal_edit -a_srs"
        )
    authority = file.crs.to_authority()
    text = ":".join(authority) if authority else file.crs.to_wkt()
    try:
        return Grid(text, file.transform, file.width, file.height)
    except InputError as err:
        raise InputError(f"{address}: {err}") from err


def _union(grids: list[Grid], addresses: list[str]) -> Grid:
    """Return the smallest grid that holds all, which must lie on one lattice of pixels."""
    first = grids[0]
    if len(grids) == 1:
        return first
    corners = []
    for grid, address in zip(grids, addresses, strict=True):
        moved = Grid(grid.crs, first.transform, grid.width, grid.height)
        columns, rows = first.places(np.array(grid.transform.c), np.array(grid.transform.f))
        column, row = float(columns) + 0.5, float(rows) + 0.5
        aligned = max(abs(column - round(column)), abs(row - round(row))) < 1e-3
        same_pixels = Grid(grid.crs, grid.transform, 1, 1).pixel_size == first.pixel_size
        if moved.crs_label != first.crs_label or not (aligned and same_pixels):
            raise GridMismatchError(
                f"{address}: lies on another grid ({grid}) than the tile {addresses[0]} ({first}); "
                f"to bring it onto the same pixels: {warp_command(first, address)}"
            )
        corners.append((round(row), round(column), grid.height, grid.width))
    top, left = min(c[0] for c in corners), min(c[1] for c in corners)
    bottom, right = max(c[0] + c[2] for c in corners), max(c[1] + c[3] for c in corners)
    return first.subgrid(Window(top, left, bottom - top, right - left))


def _overlap(tile: Window, window: Window) -> Window | None:
    top, left = max(tile.row, window.row), max(tile.column, window.column)
    bottom = min(tile.row + tile.height, window.row + window.height)
    right = min(tile.column + tile.width, window.column + window.width)
    if top >= bottom or left >= right:
        return None
    return Window(top, left, bottom - top, right - left)


def _read(tile: Tile, window: Window) -> Bytes:
    where = RasterioWindow(window.column, window.row, window.width, window.height)  # type: ignore[call-arg]
    try:
        return tile.file.read(1, window=where)
    except RasterioError as err:
        raise InputError(
            f"{tile.address}: cannot be read at row {window.row}, column {window.column}; "
            "the file is cut off or damaged, fetch it again"
        ) from err
