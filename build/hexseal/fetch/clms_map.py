"""The archive of an order, unpacked, as a map of the place."""

import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from hexseal.errors import FetchError, InputError
from hexseal.fetch.addresses import public
from hexseal.fetch.clms import Order, Portal
from hexseal.fetch.landcover import ROWS, MapWriter
from hexseal.fetch.place import Place
from hexseal.fetch.web import RefusalError
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Window
from hexseal.raster.landcover import OUTSIDE, Landcover, open_landcover

# Names of the layers that come beside the map: confidence, data score, post-processing.
MASKS = ("conf", "rascl", "dsl", "rasdl", "post", "raspl")
ALIGNED = 1e-3
# Square degrees of one order: 1.5 took three minutes, 24 hours.
MOST_DEGREES2 = 1.5
# A map of 300 x 300 km unpacked holds 0.9 GB; whole tiles come with masks of the same size.
MOST_BYTES = 20_000_000_000
MOST_ENTRIES = 5_000
CHUNK = 1 << 20
LONGEST_NAME = 100
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def fetch_clms(
    portal: Portal, year: int, writer: MapWriter, *, progress: Progress = no_progress
) -> list[str]:
    """Write the place's map of a year from the portal; return the address that it came from.

    Raises FetchError for an archive without a map on the place's own pixels.
    """
    ids = portal.find(year)
    try:
        return _fetch_pieces(portal, year, ids, writer, progress)
    except RefusalError as err:
        if err.status not in (400, 404) or not portal.may_be_old(year):
            raise
    return _fetch_pieces(portal, year, portal.search(year), writer, progress)


def _fetch_pieces(
    portal: Portal, year: int, ids: tuple[str, str], writer: MapWriter, progress: Progress
) -> list[str]:
    addresses = []
    pieces = pieces_of(writer.place)
    for number, window in enumerate(pieces, 1):
        grid = writer.place.grid.subgrid(window)
        part = f"-{number}" if len(pieces) > 1 else ""
        note = writer.path.with_name(f".clms-{year}{part}.json")
        order = Order(*ids, Place(grid).lonlat_box)
        with TemporaryDirectory(prefix="hexseal-") as temporary:
            folder = Path(temporary)
            address = portal.deliver(order, note, folder / "order.zip")
            addresses.append(public(address))
            _keep_maps(unzip_rasters(folder / "order.zip", folder / "maps"), public(address))
            try:
                with open_landcover(str(folder / "maps" / "*.tif*"), fill=OUTSIDE) as raster:
                    _copy(raster, writer, window, public(address))
            except InputError as err:
                raise FetchError(f"{public(address)}: {err}") from err
        progress(writer.path.name, number, len(pieces))
    return addresses


def pieces_of(place: Place) -> list[Window]:
    """Cut a place into windows whose boxes in degrees hold at most MOST_DEGREES2 each."""
    grid = place.grid
    for count in range(1, 40):
        height, width = -(-grid.height // count), -(-grid.width // count)
        windows = [
            Window(row, column, min(height, grid.height - row), min(width, grid.width - column))
            for row in range(0, grid.height, height)
            for column in range(0, grid.width, width)
        ]
        if all(_degrees2(Place(grid.subgrid(window))) <= MOST_DEGREES2 for window in windows):
            return windows
    raise AssertionError("unreachable: a place has at most 300 x 300 km")


def _degrees2(place: Place) -> float:
    west, south, east, north = place.lonlat_box
    return (east - west) * (north - south)


def _keep_maps(rasters: list[Path], address: str) -> None:
    """Remove the masks among rasters; refuse when nothing is left."""
    for path in rasters:
        if any(word in path.name.lower() for word in MASKS):
            path.unlink()
    if not any(path.exists() for path in rasters):
        names = ", ".join(path.name for path in rasters) or "none"
        raise FetchError(f"{address}: holds no map among its rasters ({names})")


def _copy(raster: Landcover, writer: MapWriter, window: Window, address: str) -> None:
    grid = writer.place.grid
    down, across = grid.offset_of(raster.grid)
    whole = max(abs(down - round(down)), abs(across - round(across))) < ALIGNED
    if not grid.has_pixels_like(raster.grid) or not whole:
        raise FetchError(
            f"{address}: holds {raster.grid}, expected the pixels of {grid}; it is not resampled"
        )
    for piece in window.strips(ROWS):
        writer.write(raster.read_on(grid, piece), piece, address)


def unzip_rasters(archive: Path, folder: Path, *, most_bytes: int = MOST_BYTES) -> list[Path]:
    """Unpack the GeoTIFFs of an archive, also of archives within it, and return them by name.

    Raises FetchError where it is no archive, is damaged or encrypted, or holds too much.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Path] = []
    left = _unpack(archive, folder, found, most_bytes)
    for inner in sorted(folder.glob("*.zip")):
        left = _unpack(inner, folder, found, left, suffixes=(".tif", ".tiff"))
        inner.unlink()
    return sorted(found)


def _unpack(
    archive: Path,
    folder: Path,
    found: list[Path],
    left: int,
    *,
    suffixes: tuple[str, ...] = (".tif", ".tiff", ".zip"),
) -> int:
    """Unpack the files with these suffixes; return how many bytes may still come."""
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if len(entries) > MOST_ENTRIES:
                raise FetchError(f"{archive.name}: holds {len(entries):,} files; not unpacked")
            for entry in entries:
                name = UNSAFE.sub("-", PurePosixPath(entry.filename).name)
                if entry.is_dir() or not name.lower().endswith(suffixes):
                    continue
                # The end of a long name holds its suffix.
                path = folder / f"{len(list(folder.iterdir())):04d}-{name[-LONGEST_NAME:]}"
                left = _extract(opened, entry, path, left)
                if not name.lower().endswith(".zip"):
                    found.append(path)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as err:
        raise FetchError(f"{archive.name}: is no whole zip archive ({err}); try again") from err
    except RuntimeError as err:
        raise FetchError(f"{archive.name}: cannot be unpacked ({err})") from err
    return left


def _extract(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int) -> int:
    with opened.open(entry) as source, path.open("wb") as target:
        while content := source.read(CHUNK):
            left -= len(content)
            if left < 0:
                raise FetchError(
                    f"{path.name}: unpacks to more than it may ({entry.filename[-60:]!r}); "
                    "it is not used"
                )
            target.write(content)
    return left
