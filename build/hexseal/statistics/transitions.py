"""What became sealed, and from which class: per area, and per hexagon of a coarser resolution."""

from pathlib import Path

import pyarrow as pa

from hexseal.change.states import STATE_SETS
from hexseal.region.load import Region
from hexseal.storage.database import connect, copy_parquet, run
from hexseal.storage.files import whole_file
from hexseal.storage.workdir import WorkFolder

# A hexagon two resolutions coarser holds 49 of the finest: enough to separate classes.
COARSER = 2


def transition_resolution(region: Region) -> int:
    """Return the resolution of the hexagons of the transitions."""
    return max(region.hexagons.coarsest, region.hexagons.finest - COARSER)


def write_transitions(region: Region, work: Path) -> None:
    """Write transition_areas.parquet and transition_hexagons.parquet from counts and evidence."""
    if not region.pairs:
        return
    values: dict[str, object] = {
        "cells": str(WorkFolder(work).cells),
        "zones": str(WorkFolder(work).zones),
        "shapes": str(WorkFolder(work).zone_shapes),
        "areas": str(WorkFolder(work).areas),
        "hexagons": str(WorkFolder(work).hexagons),
        "sealed": sorted(region.product.sealed),
        "region": region.id,
        "title": next(iter(region.title.values())),
        "resolution": transition_resolution(region),
        "secure_state": STATE_SETS["secure_state"],
    }
    for pair in region.pairs:
        for kind in ("cells", "zones"):
            name = pair.key
            values[f"evidence_{kind}_{name}"] = str(WorkFolder(work).evidence(pair, kind))
    with connect(work) as database:
        database.register("classes", _classes(region))
        if region.product.is_density:
            database.register("ranges", _ranges(region))
        run(
            database,
            "transitions",
            names={
                "years": region.years,
                "pairs": region.pairs,
                "density": region.product.is_density,
            },
            values=values,
        )
        for unit in ("areas", "hexagons"):
            with whole_file(WorkFolder(work).transitions(unit)) as partial:
                copy_parquet(database, f"transition_{unit}", partial)


def _classes(region: Region) -> pa.Table:
    """Return the name of every valid code, the code itself where the product names none."""
    product = region.product
    names = {known.code: known.name for known in product.classes}
    codes = sorted(names if product.is_density else product.valid)
    return pa.table(
        {
            "origin_class": pa.array(codes, pa.uint8()),
            "name": [names.get(code, str(code)) for code in codes],
        }
    )


def _ranges(region: Region) -> pa.Table:
    """Return the range that each valid code of a density belongs to."""
    codes = sorted(region.product.valid)
    ranges = [region.product.class_of(code) for code in codes]
    return pa.table(
        {"code": pa.array(codes, pa.uint8()), "origin_class": pa.array(ranges, pa.uint8())}
    )
