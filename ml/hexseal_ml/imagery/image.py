"""Sentinel-2 images as reflectance, read by band name and window by window.

An image is one file whose bands bear names in their descriptions, or a comma list or glob of
files of one band each that end in the band's name (..._B02.tif). Numbers become reflectance by
the scale and offset of the file; where there are none, images that were stored as reflectance
x 10 000 are recognised by their values. Bands of coarser pixels are brought onto the finest grid.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterioWindow

from hexseal.errors import GridMismatchError, InputError
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import addresses_of, grid_of, open_raster
from hexseal.region.load import is_remote
from hexseal.types import Flags, Floats
from hexseal_ml.imagery.bands import TILE_LAYOUT, band_name, band_of_file, is_classification

# Reflectance seldom passes 1; a typical value above this means numbers x 10 000.
LARGEST_REFLECTANCE = 2.0
DN_SCALE = 1e-4
# Where even the darkest pixels of every such band are this bright, an offset is still in.
DARK_BANDS = ("B02", "B03", "B04", "B11", "B12")
DARK_PERCENTILE, DARKEST = 1.0, 0.09
# Level-1C: how bright the darkest pixels are in blue, and how much brighter than in red. Measured
# on real images: 0.06 to 0.11 and 0.017 to 0.047 in Level-1C, up to 0.035 and 0.011 in Level-2A.
AIR_BLUE, AIR_BLUER = 0.055, 0.02
# Two processing baselines in one image: the offset and how far off it may seem, how dark the other
# part is, and the least share of windows in each part.
PB04_OFFSET, OFFSET_TOLERANCE = 0.1, 0.035
PARTLY_DARK, LEAST_PART, LEAST_DARK_BANDS = 0.06, 0.1, 4
# Side in pixels, and number along each side, of the windows that values are judged by.
SAMPLE_SIDE, SAMPLE_WINDOWS = 64, 5
# Pixels that models have learnt, in metres, and how far others may be from it unmentioned.
PIXEL_M, PIXEL_TOLERANCE = 10.0, 0.05
# Pixel edges of coarser bands may lie this share of a fine pixel off.
ALIGNED = 1e-3


@dataclass(frozen=True, slots=True)
class Plane:
    """One band: where it lies and how its numbers become reflectance."""

    band: str
    address: str
    index: int
    grid: Grid
    scale: float
    offset: float
    nodata: float | None
    tagged: bool
    integer: bool


class Image:
    """An open image; use one object per thread.

    ``bands`` are the requested ones; ``missing`` those of them that no file has. ``warnings`` are
    whole sentences for the user.
    """

    def __init__(
        self, address: str, grid: Grid, bands: Sequence[str], planes: Sequence[Plane]
    ) -> None:
        self.address, self.grid, self.bands = address, grid, tuple(bands)
        self.planes = tuple(sorted(planes, key=lambda plane: plane.address))
        self.missing = tuple(band for band in bands if band not in {p.band for p in planes})
        self.warnings: tuple[str, ...] = ()
        self._stack = ExitStack()
        self._files: dict[str, DatasetReader | WarpedVRT] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._files.clear()

    def read(self, window: Window) -> tuple[Floats, Flags]:
        """Return reflectance (bands, rows, cols), NaN where missing, and where it is known.

        A pixel (rows, cols) is known when every band that the image has holds a finite value
        there; beyond the image nothing is known. Bands that the image lacks are NaN throughout.
        """
        values = np.full((len(self.bands), window.height, window.width), np.nan, np.float32)
        top, left = max(window.row, 0), max(window.column, 0)
        bottom = min(window.row + window.height, self.grid.height)
        right = min(window.column + window.width, self.grid.width)
        if top < bottom and left < right:
            inside = Window(top, left, bottom - top, right - left)
            rows = slice(top - window.row, bottom - window.row)
            columns = slice(left - window.column, right - window.column)
            for address, group in groupby(self.planes, key=lambda plane: plane.address):
                planes = list(group)
                numbers = self._numbers(address, planes, inside)
                for plane, band in zip(planes, numbers, strict=True):
                    values[self.bands.index(plane.band), rows, columns] = _reflectance(plane, band)
        present = [place for place, band in enumerate(self.bands) if band not in self.missing]
        return values, np.asarray(np.isfinite(values[present]).all(axis=0), dtype=np.bool_)

    def identity(self) -> list[object]:
        """Return what identifies this image: files, their size and time, and scaling."""
        facts: list[object] = []
        for plane in self.planes:
            stat = None if is_remote(plane.address) else Path(plane.address).stat()
            file = None if stat is None else (stat.st_size, stat.st_mtime_ns)
            facts.append((plane.band, plane.address, plane.index, plane.scale, plane.offset, file))
        return facts

    def _numbers(self, address: str, planes: list[Plane], inside: Window) -> NDArray[np.generic]:
        place = RasterioWindow(inside.column, inside.row, inside.width, inside.height)  # type: ignore[call-arg]
        try:
            return self._file(address, planes[0]).read([p.index for p in planes], window=place)
        except RasterioError as err:
            raise InputError(
                f"{address}: cannot be read at row {inside.row}, column {inside.column}; "
                "the file is cut off or damaged, fetch it again"
            ) from err

    def _file(self, address: str, plane: Plane) -> DatasetReader | WarpedVRT:
        if address not in self._files:
            file = open_raster(address)
            self._stack.callback(file.close)
            self._files[address] = file
            if not self.grid.has_pixels_like(plane.grid):
                warped = WarpedVRT(
                    file, crs=file.crs, transform=self.grid.transform, width=self.grid.width,
                    height=self.grid.height, resampling=Resampling.bilinear,
                    nodata=plane.nodata,
                )  # fmt: skip
                self._stack.callback(warped.close)
                self._files[address] = warped
        return self._files[address]


def open_image(
    address: str, *, bands: Sequence[str] | None = None, allow_missing: bool = False
) -> Image:
    """Open an image whose ``bands`` (all it has by default) are read in this order.

    Raises InputError for bands that are missing (unless ``allow_missing``), that stand twice or
    bear no name, and for a geographic CRS; GridMismatchError for files of differing grids.
    """
    planes = [plane for name in files_of(address) for plane in _planes(name)]
    wanted = tuple(bands) if bands is not None else tuple(plane.band for plane in planes)
    planes = [plane for plane in planes if plane.band in wanted]
    _check_bands(address, planes, wanted, allow_missing=allow_missing)
    grid = _common_grid(planes)
    if grid.is_geographic:
        raise InputError(
            f"{address}: coordinates are degrees ({grid.crs_label}); warp it to a projected CRS "
            "with gdalwarp -t_srs EPSG:3035 -tr 10 10 -r bilinear"
        )
    return _scaled(Image(address, grid, wanted, planes))


def files_of(address: str) -> list[str]:
    """Return the files that a path, a glob or a comma list names."""
    if "," in address and not Path(address).is_file():
        return [name for part in address.split(",") for name in addresses_of(part.strip())]
    return addresses_of(address)


def _planes(address: str) -> list[Plane]:
    """Return the bands of a file that bear the name of a Sentinel-2 band."""
    file = open_raster(address)
    try:
        grid = grid_of(file)
        names = _names(file, address)
        return [
            Plane(
                name,
                address,
                index,
                grid,
                file.scales[index - 1],
                file.offsets[index - 1],
                file.nodatavals[index - 1],
                tagged=(file.scales[index - 1], file.offsets[index - 1]) != (1.0, 0.0),
                integer=np.issubdtype(np.dtype(file.dtypes[index - 1]), np.integer),
            )
            for index, name in enumerate(names, 1)
            if name is not None
        ]
    except InputError as err:
        text = str(err)
        raise InputError(text if text.startswith(address) else f"{address}: {text}") from err
    finally:
        file.close()


def _names(file: DatasetReader, address: str) -> list[str | None]:
    names = [band_name(text) if text else None for text in file.descriptions]
    if not any(names) and file.count == 1:
        names = [band_of_file(Path(address).stem)]
    elif not any(file.descriptions) and file.count == len(TILE_LAYOUT):
        names = [name if band_name(name) else None for name in TILE_LAYOUT]
    if not any(names) and classification_band(file, address) is None:
        raise InputError(_unnamed(file))
    return names


def _unnamed(file: DatasetReader) -> str:
    """Return the message on a file none of whose bands bears a known name."""
    found = [text for text in file.descriptions if text]
    how = "name them in their descriptions (B02, B03, ...)"
    if not found:
        return (
            f"{file.count} bands without a name, so their order is unknown; {how} or give one "
            "file per band that ends in _B02.tif"
        )
    shown = ", ".join(repr(text[:24]) for text in found[:4]) + (", ..." if found[4:] else "")
    return f"bands named {shown} are not known as bands of Sentinel-2; {how}"


def classification_band(file: DatasetReader, address: str) -> int | None:
    """Return the place of a file's scene classification: its band SCL, or the file ..._SCL.tif."""
    for index, text in enumerate(file.descriptions, 1):
        if text and is_classification(text):
            return index
    last = re.split(r"[_.-](?=scl)", Path(address).stem, flags=re.IGNORECASE)[-1]
    return 1 if file.count == 1 and is_classification(last) else None


