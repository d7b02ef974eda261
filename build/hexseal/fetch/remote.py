"""Remote rasters read by ranges over ``Web``: the same checks of addresses as every request.

GDAL's own network access would resolve names again and follow redirects unchecked, so it is given
a file object instead. Cloud-optimised files are read in few requests: a block, and more ahead the
longer reading continues in sequence.
"""

import io
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import rasterio
from rasterio.errors import RasterioError

from hexseal.errors import FetchError
from hexseal.fetch.addresses import public
from hexseal.fetch.web import Query, Web

BLOCK = 1 << 17
MOST_AHEAD = 16
MOST_BLOCKS = 512
DRIVERS = {"jp2": "JP2OpenJPEG"}


class RemoteFile(io.RawIOBase):
    """A file at an address, read by ranges and kept in memory by blocks of ``BLOCK`` bytes."""

    def __init__(self, web: Web, address: str, origin: str = "") -> None:
        super().__init__()
        self.web, self.address, self.origin = web, address, origin
        self.fault: FetchError | None = None
        self.place = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._ahead, self._following = 1, -1
        self.size = 0
        self._load(0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self.place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place and return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.size}[whence]
        self.place = max(0, start + offset)
        return self.place

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, fewer only at the end of the file."""
        stop = self.size if size < 0 else min(self.place + size, self.size)
        parts = []
        for number in range(self.place // BLOCK, -(-stop // BLOCK)):
            block, start = self._block(number), number * BLOCK
            parts.append(block[max(0, self.place - start) : stop - start])
        content = b"".join(parts)
        self.place += len(content)
        return content

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            try:
                self._load(number)
            except FetchError as err:
                # GDAL reports a failed read in its own words; the reason is kept for ``opened``.
                self.fault = err
                raise OSError(str(err)) from err
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _load(self, number: int) -> None:
        self._ahead = min(2 * self._ahead, MOST_AHEAD) if number == self._following else 1
        start = number * BLOCK
        query = Query(self.address, origin=self.origin, span=(start, start + self._ahead * BLOCK))
        content, self.size = self.web.span(query)
        for place in range(0, len(content), BLOCK):
            self._blocks[number + place // BLOCK] = content[place : place + BLOCK]
        self._following = number + self._ahead
        while len(self._blocks) > MOST_BLOCKS:
            self._blocks.popitem(last=False)


@contextmanager
def opened(web: Web, address: str, origin: str = "") -> Iterator[rasterio.DatasetReader]:
    """Open a remote GeoTIFF or JPEG 2000; raise FetchError where it cannot be read.

    Only these two are opened, so that no answer can make GDAL read local files (as a VRT could).
    """
    file = RemoteFile(web, address, origin)
    # A name of our own: the address may hold a signature, and GDAL puts names into messages.
    suffix = public(address).rpartition(".")[2].lower()
    driver = DRIVERS.get(suffix, "GTiff")

    def opener(name: str, mode: str = "rb", **_: object) -> RemoteFile:
        if not name.endswith(f"remote.{suffix}") or "r" not in mode:
            # Nothing lies beside it: no overviews, no masks, no world file.
            raise FileNotFoundError(name)
        file.seek(0)
        return file

    try:
        with rasterio.open(f"https://file/remote.{suffix}", driver=driver, opener=opener) as raster:
            yield raster
    except RasterioError as err:
        raise file.fault or FetchError(
            f"{public(address)}: cannot be read as a raster; try again, or check the address"
        ) from err
