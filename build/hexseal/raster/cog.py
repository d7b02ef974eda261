"""Cloud-optimised GeoTIFFs written window by window, whole under their name or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter
from rasterio.shutil import copy
from rasterio.windows import Window as RasterioWindow

from hexseal.errors import OutputError
from hexseal.products import CLCPLUS
from hexseal.raster.grid import Grid, Window
from hexseal.storage.files import describe, whole_file

BLOCK = 512


@dataclass(frozen=True, slots=True)
class Layout:
    """What a raster holds: type, names of its bands, value = number x scale + offset.

    ``colors`` (red, green, blue, alpha) makes its numbers classes, which overviews pick instead of
    averaging.
    """

    dtype: str = "uint8"
    bands: tuple[str, ...] = ("",)
    nodata: int | None = None
    scale: float = 1.0
    offset: float = 0.0
    colors: Mapping[int, tuple[int, ...]] | None = None
    compression: Mapping[str, str] = field(default_factory=lambda: {"compress": "LZW"})


CLASSES = Layout(colors={c.code: (*bytes.fromhex(c.color[1:]), 255) for c in CLCPLUS.classes})


class CogWriter:
    """A raster on a grid; leaving the block without an error gives it its final name."""

    def __init__(self, path: Path, grid: Grid, layout: Layout) -> None:
        self.path, self.grid, self.layout = path, grid, layout
        self.plain = path.with_name(f".partial-plain-{path.name}")
        self.file: DatasetWriter | None = None

    def __enter__(self) -> Self:
        """Open the file; raise OutputError where it cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self._opened()
        except OSError as err:
            raise describe(err, self.plain) from err
        except RasterioError as err:
            raise OutputError(f"{self.plain}: cannot be written ({err})") from err
        return self

    def _opened(self) -> DatasetWriter:
        layout, grid = self.layout, self.grid
        file = rasterio.open(
            self.plain, "w", driver="GTiff", width=grid.width, height=grid.height,
            count=len(layout.bands), dtype=layout.dtype, crs=CRS.from_user_input(grid.crs),
            transform=grid.transform, tiled=True, blockxsize=BLOCK, blockysize=BLOCK,
            compress=layout.compression["compress"], nodata=layout.nodata, BIGTIFF="IF_SAFER",
            interleave="band",
        )  # fmt: skip
        for number, name in enumerate(layout.bands, 1):
            if name:
                file.set_band_description(number, name)
        if (layout.scale, layout.offset) != (1.0, 0.0):
            file.scales = (layout.scale,) * len(layout.bands)
            file.offsets = (layout.offset,) * len(layout.bands)
        if layout.colors is not None:
            file.write_colormap(1, layout.colors)
        return file

    def write(self, values: NDArray[np.uint8] | NDArray[np.int16], window: Window) -> None:
        """Write the values of a window, shape (rows, columns) or (bands, rows, columns)."""
        assert self.file is not None
        place = RasterioWindow(window.column, window.row, window.width, window.height)  # type: ignore[call-arg]
        stack = values if values.ndim == 3 else values[np.newaxis]
        self.file.write(stack, window=place)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Rename the file to its final name, or remove it after an error."""
        assert self.file is not None
        try:
            self.file.close()
            if kind is None:
                resampling = "AVERAGE" if self.layout.colors is None else "NEAREST"
                with whole_file(self.path) as partial:
                    copy(
                        self.plain, partial, driver="COG", blocksize=BLOCK,
                        overview_resampling=resampling, **self.layout.compression,
                    )  # fmt: skip
        except RasterioError as err:
            raise OutputError(f"{self.path}: cannot be written ({err})") from err
        finally:
            self.plain.unlink(missing_ok=True)
