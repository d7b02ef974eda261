"""Every tile archive: it decodes, its script holds it, its cells have the dataset's figures."""

import base64
import gzip
import hashlib
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from numpy.typing import NDArray
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import TileType, deserialize_header

from hexseal.codebook import columns_for
from hexseal.codebook.measures import SIGNALS, Signal
from hexseal.verify.mvt import Decoded, joined_cells, read_cells, read_layers
from hexseal.verify.pages import LayerArchive, PageSettings

# An archive without tiles makes the library fail in its own ways.
DECODING_ERRORS = (ValueError, IndexError, KeyError, EOFError, OSError, AssertionError)
TYPES = {"mvt": TileType.MVT, "png": TileType.PNG, "jpg": TileType.JPEG, "webp": TileType.WEBP}
PNG_START = b"\x89PNG\r\n\x1a\n"
TILE_PIXELS = 512
PALETTE_KIND = 3
# Outside, water, grass, crop, wood, bare, sealed.
GROUND_CODES = 7


def check_tiles(site: Path, settings: PageSettings) -> list[str]:
    """Return what is wrong with the archive and the script that carries its copy."""
    archive = site / settings.archive
    if not archive.is_file():
        return [f"{settings.archive}: is missing"]
    problems = list(_check_copies(site, settings, archive))
    try:
        with archive.open("rb") as stream:
            problems += _check_archive(stream, site, settings)
    except DECODING_ERRORS as err:
        problems.append(f"{settings.archive}: does not decode ({type(err).__name__}: {err})")
    return problems


def _check_copies(site: Path, settings: PageSettings, archive: Path) -> Iterator[str]:
    content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if archive.stem.rsplit("-", 1)[-1] != digest[:10]:
        yield f"{settings.archive}: its name does not fit its bytes ({digest[:10]})"
    if settings.script is None:
        return
    script = site / settings.script
    encoded = script.read_bytes().split(b'"')[1] if script.is_file() else b""
    if base64.b64decode(encoded) != content:
        yield f"{settings.script}: does not hold the bytes of {settings.archive}"


def wrong_attribution(
    archive: str, metadata: Mapping[str, object], *, simulated: bool
) -> Iterator[str]:
    """Yield a line where tiles of simulated data name a producer, or real ones none."""
    words = str(metadata.get("attribution") or "")
    if words.startswith("Simulated") != simulated:
        kind = "simulated" if simulated else "not simulated"
        yield f"{archive}: the site is {kind}, but its attribution is {words[:80]!r}"


def _check_archive(stream, site: Path, settings: PageSettings) -> Iterator[str]:
    source = MmapSource(stream)
    header = deserialize_header(source(0, 127))
    metadata = Reader(source).metadata()
    yield from wrong_attribution(settings.archive, metadata, simulated=settings.simulated)
    layers = {layer["id"] for layer in metadata.get("vector_layers", [])}
    if "hexagons" not in layers:
        yield f"{settings.archive}: its metadata names no vector layer 'hexagons'"
    columns = tile_columns(settings)
    zooms: dict[int, list[Decoded]] = {}
    for (zoom, x, y), packed in all_tiles(source):
        for name, layer in read_layers(gzip.decompress(packed)):
            if name not in layers:
                yield f"tile {zoom}/{x}/{y}: layer {name} is not named in the metadata"
            if name == "hexagons":
                zooms.setdefault(zoom, []).append(read_cells(layer, columns, (x, y)))
    missing = set(range(header["min_zoom"], header["max_zoom"] + 1)) - zooms.keys()
    if missing:
        yield f"{settings.archive}: no tiles at zoom {sorted(missing)}"
    for zoom, parts in sorted(zooms.items()):
        cells = joined_cells(parts)
        yield from _torn(zoom, cells)
        yield from _compare(site, settings, zoom, cells)


def _torn(zoom: int, cells: Decoded) -> Iterator[str]:
    """Yield a line for each cell whose figures are not the same in every tile that holds it."""
    _, first, place = np.unique(cells.ids, return_index=True, return_inverse=True)
    other = (cells.figures != cells.figures[first[place]]).any(axis=1)
    for row in np.flatnonzero(other).tolist():
        x, y = cells.tiles[row].tolist()
        yield f"tile {zoom}/{x}/{y}: cell {cells.ids[row]:x} differs from another tile"


