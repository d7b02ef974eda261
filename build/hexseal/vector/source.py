"""Opening area files: formats, archives, layers, columns and encodings, before any check of areas.

GDAL reads most formats; GeoParquet is read with Arrow, and archives are unpacked into a folder
that lives as long as the reading.
"""

import json
import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.raw
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import CRSError

from hexseal.errors import InputError
from hexseal.region.load import AreaLayer, is_remote
from hexseal.vector.encoding import Encoding, beside, shapefile_encoding

ARCHIVES = (".zip", ".kmz")
# Archives that are not unpacked here.
PACKED = (".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst")
PARQUETS = (".parquet", ".geoparquet", ".pq")
MARKUP = (".kml", ".kmz")
# Members of an archive that can be area files by themselves, and files that come with them.
DATASETS = (".shp", ".gpkg", ".geojson", ".json", ".gml", ".kml", ".fgb", ".tab", ".mif", *PARQUETS)
UNPACKED_LIMIT = 8 << 30
UTF16 = (b"\xff\xfe", b"\xfe\xff")
CRS_MEMBER = re.compile(rb'"crs"\s*:\s*(\{[^{}]*\{[^{}]*\}[^{}]*\})')
EDGE_BYTES = 1 << 20
FEATURE_ID = ("id", "fid", "ogc_fid")
POLYGONAL = re.compile(r"Polygon|Surface|Unknown|Collection|Geometry")
READABLE = "expected GeoPackage, GeoJSON, GeoParquet, FlatGeobuf or Shapefile"

