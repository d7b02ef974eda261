"""Rasters of a forward year: the map and the model's maps read together, new ones written."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter
from rasterio.shutil import copy
from rasterio.windows import Window as RasterioWindow

from hexseal.config import Epoch
from hexseal.errors import GridMismatchError, OutputError
from hexseal.files import describe, whole_file
from hexseal.grid import Grid, Window
from hexseal.products import CLCPLUS
from hexseal.rasters import Bytes, Landcover, open_landcover

OUTSIDE = 254
# Rows that are read at once: a multiple of the blocks of standard errors and of files.
ROWS = 1024
COLORS = {c.code: (*bytes.fromhex(c.color[1:]), 255) for c in CLCPLUS.classes}


@dataclass(frozen=True, slots=True)
class Maps:
    """The rasters that a forward year is made from, on the grid of CLC+."""

    grid: Grid
    mapped: Landcover
    before: Landcover
    after: Landcover
    confidence_before: Landcover
    confidence_after: Landcover

    def read(self, window: Window) -> tuple[Bytes, ...]:
        """Return the five rasters in a window of CLC+'s grid, OUTSIDE where one has nothing."""
        others = (self.before, self.after, self.confidence_before, self.confidence_after)
        return self.mapped.read(window), *(read_on(self.grid, r, window) for r in others)


class Writer:
    """A byte raster written window by window; it takes its final name as a cloud-optimised file."""

    def __init__(
        self,
        path: Path,
        grid: Grid,
        *,
        colors: bool,
        nodata: int | None = None,
        description: str = "",
    ) -> None:
        self.path, self.grid, self.colors = path, grid, colors
        self.nodata, self.description = nodata, description
        self.plain = path.with_name(f".partial-plain-{path.name}")
        self.file: DatasetWriter | None = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = rasterio.open(
                self.plain, "w", driver="GTiff", width=self.grid.width, height=self.grid.height,
                count=1, dtype="uint8", crs=CRS.from_user_input(self.grid.crs),
                transform=self.grid.transform, tiled=True, blockxsize=512, blockysize=512,
                compress="LZW", BIGTIFF="IF_SAFER", nodata=self.nodata,
            )  # fmt: skip
            if self.description:
                file.set_band_description(1, self.description)
            if self.colors:
                file.write_colormap(1, COLORS)
        except OSError as err:
            raise describe(err, self.plain) from err
        except RasterioError as err:
            raise OutputError(f"{self.plain}: cannot be written ({err})") from err
        self.file = file
        return self

    def write(self, values: Bytes, window: Window) -> None:
        """Write the values of a window, shape (rows, cols)."""
        assert self.file is not None
        place = RasterioWindow(window.column, window.row, window.width, window.height)  # type: ignore[call-arg]
        self.file.write(values, 1, window=place)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self.file is not None
        try:
            self.file.close()
            if kind is None:
                with whole_file(self.path) as partial:
                    copy(
                        self.plain, partial, driver="COG", compress="LZW", blocksize=512,
                        overview_resampling="NEAREST" if self.colors else "AVERAGE",
                    )  # fmt: skip
        except RasterioError as err:
            raise OutputError(f"{self.path}: cannot be written ({err})") from err
        finally:
            self.plain.unlink(missing_ok=True)


def open_maps(stack: ExitStack, mapped: Epoch, stems: tuple[Path, Path]) -> Maps:
    """Open the map of a year and the predictions ``stems`` on its grid, wholly or in part."""
    opened = stack.enter_context(open_landcover(mapped.landcover, fill=OUTSIDE))
    names = [f"{stem}_{kind}.tif" for kind in ("landcover", "confidence") for stem in stems]
    others = [stack.enter_context(open_landcover(name, fill=OUTSIDE)) for name in names]
    for name, other in zip(names, others, strict=True):
        _check_lattice(opened.grid, other.grid, name, mapped)
    return Maps(opened.grid, opened, *others)


def _check_lattice(grid: Grid, other: Grid, name: str, mapped: Epoch) -> None:
    """Refuse images whose pixels are not those of the map; they may cover more or less of it."""
    offsets = grid.offset_of(other)
    cut = max(abs(offset - round(offset)) for offset in offsets)
    if not grid.has_pixels_like(other) or cut > 1e-3:
        raise GridMismatchError(
            f"{name}: its image has other pixels than {mapped.landcover} ({mapped.year}): it is "
            f"{other}, expected {grid}; warp the image onto that grid"
        )


def read_on(grid: Grid, raster: Landcover, window: Window) -> Bytes:
    """Read a raster in a window of another grid of the same pixels, OUTSIDE beyond its own."""
    down, across = (round(offset) for offset in grid.offset_of(raster.grid))
    top, left = max(window.row, down), max(window.column, across)
    bottom = min(window.row + window.height, down + raster.grid.height)
    right = min(window.column + window.width, across + raster.grid.width)
    out = np.full((window.height, window.width), OUTSIDE, np.uint8)
    if top < bottom and left < right:
        part = raster.read(Window(top - down, left - across, bottom - top, right - left))
        rows = slice(top - window.row, bottom - window.row)
        out[rows, left - window.column : right - window.column] = part
    return out


def strips(grid: Grid) -> Iterator[Window]:
    """Cut a grid into strips of full width, from north to south."""
    for row in range(0, grid.height, ROWS):
        yield Window(row, 0, min(ROWS, grid.height - row), grid.width)
