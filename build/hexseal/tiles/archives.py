"""PMTiles archives of single layers: written in order, named by their bytes, with their copies."""

import base64
import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, Self, TypeVar

from pmtiles.reader import MmapSource
from pmtiles.tile import (
    Compression,
    HeaderDict,
    MagicNumberNotFound,
    TileType,
    deserialize_directory,
    deserialize_header,
    zxy_to_tileid,
)
from pmtiles.writer import Writer

from hexseal.check.files import PMTILES_START
from hexseal.errors import InputError
from hexseal.manifest import Archive
from hexseal.region.load import Standalone, wants_script
from hexseal.storage.files import describe, sha256, whole_file, write_bytes
from hexseal.tiles.mercator import header_bounds
from hexseal.types import Box

HEADER_BYTES = 127
FORMATS = {
    TileType.MVT: "mvt",
    TileType.PNG: "png",
    TileType.JPEG: "jpg",
    TileType.WEBP: "webp",
}


def write_archive(
    path: Path,
    tiles: Iterable[tuple[int, bytes]],
    *,
    kind: TileType,
    bounds: Box,
    metadata: dict[str, object],
) -> int:
    """Write tiles, which come in ascending order of their ids; return how many there were.

    Vector tiles must be packed with gzip, pictures as they are. Without a tile no file is written.
    """
    compression = Compression.GZIP if kind == TileType.MVT else Compression.NONE
    west, south, east, north = header_bounds(bounds)
    count = 0
    with whole_file(path) as partial, partial.open("wb") as stream:
        writer = Writer(stream)
        for tile, content in tiles:
            writer.write_tile(tile, content)
            count += 1
        if count:
            header = {
                "tile_type": kind,
                "tile_compression": compression,
                "min_lon_e7": west,
                "min_lat_e7": south,
                "max_lon_e7": east,
                "max_lat_e7": north,
                "center_zoom": 0,
                "center_lon_e7": (west + east) // 2,
                "center_lat_e7": (south + north) // 2,
            }
            writer.finalize(header, metadata)
    if not count:
        # The library cannot finish an archive that holds no tile.
        path.unlink()
    return count


K = TypeVar("K", int, tuple[str, str])


class Spool(Generic[K]):
    """Contents that come in any order by key, kept in a file without a name in ``folder``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._places: dict[K, tuple[int, int]] = {}
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, key: K, content: bytes) -> None:
        """Keep a content."""
        self._file.seek(self._end)
        self._file.write(content)
        self._places[key] = self._end, len(content)
        self._end += len(content)

    def get(self, key: K) -> bytes | None:
        """Return the content of a key, None where there is none."""
        if key not in self._places:
            return None
        start, size = self._places[key]
        self._file.seek(start)
        return self._file.read(size)

    def sorted(self) -> Iterator[tuple[K, bytes]]:
        """Yield keys and contents in ascending order of the keys."""
        for key in sorted(self._places):
            content = self.get(key)
            assert content is not None
            yield key, content


class StoredTiles:
    """The tiles of an archive by place; its directory is read once, for any thread.

    Raises InputError where the file is no archive.
    """

    def __init__(self, archive: Path) -> None:
        try:
            with archive.open("rb") as stream:
                self._bytes = MmapSource(stream)
            self.header = deserialize_header(self._bytes(0, HEADER_BYTES))
        except (OSError, ValueError, MagicNumberNotFound) as err:
            raise InputError(f"{archive}: cannot be read ({err}); build the site again") from err
        self._places: dict[int, tuple[int, int]] = {}
        self._take(self.header["root_offset"], self.header["root_length"])

    def _take(self, start: int, size: int) -> None:
        for entry in deserialize_directory(self._bytes(start, size)):
            if entry.run_length == 0:
                self._take(self.header["leaf_directory_offset"] + entry.offset, entry.length)
            place = self.header["tile_data_offset"] + entry.offset, entry.length
            for tile in range(entry.tile_id, entry.tile_id + entry.run_length):
                self._places[tile] = place

    def get(self, zoom: int, x: int, y: int) -> bytes | None:
        """Return the content of a tile, None where there is none."""
        place = self._places.get(zxy_to_tileid(zoom, x, y))
        return None if place is None else self._bytes(*place)


def publish(archive: Path, name: str, site: Path, standalone: Standalone) -> Archive:
    """Copy an archive into the site under a name derived from its bytes, and its base64 script.

    The script sets ``globalThis.hexsealArchives[NAME]``. Raises InputError where the file is no
    PMTiles archive of pictures or vector tiles.
    """
    header = read_header(archive)
    digest = _digest(archive)
    target = site / "tiles" / f"{name}-{digest}.pmtiles"
    with whole_file(target) as partial:
        shutil.copyfile(archive, partial)
    size = archive.stat().st_size
    script = None
    if wants_script(standalone, size):
        script = f"assets/{name}-{digest}.js"
        _write_script(archive, name, site / script)
    edges = ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")
    return Archive(
        name=name,
        format=FORMATS[header["tile_type"]],
        pmtiles=f"tiles/{target.name}",
        script=script,
        bytes=size,
        bounds=Box(*(header[edge] / 1e7 for edge in edges)),
        minzoom=header["min_zoom"],
        maxzoom=header["max_zoom"],
    )


def read_header(archive: Path) -> HeaderDict:
    """Return the header of a PMTiles archive; raise InputError where it is none."""
    try:
        with archive.open("rb") as stream:
            start = stream.read(HEADER_BYTES)
    except OSError as err:
        raise InputError(f"{archive}: cannot be read ({err.strerror}); check the path") from err
    if len(start) < HEADER_BYTES or not start.startswith(PMTILES_START):
        raise InputError(f"{archive}: not a PMTiles v3 archive; convert it with pmtiles convert")
    header = deserialize_header(start)
    if header["tile_type"] not in FORMATS:
        raise InputError(
            f"{archive}: holds tiles of type {header['tile_type'].name}, "
            f"expected one of {', '.join(FORMATS.values())}"
        )
    return header


def _write_script(archive: Path, name: str, script: Path) -> None:
    encoded = base64.b64encode(archive.read_bytes())
    start = f'(globalThis.hexsealArchives??={{}})["{name}"]='.encode()
    write_bytes(script, start + b'"' + encoded + b'";\n')


def _digest(path: Path) -> str:
    try:
        return sha256(path)[:10]
    except OSError as err:
        raise describe(err, path) from err


def fitting_zoom(pixel_m: float, latitude: float, *, tile_pixels: int, detail: float) -> int:
    """Return the zoom at which a tile's pixel is at most ``detail`` of a pixel of ``pixel_m``.

    >>> fitting_zoom(10.0, 47.0, tile_pixels=512, detail=0.4)
    14
    """
    around = 40_075_016.685_578_488 * math.cos(math.radians(latitude))
    return max(0, math.ceil(math.log2(around / (tile_pixels * pixel_m * detail))))
