"""The archives of further map layers: named by their bytes, copied whole, every tile sound."""

import base64
import gzip
import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import TileType, deserialize_header

from hexseal.verify.pages import LayerArchive, PageSettings
from hexseal.verify.tiles import DECODING_ERRORS, wrong_attribution

TYPES = {"mvt": TileType.MVT, "png": TileType.PNG, "jpg": TileType.JPEG, "webp": TileType.WEBP}
PNG_START = b"\x89PNG\r\n\x1a\n"
TILE_PIXELS = 512
# Outside, water, grass, crop, wood, bare, sealed.
GROUND_CODES = 7


def check_layers(site: Path, settings: PageSettings) -> list[str]:
    """Return what is wrong with the archives of ground, pixels, images, patches and the basemap."""
    problems: list[str] = []
    for archive in settings.archives:
        path = site / archive.pmtiles
        if not path.is_file():
            problems.append(f"{archive.pmtiles}: is missing")
            continue
        problems += _check_copies(site, archive)
        try:
            problems += _check_tiles(site, settings, archive)
        except (*DECODING_ERRORS, zlib.error, struct.error) as err:
            problems.append(f"{archive.pmtiles}: does not decode ({type(err).__name__}: {err})")
    return problems


def _check_copies(site: Path, archive: LayerArchive) -> Iterator[str]:
    content = (site / archive.pmtiles).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:10]
    if not archive.pmtiles.endswith(f"-{digest}.pmtiles") or len(content) != archive.bytes:
        yield f"{archive.pmtiles}: its name and size do not fit its bytes ({digest})"
    if archive.script is not None:
        script = site / archive.script
        parts = script.read_bytes().split(b'"') if script.is_file() else []
        named = len(parts) == 5 and parts[1] == archive.name.encode()
        if not named or base64.b64decode(parts[3]) != content:
            yield f"{archive.script}: does not hold the bytes of {archive.pmtiles}"


def _check_tiles(site: Path, settings: PageSettings, archive: LayerArchive) -> Iterator[str]:
    patches: set[tuple[str, int]] = set()
    zooms = set()
    with (site / archive.pmtiles).open("rb") as stream:
        source = MmapSource(stream)
        header = deserialize_header(source(0, 127))
        if header["tile_type"] != TYPES[archive.format]:
            yield f"{archive.pmtiles}: its tiles are not {archive.format}"
        if archive.name == "basemap":
            return
        metadata = Reader(source).metadata()
        yield from wrong_attribution(archive.pmtiles, metadata, simulated=settings.simulated)
        for (zoom, x, y), content in all_tiles(source):
            zooms.add(zoom)
            codes = GROUND_CODES if archive.name == "ground" else len(settings.codes) + 2
            wrong = _wrong(archive.format, content, codes, patches)
            if wrong:
                yield f"{archive.pmtiles}, tile {zoom}/{x}/{y}: {wrong}"
    missing = set(range(archive.minzoom, archive.maxzoom + 1)) - zooms
    if missing:
        yield f"{archive.pmtiles}: no tiles at zoom {sorted(missing)}"
    if archive.name == "patches":
        yield from _compare_patches(site, settings, archive, patches)


def _wrong(kind: str, content: bytes, codes: int, patches: set[tuple[str, int]]) -> str:
    """Return what is wrong with a tile, or nothing; add its patches to ``patches``."""
    if kind == "png":
        return _wrong_png(content, codes)
    if kind == "webp":
        return "" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else "is no WebP"
    tile = vector_tile_pb2.tile()  # type: ignore[attr-defined]
    tile.ParseFromString(gzip.decompress(content))
    for layer in tile.layers:
        keys = list(layer.keys)
        for feature in layer.features:
            tags = zip(feature.tags[::2], feature.tags[1::2], strict=True)
            properties = {keys[key]: layer.values[value] for key, value in tags}
            patches.add((properties["pair"].string_value, properties["rank"].int_value))
    return "" if [layer.name for layer in tile.layers] == ["patches"] else "holds other layers"


def _wrong_png(content: bytes, codes: int) -> str:
    width, height, depth, kind = struct.unpack(">IIBB", content[16:26])
    if content[:8] != PNG_START or (width, height) != (TILE_PIXELS, TILE_PIXELS):
        return f"is no PNG of {TILE_PIXELS} x {TILE_PIXELS} pixels"
    if (depth, kind) != (8, 3):
        return "is no PNG of palette numbers"
    start = content.index(b"IDAT")
    length = struct.unpack(">I", content[start - 4 : start])[0]
    rows = zlib.decompress(content[start + 4 : start + 4 + length])
    highest = max(rows)
    return f"holds code {highest}, which stands for nothing" if highest >= codes else ""


def _compare_patches(
    site: Path, settings: PageSettings, archive: LayerArchive, found: set[tuple[str, int]]
) -> Iterator[str]:
    listed = [f.path for f in settings.downloads if f.path.endswith("_patches.parquet")]
    if not listed:
        return
    columns = ["first_year", "second_year", "rank"]
    table = pq.read_table(site / listed[0], columns=columns, filters=[("confirmed", "=", True)])
    wanted = {(f"{r['first_year']}-{r['second_year']}", r["rank"]) for r in table.to_pylist()}
    if wanted != found:
        yield (
            f"{archive.pmtiles}: holds {len(found)} confirmed patches, {listed[0]} "
            f"{len(wanted)}; {len(wanted ^ found)} differ"
        )
