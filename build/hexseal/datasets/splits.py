"""The finest hexagons once more, one GeoParquet file per area of a layer, where a region asks."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from hexseal.datasets.geoparquet import BOX, shapes_of, write_geoparquet
from hexseal.datasets.partitions import FILE
from hexseal.datasets.provenance import Provenance
from hexseal.manifest import Partition, Split
from hexseal.region.load import Region
from hexseal.storage.files import sha256
from hexseal.storage.workdir import WorkFolder


def write_splits(
    region: Region, work: Path, site: Path, provenance: Provenance
) -> tuple[Split, ...]:
    """Write data/ID_hexagons_rFINEST_by_LAYER/LAYER=ID/part-0.parquet for each layer asked for.

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
