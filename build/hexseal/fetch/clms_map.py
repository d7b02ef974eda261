"""The archive of an order as a map of the place."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hexseal.errors import FetchError, InputError
from hexseal.fetch.addresses import public
from hexseal.fetch.clms import Order, Portal
from hexseal.fetch.landcover import MapWriter
from hexseal.fetch.unzip import unzip_rasters
from hexseal.forward.maps import OUTSIDE, read_on, strips
from hexseal.progress import Progress, silent
from hexseal.raster.landcover import Landcover, open_landcover

# Names of the layers that come beside the map: confidence, data score, post-processing.
MASKS = ("conf", "rascl", "dsl", "rasdl", "post", "raspl")
ALIGNED = 1e-3


def fetch_clms(
    portal: Portal, year: int, writer: MapWriter, *, progress: Progress = silent
) -> list[str]:
    """Write the place's map of a year from the portal; return the address that it came from.

    Raises FetchError for an archive without a map on the place's own pixels.
    """
    note = writer.path.with_name(f".clms-{year}.json")
    order = Order(*portal.find(year), writer.place.lonlat_box)
    with TemporaryDirectory(prefix="hexseal-") as temporary:
        folder = Path(temporary)
        address = portal.deliver(order, note, folder / "order.zip")
        _keep_maps(unzip_rasters(folder / "order.zip", folder / "maps"), public(address))
        try:
            with open_landcover(str(folder / "maps" / "*.tif*"), fill=OUTSIDE) as raster:
                _copy(raster, writer, public(address), progress)
        except InputError as err:
            raise FetchError(f"{public(address)}: {err}") from err
    return [public(address)]


def _keep_maps(rasters: list[Path], address: str) -> None:
    """Remove the masks among rasters; refuse when nothing is left."""
    for path in rasters:
        if any(word in path.name.lower() for word in MASKS):
            path.unlink()
    if not any(path.exists() for path in rasters):
        names = ", ".join(path.name for path in rasters) or "none"
        raise FetchError(f"{address}: holds no map among its rasters ({names})")


def _copy(raster: Landcover, writer: MapWriter, address: str, progress: Progress) -> None:
    grid = writer.place.grid
    down, across = grid.offset_of(raster.grid)
    whole = max(abs(down - round(down)), abs(across - round(across))) < ALIGNED
    if not grid.has_pixels_like(raster.grid) or not whole:
        raise FetchError(
            f"{address}: holds {raster.grid}, expected the pixels of {grid}; it is not resampled"
        )
    pieces = list(strips(grid))
    for done, window in enumerate(pieces, 1):
        writer.write(read_on(grid, raster, window), window, address)
        progress(writer.path.name, done, len(pieces))
