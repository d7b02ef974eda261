"""The tile archive: every tile decodes, every cell is there with the figures of the dataset."""

import base64
import gzip
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from numpy.typing import NDArray
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import deserialize_header

from hexseal.codebook import columns_for
from hexseal.codebook.measures import SIGNALS, Signal
from hexseal.verify.pages import PageSettings

# An archive without tiles makes the library fail in its own ways.
DECODING_ERRORS = (ValueError, IndexError, KeyError, EOFError, OSError, AssertionError)


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
    zooms: dict[int, dict[int, tuple[int, ...]]] = {}
    columns = tile_columns(settings)
    resolutions: dict[int, int] = {}
    for (zoom, x, y), packed in all_tiles(source):
        tile = vector_tile_pb2.tile()  # type: ignore[attr-defined]
        tile.ParseFromString(gzip.decompress(packed))
        cells = zooms.setdefault(zoom, {})
        for layer in tile.layers:
            if layer.name not in layers:
                yield f"tile {zoom}/{x}/{y}: layer {layer.name} is not named in the metadata"
            if layer.name == "hexagons":
                for cell, resolution, figures in _features(layer, columns):
                    resolutions[zoom] = resolution
                    if cells.setdefault(cell, figures) != figures:
                        yield f"tile {zoom}/{x}/{y}: cell {cell:x} differs from another tile"
    missing = set(range(header["min_zoom"], header["max_zoom"] + 1)) - zooms.keys()
    if missing:
        yield f"{settings.archive}: no tiles at zoom {sorted(missing)}"
    for zoom, cells in sorted(zooms.items()):
        yield from _compare(site, settings, zoom, resolutions.get(zoom), cells)


def tile_columns(settings: PageSettings) -> list[str]:
    """Return the figures that every hexagon carries in the tiles."""
    return [column.name for column in columns_for("tile", settings.spread)]


def summed_columns(settings: PageSettings) -> list[str]:
    """Return the square metres that add up: hexagons of any size sum to the region's."""
    return [column.name for column in columns_for("sum", settings.spread)]


def _features(layer, columns: list[str]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    keys = list(layer.keys)
    values = [value.int_value or value.uint_value or value.sint_value for value in layer.values]
    for feature in layer.features:
        tags = dict(zip(feature.tags[::2], feature.tags[1::2], strict=True))
        figures = {keys[key]: values[value] for key, value in tags.items()}
        yield feature.id, figures["resolution"], tuple(figures[name] for name in columns)


def _compare(
    site: Path,
    settings: PageSettings,
    zoom: int,
    resolution: int | None,
    cells: dict[int, tuple[int, ...]],
) -> Iterator[str]:
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
    low_bits = table["h3"].to_numpy() & np.uint64((1 << 52) - 1)
    figures = np.column_stack([_whole(table[name], name) for name in names[1:]])
    wanted = dict(zip(low_bits.tolist(), map(tuple, figures.tolist()), strict=True))
    lost, extra = wanted.keys() - cells.keys(), cells.keys() - wanted.keys()
    different = [cell for cell in wanted.keys() & cells.keys() if wanted[cell] != cells[cell]]
    for what, found in (("lack", lost), ("have too many", extra), ("differ in", different)):
        if found:
            yield (
                f"zoom {zoom}: the tiles {what} {len(found)} cells of {listed[0].path}, "
                f"for instance low bits {min(found):x}"
            )


def _whole(column: pa.ChunkedArray, name: str) -> NDArray[np.int64]:
    """Return what a tile holds of a column: whole square metres, or the number of a signal."""
    if name.startswith("signal_"):
        return np.array(
            [SIGNALS.index(word or Signal.NO_DATA) for word in column.to_pylist()], np.int64
        )
    return np.floor(column.fill_null(0.0).to_numpy() + 0.5).astype(np.int64)
