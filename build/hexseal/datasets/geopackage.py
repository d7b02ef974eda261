"""One GeoPackage for QGIS: hexagons of every resolution, areas and patches, with their styles."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as Xml

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.errors

from hexseal.codebook import Column, Table, columns_of, spread_of
from hexseal.datasets.geoparquet import BOX, GEOMETRY
from hexseal.datasets.provenance import Provenance
from hexseal.errors import OutputError
from hexseal.manifest import Download
from hexseal.region.load import Region
from hexseal.storage.database import statement
from hexseal.storage.files import whole_file

# More rows make QGIS slow and the file large; the Parquet files have them all.
MOST_ROWS = 1_000_000
ROWS_AT_ONCE = 65_536
# What a GeoPackage's SQL types lack.
WIDER = {pa.uint64(): pa.int64(), pa.uint8(): pa.int16()}
LONGEST_ALIAS = 60
LANGUAGE_NAMES = {"en": "English", "fr": "Français"}
FIXED_TIME = "2000-01-01T00:00:00.000Z"
# Percent of land, and the colours of the classes: nothing sealed, then up to each break.
SHARE_BREAKS = (1.0, 3.0, 10.0, 25.0, 50.0)
SHARE_COLORS = ("#f2f5ea", "#c8a473", "#bd824c", "#b06139", "#943e36", "#732a4c", "#3b1440")
SIGNAL_COLORS = {"gain": "#cf5f2d", "loss": "#3f8f8c", "within_noise": "#918c99", "no_data": ""}
PATCH_COLORS = {"gain": "#cf5f2d", "loss": "#3f8f8c"}
LINE = "#3c4650"
# WKB in little-endian byte order: what a polygon starts with, and a MultiPolygon of one polygon.
SINGLE = np.frombuffer(bytes.fromhex("0103000000"), np.uint8)
MULTI_OF_ONE = np.frombuffer(bytes.fromhex("010600000001000000"), np.uint8)


@dataclass(frozen=True, slots=True)
class Style:
    """A named style of a layer as QML."""

    name: str
    qml: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A GeoParquet file that becomes a layer; the first style is the one QGIS starts with."""

    name: str
    table: Table
    source: Path
    styles: tuple[Style, ...]


def write_geopackage(
    region: Region, site: Path, downloads: tuple[Download, ...], provenance: Provenance
) -> Path:
    """Write site/data/ID.gpkg from the GeoParquet files; the same rows give the same bytes.

    A resolution of more than a million hexagons is left out. ``h3`` is a signed 64-bit number
    here, which holds every index.
    """
    path = site / "data" / f"{region.id}.gpkg"
    layers = list(_layers(region, site, downloads))
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_TIME})
    try:
        with whole_file(path) as partial:
            plain = partial.with_name(f"{partial.stem}-unsorted.gpkg")
            try:
                for layer in layers:
                    _write_layer(layer, plain)
                _describe(plain, partial, region, layers, provenance)
            except (
                sqlite3.Error,
                pyogrio.errors.DataSourceError,
                pyogrio.errors.DataLayerError,
                pyogrio.errors.FeatureError,
            ) as err:
                raise OutputError(
                    f"{path}: cannot be written ({err}); check free disk space and permissions"
                ) from err
            finally:
                for left in (plain, *path.parent.glob(f"{plain.name}-*")):
                    left.unlink(missing_ok=True)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return path


def _layers(region: Region, site: Path, downloads: tuple[Download, ...]) -> Iterator[Layer]:
    for item in downloads:
        if item.format != "GeoParquet" or (item.rows or 0) > MOST_ROWS:
            continue
        table: Table = "hexagons" if item.resolution is not None else _table(item)
        name = f"hexagons_r{item.resolution}" if item.resolution is not None else item.title
        yield Layer(name, table, site / item.path, tuple(_styles(region, table)))


def _table(item: Download) -> Table:
    return "areas" if item.table == "areas" else "patches"


def _styles(region: Region, table: Table) -> Iterator[Style]:
    """Yield styles with the titles of columns in the first language, and one in each other one."""
    columns = columns_of(table, spread_of(region))
    titles, *others = [aliases(columns, language) for language in region.site.languages]
    if table == "patches":
        yield category_style("direction", "Direction", PATCH_COLORS, titles)
    else:
        for year in reversed(region.years):
            yield share_style(f"sealed_share_{year}", f"Sealed share {year}", titles)
        for pair in region.pairs:
            title = f"Signal {pair.name}"
            yield category_style(pair.column("signal"), title, SIGNAL_COLORS, titles)
    for language, other in zip(region.site.languages[1:], others, strict=True):
        name = LANGUAGE_NAMES.get(language, language)
        if table == "patches":
            yield category_style("direction", name, PATCH_COLORS, other)
        else:
            yield share_style(f"sealed_share_{region.years[-1]}", name, other)


