"""The finest hexagons as a Hive-partitioned tree, one small file per parent cell.

A page reads the few files that a drawn area touches, so each stays small and simple: Snappy
pages, no copy of the Arrow schema, one row group.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hexseal.manifest import Partition, PartitionTree
from hexseal.region.load import Region
from hexseal.storage.files import sha256, whole_file

FILE = "part-0.parquet"
# A parent two resolutions coarser holds 49 cells: with fewer, files would be nothing but footers.
LEAST_COARSER = 2
ROWS_AT_ONCE = 65_536


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
