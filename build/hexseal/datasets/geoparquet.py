"""GeoParquet 1.1: outlines as WKB, a box beside each, and what the file is made from inside it.

Specification: https://geoparquet.org/releases/v1.1.0/
"""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray

from hexseal.hexgrid.outlines import cell_polygons
from hexseal.storage.files import whole_file

VERSION = "1.1.0"
GEOMETRY, BOX = "geometry", "bbox"
ROWS_IN_GROUP = 50_000
# A reader that uses the page index fetches pages, not whole row groups.
ROWS_IN_PAGE = 2_500
EDGES = ("xmin", "ymin", "xmax", "ymax")
BOX_TYPE = pa.struct([pa.field(edge, pa.float32()) for edge in EDGES])
Outlines = Callable[[pa.Table], NDArray[np.object_]]


class Extent:
    """What the metadata of the file state of all outlines: kinds and bounds in degrees.

    Outlines on both sides of 180 degrees, which are cut there, have a box whose west is greater
    than its east, as GeoParquet and RFC 7946 (section 5.2) write it.
    """

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.edges = np.array([np.inf, np.inf, -np.inf, -np.inf])
        # Westmost of what lies in the east, eastmost of what lies in the west.
        self.inner = np.array([np.inf, -np.inf])
        self.meets_0 = False

    def add(self, shapes: NDArray[np.object_]) -> None:
        """Take more outlines in."""
        known = shapes[~shapely.is_missing(shapes)]
        self.kinds |= {shape.geom_type for shape in known}
        if len(known):
            bounds = shapely.bounds(known)
            self.edges[:2] = np.minimum(self.edges[:2], bounds[:, :2].min(axis=0))
            self.edges[2:] = np.maximum(self.edges[2:], bounds[:, 2:].max(axis=0))
            west, _, east, _ = shapely.bounds(shapely.get_parts(known)).T
            self.inner[0] = min(self.inner[0], west[west >= 0].min(initial=np.inf))
            self.inner[1] = max(self.inner[1], east[east <= 0].max(initial=-np.inf))
            self.meets_0 |= bool(((west < 0) & (east > 0)).any())

    @property
    def box(self) -> list[float]:
        """Return west, south, east, north."""
        west, south, east, north = self.edges.tolist()
        first, last = self.inner.tolist()
        if not self.meets_0 and east - west > 180.0 and last + 360.0 - first < 180.0:
            return [first, south, last, north]
        return [west, south, east, north]

    def metadata(self) -> dict[str, object]:
        """Return the value of the key ``geo``."""
        column: dict[str, object] = {
            "encoding": "WKB",
            "geometry_types": sorted(self.kinds),
            "crs": pyproj.CRS("OGC:CRS84").to_json_dict(),
            "covering": {BOX: {edge: [BOX, edge] for edge in EDGES}},
        }
        if self.kinds:
            column["bbox"] = self.box
        return {"version": VERSION, "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def write_geoparquet(
    rows: pa.RecordBatchReader, path: Path, outlines: Outlines, metadata: Mapping[str, str]
) -> None:
    """Write rows in their order as zstd GeoParquet with the key-value metadata ``metadata``.

    ``outlines`` returns the geometry of each row in degrees, None where it has none. Row groups
    hold 50 000 rows in pages of 2 500; ``bbox`` is rounded outwards to single precision.
    """
    fields = [field for field in rows.schema if field.name != GEOMETRY]
    schema = pa.schema([*fields, pa.field(BOX, BOX_TYPE), pa.field(GEOMETRY, pa.binary())])
    bounded = [field.name for field in fields] + [f"{BOX}.{edge}" for edge in EDGES]
    extent = Extent()
    with (
        whole_file(path) as partial,
        pq.ParquetWriter(
            partial,
            schema,
            compression="zstd",
            compression_level=9,
            # Bounds of WKB bytes help nobody and would fill the footer.
            write_statistics=bounded,  # pyright: ignore[reportArgumentType]
            write_page_index=True,
            max_rows_per_page=ROWS_IN_PAGE,
            use_dictionary=[f.name for f in fields if _repeats(f)],  # pyright: ignore[reportArgumentType]
            store_schema=False,
        ) as writer,
        # A group is packed while the next one gets its outlines.
        ThreadPoolExecutor(1) as pool,
    ):
        packing: Future[None] | None = None
        for table in regroup(rows, ROWS_IN_GROUP):
            shapes = outlines(table)
            extent.add(shapes)
            group = _with_shapes(table.select([f.name for f in fields]), shapes, schema)
            if packing is not None:
                packing.result()
            packing = pool.submit(writer.write_table, group)
        if packing is not None:
            packing.result()
        writer.add_key_value_metadata(
            {"geo": json.dumps(extent.metadata(), sort_keys=True), **dict(sorted(metadata.items()))}
        )


def cells_of(table: pa.Table) -> NDArray[np.object_]:
    """Return the outlines of the column ``h3``."""
    return cell_polygons(table["h3"].to_numpy())


def shapes_of(table: pa.Table) -> NDArray[np.object_]:
    """Return the outlines of the column ``geometry`` (WKB, NULL where there is none)."""
    return shapely.from_wkb(table[GEOMETRY].to_numpy(zero_copy_only=False))


def boxes(shapes: NDArray[np.object_]) -> pa.Array:
    """Return the box of each outline as floats no smaller than it, NULL where there is none."""
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    near = bounds.astype(np.float32)
    low, high = np.float32(-np.inf), np.float32(np.inf)
    outwards = [
        np.where(near[:, :2] > bounds[:, :2], np.nextafter(near[:, :2], low), near[:, :2]),
        np.where(near[:, 2:] < bounds[:, 2:], np.nextafter(near[:, 2:], high), near[:, 2:]),
    ]
    edges = np.hstack(outwards)
    missing = pa.array(np.isnan(bounds[:, 0]))
    return pa.StructArray.from_arrays(
        [pa.array(edges[:, place], pa.float32()) for place in range(4)],
        fields=list(BOX_TYPE),
        mask=missing,
    )


def regroup(rows: pa.RecordBatchReader, size: int) -> Iterator[pa.Table]:
    """Return the rows in tables of ``size``, the last one shorter; one empty table if none."""
    waiting = rows.schema.empty_table()
    written = False
    for batch in rows:
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
        while len(waiting) >= size:
            yield waiting.slice(0, size)
            written = True
            waiting = waiting.slice(size)
    if len(waiting) or not written:
        yield waiting


def _repeats(field: pa.Field) -> bool:
    """Return whether a dictionary pays: that of square metres is larger, and read for any page."""
    return not (pa.types.is_floating(field.type) or field.name.startswith("h3"))


def _with_shapes(table: pa.Table, shapes: NDArray[np.object_], schema: pa.Schema) -> pa.Table:
    wkb = pa.array(list(shapely.to_wkb(shapes)), pa.binary())
    columns = [*table.columns, boxes(shapes), wkb]
    return pa.Table.from_arrays(columns, schema=schema)
