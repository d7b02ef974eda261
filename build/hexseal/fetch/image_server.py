"""CLC+ Backbone from an ArcGIS ImageServer (EEA's needs no login), piece by piece.

Request: https://developers.arcgis.com/rest/services-reference/enterprise/export-image/. Bounds are
whole pixels, the size is that of the bounds, nearest neighbour, compressed without loss: so codes
arrive as they are.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from hexseal.errors import FetchError
from hexseal.fetch.addresses import public
from hexseal.fetch.landcover import MapWriter
from hexseal.fetch.pool import in_order
from hexseal.fetch.web import Query, Web, start_of
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.types import Bytes

# The metre that a piece's corner may lie off before it counts as another place.
ALIGNED_M = 0.01
TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def tiles(grid: Grid, side: int) -> Iterator[Window]:
    """Cut a grid into pieces of at most ``side`` pixels, row by row.

    >>> from affine import Affine
    >>> grid = Grid("EPSG:3035", Affine(10.0, 0, 0.0, 0, -10.0, 0.0), 5, 2)
    >>> [(w.row, w.column, w.height, w.width) for w in tiles(grid, 4)]
    [(0, 0, 2, 4), (0, 4, 2, 1)]
    """
    for row in range(0, grid.height, side):
        for column in range(0, grid.width, side):
            height, width = min(side, grid.height - row), min(side, grid.width - column)
            yield Window(row, column, height, width)


def export_address(service: str, piece: Grid) -> str:
    """Return the address that exports a piece; the service's own query parameters are kept."""
    base, _, query = service.partition("?")
    xmin, ymin, xmax, ymax = piece.bounds
    wanted = {
        "bbox": f"{xmin:.0f},{ymin:.0f},{xmax:.0f},{ymax:.0f}",
        "bboxSR": "3035",
        "imageSR": "3035",
        "size": f"{piece.width},{piece.height}",
        "format": "tiff",
        "compression": "LZ77",
        "pixelType": "U8",
        "interpolation": "RSP_NearestNeighbor",
        "adjustAspectRatio": "false",
        "f": "image",
    }
    encoded = urlencode(wanted, safe=",")
    return f"{base.rstrip('/')}/exportImage?{encoded}" + (f"&{query}" if query else "")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a map: what it covers, its address, and where its image lies while it is read."""

    grid: Grid
    address: str
    path: Path


def fetch_image_server(
    web: Web,
    service: str,
    side: int,
    writer: MapWriter,
    *,
    workers: int = 1,
    progress: Progress = no_progress,
) -> list[str]:
    """Write the place's map from a service, in pieces of ``side`` pixels; return the addresses.

    ``workers`` pieces are asked for at once. Raises FetchError for an answer that is no image, has
    another size or place, more bands, or codes that the product lacks.
    """
    grid = writer.place.grid
    windows = list(tiles(grid, side))
    with TemporaryDirectory(prefix="hexseal-") as folder:
        pieces = [
            _Piece(piece, export_address(service, piece), Path(folder) / f"{number}.tif")
            for number, piece in enumerate(map(grid.subgrid, windows))
        ]
        with closing(in_order(_fetched, pieces, web, workers)) as found:
            for done, codes in enumerate(found, 1):
                piece = pieces[done - 1]
                writer.write(codes, windows[done - 1], public(piece.address))
                progress(writer.path.name, done, len(pieces))
    return [piece.address for piece in pieces]


def _fetched(piece: _Piece, web: Web) -> Bytes:
    """Return the codes (rows, columns) of a piece."""
    try:
        web.download(Query(piece.address), piece.path)
        return read_piece(piece.path, piece.grid, piece.address)
    finally:
        piece.path.unlink(missing_ok=True)


def read_piece(path: Path, piece: Grid, address: str) -> Bytes:
    """Return the codes (rows, columns) of an exported piece; FetchError on another answer."""
    with path.open("rb") as stream:
        start = stream.read(400)
    if not start.startswith(TIFF):
        raise FetchError(
            f"{public(address)}: sent no image but {start_of(start)!r}; check the address and "
            "whether the service has this year"
        )
    try:
        with rasterio.open(path, driver="GTiff") as file:
            _check_form(file, piece, address)
            return file.read(1)
    except RasterioError as err:
        raise FetchError(f"{public(address)}: sent an image that is damaged; try again") from err


def _check_form(file: rasterio.DatasetReader, piece: Grid, address: str) -> None:
    wanted, got = (1, piece.height, piece.width), (file.count, file.height, file.width)
    if got != wanted or file.dtypes[0] != "uint8":
        raise FetchError(
            f"{public(address)}: sent {got[0]} bands of {got[2]} x {got[1]} {file.dtypes[0]} "
            f"pixels instead of one of {piece.width} x {piece.height} bytes; a smaller "
            "tile_pixels may help, or the service draws colours instead of codes"
        )
    off = np.abs(np.array(file.transform[:6]) - np.array(piece.transform[:6])).max()
    if not file.transform.is_identity and off > ALIGNED_M:
        raise FetchError(
            f"{public(address)}: sent another place or pixel size ({file.transform[:6]}) than "
            f"asked for ({piece.transform[:6]}), so its codes would be shifted"
        )
