"""Land-cover rasters: opening them safely, reading windows, comparing their grids.

Every failure is one line that names the file. Nothing is ever resampled.
"""

import logging
import os
import re
import shlex
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from glob import glob, has_magic
from itertools import pairwise
from pathlib import Path
from typing import Self
from xml.etree import ElementTree

import numpy as np
import rasterio
import rasterio.crs
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.env import set_gdal_config
from rasterio.errors import CRSError, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterioWindow

from hexseal.errors import GridMismatchError, InputError, shortened
from hexseal.raster.grid import ALIGNED, Grid, Window, identified
from hexseal.region.load import Epoch, is_remote
from hexseal.storage.files import sha256
from hexseal.types import Bytes

# GDAL_CACHEMAX: bytes of decoded blocks that GDAL keeps; by default it takes a share of memory.
GDAL_SETTINGS: dict[str, int | str] = {
    "GDAL_CACHEMAX": 128_000_000,
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_HTTP_MAX_RETRY": 3,
    "GDAL_HTTP_RETRY_DELAY": 1,
    # What GDAL prints by itself, on threads that rasterio does not listen on.
    "CPL_LOG": os.devnull,
}
# Archives, which are not unpacked here.
PACKED = (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".zst")
# What a virtual raster may name besides files: file systems and subdatasets of GDAL.
NO_PATH = re.compile(r"/vsi|<|[A-Za-z][A-Za-z0-9_]+:")
# A mosaic keeps this many tiles open at once; the 2023 edition of CLC+ Backbone has 897.
OPEN_TILES = 32
# What CLC+ and layers of confidence hold where nothing was mapped.
OUTSIDE = 254
# Of a virtual raster so many sources are looked at for lossy compression.
CHECKED_SOURCES = 64

# GDAL's own words go to exceptions, which become one line; its log would print them twice.
logging.getLogger("rasterio").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file stores its pixels; ``block_shape`` is (height, width) in pixels.

    ``has_mask`` is True where a mask or an alpha band marks pixels without data.
    """

    block_shape: tuple[int, int]
    compression: str | None
    tiled: bool
    overviews: int
    has_colors: bool
    is_cog: bool
    nodata: int | None
    has_mask: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """One file of a raster and the window of the common grid that it covers."""

    address: str
    window: Window
    layout: Layout


class Landcover:
    """A byte raster of one band: one file, or several that tile one grid.

    Places that no tile covers, and pixels that the file's own mask or alpha band hides, read as
    ``fill``. Use one object per thread.
    """

    def __init__(self, grid: Grid, tiles: tuple[Tile, ...], fill: int) -> None:
        self.grid = grid
        self.tiles = tiles
        self.fill = fill
        self._overlapping = _any_overlap([tile.window for tile in tiles])
        self._files: OrderedDict[str, DatasetReader] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files; a later read opens them again."""
        while self._files:
            self._files.popitem()[1].close()

    def uncovered(self, frame: Window) -> int:
        """Return how many pixels of a window no tile covers."""
        parts = [p for tile in self.tiles if (p := _overlap(tile.window, frame)) is not None]
        rows = np.unique([e for p in (frame, *parts) for e in (p.row, p.row + p.height)])
        columns = np.unique([e for p in (frame, *parts) for e in (p.column, p.column + p.width)])
        bare = np.ones((len(rows) - 1, len(columns) - 1), dtype=bool)
        for part in parts:
            top, bottom = np.searchsorted(rows, (part.row, part.row + part.height))
            left, right = np.searchsorted(columns, (part.column, part.column + part.width))
            bare[top:bottom, left:right] = False
        return int((np.outer(np.diff(rows), np.diff(columns)) * bare).sum())

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the files behind this raster."""
        return tuple(tile.address for tile in self.tiles)

    @property
    def block_shape(self) -> tuple[int, int]:
        """Return height and width in pixels of a block of the first file."""
        return self.tiles[0].layout.block_shape

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of every local file by its address."""
        return {name: sha256(Path(name)) for name in self.addresses if not is_remote(name)}

    def read(self, window: Window, *, out: Bytes | None = None) -> Bytes:
        """Return the codes of a window that lies within the grid, shape (height, width).

        Fills ``out`` instead of new memory when it is given. Raises InputError when the file is
        cut off, or where tiles overlap with different codes.
        """
        here = [tile for tile in self.tiles if _overlap(tile.window, window) is not None]
        if len(here) == 1 and _overlap(here[0].window, window) == window:
            return self._read(here[0], window, out)
        if out is None:
            out = np.empty((window.height, window.width), dtype=np.uint8)
        out.fill(self.fill)
        for tile in here:
            self._paint(tile, window, out)
        return out

    def read_on(self, grid: Grid, window: Window) -> Bytes:
        """Return the codes in a window of another grid of the same pixels, ``fill`` beyond."""
        down, across = (round(offset) for offset in grid.offset_of(self.grid))
        part = _overlap(Window(down, across, self.grid.height, self.grid.width), window)
        out = np.full((window.height, window.width), self.fill, np.uint8)
        if part is not None:
            top, left = part.row - window.row, part.column - window.column
            codes = self.read(part.moved(-down, -across))
            out[top : top + part.height, left : left + part.width] = codes
        return out

    def _paint(self, tile: Tile, window: Window, out: Bytes) -> None:
        part = _overlap(tile.window, window)
        assert part is not None
        codes = self._read(tile, part, None)
        top, left = part.row - window.row, part.column - window.column
        target = out[top : top + part.height, left : left + part.width]
        if not self._overlapping:
            target[:] = codes
            return
        seen = (codes != self.fill) & (codes != tile.layout.nodata)
        clash = seen & (target != self.fill) & (target != codes)
        if clash.any():
            row, column = np.argwhere(clash)[0]
            raise InputError(
                f"{tile.address}: overlaps another tile with other codes ({codes[row, column]} "
                f"against {target[row, column]} at row {part.row + row}, column "
                f"{part.column + column} of the mosaic); keep one file per place"
            )
        np.copyto(target, codes, where=seen)

    def _read(self, tile: Tile, window: Window, out: Bytes | None) -> Bytes:
        row, column = window.row - tile.window.row, window.column - tile.window.column
        where = RasterioWindow(column, row, window.width, window.height)  # type: ignore[call-arg]
        try:
            file = self._file(tile.address)
            codes = file.read(1, window=where, out=out)
            if tile.layout.has_mask:
                codes[file.read_masks(1, window=where) == 0] = self.fill
            return codes
        except (RasterioError, CPLE_BaseError) as err:
            raise InputError(
                f"{tile.address}: cannot be read at row {row}, column {column}; "
                "the file is cut off or damaged, fetch it again"
            ) from err

    def _file(self, address: str) -> DatasetReader:
        if address not in self._files:
            while len(self._files) >= OPEN_TILES:
                self._files.popitem(last=False)[1].close()
            self._files[address] = open_raster(address)
        self._files.move_to_end(address)
        return self._files[address]