Column = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What an area file holds: geometry as WKB, the wanted columns, and warnings about the file."""

    crs: str
    columns: dict[str, Column]
    geometry: NDArray[np.object_]
    warnings: tuple[str, ...] = ()


def read_content(layer: AreaLayer, wanted: Sequence[str], *, keep: Sequence[str] = ()) -> Content:
    """Read geometry and columns of an area file; ``keep`` may name ``*`` for all columns.

    Raises InputError for a file that is missing, damaged, without CRS or without these columns,
    and one of several layers where none is chosen.
    """
    with _located(layer) as path:
        try:
            if Path(path).suffix.lower() in PARQUETS:
                return _parquet(layer, path, wanted, keep)
            return _through_gdal(layer, path, wanted, keep)
        except (DataSourceError, DataLayerError) as err:
            raise InputError(
                f"{layer.path}: is not an area file that GDAL can read; {_readable(layer.path)}"
            ) from err


def _readable(path: str) -> str:
    """Return what would be read instead of a file that is not."""
    if Path(path).suffix.lower() in PACKED:
        return "unpack it and give the area file itself"
    if Path(path).suffix.lower() == ".shp" and beside(Path(path), ".shx") is None:
        return "the .shx is missing: copy .shp, .shx, .dbf and .prj together"
    return READABLE


@contextmanager
def _located(layer: AreaLayer) -> Iterator[str]:
    """Yield a path that GDAL or Arrow can open; archives and UTF-16 text are copied first."""
    if is_remote(layer.path):
        yield layer.path
        return
    path = Path(layer.path)
    try:
        there = path.exists()
    except (OSError, ValueError) as err:
        raise InputError(f"layer {layer.layer!r}: its path cannot be used ({err})") from err
    if not there:
        raise InputError(f"{layer.path}: no such area file; check path of layer {layer.layer!r}")
    with tempfile.TemporaryDirectory(prefix="hexseal-areas-") as folder:
        if path.suffix.lower() in ARCHIVES and path.is_file():
            yield str(_unpacked(layer, path, Path(folder)))
        elif path.is_file() and _starts(path) in UTF16:
            copy = Path(folder) / path.name
            try:
                copy.write_text(path.read_text("utf-16"), "utf-8")
            except UnicodeError as err:
                raise InputError(
                    f"{layer.path}: is not whole UTF-16 text; save it as UTF-8"
                ) from err
            yield str(copy)
        else:
            yield layer.path


def _starts(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(2)


def _unpacked(layer: AreaLayer, path: Path, folder: Path) -> Path:
    """Unpack the one area file of an archive, with the files beside it, and return its path.

    An archive that holds nothing but one other archive is that archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            inner = _inner(archive)
            if inner is None:
                return _unpack(layer, archive, folder)
            if inner.file_size > UNPACKED_LIMIT:
                raise _too_large(layer)
            with archive.open(inner) as source, (folder / "inner.zip").open("wb") as copy:
                shutil.copyfileobj(source, copy)
        with zipfile.ZipFile(folder / "inner.zip") as archive:
            return _unpack(layer, archive, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as err:
        reason = "it has a password" if "password" in str(err) else "it is damaged"
        raise InputError(
            f"{layer.path}: cannot be unpacked ({reason}); give the area file itself"
        ) from err


def _unpack(layer: AreaLayer, archive: zipfile.ZipFile, folder: Path) -> Path:
    members = {_name(member): member for member in archive.infolist() if _is_content(member)}
    chosen = _member(layer, list(members))
    is_folder = chosen.suffix.lower() == ".gdb"
    target = folder / f"areas{chosen.suffix.lower()}"
    total = 0
    for name, member in members.items():
        if is_folder and chosen in name.parents:
            place = target / name.name
        elif not is_folder and name.parent == chosen.parent and name.stem == chosen.stem:
            place = folder / f"areas{name.name[len(chosen.stem) :].lower()}"
        else:
            continue
        total += member.file_size
        if total > UNPACKED_LIMIT:
            raise _too_large(layer)
        place.parent.mkdir(exist_ok=True)
        with archive.open(member) as source, place.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    return target


def _inner(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """Return the one archive within an archive that holds no area file itself."""
    members = [member for member in archive.infolist() if _is_content(member)]
    if any(part.suffix.lower() in (*DATASETS, ".gdb") for member in members
           for part in (_name(member), *_name(member).parents)):  # fmt: skip
        return None
    inner = [member for member in members if _name(member).suffix.lower() in ARCHIVES]
    return inner[0] if len(inner) == 1 else None


def _too_large(layer: AreaLayer) -> InputError:
    return InputError(f"{layer.path}: holds more than 8 GiB; give the area file itself")


def _is_content(member: zipfile.ZipInfo) -> bool:
    """Return whether a member is a file, not a resource fork or a hidden file."""
    parts = _name(member).parts
    return not member.is_dir() and not any(p.startswith((".", "__MACOSX")) for p in parts)


def _name(member: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(member.filename.replace("\\", "/"))


def _member(layer: AreaLayer, names: list[PurePosixPath]) -> PurePosixPath:
    """Return the member, or the folder of a file geodatabase, that is an area file."""
    bases = {parent for name in names for parent in name.parents if parent.suffix.lower() == ".gdb"}
    found = sorted(bases) or sorted(n for n in names if n.suffix.lower() in DATASETS)
    shapefiles = [name for name in found if name.suffix.lower() == ".shp"]
    found = shapefiles or found
    if layer.layer_name and len(found) > 1:
        found = [name for name in found if name.stem == layer.layer_name]
    if len(found) != 1:
        stems = [name.stem for name in sorted(n for n in names if n.suffix.lower() in DATASETS)]
        raise _choice(layer, "area files", stems)
    return found[0]


def _choice(layer: AreaLayer, what: str, names: list[str]) -> InputError:
    listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "") if names else "none"
    return InputError(
        f"{layer.path}: holds {len(names)} {what} ({listed}), expected one; "
        "choose it with layer_name in [[areas]] or --layer"
    )


# Formats that GDAL reads


def _through_gdal(
    layer: AreaLayer, path: str, wanted: Sequence[str], keep: Sequence[str]
) -> Content:
    names, notes = _layer_names(layer, path)
    if len(names) == 1:
        content = _gdal_layer(layer, path, names[0], wanted, keep)
    else:
        content = _concatenated([_gdal_layer(layer, path, name, (), ("*",)) for name in names])
        chosen = _chosen(layer, list(content.columns), wanted, keep) or ()
        content = replace(content, columns={name: content.columns[name] for name in chosen})
    return Content(content.crs, content.columns, content.geometry, (*notes, *content.warnings))


def _layer_names(layer: AreaLayer, path: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the layers to read: the chosen one, the only one with polygons, or all of a KML."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = pyogrio.list_layers(path)
    shaped = {str(name): str(kind) for name, kind in tables if kind is not None}
    if layer.layer_name and Path(path).suffix.lower() != ".shp":
        if path != layer.path and len(shaped) == 1:  # the archive's member was chosen by it
            return list(shaped), ()
        if layer.layer_name not in shaped:
            raise _choice(layer, f"layers, none called {layer.layer_name!r}", list(shaped))
        return [layer.layer_name], ()
    names = list(shaped)
    if len(names) > 1:
        names = [name for name, kind in shaped.items() if POLYGONAL.search(kind)] or names
    if len(names) == 1 or (names and Path(path).suffix.lower() in MARKUP):
        return names, ()
    raise _choice(layer, "layers of geometry", list(shaped))


def _gdal_layer(
    layer: AreaLayer, path: str, name: str, wanted: Sequence[str], keep: Sequence[str]
) -> Content:
    is_shapefile = Path(path).suffix.lower() == ".shp"
    coding = shapefile_encoding(Path(path)) if is_shapefile else None
    try:
        return _decoded(layer, path, name, wanted, keep, coding)
    except UnicodeDecodeError:
        # Formats that are UTF-8 by definition, written by a tool that did not care.
        note = "its text is not UTF-8; read as Windows-1252: save it as UTF-8"
        return _decoded(layer, path, name, wanted, keep, Encoding("cp1252", note))


def _decoded(
    layer: AreaLayer,
    path: str,
    name: str,
    wanted: Sequence[str],
    keep: Sequence[str],
    coding: Encoding | None,
) -> Content:
    # Latin-1 keeps every byte, so that the text can be decoded here.
    as_bytes = "ISO-8859-1" if coding else None
    with warnings.catch_warnings():
        # What GDAL and GEOS warn of is refused later, by the id of the area.
        warnings.simplefilter("ignore")
        info = pyogrio.read_info(path, layer=name, encoding=as_bytes)
        decode = _decoder(coding)
        known = {decode(field): field for field in info["fields"]}
        ids = _feature_ids(layer, path, info, [column for column in wanted if column not in known])
        columns = _chosen(layer, list(known), [c for c in wanted if c not in ids], keep)
        if columns is None:
            raise nothing(layer)
        meta, _, geometry, data = pyogrio.raw.read(
            path, layer=name, columns=[known[c] for c in columns], force_2d=True, encoding=as_bytes
        )
    if len(geometry) < info["features"]:
        raise InputError(
            f"{layer.path}: is cut short: {info['features']} areas stand in its header, "
            f"{len(geometry)} could be read; fetch it again or write a copy with ogr2ogr"
        )
    found = {decode(field): values for field, values in zip(meta["fields"], data, strict=True)}
    if coding:
        found = {field: _texts(values, decode) for field, values in found.items()}
    crs = _crs_of(layer, path, str(info["driver"]), meta["crs"])
    return Content(
        crs, {**found, **ids}, geometry, (coding.warning,) if coding and coding.warning else ()
    )


def _decoder(coding: Encoding | None) -> Callable[[str], str]:
    return (lambda text: coding.text(text.encode("latin-1"))) if coding else str


def _texts(values: Column, decode: Callable[[str], str]) -> Column:
    if values.dtype != object:
        return values
    texts = [decode(value) if isinstance(value, str) else value for value in values]
    return _objects(texts)


def _objects(values: Sequence[object]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _chosen(
    layer: AreaLayer, known: list[str], wanted: Sequence[str], keep: Sequence[str]
) -> list[str] | None:
    """Return the columns to read, None where the file has neither columns nor areas."""
    asked = [column for column in keep if column != "*"]
    missing = [column for column in (*wanted, *asked) if column not in known]
    if missing and known:
        raise InputError(f"{layer.path}: has no column {missing[0]!r}; it has {_listed(known)}")
    if missing:
        return None
    return list(dict.fromkeys([*wanted, *(known if "*" in keep else asked)]))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "") if names else "none"


def nothing(layer: AreaLayer) -> InputError:
    """Return the failure of a file without areas."""
    return InputError(f"{layer.path}: holds no areas; check path of layer {layer.layer!r}")


def _feature_ids(
    layer: AreaLayer, path: str, info: dict[str, object], missing: list[str]
) -> dict[str, Column]:
    """Return ids that are not a column: those of GeoJSON features, or the key of a table."""
    named = [column for column in missing if column.lower() in FEATURE_ID]
    if not named:
        return {}
    if str(info["driver"]) == "GeoJSON" and not is_remote(path):
        ids = _geojson_ids(Path(path))
        return {named[0]: _objects(ids)} if ids and None not in ids else {}
    if str(info.get("fid_column") or "") != named[0]:
        return {}
    _, fids, _, _ = pyogrio.raw.read(path, columns=[], read_geometry=False, return_fids=True)
    return {named[0]: fids}


def _geojson_ids(path: Path) -> list[object]:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError):
        return []
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        features = [document]
    return [feature.get("id") if isinstance(feature, dict) else None for feature in features]


def _crs_of(layer: AreaLayer, path: str, driver: str, found: str | None) -> str:
    """Return the CRS that GDAL found; refuse a GeoJSON's own that GDAL passed over."""
    if driver == "GeoJSON" and not is_remote(path):
        text = _crs_text(Path(path))
        try:
            if text:
                CRS.from_user_input(text)
        except CRSError as err:
            raise InputError(
                f"{layer.path}: its crs {text[:60]!r} is not a known coordinate reference system; "
                "write a copy with ogr2ogr -a_srs EPSG:CODE"
            ) from err
    if not found and driver == "TopoJSON":  # longitude and latitude by its specification
        return "OGC:CRS84"
    if not found:
        raise InputError(
            f"{layer.path}: has no coordinate reference system; "
            "write a copy that has one with ogr2ogr -a_srs EPSG:CODE"
        )
    return found


def _crs_text(path: Path) -> str:
    """Return the name in the crs member of a GeoJSON, which stands first or last."""
    with path.open("rb") as stream:
        edges = stream.read(EDGE_BYTES)
        stream.seek(max(path.stat().st_size - EDGE_BYTES, len(edges)))
        match = CRS_MEMBER.search(edges) or CRS_MEMBER.search(stream.read())
    if match is None:
        return ""
    try:
        name = json.loads(match[1]).get("properties", {}).get("name", "")
    except (ValueError, AttributeError):
        return ""
    return name if isinstance(name, str) else ""


def _concatenated(contents: list[Content]) -> Content:
    """Join the folders of a KML, which GDAL reads as layers; a column may be missing in some."""
    names = list(dict.fromkeys(name for content in contents for name in content.columns))
    columns: dict[str, Column] = {}
    for name in names:
        values: list[object] = []
        for content in contents:
            own = content.columns.get(name)
            values += list(own) if own is not None else [None] * len(content.geometry)
        columns[name] = _objects(values)
    geometry = np.concatenate([content.geometry for content in contents])
    notes = tuple(dict.fromkeys(note for content in contents for note in content.warnings))
    return Content(contents[0].crs, columns, geometry, notes)


# GeoParquet


def _parquet(layer: AreaLayer, path: str, wanted: Sequence[str], keep: Sequence[str]) -> Content:
    """Read GeoParquet; a file that names no CRS is in OGC:CRS84 by its specification."""
    try:
        file = pq.ParquetFile(path)
        schema, described = file.schema_arrow, (file.schema_arrow.metadata or {}).get(b"geo")
        geo = json.loads(described) if described else None
        primary = geo["primary_column"] if geo else ""
        column = geo["columns"][primary] if geo else {}
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(
            f"{layer.path}: is not a GeoParquet file that can be read; {READABLE}"
        ) from err
    if geo is None or primary not in schema.names:
        raise InputError(
            f"{layer.path}: is a Parquet file without GeoParquet metadata, so it is unknown which "
            "column is geometry; write it with ogr2ogr -f Parquet or DuckDB's spatial extension"
        )
    known = [
        name for name in schema.names if name != primary and not _is_nested(schema.field(name))
    ]
    columns = _chosen(layer, known, wanted, keep)
    if columns is None:
        raise nothing(layer)
    try:
        table = file.read(columns=[*columns, primary])
    except (pa.ArrowException, OSError) as err:
        raise InputError(f"{layer.path}: is damaged ({str(err)[:80]}); fetch it again") from err
    found = {name: _values(table[name]) for name in columns}
    geometry = _parquet_geometry(layer, table[primary], str(column.get("encoding", "WKB")))
    return Content(_parquet_crs(layer, column), found, geometry)


def _is_nested(field: pa.Field) -> bool:
    return pa.types.is_nested(field.type) or pa.types.is_binary(field.type)


def _values(column: pa.ChunkedArray) -> Column:
    kind = column.type
    if (pa.types.is_integer(kind) and not column.null_count) or pa.types.is_floating(kind):
        return column.to_numpy()
    return _objects(column.to_pylist())


def _parquet_crs(layer: AreaLayer, column: dict[str, object]) -> str:
    if "crs" not in column:
        return "OGC:CRS84"
    try:
        crs = CRS.from_user_input(column["crs"])
    except CRSError as err:
        fault = "is null" if column["crs"] is None else "is not understood"
        raise InputError(
            f"{layer.path}: has no coordinate reference system (crs {fault}); "
            "write a copy that has one with ogr2ogr -a_srs EPSG:CODE"
        ) from err
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else crs.to_wkt()


def _parquet_geometry(
    layer: AreaLayer, column: pa.ChunkedArray, encoding: str
) -> NDArray[np.object_]:
    """Return WKB in two dimensions; encodings other than WKB are refused by name."""
    if encoding != "WKB":
        raise InputError(
            f"{layer.path}: holds geometry encoded as {encoding[:40]!r}, expected WKB; write it "
            "with ogr2ogr -f Parquet -lco GEOMETRY_ENCODING=WKB"
        )
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        raise InputError(f"{layer.path}: its geometry is {column.type}, expected WKB in bytes")
    return _objects(column.cast(pa.binary()).to_pylist())