def _check_bands(
    address: str, planes: Sequence[Plane], wanted: Sequence[str], *, allow_missing: bool
) -> None:
    found = [plane.band for plane in planes]
    twice = sorted({band for band in found if found.count(band) > 1})
    if twice:
        files = sorted({plane.address for plane in planes if plane.band == twice[0]})
        raise InputError(
            f"{', '.join(files)}: band {twice[0]} stands there more than once; name one file "
            "per band, and join tiles first with gdalbuildvrt"
        )
    missing = [band for band in wanted if band not in found]
    if not found or (missing and not allow_missing):
        raise InputError(
            f"{address}: has no band {', '.join(missing)}; it has {', '.join(found) or 'none'}; "
            "add them, or let --missing-bands mean put each missing band's mean"
        )


def _common_grid(planes: Sequence[Plane]) -> Grid:
    """Return the finest grid; coarser ones must cover the same ground with whole pixels."""
    finest = min(planes, key=lambda plane: plane.grid.pixel_size[0])
    for plane in planes:
        difference = finest.grid.difference(plane.grid)
        if difference is not None and not fits_coarser(finest.grid, plane.grid):
            raise GridMismatchError(
                f"{plane.address}: band {plane.band} lies on another grid than {finest.band} of "
                f"{finest.address}: {difference}; warp all bands onto one grid"
            )
    return finest.grid