def _write_layer(layer: Layer, path: Path) -> None:
    file = pq.ParquetFile(layer.source)
    names = [name for name in file.schema_arrow.names if name != BOX]
    schema = pa.schema(
        [
            pa.field(name, _type(file.schema_arrow.field(name).type))
            for name in names
            if name != GEOMETRY
        ]
        + [pa.field("geom", pa.binary())]
    )
    batches = (_batch(batch, schema) for batch in file.iter_batches(ROWS_AT_ONCE, columns=names))
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(schema, batches),
        path,
        layer=layer.name,
        driver="GPKG",
        geometry_name="geom",
        geometry_type="MultiPolygon",
        crs="EPSG:4326",
        # GDAL before 3.7, thus R and QGIS of many offices, warns at anything newer.
        dataset_options={"VERSION": "1.3"},
        layer_options={"SPATIAL_INDEX": "YES", "FID": "fid", "GEOMETRY_NAME": "geom"},
    )


def _type(kind: pa.DataType) -> pa.DataType:
    return WIDER.get(kind, kind)


def _batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    table = pa.Table.from_batches([batch])
    columns = [
        multi_wkb(table[GEOMETRY].combine_chunks())
        if field.name == "geom"
        else table[field.name].combine_chunks().cast(field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def multi_wkb(shapes: pa.Array) -> pa.Array:
    """Return WKB in which every polygon is a MultiPolygon of its own; what is missing stays so."""
    shapes = shapes.cast(pa.binary())
    offsets = np.frombuffer(shapes.buffers()[1], np.int32)[shapes.offset :][: len(shapes) + 1]
    content = np.frombuffer(shapes.buffers()[2] or b"", np.uint8)
    room = content.size + len(shapes) * MULTI_OF_ONE.size
    moved, wrapped = np.empty(len(shapes) + 1, np.int32), np.empty(room, np.uint8)
    used = _wrapped(offsets, content, SINGLE, MULTI_OF_ONE, moved, wrapped)
    return pa.Array.from_buffers(
        pa.binary(),
        len(shapes),
        [_validity(shapes), pa.py_buffer(moved), pa.py_buffer(wrapped[:used])],
    )


def _validity(column: pa.Array) -> pa.Buffer | None:
    """Return the bitmap of the values that are not missing, from the first one on."""
    if not column.null_count:
        return None
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


@numba.njit(cache=True, nogil=True)
def _wrapped(offsets, content, single, prefix, moved, wrapped):
    """Copy values, those that begin with ``single`` behind ``prefix``; return the bytes used."""
    at = 0
    for row in range(offsets.size - 1):
        start, stop = offsets[row], offsets[row + 1]
        moved[row] = at
        if stop - start >= single.size and (content[start : start + single.size] == single).all():
            wrapped[at : at + prefix.size] = prefix
            at += prefix.size
        wrapped[at : at + stop - start] = content[start:stop]
        at += stop - start
    moved[offsets.size - 1] = at
    return at


def _describe(
    plain: Path, path: Path, region: Region, layers: list[Layer], provenance: Provenance
) -> None:
    """Add styles and descriptions, then write the database again in its shortest form."""
    languages = region.site.languages
    text = f"{provenance.attribution}. hexseal {provenance.version}, {region.dataset.version}"
    with closing(sqlite3.connect(plain)) as database:
        database.executescript(statement("geopackage_tables"))
        for layer in layers:
            for place, style in enumerate(layer.styles):
                values = {"layer": layer.name, "name": style.name, "qml": style.qml}
                database.execute(statement("geopackage_style"), values | {"is_default": place == 0})
            columns = columns_of(layer.table, spread_of(region))
            titles = aliases(columns, languages[0])
            for column in columns:
                values = _description(layer, column, titles[column.name], languages)
                database.execute(statement("geopackage_column"), values)
            database.execute(statement("geopackage_contents"), {"layer": layer.name, "text": text})
        database.commit()
        path.unlink(missing_ok=True)
        database.execute("VACUUM INTO ?", [str(path)])


def _description(
    layer: Layer, column: Column, alias: str, languages: tuple[str, ...]
) -> dict[str, str]:
    """Return what gpkg_data_columns holds of a column: its text stands there in every language."""
    unit = f" [{column.unit}]" if column.unit else ""
    text = " / ".join(column.text[language] for language in languages) + unit
    return {"layer": layer.name, "name": column.name, "alias": alias, "text": text}


def aliases(columns: Iterable[Column], language: str) -> dict[str, str]:
    """Return a short title of each column with its unit, no two alike, by the column's name."""
    found: dict[str, str] = {}
    for column in columns:
        words = re.split(r"[;:,(]|\. ", column.text[language])[0].strip()
        if len(words) > LONGEST_ALIAS:
            words = f"{words[:LONGEST_ALIAS].rsplit(' ', 1)[0]} …"
        title = f"{words} [{column.unit}]" if column.unit else words
        found[column.name] = f"{title} ({column.name})" if title in found.values() else title
    return found


def share_style(column: str, name: str, titles: Mapping[str, str]) -> Style:
    """Return a graduated style of a column of shares from 0 to 1, with titles of columns."""
    root, renderer = _document("graduatedSymbol", column, titles)
    renderer.set("graduatedMethod", "GraduatedColor")
    ranges = Xml.SubElement(renderer, "ranges")
    ends = (0.0, *SHARE_BREAKS, 100.0)
    for place, label in enumerate(["0 %", *_labels(ends)]):
        low, high = (0.0, 0.0) if place == 0 else (ends[place - 1], ends[place])
        Xml.SubElement(
            ranges, "range", symbol=str(place), label=label, render="true",
            lower=f"{low / 100:.15f}", upper=f"{high / 100:.15f}",
        )  # fmt: skip
    _symbols(renderer, SHARE_COLORS)
    Xml.SubElement(renderer, "classificationMethod", id="Custom")
    return Style(name, _text(root))


def category_style(
    column: str, name: str, colors: dict[str, str], titles: Mapping[str, str]
) -> Style:
    """Return a categorized style; a category without a colour stays empty."""
    root, renderer = _document("categorizedSymbol", column, titles)
    categories = Xml.SubElement(renderer, "categories")
    for place, value in enumerate(colors):
        Xml.SubElement(
            categories, "category", symbol=str(place), value=value, label=value, render="true",
            type="string",
        )  # fmt: skip
    _symbols(renderer, list(colors.values()))
    return Style(name, _text(root))


def _labels(ends: Sequence[float]) -> list[str]:
    return [f"{low:g} – {high:g} %" for low, high in pairwise(ends)]


def _document(kind: str, column: str, titles: Mapping[str, str]) -> tuple[Xml.Element, Xml.Element]:
    root = Xml.Element("qgis", version="3.34.0", styleCategories="Symbology|Fields")
    names = Xml.SubElement(root, "aliases")
    for place, (name, title) in enumerate(titles.items(), 1):  # fid is the first
        Xml.SubElement(names, "alias", index=str(place), field=name, name=title)
    renderer = Xml.SubElement(
        root, "renderer-v2", type=kind, attr=column, symbollevels="0", enableorderby="0",
        forceraster="0",
    )  # fmt: skip
    return root, renderer


def _symbols(renderer: Xml.Element, colors: Sequence[str]) -> None:
    symbols = Xml.SubElement(renderer, "symbols")
    for place, color in enumerate(colors):
        symbol = Xml.SubElement(
            symbols, "symbol", type="fill", name=str(place), alpha="1", clip_to_extent="1"
        )
        layer = Xml.SubElement(
            symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"}
        )
        options = Xml.SubElement(layer, "Option", type="Map")
        for name, value in (
            ("color", _color(color or "#ffffff", 255)),
            ("style", "solid" if color else "no"),
            ("outline_color", _color(LINE, 60)),
            ("outline_width", "0.1"),
            ("outline_width_unit", "MM"),
            ("outline_style", "solid"),
        ):
            Xml.SubElement(options, "Option", type="QString", name=name, value=value)


def _color(color: str, alpha: int) -> str:
    """Return a colour as QGIS writes it.

    >>> _color("#ff8000", 255)
    '255,128,0,255'
    """
    return ",".join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5)) + f",{alpha}"


def _text(root: Xml.Element) -> str:
    Xml.SubElement(root, "blendMode").text = "0"
    Xml.SubElement(root, "featureBlendMode").text = "0"
    Xml.SubElement(root, "layerGeometryType").text = "2"
    Xml.indent(root, " ")
    body = Xml.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}\n"
