"""The finest hexagons as a Hive-partitioned tree, one small file per parent cell.

A page reads the few files that a drawn area touches, so each stays small and simple: Snappy
pages, no copy of the Arrow schema, one row group.
"""

import base64
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from hexseal.datasets.geoparquet import BOX, shapes_of, write_geoparquet
from hexseal.datasets.provenance import Provenance
from hexseal.manifest import Partition, PartitionTree, Split
from hexseal.region.load import Region, Standalone, wants_script
from hexseal.storage.files import sha256, whole_file, write_bytes
from hexseal.storage.workdir import WorkFolder

FILE = "part-0.parquet"
# A parent two resolutions coarser holds 49 cells: with fewer, files would be nothing but footers.
LEAST_COARSER = 2
ROWS_AT_ONCE = 65_536
SCRIPTS = "assets/partitions"


def partition_resolution(region: Region) -> int:
    """Return the resolution of the parents: the coarsest, or two below the finest if that is less.

    Nothing is coarser than 0.
    """
    hexagons = region.hexagons
    return max(0, min(hexagons.coarsest, hexagons.finest - LEAST_COARSER))


def write_partitions(region: Region, rows: pa.RecordBatchReader, site: Path) -> PartitionTree:
    """Write the finest hexagons, given in the order of ``h3``, into site/data.

    ``data/ID_hexagons_rFINEST_by_parent/parent=HEX/part-0.parquet``: the columns of the table,
    sorted by ``h3``. ``parent`` is the hexadecimal index of the parent cell and stands in the
    folder's name only.
    """
    folder = f"data/{region.id}_hexagons_r{region.hexagons.finest}_by_parent"
    resolution = partition_resolution(region)
    partitions = [
        _write(table, parent, site, f"{folder}/parent={parent:x}/{FILE}")
        for parent, table in _by_parent(rows, resolution)
    ]
    return PartitionTree(folder, FILE, resolution, tuple(partitions))


def _by_parent(rows: pa.RecordBatchReader, resolution: int) -> Iterator[tuple[int, pa.Table]]:
    """Cut sorted rows where the parent changes: H3 indexes of one parent are neighbours."""
    waiting: list[pa.Table] = []
    last: int | None = None
    for batch in rows:
        table = pa.Table.from_batches([batch])
        parents = parents_of(table["h3"].to_numpy(), resolution)
        cuts = [0, *(np.flatnonzero(np.diff(parents)) + 1).tolist(), len(parents)]
        for start, end in pairwise(cuts):
            if end == start:
                continue
            parent = int(parents[start])
            if last is not None and parent != last:
                yield last, pa.concat_tables(waiting)
                waiting = []
            last = parent
            waiting.append(table.slice(start, end - start))
    if last is not None:
        yield last, pa.concat_tables(waiting)


def parents_of(cells: NDArray[np.uint64], resolution: int) -> NDArray[np.uint64]:
    """Return the parent of each cell at a coarser (or its own) resolution.

    The resolution's four bits are replaced and the finer digits set to 7, as in macros.sql.
    """
    cleared = cells & ~np.uint64(15 << 52)
    finer = np.uint64((1 << (45 - 3 * resolution)) - 1)
    return cleared | np.uint64(resolution << 52) | finer


def _write(table: pa.Table, parent: int, site: Path, name: str) -> Partition:
    path = site / name
    with whole_file(path) as partial:
        pq.write_table(
            table, partial, compression="snappy", store_schema=False, row_group_size=len(table)
        )
    return Partition(f"{parent:x}", name, len(table), path.stat().st_size, sha256(path))


def write_splits(
    region: Region, work: Path, site: Path, provenance: Provenance
) -> tuple[Split, ...]:
    """Write data/ID_hexagons_rFINEST_by_LAYER/LAYER=ID/part-0.parquet for each requested layer.

    A cell belongs to the areas that hold its centre: where areas overlap to each, where none is
    to none. Identifiers are percent-encoded in names of folders, as DuckDB and Arrow read them.
    """
    whole = site / "data" / f"{region.id}_hexagons_r{region.hexagons.finest}.parquet"
    return tuple(
        _write_split(region, layer, whole, WorkFolder(work).zone_shapes, site, provenance)
        for layer in region.dataset.split_by
    )


def _write_split(
    region: Region, layer: str, whole: Path, shapes: Path, site: Path, provenance: Provenance
) -> Split:
    folder = f"data/{region.id}_hexagons_r{region.hexagons.finest}_by_{layer}"
    areas = pq.read_table(shapes, columns=["id", "geometry"], filters=[("layer", "=", layer)])
    outlines = shapely.from_wkb(areas["geometry"].to_numpy(zero_copy_only=False))
    points = pq.read_table(whole, columns=["lon", "lat"])
    members = _members(outlines, points)
    partitions = []
    for place, identifier in enumerate(areas["id"].to_pylist()):
        chosen = members[1][members[0] == place]
        if not len(chosen):
            continue
        name = f"{folder}/{layer}={quote(identifier, safe='')}/{FILE}"
        path = site / name
        rows = rows_at(whole, np.sort(chosen))
        write_geoparquet(rows, path, shapes_of, provenance.metadata(region))
        partitions.append(
            Partition(identifier, name, len(chosen), path.stat().st_size, sha256(path))
        )
    return Split(layer, folder, tuple(partitions))


def rows_at(whole: Path, chosen: NDArray[np.int64]) -> pa.RecordBatchReader:
    """Return the rows at ascending places, without boxes; one row group is held at a time.

    Along the Hilbert curve an area lies in few row groups, and only these are read.
    """
    file = pq.ParquetFile(whole)
    columns = [name for name in file.schema_arrow.names if name != BOX]
    groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    starts = np.concatenate([[0], np.cumsum(groups)])

    def batches() -> Iterator[pa.RecordBatch]:
        for number, (start, end) in enumerate(pairwise(starts.tolist())):
            here = chosen[(chosen >= start) & (chosen < end)]
            if len(here):
                table = file.read_row_group(number, columns=columns)
                yield from table.take(pa.array(here - start)).to_batches()

    schema = pa.schema([file.schema_arrow.field(name) for name in columns])
    return pa.RecordBatchReader.from_batches(schema, batches())


def _members(
    outlines: NDArray[np.object_], points: pa.Table
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the place of an area and of a row for each pair of an area and a cell in it."""
    centers = shapely.points(points["lon"].to_numpy(), points["lat"].to_numpy())
    area, row = shapely.STRtree(np.asarray(centers, dtype=object)).query(
        outlines, predicate="intersects"
    )
    return area, row


def write_scripts(tree: PartitionTree, site: Path, standalone: Standalone) -> PartitionTree:
    """Write site/assets/partitions/PARENT.js for each partition and return their tree.

    The rule is that of the tiles: always, never, or while all partitions together stay small.
    """
    if not wants_script(standalone, sum(part.bytes for part in tree.partitions)):
        return tree
    for part in tree.partitions:
        content = script_of(part.parent, (site / part.path).read_bytes())
        write_bytes(site / SCRIPTS / f"{part.parent}.js", content)
    return replace(tree, scripts=SCRIPTS)


def script_of(parent: str, content: bytes) -> bytes:
    """Return a classic script that hands over a file by its parent cell.

    >>> script_of("85", b"PAR1").decode()
    '(globalThis.hexsealPartitions??={})["85"]="UEFSMQ==";\\n'
    """
    encoded = base64.b64encode(content).decode()
    return f'(globalThis.hexsealPartitions??={{}})["{parent}"]="{encoded}";\n'.encode()