def fits_coarser(fine: Grid, coarse: Grid) -> bool:
    """Return whether a grid of larger pixels covers the same ground with whole pixels."""
    if not fine.has_crs_of(coarse) or fine.pixel_size[0] >= coarse.pixel_size[0]:
        return False
    off = max(abs(a - b) for a, b in zip(fine.bounds, coarse.bounds, strict=True))
    # A coarse grid may stick out by less than one of its pixels.
    corner = max(abs(offset) for offset in fine.offset_of(coarse))
    return corner < ALIGNED and off < coarse.pixel_size[0]


def _reflectance(plane: Plane, numbers: NDArray[np.generic]) -> Floats:
    values = numbers.astype(np.float32)
    reflectance = values * np.float32(plane.scale) + np.float32(plane.offset)
    # Sentinel-2 numbers are 0 where nothing was seen, also without a tag.
    nodata = 0.0 if plane.nodata is None and plane.integer else plane.nodata
    if nodata is not None:
        reflectance[values == np.float32(nodata)] = np.nan
    reflectance[~np.isfinite(reflectance)] = np.nan
    return reflectance


def _scaled(image: Image) -> Image:
    """Judge the values on a few windows: set the scale of untagged numbers, gather warnings."""
    try:
        sample = _sample(image)
    except InputError:
        image.__exit__()
        raise
    warnings: list[str] = []
    untagged = [plane for plane in image.planes if not plane.tagged]
    typical = _typical(sample, image, untagged)
    if typical > LARGEST_REFLECTANCE:
        image.planes = tuple(
            p if p.tagged else _with_scale(p, DN_SCALE) for p in image.planes
        )  # fmt: skip
        for plane in untagged:
            sample[image.bands.index(plane.band)] *= DN_SCALE
        warnings.append(
            f"{image.address}: values around {typical:.0f} without a scale in the file are taken "
            "as reflectance x 10 000"
        )
    warnings += _offset_left(image, sample) or _level_warning(image, sample)
    warnings += _mixed_offsets(image)
    warnings += _size_warning(image)
    if image.missing:
        warnings.append(
            f"{image.address}: has no band {', '.join(image.missing)}; each is set to its mean, "
            "so the map is less sure"
        )
    image.warnings = tuple(warnings)
    return image


def _with_scale(plane: Plane, scale: float) -> Plane:
    return Plane(
        plane.band, plane.address, plane.index, plane.grid, scale, 0.0, plane.nodata,
        plane.tagged, plane.integer,
    )  # fmt: skip


def _sample(image: Image) -> Floats:
    """Return values (bands, pixels) of windows that are spread over the image."""
    return np.concatenate(list(_windows(image)), axis=1)