def open_landcover(address: str, *, fill: int = 0) -> Landcover:
    """Open a path, a glob of tiles, or an http(s)/s3 address; places without a tile are ``fill``.

    Raises InputError for a file that is missing, unreadable, not of one byte band, rotated or
    without CRS, and GridMismatchError for tiles that do not lie on one lattice of pixels.
    """
    headers = [(name, *_header(name)) for name in addresses_of(address)]
    whole = _union([(name, grid) for name, grid, _ in headers])
    tiles = []
    for name, grid, layout in headers:
        row, column = whole.offset_of(grid)
        place = Window(round(row), round(column), grid.height, grid.width)
        tiles.append(Tile(name, place, layout))
    return Landcover(whole, tuple(tiles), fill)


def read_grid(address: str) -> Grid:
    """Return the grid of a raster; raises as open_landcover does."""
    return open_landcover(address).grid


def common_grid(epochs: Iterable[Epoch], *, density: bool = False) -> Grid:
    """Return the grid that all epochs share; ``density`` where their values may be averaged.

    Raises GridMismatchError that names both grids and the command that would bring a year onto
    the grid of the year before.
    """
    grids = [(epoch, read_grid(epoch.landcover)) for epoch in epochs]
    for (before, grid), (epoch, other) in pairwise(grids):
        how = grid.difference(other)
        if how is not None:
            raise GridMismatchError(
                f"{epoch.landcover} ({epoch.year}): lies on another grid than {before.landcover} "
                f"({before.year}): {how}; {before.year} is {grid}; {epoch.year} is {other}; "
                f"to bring it onto the same grid: "
                f"{warp_command(grid, epoch.landcover, finer=other if density else None)}"
            )
    return grids[0][1]