def tile_columns(settings: PageSettings) -> list[str]:
    """Return the figures that every hexagon carries in the tiles."""
    return [column.name for column in columns_for("tile", settings.spread)]


def summed_columns(settings: PageSettings) -> list[str]:
    """Return the square metres that add up: hexagons of any size sum to the region's."""
    return [column.name for column in columns_for("sum", settings.spread)]


def _compare(site: Path, settings: PageSettings, zoom: int, cells: Decoded) -> Iterator[str]:
    resolution = int(cells.resolutions[-1]) if cells.ids.size else None
    listed = [
        item
        for item in settings.downloads
        if item.resolution == resolution and item.path.endswith(".parquet")
    ]
    if not listed:
        yield f"zoom {zoom}: shows resolution {resolution}, which no dataset holds"
        return
    names = ["h3", *tile_columns(settings)]
    table = pq.read_table(site / listed[0].path, columns=names)
    wanted = table["h3"].to_numpy() & np.uint64((1 << 52) - 1)
    order = np.argsort(wanted)
    wanted = wanted[order]
    figures = np.column_stack([_whole(table[name], name) for name in names[1:]])[order]
    found, first = np.unique(cells.ids, return_index=True)
    both, in_wanted, in_found = np.intersect1d(
        wanted, found, assume_unique=True, return_indices=True
    )
    differ = (figures[in_wanted] != cells.figures[first[in_found]]).any(axis=1)
    lost = np.setdiff1d(wanted, found, assume_unique=True)
    extra = np.setdiff1d(found, wanted, assume_unique=True)
    for what, some in (("lack", lost), ("have too many", extra), ("differ in", both[differ])):
        if some.size:
            yield (
                f"zoom {zoom}: the tiles {what} {some.size} cells of {listed[0].path}, "
                f"for instance low bits {some.min():x}"
            )


def _whole(column: pa.ChunkedArray, name: str) -> NDArray[np.int64]:
    """Return what a tile holds of a column: whole square metres, or the number of a signal."""
    if name.startswith("signal_"):
        encoded = column.fill_null(Signal.NO_DATA).combine_chunks().dictionary_encode()
        codes = [SIGNALS.index(word) for word in encoded.dictionary.to_pylist()]
        return np.array(codes, np.int64)[encoded.indices.to_numpy()]
    return np.floor(column.fill_null(0.0).to_numpy() + 0.5).astype(np.int64)


def check_layers(site: Path, settings: PageSettings) -> list[str]:
    """Return what is wrong with the archives of ground, pixels, images, patches and the basemap."""
    problems: list[str] = []
    for archive in settings.archives:
        path = site / archive.pmtiles
        if not path.is_file():
            problems.append(f"{archive.pmtiles}: is missing")
            continue
        problems += _check_layer_copies(site, archive)
        try:
            problems += _check_tiles(site, settings, archive)
        except (*DECODING_ERRORS, zlib.error, struct.error) as err:
            problems.append(f"{archive.pmtiles}: does not decode ({type(err).__name__}: {err})")
    return problems


def _check_layer_copies(site: Path, archive: LayerArchive) -> Iterator[str]:
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
    width, height, bits, kind = struct.unpack(">IIBB", content[16:26])
    if content[:8] != PNG_START or (width, height) != (TILE_PIXELS, TILE_PIXELS):
        return f"is no PNG of {TILE_PIXELS} x {TILE_PIXELS} pixels"
    if bits not in (4, 8) or kind != PALETTE_KIND:
        return "is no PNG of palette numbers"
    start = content.index(b"IDAT")
    length = struct.unpack(">I", content[start - 4 : start])[0]
    rows = np.frombuffer(zlib.decompress(content[start + 4 : start + 4 + length]), np.uint8)
    if rows.size != height * (1 + width * bits // 8):
        return "holds too many or too few pixels"
    filters, packed = np.split(rows.reshape(height, -1), [1], axis=1)
    if filters.any():
        return "has filtered rows, which pages cannot read"
    highest = int(packed.max()) if bits == 8 else int(max((packed >> 4).max(), (packed & 15).max()))
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
