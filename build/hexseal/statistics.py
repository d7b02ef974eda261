"""Hexagons of every resolution and areas, from the counts of the finest cells."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from h3.api import basic_int

from hexseal.config import Region
from hexseal.database import connect, copy_parquet, run
from hexseal.errors import InputError
from hexseal.files import whole_file


@dataclass(frozen=True, slots=True)
class StatisticsSummary:
    """How many rows were written; ``hexagons`` counts the cells of all resolutions."""

    hexagons: int
    areas: int


def write_statistics(region: Region, work: Path) -> StatisticsSummary:
    """Write hexagons.parquet and areas.parquet into ``work`` from the counts that lie there.

    Raises InputError when no pixel has a valid class in every year.
    """
    names = {"years": region.years, "pairs": region.pairs}
    values = _values(region, work)
    with connect(work) as database:
        run(database, "hexagons", names=names, values=values)
        cells = [row[0] for row in database.execute("SELECT h3 FROM rolled").fetchall()]
        if not cells:
            raise InputError(
                f"{region.path}: no pixel has a valid class in every year "
                f"({', '.join(map(str, region.years))}); check the window and the no-data codes"
            )
        database.register("facts", cell_facts(cells))
        run(database, "hexagons_published", names=names, values=values)
        run(database, "areas", names=names, values=values)
        for table in ("hexagons", "areas"):
            with whole_file(work / f"{table}.parquet") as partial:
                copy_parquet(database, table, partial)
        (areas,) = database.execute("SELECT count(*) FROM areas").fetchone() or (0,)
    return StatisticsSummary(len(cells), areas)


def cell_facts(cells: list[int]) -> pa.Table:
    """Return centre (degrees) and spherical area (m², H3's own) of each cell."""
    lat, lon = zip(*map(basic_int.cell_to_latlng, cells), strict=True)
    area = [basic_int.cell_area(cell, "m^2") for cell in cells]
    return pa.table({"h3": pa.array(cells, pa.uint64()), "lat": lat, "lon": lon, "area_m2": area})


def source_titles(region: Region) -> dict[str, str]:
    """Return for each year the product and version that its figures come from."""
    return {
        str(epoch.year): epoch.source or f"{region.product.title} {epoch.year}"
        for epoch in region.epochs
    }


def _values(region: Region, work: Path) -> dict[str, object]:
    return {
        "cells": str(work / "cells.parquet"),
        "zones": str(work / "zones.parquet"),
        "shapes": str(work / "zone_shapes.parquet"),
        "sealed": sorted(region.product.sealed),
        "water": sorted(region.product.water),
        "resolutions": list(region.hexagons.resolutions),
        "sources": source_titles(region),
        "region": region.id,
        "title": next(iter(region.title.values())),
    }
