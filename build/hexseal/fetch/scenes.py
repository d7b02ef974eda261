"""Scenes read onto the map's grid: windows of cloud-optimised files over the network.

Only GeoTIFF and JPEG 2000 are opened, so that no answer can make GDAL read local files (as a VRT
could). Files on s3:// are opened with the access that GDAL finds in the environment.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.env import set_gdal_config
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from scipy import ndimage

from hexseal.errors import FetchError
from hexseal.fetch.addresses import public
from hexseal.fetch.items import OFFSET, Asset, Scene
from hexseal.fetch.place import EPSG, Place
from hexseal.fetch.remote import opened
from hexseal.fetch.web import Query, Web, as_table, as_text
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import GDAL_SETTINGS
from hexseal.region.fetch import FetchSentinel2
from hexseal.types import Box, Flags, UInt16s

NETWORK: dict[str, int | str] = {
    "GDAL_HTTP_CONNECTTIMEOUT": 20,
    "GDAL_HTTP_TIMEOUT": 120,
    "GDAL_HTTP_MULTIPLEX": "YES",
    "CPL_VSIL_CURL_CACHE_SIZE": 128_000_000,
}
# A signature lasts about an hour; a new one is requested after so many seconds.
SIGNED_SECONDS = 1200.0
READ_TRIES, READ_PAUSE = 3, 5.0
# Side in pixels of the small picture that shows whether an offset is still in.
SMALL = 400
# Where the darkest visible pixels are as bright as this, 0.1 is still in (see hexseal_ml.imagery).
DARK_BANDS, DARK_PERCENTILE, DARKEST = ("B04", "B03", "B02"), 1.0, 0.09
LEAST_PIXELS = 100
SQUARE = np.ones((3, 3), np.bool_)


class SceneReader:
    """Reads bands and classes of scenes in the processes of ``pool``."""

    def __init__(
        self,
        web: Web,
        settings: FetchSentinel2,
        pool: Executor,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.web, self.settings, self.pool, self.clock = web, settings, pool, clock
        self._signature, self._signed_at = "", -SIGNED_SECONDS

    def numbers(self, assets: Sequence[Asset], grid: Grid) -> Iterator[UInt16s]:
        """Yield the numbers (rows, columns) of bands on a grid, 0 where nothing was seen."""
        addresses = [asset.address for asset in assets]
        return self._read(addresses, grid, Resampling[self.settings.resampling])

    def hidden(self, scenes: Sequence[Scene], grid: Grid) -> Iterator[Flags]:
        """Yield the pixels of scenes that lie on or near what their classification masks."""
        widen = self.settings.widen
        around = Window(-widen, -widen, grid.height + 2 * widen, grid.width + 2 * widen)
        addresses = [scene.classes for scene in scenes]
        for classes in self._read(addresses, grid.subgrid(around), Resampling.nearest):
            mask = np.isin(classes, (0, *self.settings.mask))
            if widen:
                mask = np.asarray(ndimage.binary_dilation(mask, SQUARE, iterations=widen))
            inner = mask[widen : widen + grid.height, widen : widen + grid.width]
            yield np.asarray(inner, dtype=np.bool_)

    def settled(self, scenes: Sequence[Scene], place: Place) -> list[Scene]:
        """Return scenes whose offsets are sure: where their catalogue's are not, pixels decide."""
        band = next((band for band in DARK_BANDS if band in self.settings.bands), None)
        unsure = [scene for scene in scenes if scene.offset_unsure and band is not None]
        if band is None or not unsure:
            return list(scenes)
        grid = small_grid(place.grid)
        numbers = self.numbers([scene.bands[band] for scene in unsure], grid)
        hidden = self.hidden(unsure, grid)
        sure = {
            scene.id: _settled(scene, band, seen[~hide & (seen > 0)])
            for scene, seen, hide in zip(unsure, numbers, hidden, strict=True)
        }
        return [sure.get(scene.id, scene) for scene in scenes]

    def _read(
        self, addresses: Sequence[str], grid: Grid, resampling: Resampling
    ) -> Iterator[UInt16s]:
        asked = [(a, self._submitted(a, grid, resampling)) for a in addresses]
        for address, future in asked:
            yield self._result(address, future, grid, resampling)

    def _result(
        self, address: str, future: Future[UInt16s], grid: Grid, resampling: Resampling
    ) -> UInt16s:
        for left in reversed(range(READ_TRIES)):
            try:
                return future.result()
            except RasterioError as err:
                if not left:
                    hint = f" and {S3_ACCESS}" if address.startswith("s3:") else ""
                    raise FetchError(
                        f"{public(address)}: cannot be read; check the network{hint}"
                    ) from err
            except BrokenProcessPool as err:
                raise FetchError(
                    f"{public(address)}: the process that read it was killed, perhaps for its "
                    "memory; fetch again"
                ) from err
            self.web.pause(READ_PAUSE)
            future = self._submitted(address, grid, resampling)
        raise AssertionError("unreachable")

    def _submitted(self, address: str, grid: Grid, resampling: Resampling) -> Future[UInt16s]:
        origin = self.settings.catalogue
        return self.pool.submit(_read_on, self._signed(address), origin, grid, resampling)

    def _signed(self, address: str) -> str:
        """Return an address with a signature where the catalogue's assets need one."""
        if self.settings.sign is None:
            return address
        if self.clock() - self._signed_at >= SIGNED_SECONDS:
            answer = as_table(self.web.json(Query(self.settings.sign)))
            self._signature, self._signed_at = as_text(answer.get("token")), self.clock()
            if not self._signature:
                raise FetchError(f"{public(self.settings.sign)}: gave no token; check sign")
        return f"{address}?{self._signature}"