def _windows(image: Image) -> Iterator[Floats]:
    """Read windows that are spread over the image, each as values (bands, pixels)."""
    for top in _spread(image.grid.height):
        for left in _spread(image.grid.width):
            height = min(SAMPLE_SIDE, image.grid.height - top)
            width = min(SAMPLE_SIDE, image.grid.width - left)
            values, _ = image.read(Window(top, left, height, width))
            yield values.reshape(len(image.bands), -1)


def _spread(length: int) -> list[int]:
    """Return where windows start along a side.

    >>> _spread(50), _spread(564)
    ([0], [0, 125, 250, 375, 500])
    """
    last = max(length - SAMPLE_SIDE, 0)
    count = SAMPLE_WINDOWS if last else 1
    return sorted({round(last * step / max(count - 1, 1)) for step in range(count)})


def _typical(sample: Floats, image: Image, planes: Sequence[Plane]) -> float:
    """Return the median over bands of the median value, NaN where nothing is known."""
    medians = []
    for plane in planes:
        values = sample[image.bands.index(plane.band)]
        known = values[np.isfinite(values)]
        # Integer files without a nodata tag mark nothing-seen by 0, floats often do too.
        known = known[known != 0]
        if known.size:
            medians.append(float(np.median(known)))
    return float(np.median(medians)) if medians else float("nan")


def _offset_left(image: Image, sample: Floats) -> list[str]:
    darkest = _darkest(image, sample)
    if len(darkest) < 2 or min(darkest.values()) < DARKEST:
        return []
    figures = ", ".join(f"{band} {value:.2f}" for band, value in darkest.items())
    return [
        f"{image.address}: even its darkest pixels are bright ({figures}), as where the offset "
        "-0.1 of processing baseline 04.00 was not applied; subtract 1000 from its numbers, or "
        "set the bands' offset to -0.1"
    ]


def _darkest(image: Image, values: Floats) -> dict[str, float]:
    """Return the low percentile of each band of DARK_BANDS in values (bands, pixels)."""
    found: dict[str, float] = {}
    for band in DARK_BANDS:
        if band in image.bands and band not in image.missing:
            known = values[image.bands.index(band)]
            known = known[np.isfinite(known)]
            if known.size:
                found[band] = float(np.percentile(known, DARK_PERCENTILE))
    return found


def _level_warning(image: Image, sample: Floats) -> list[str]:
    """Return where dark pixels are blue, as the air makes them at the top of the atmosphere."""
    dark = _darkest(image, sample)
    if not {"B02", "B04"} <= dark.keys():
        return []
    blue, red = dark["B02"], dark["B04"]
    if blue < AIR_BLUE or blue - red < AIR_BLUER:
        return []
    return [
        f"{image.address}: its darkest pixels are bluish (B02 {blue:.2f}, B04 {red:.2f}), as in "
        "Level-1C, before the atmosphere is taken off; the shipped model has learnt both, maps of "
        "Level-2A are better"
    ]


def _mixed_offsets(image: Image) -> list[str]:
    """Return where dark pixels of a part are brighter by 0.1 in every band than the others.

    A cloud, snow or a desert is brighter by another amount in each band, an offset by the same.
    """
    windows = []
    for values in _windows(image):
        dark = _darkest(image, values)
        if len(dark) >= LEAST_DARK_BANDS:
            windows.append(list(dark.values()))
    if not windows or len({len(values) for values in windows}) > 1:
        return []
    table = np.array(windows)  # (windows, bands)
    low, high = table.min(axis=1) < PARTLY_DARK, table.min(axis=1) >= DARKEST
    if min(low.sum(), high.sum()) < LEAST_PART * len(table):
        return []
    gaps = np.median(table[high], axis=0) - np.median(table[low], axis=0)
    if (np.abs(gaps - PB04_OFFSET) > OFFSET_TOLERANCE).any():
        return []
    return [
        f"{image.address}: the darkest pixels of one part are brighter than those of the rest by "
        f"about {np.median(gaps):.2f} in every band, as where images of processing baseline 04.00 "
        "and of earlier ones were joined without taking off 1000; join them in one scale"
    ]


def _size_warning(image: Image) -> list[str]:
    side = image.grid.nominal_pixel_area_m2**0.5
    if abs(side / PIXEL_M - 1) <= PIXEL_TOLERANCE:
        return []
    return [
        f"{image.address}: pixels of {side:.4g} m, where models are made for {PIXEL_M:.0f} m; "
        "warp it to that size for a better map"
    ]
