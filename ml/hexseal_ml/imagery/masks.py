"""Clouds in images: pixels that a scene classification, or a test of the colours, calls unknown.

A scene classification (SCL of Sentinel-2 Level-2A) is used wherever one is given. Without one,
``clouds = "mask"`` tests the colours as Fmask does (Zhu & Woodcock 2012, potential cloud pixels):
white, hazy, bright in the short-wave infrared, neither snow nor dense vegetation. Bright roofs
pass that test too, so only thick haze over a neighbourhood larger than a roof makes a cloud;
around it also thinner haze counts, and a margin. Everything is decided from pixels within MARGIN,
so that a pixel's fate does not depend on the window it is read in. Shadows are not found this way.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterioWindow

from hexseal.errors import GridMismatchError, InputError
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import grid_of, open_raster
from hexseal.region.load import is_remote
from hexseal.types import Flags, Floats
from hexseal_ml.imagery.image import Image, classification_band, files_of, fits_coarser, open_image

CLOUDS = ("keep", "mask")
# No data, saturated, cloud shadow, clouds of medium and high probability, thin cirrus. Code 2
# (dark areas) stays: it holds dark roofs, asphalt and water besides shadows of mountains.
UNKNOWN_CODES = (0, 1, 3, 8, 9, 10)
LARGEST_CODE = 11

CLOUD_BANDS = ("B02", "B03", "B04", "B08", "B11")
# Fmask: mean deviation of the visible bands from their mean, and the two normalised differences.
WHITENESS, LARGEST_NDVI, LARGEST_NDSI, LEAST_SWIR = 0.7, 0.8, 0.8, 0.03
# Haze-optimised transform B02 - 0.5 B04 - 0.08 of haze, and of haze that hides the ground.
HAZE, THICK_HAZE = 0.0, 0.02
# Half sides in pixels of 10 m, and shares of the known pixels that must agree. Halls of 100 m
# fill less than half of 170 m; chosen by looking at one image (METHODOLOGY.md).
CORE_REACH, CORE_SHARE = 8, (11, 20)
NEAR_REACH, HAZE_REACH, HAZE_SHARE = 20, 4, (1, 2)
WIDEN = 8
MARGIN = CORE_REACH + NEAR_REACH + WIDEN


class Classification:
    """An open scene classification on the grid of an image, wholly or in coarser pixels."""

    def __init__(self, address: str, index: int, grid: Grid) -> None:
        self.address, self.index = address, index
        self._file = open_raster(address)
        self._warped: WarpedVRT | None = None
        own = grid_of(self._file)
        difference = grid.difference(own)
        if difference is not None:
            if not fits_coarser(grid, own):
                self._file.close()
                raise GridMismatchError(
                    f"{address}: the scene classification lies on another grid than the image: "
                    f"{difference}; warp it with -r near"
                )
            self._warped = WarpedVRT(
                self._file, crs=self._file.crs, transform=grid.transform, width=grid.width,
                height=grid.height, resampling=Resampling.nearest,
            )  # fmt: skip

    def close(self) -> None:
        """Close the file."""
        if self._warped is not None:
            self._warped.close()
        self._file.close()

    def masked(self, inside: Window) -> Flags:
        """Return the pixels (rows, cols) of a window within the image that are unknown."""
        place = RasterioWindow(inside.column, inside.row, inside.width, inside.height)  # type: ignore[call-arg]
        file: DatasetReader | WarpedVRT = self._warped or self._file
        try:
            codes = file.read(self.index, window=place)
        except RasterioError as err:
            raise InputError(
                f"{self.address}: cannot be read at row {inside.row}, column {inside.column}; "
                "the file is cut off or damaged, fetch it again"
            ) from err
        nodata = self._file.nodatavals[self.index - 1]
        empty = np.zeros(codes.shape, np.bool_) if nodata is None else codes == nodata
        strange = codes[~empty & ((codes > LARGEST_CODE) | (codes < 0))]
        if strange.size:
            raise InputError(
                f"{self.address}: holds {strange[0]}, which is no code of a scene classification "
                f"(0 to {LARGEST_CODE}); name another file"
            )
        return np.asarray(empty | np.isin(codes, UNKNOWN_CODES), dtype=np.bool_)

    def identity(self) -> object:
        """Return what distinguishes this file from another."""
        stat = None if is_remote(self.address) else Path(self.address).stat()
        file = None if stat is None else (stat.st_size, stat.st_mtime_ns)
        return "classification", self.address, self.index, UNKNOWN_CODES, file


class MaskedImage(Image):
    """An image whose clouds are unknown: found by a classification, or by its colours."""

    def __init__(self, image: Image, classes: Classification | None, colors: Image | None) -> None:
        super().__init__(image.address, image.grid, image.bands, image.planes)
        self.warnings = image.warnings
        self.classes, self.colors = classes, colors

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self.classes is not None:
            self.classes.close()
        if self.colors is not None:
            self.colors.__exit__()

    def read(self, window: Window) -> tuple[Floats, Flags]:
        """Return what Image.read does, NaN and unknown also where there are clouds."""
        values, known = super().read(window)
        masked = self._masked(window)
        values[:, masked] = np.nan
        return values, known & ~masked

    def identity(self) -> list[object]:
        """Return what distinguishes this image and its mask from others."""
        facts = super().identity()
        if self.classes is not None:
            facts.append(self.classes.identity())
        if self.colors is not None:
            sizes = (CORE_REACH, CORE_SHARE, NEAR_REACH, HAZE_REACH, HAZE_SHARE, WIDEN)
            facts.append(("colours", HAZE, THICK_HAZE, sizes, *self.colors.identity()))
        return facts

    def _masked(self, window: Window) -> Flags:
        if self.classes is not None:
            masked = np.ones((window.height, window.width), np.bool_)
            top, left = max(window.row, 0), max(window.column, 0)
            bottom = min(window.row + window.height, self.grid.height)
            right = min(window.column + window.width, self.grid.width)
            if top < bottom and left < right:
                part = self.classes.masked(Window(top, left, bottom - top, right - left))
                columns = slice(left - window.column, right - window.column)
                masked[top - window.row : bottom - window.row, columns] = part
            return masked
        assert self.colors is not None
        wide = Window(
            window.row - MARGIN, window.column - MARGIN,
            window.height + 2 * MARGIN, window.width + 2 * MARGIN,
        )  # fmt: skip
        return clouds_of(*self.colors.read(wide))[MARGIN:-MARGIN, MARGIN:-MARGIN]


def open_masked(
    address: str,
    *,
    bands: Sequence[str],
    allow_missing: bool = False,
    mask: str | None = None,
    clouds: str = "keep",
) -> Image:
    """Open an image as open_image does, its clouds unknown.

    A scene classification counts where ``mask`` names one, or where one is among the image's
    files or bands; else its colours do where ``clouds`` is "mask". Raises InputError for a mask
    that is none, GridMismatchError for one of another grid.
    """
    image = open_image(address, bands=bands, allow_missing=allow_missing)
    classes = colors = None
    try:
        found = _classifications([mask] if mask is not None else files_of(address))
        if mask is not None and not found:
            raise InputError(
                f"{mask}: is no scene classification; name its band SCL, or the file ..._SCL.tif"
            )
        if len(found) > 1:
            names = ", ".join(name for name, _ in found)
            raise InputError(f"{names}: two scene classifications of one image; give one")
        if found:
            classes = Classification(*found[0], image.grid)
        elif clouds == "mask":
            colors = _open_colors(address, image.grid)
    finally:
        # Its files are opened again where they are read.
        image.__exit__()
    return image if classes is None and colors is None else MaskedImage(image, classes, colors)


def clouds_of(values: Floats, known: Flags) -> Flags:
    """Return the pixels (rows, cols) under clouds of reflectance (CLOUD_BANDS, rows, cols).

    Right at least MARGIN pixels from the edges, or at edges of the image.
    """
    haze = _haze(values)
    thick, thin = known & (haze > THICK_HAZE), known & (haze > HAZE)
    core = thick & _agrees(thick, known, CORE_REACH, CORE_SHARE)
    near = thin & _agrees(thin, known, HAZE_REACH, HAZE_SHARE) & (_sums(core, NEAR_REACH) > 0)
    return np.asarray(_sums(core | near, WIDEN) > 0, dtype=np.bool_)


def _haze(values: Floats) -> Floats:
    """Return the haze-optimised transform, -inf where a pixel cannot be a cloud."""
    blue, green, red, near, short = values
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (blue + green + red) / 3
        deviation = np.abs(blue - mean) + np.abs(green - mean) + np.abs(red - mean)
        white = (mean > 0) & (deviation / mean < WHITENESS)
        green_enough = (near - red) / (near + red) < LARGEST_NDVI
        no_snow = (green - short) / (green + short) < LARGEST_NDSI
        possible = white & green_enough & no_snow & (short > LEAST_SWIR)
    return np.where(possible, blue - 0.5 * red - 0.08, -np.inf).astype(np.float32)


def _agrees(found: Flags, known: Flags, reach: int, share: tuple[int, int]) -> Flags:
    """Return where at least a fraction ``share`` of the known pixels in ``reach`` is found."""
    part, whole = share
    return np.asarray(_sums(found, reach) * whole >= _sums(known, reach) * part, dtype=np.bool_)


def _sums(found: Flags, reach: int) -> NDArray[np.int64]:
    """Count the pixels within ``reach`` rows and columns; whole numbers, so exact anywhere.

    >>> _sums(np.eye(3, dtype=np.bool_), 1).tolist()
    [[2, 2, 1], [2, 3, 2], [1, 2, 2]]
    """
    sums = np.pad(found.astype(np.int64), [(reach + 1, reach)] * 2).cumsum(axis=0).cumsum(axis=1)
    side = 2 * reach + 1
    return sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]


def _classifications(addresses: Sequence[str]) -> list[tuple[str, int]]:
    found = []
    for address in addresses:
        file = open_raster(address)
        index = classification_band(file, address)
        file.close()
        if index is not None:
            found.append((address, index))
    return found


def _open_colors(address: str, grid: Grid) -> Image:
    colors = open_image(address, bands=CLOUD_BANDS, allow_missing=True)
    difference = grid.difference(colors.grid)
    if colors.missing or difference is not None:
        colors.__exit__()
        lack = f"has no band {', '.join(colors.missing)}" if colors.missing else str(difference)
        raise InputError(
            f"{address}: {lack}, so clouds cannot be found by its colours "
            f"({', '.join(CLOUD_BANDS)}); give a scene classification with --mask"
        )
    return colors