def _settled(scene: Scene, band: str, seen: UInt16s) -> Scene:
    """Return a scene with the offset that the clear numbers of a dark band show."""
    if seen.size < LEAST_PIXELS:
        return scene
    darkest = float(np.percentile(seen, DARK_PERCENTILE)) * scene.bands[band].scale
    offset = OFFSET if darkest >= DARKEST else 0.0
    bands = {name: replace(asset, offset=offset) for name, asset in scene.bands.items()}
    return replace(scene, bands=bands, offset_unsure=False)


S3_ACCESS = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_S3_ENDPOINT in the environment"


def small_grid(grid: Grid) -> Grid:
    """Return a coarser grid over the same ground of at most SMALL pixels a side."""
    step = max(1, -(-max(grid.width, grid.height) // SMALL))
    width, height = max(1, grid.width // step), max(1, grid.height // step)
    return Grid(grid.crs, grid.transform @ grid.transform.scale(step), width, height)


def near(scene_box: Box, grid: Grid, window: Window) -> bool:
    """Return whether a scene's box (in the grid's CRS) meets a window."""
    xmin, ymin, xmax, ymax = grid.subgrid(window).bounds
    west, south, east, north = scene_box
    return west < xmax and east > xmin and south < ymax and north > ymin


@cache
def configure() -> None:
    """Set GDAL up once in a process: a bounded cache, limits of time for the network."""
    for key, value in (GDAL_SETTINGS | NETWORK).items():
        set_gdal_config(key, value)


def _read_on(address: str, origin: str, grid: Grid, resampling: Resampling) -> UInt16s:
    configure()
    try:
        with (
            _opened(address, origin) as file,
            WarpedVRT(
                file, crs=CRS.from_user_input(EPSG), transform=grid.transform, width=grid.width,
                height=grid.height, resampling=resampling, src_nodata=0, nodata=0,
            ) as warped,
        ):  # fmt: skip
            return warped.read(1).astype(np.uint16)
    except FetchError as err:
        # Only the line goes to the parent process: what failed below may not be sent.
        raise FetchError(str(err)) from None


@contextmanager
def _opened(address: str, origin: str) -> Iterator[rasterio.DatasetReader]:
    """Open a remote raster without looking for files beside it.

    Only while it is open: masks beside local rasters would be missed too.
    """
    with (
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
        _remote(address, origin) as file,
    ):
        yield file


def _remote(address: str, origin: str) -> AbstractContextManager[rasterio.DatasetReader]:
    if not address.startswith("s3://"):
        return opened(Web(tries=READ_TRIES), address, origin)
    # /vsis3/ instead of s3://, which rasterio would look for boto3 for.
    is_jpeg = address.lower().endswith(".jp2")
    driver = "JP2OpenJPEG" if is_jpeg else "GTiff"
    return rasterio.open(f"/vsis3/{address.removeprefix('s3://')}", driver=driver)
