"""Confirmed patches as vector tiles: where new sealing stands out from the noise."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pmtiles.tile import TileType

from hexseal.progress import Progress, no_progress
from hexseal.region.load import Region
from hexseal.storage.workdir import WorkFolder
from hexseal.tiles.archives import write_archive
from hexseal.tiles.hexagons import world
from hexseal.tiles.mvt import Features, Layer, outlines_of, packed_tiles
from hexseal.types import Box, Pair

# A patch of a few pixels is a dot at the first zoom, and true to 0.8 m at the last.
ZOOMS = range(10, 14)
PROPERTIES = ("pair", "rank", "q_value", "area_m2", "origin")
COLUMNS = ["rank", "q_value", "area_m2", "origin", "geometry"]


def write_patch_tiles(
    region: Region,
    work: Path,
    archive: Path,
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> int:
    """Write the confirmed patches of all pairs as the layer ``patches``; return how many.

    Each has ``pair`` ("2018-2021"), ``rank``, ``q_value``, ``area_m2`` and ``origin`` (its former
    class).
    """
    tables = [_confirmed(work, pair) for pair in region.pairs]
    if not any(table.num_rows for table in tables):
        return 0
    table = pa.concat_tables(tables)
    shapes = shapely.from_wkb(table["wkb"].to_numpy(zero_copy_only=False))
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(shapes))
    layer = Layer(
        "patches",
        Features(
            ids=np.arange(1, len(table) + 1, dtype=np.uint64),
            outlines=outlines_of(shapely.transform(shapes, world)),
            properties={name: table[name].to_numpy(zero_copy_only=False) for name in PROPERTIES},
        ),
    )
    fields = {"pair": "String", "rank": "Number", "q_value": "Number", "area_m2": "Number"}
    described = {"id": "patches", "fields": fields | {"origin": "String"}}
    write_archive(
        archive,
        _all_tiles(layer, workers, progress),
        kind=TileType.MVT,
        bounds=Box(west, south, east, north),
        metadata={
            "name": f"{region.id} confirmed patches",
            "attribution": region.attribution,
            "vector_layers": [described],
        },
    )
    return table.num_rows


def _all_tiles(
    layer: Layer, workers: int | None, progress: Progress
) -> Iterator[tuple[int, bytes]]:
    for zoom in ZOOMS:
        yield from packed_tiles(layer.tiles(zoom), workers=workers)
        progress("patches", zoom - ZOOMS.start + 1, len(ZOOMS))


def _confirmed(work: Path, pair: Pair) -> pa.Table:
    table = pq.read_table(
        WorkFolder(work).patches(pair),
        columns=COLUMNS,
        filters=[("confirmed", "=", True)],
    )
    name = pa.array([pair.name] * table.num_rows, pa.string())
    area = np.round(table["area_m2"].to_numpy()).astype(np.int64)
    return pa.table(
        {
            "pair": name,
            "rank": table["rank"].cast(pa.int64()),
            "q_value": np.round(table["q_value"].to_numpy(), 5),
            "area_m2": area,
            "origin": table["origin"].cast(pa.string()),
            "wkb": table["geometry"].cast(pa.binary()),
        }
    )