def warp_command(grid: Grid, address: str, *, finer: Grid | None = None) -> str:
    """Return the gdalwarp command that puts a raster on ``grid`` without mixing its codes.

    ``finer`` is the own grid of a raster of densities: on a coarser grid they are averaged, so that
    their sum stays what it was.
    """
    edges = " ".join(f"{edge:.15g}" for edge in grid.bounds)
    path = Path(address.rsplit("/", 1)[-1] if is_remote(address) else address)
    stem = path.stem if not has_magic(path.stem) else "mosaic"
    source = address if has_magic(address) else shlex.quote(address)
    target = shlex.quote(str(path.with_name(f"{stem}_aligned.tif")))
    averages = finer is not None and max(finer.pixel_size) < 0.75 * min(grid.pixel_size)
    how = "-r average -srcnodata 255 -dstnodata 255" if averages else "-r near"
    return (
        f"gdalwarp -t_srs {shlex.quote(grid.crs_code)} -te {edges} "
        f"-ts {grid.width} {grid.height} {how} {source} {target}"
    )


@cache
def _configure() -> None:
    """Set GDAL up once for all threads."""
    for key, value in GDAL_SETTINGS.items():
        set_gdal_config(key, value)


def addresses_of(address: str) -> list[str]:
    """Return the files of a path, a glob or a remote address, at least one."""
    if is_remote(address) or Path(address).is_file():
        return [address]
    if Path(address).is_dir():
        raise InputError(f"{address}: is a folder; name a file, or its tiles as {address}/*.tif")
    if not has_magic(address):
        raise InputError(f"{address}: no such file; check the path in the region file")
    # Path.glob takes no absolute pattern.
    found = sorted(glob(address, recursive=True))  # noqa: PTH207
    if not found:
        raise InputError(
            f"{address}: no file matches this pattern; check the path in the region file"
        )
    return found


def open_raster(address: str) -> DatasetReader:
    """Open any raster that GDAL reads; raise InputError where it cannot."""
    _configure()
    try:
        return rasterio.open(address)
    except RasterioError as err:
        hint = "check the address and the network" if is_remote(address) else "expected a GeoTIFF"
        if Path(address).suffix.lower() in PACKED and not is_remote(address):
            hint = "unpack it and name the GeoTIFF inside"
        raise InputError(f"{address}: is not a raster that GDAL can read; {hint}") from err


def _header(address: str) -> tuple[Grid, Layout]:
    file = open_raster(address)
    # Not entered as a context: that would bind the file to the thread that closes it.
    try:
        _check_band(file, address)
        return grid_of(file), _layout(file)
    except InputError as err:
        raise InputError(f"{address}: {err}") from err
    except CPLE_BaseError as err:  # what rasterio does not turn into an error of its own
        raise InputError(
            f"{address}: its header is damaged ({shortened(str(err), 120)}); fetch it again"
        ) from err
    finally:
        file.close()


def grid_of(file: DatasetReader) -> Grid:
    """Return the pixel grid of an open raster; raise InputError where it has no usable one."""
    wkt = file.crs.to_wkt() if file.crs is not None else _aux_srs(file.name)
    if not wkt:
        raise InputError(
            "has no coordinate reference system; assign the right one with "
            f"gdal_edit.py -a_srs EPSG:CODE {shlex.quote(file.name)}"
        )
    west, south, east, north = file.bounds
    middle = ((west + east) / 2, (south + north) / 2)
    x, y = np.array([west, east, middle[0]]), np.array([south, north, middle[1]])
    return Grid(identified(wkt, x, y), file.transform, file.width, file.height)


def _aux_srs(address: str) -> str:
    """Return the CRS that ArcGIS and QGIS write beside a raster without one, or nothing.

    GDAL's own reading of .aux.xml is off, since it would write such files too.
    """
    path = Path(f"{address}.aux.xml")
    if is_remote(address) or not path.is_file():
        return ""
    try:
        found = ElementTree.fromstring(path.read_bytes()).findtext("SRS", "")
        return rasterio.crs.CRS.from_user_input(found).to_wkt() if found else ""
    except (ElementTree.ParseError, OSError, RasterioError, CRSError):
        return ""


def _check_band(file: DatasetReader, address: str) -> None:
    has_alpha = file.count == 2 and file.colorinterp[1] == ColorInterp.alpha
    if {ColorInterp.red, ColorInterp.green, ColorInterp.blue} <= {*file.colorinterp}:
        raise InputError(
            f"is a picture in colours ({file.count} bands), and colours are no class codes; fetch "
            "the map itself, with one band of codes"
        )
    if file.count != 1 and not has_alpha:
        raise InputError(
            f"has {file.count} bands, expected one band of class codes; "
            f"take one out with gdal_translate -b 1 {shlex.quote(address)} OUT.tif"
        )
    if file.dtypes[0] != "uint8":
        raise InputError(
            f"holds {file.dtypes[0]} values, expected byte class codes (0 to 255); if they are "
            f"such codes, convert with gdal_translate -ot Byte {shlex.quote(address)} OUT.tif"
        )
    gone = _missing_source(file)
    if gone:
        raise InputError(f"refers to {gone}, which is not there; name its files as TILES/*.tif")
    lossy = _lossy(file)
    if lossy:
        raise InputError(
            f"is compressed with {lossy}, which changes class codes; fetch it again, or make it "
            "again from the original with LZW or DEFLATE"
        )


