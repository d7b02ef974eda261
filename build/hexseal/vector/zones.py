"""Areas of all layers of a region as polygons in the grid's pixel coordinates."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from hexseal.raster.grid import Grid
from hexseal.region.load import AreaLayer
from hexseal.storage.files import whole_file
from hexseal.vector.areas import Areas, read_areas
from hexseal.vector.polygons import Polygons

SCHEMA = pa.schema(
    [
        ("layer", pa.string()),
        ("id", pa.string()),
        ("name", pa.string()),
        ("population", pa.float64()),
        ("populations", pa.map_(pa.int16(), pa.float64())),
        ("geometry", pa.binary()),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Polygons of all areas; polygon i is row i of ``table`` (see zone_shapes.parquet).

    ``repaired`` holds layer and id of the areas whose polygon was invalid in its file.
    """

    polygons: Polygons
    table: pa.Table
    repaired: frozenset[tuple[str, str]] = frozenset()

    def write(self, path: Path) -> None:
        """Write names and shapes of the areas, geometry as WKB in longitude and latitude."""
        with whole_file(path) as partial:
            pq.write_table(self.table, partial, compression="zstd")


def read_zones(layers: tuple[AreaLayer, ...], grid: Grid, *, keep_outside: bool = False) -> Zones:
    """Read the areas of every layer; raises InputError as read_areas does."""
    read = [(layer.layer, read_areas(layer, grid, keep_outside=keep_outside)) for layer in layers]
    shapes = [shape for _, areas in read for shape in areas.geometries]
    tables = [_table(layer, areas) for layer, areas in read]
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    repaired = frozenset((layer, key) for layer, areas in read for key in areas.repaired)
    return Zones(pixel_polygons(np.array(shapes, dtype=object), grid), table, repaired)


def pixel_polygons(shapes: np.ndarray, grid: Grid) -> Polygons:
    """Return shapely polygons, given in the grid's CRS, in its pixel coordinates."""
    parts, owners = shapely.get_parts(shapes, return_index=True)
    rings, places = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    columns, rows = grid.places(xy[:, 0], xy[:, 1])
    starts = np.searchsorted(ring, np.arange(len(rings) + 1))
    return Polygons(columns, rows, starts, owners[places], len(shapes))


def _table(layer: str, areas: Areas) -> pa.Table:
    columns = [
        pa.array([layer] * len(areas.ids), pa.string()),
        pa.array(areas.ids, pa.string()),
        pa.array(areas.names, pa.string()),
        pa.array(areas.populations, pa.float64()),
        pa.array([list(known.items()) for known in areas.dated_populations], SCHEMA.types[4]),
        pa.array(shapely.to_wkb(areas.lonlat_geometries), pa.binary()),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
