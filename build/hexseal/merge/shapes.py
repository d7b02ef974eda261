"""Areas of several regions as one list: an area that a border cuts stands once."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from hexseal.errors import InputError
from hexseal.exchange.record import FOLDER, BuildRecord
from hexseal.raster.grid import Grid
from hexseal.storage.workdir import WorkFolder

Key = tuple[str, str]


def join_shapes(records: Mapping[Path, BuildRecord]) -> pa.Table:
    """Return zone_shapes of all sites: layers in their order, areas in that of the sites.

    Raises InputError when one id stands for two areas, or when an area reaches into a region
    whose own area file lacks it, so that a part of it would be missing.
    """
    tables = {site: pq.read_table(WorkFolder(site / FOLDER).zone_shapes) for site in records}
    known: dict[Key, tuple[Path, dict]] = {}
    for site, table in tables.items():
        for row in table.to_pylist():
            key = row["layer"], row["id"]
            if key in known:
                known[key] = known[key][0], _united(key, *known[key], row, site)
            else:
                known[key] = site, row
    for site, record in records.items():
        own = set(zip(*(tables[site][name].to_pylist() for name in ("layer", "id")), strict=True))
        _refuse_missing(site, record, {key: known[key] for key in known.keys() - own})
    schema = next(iter(tables.values())).schema
    layers: list = list(dict(next(iter(records.values())).settings)["layers"])  # type: ignore[call-overload]
    rows = sorted((row for _, row in known.values()), key=lambda row: layers.index(row["layer"]))
    return pa.Table.from_pylist(rows, schema=schema)


def _united(key: Key, site: Path, row: dict, other: dict, other_site: Path) -> dict:
    """Return one row for an area that two sites hold; its outline is that of both together."""
    for name in ("name", "population", "populations"):
        mine, its = row.get(name), other.get(name)
        if mine != its:
            raise InputError(
                f"area {'/'.join(key)} has {name} {mine!r} in {site} and {its!r} in {other_site}; "
                "give each area an id of its own, or the same facts in both area files"
            )
    if row["geometry"] == other["geometry"]:
        return row
    united = shapely.union(*shapely.from_wkb([row["geometry"], other["geometry"]]))
    return row | {"geometry": shapely.to_wkb(shapely.normalize(united))}


def _refuse_missing(
    site: Path, record: BuildRecord, missing: Mapping[Key, tuple[Path, dict]]
) -> None:
    for window in record.windows:
        inner = _inner(window.grid)
        for key, (owner, row) in sorted(missing.items()):
            shape = shapely.from_wkb(row["geometry"])
            here = shapely.transform(shape, lambda xy, grid=window.grid: _projected(grid, xy))
            if shapely.is_valid(here) and shapely.intersects(here, inner):
                raise InputError(
                    f"area {'/'.join(key)} of {owner} reaches into the region of {site}, whose "
                    "area file lacks it, so a part of it would not be counted; build both with "
                    "the same area file"
                )


def _inner(grid: Grid) -> shapely.Geometry:
    """Return the window without its outermost pixels: outlines that merely touch do not count."""
    west, south, east, north = grid.bounds
    x, y = grid.pixel_size
    return shapely.box(west + x, south + y, max(west + x, east - x), max(south + y, north - y))


def _projected(grid: Grid, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack(grid.from_lonlat(lonlat[:, 0], lonlat[:, 1]))