def _lossy(file: DatasetReader) -> str:
    """Return the name of a compression that does not keep every code, or nothing."""
    facts = file.tags(ns="IMAGE_STRUCTURE")
    packed = facts.get("COMPRESSION", "") or file.driver
    if "JPEG" in packed.upper() and file.driver != "VRT" and not packed.startswith("JP"):
        return "JPEG"
    if packed.upper() in ("JPEG", "YCBCR JPEG"):
        return "JPEG"
    if facts.get("COMPRESSION_REVERSIBILITY", "").startswith("LOSSY"):
        return f"lossy {packed}"
    if float(facts.get("MAX_Z_ERROR", 0) or 0) >= 1.0:
        return f"{packed} of error {facts['MAX_Z_ERROR']}"
    if file.driver == "VRT":
        return _lossy_source(file)
    return ""


def _missing_source(file: DatasetReader) -> str:
    """Return the first source of a virtual raster that is not on the disk, or nothing."""
    path = Path(file.name)
    if file.driver != "VRT" or not path.is_file():
        return ""
    try:
        named = ElementTree.fromstring(path.read_bytes()).iter("SourceFilename")
    except (ElementTree.ParseError, OSError):
        return ""
    for source in named:
        text = source.text or ""
        if NO_PATH.match(text) or is_remote(text):
            continue
        place = path.parent / text if source.get("relativeToVRT") == "1" else Path(text)
        if not place.exists():
            return text
    return ""


def _lossy_source(file: DatasetReader) -> str:
    """Return the lossy compression of a source of a virtual raster, or nothing."""
    for name in file.files[1 : 1 + CHECKED_SOURCES]:
        try:
            with rasterio.open(name) as source:
                found = _lossy(source) if source.driver != "VRT" else ""
        except RasterioError:
            continue
        if found:
            return found
    return ""


def _layout(file: DatasetReader) -> Layout:
    return Layout(
        block_shape=file.block_shapes[0],
        compression=file.compression.value if file.compression else None,
        tiled=bool(file.profile.get("tiled")),
        overviews=len(file.overviews(1)),
        has_colors=file.colorinterp[0].name == "palette",
        is_cog=file.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG",
        nodata=_code(file.nodata),
        has_mask=bool({MaskFlags.per_dataset, MaskFlags.alpha} & {*file.mask_flag_enums[0]}),
    )


def _code(nodata: float | None) -> int | None:
    """Return a nodata tag as a code; tags that no byte can hold mark nothing."""
    return int(nodata) if nodata is not None and nodata in range(256) else None


def _union(grids: list[tuple[str, Grid]]) -> Grid:
    """Return the smallest grid that holds all, which must lie on one lattice of pixels."""
    name, first = grids[0]
    places = []
    for address, grid in grids:
        row, column = first.offset_of(grid)
        on_lattice = max(abs(row - round(row)), abs(column - round(column))) < ALIGNED
        if not (first.has_pixels_like(grid) and on_lattice):
            raise GridMismatchError(
                f"{address}: lies on another grid ({grid}) than the tile {name} ({first}); "
                "warp it to the same CRS, pixel size and origin with gdalwarp -r near -tap"
            )
        places.append(Window(round(row), round(column), grid.height, grid.width))
    top, left = min(p.row for p in places), min(p.column for p in places)
    bottom = max(p.row + p.height for p in places)
    right = max(p.column + p.width for p in places)
    return first.subgrid(Window(top, left, bottom - top, right - left))


def _any_overlap(windows: list[Window]) -> bool:
    top, left, height, width = np.array([(w.row, w.column, w.height, w.width) for w in windows]).T
    rows = (top[:, None] < top + height) & (top < (top + height)[:, None])
    columns = (left[:, None] < left + width) & (left < (left + width)[:, None])
    return int((rows & columns).sum()) > len(windows)


def _overlap(tile: Window, window: Window) -> Window | None:
    top, left = max(tile.row, window.row), max(tile.column, window.column)
    bottom = min(tile.row + tile.height, window.row + window.height)
    right = min(tile.column + tile.width, window.column + window.width)
    if top >= bottom or left >= right:
        return None
    return Window(top, left, bottom - top, right - left)
