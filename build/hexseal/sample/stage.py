"""``hexseal sample plan`` and ``draw``: the table of blocks to label, its design, its page."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import pyproj
import shapely
from numpy.typing import NDArray

from hexseal import __version__
from hexseal.errors import InputError, RegionError
from hexseal.progress import Progress, no_progress
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region
from hexseal.sample.blocks import STRATA, BlockGrid, Blocks, Census, survey_blocks
from hexseal.sample.design import Design, Drawing, Plan, design_of, plan_sample
from hexseal.storage.files import whole_file, write_bytes
from hexseal.types import Doubles, Pair

Format = Literal["gpkg", "parquet"]
EDGES = ("xmin", "ymin", "xmax", "ymax")
GEOPARQUET = "1.1.0"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A drawn sample: unit 1 is the first row of ``blocks``."""

    design: Design
    plan: Plan
    blocks: Blocks
    bounds: Doubles
    crs: str

    @property
    def shares(self) -> tuple[str, str]:
        """Return the names of the columns for labels."""
        return share_column(self.design.pair[0]), share_column(self.design.pair[1])

    def weights(self) -> Doubles:
        """Return how many blocks of its stratum each unit stands for."""
        blocks, units = np.array(self.design.blocks), np.array(self.design.units)
        return (blocks / np.maximum(units, 1))[self.blocks.stratum]

    def columns(self) -> dict[str, list]:
        """Return the table by column; labels are None."""
        nothing = [None] * len(self.blocks)
        stratum = self.blocks.stratum.tolist()
        edges = {name: edge.tolist() for name, edge in zip(EDGES, self.bounds.T, strict=True)}
        return {
            "unit": list(range(1, len(self.blocks) + 1)),
            "stratum": [STRATA[place] for place in stratum],
            **edges,
            **dict.fromkeys(self.shares, nothing),
            "stratum_blocks": [self.design.blocks[place] for place in stratum],
            "weight": self.weights().tolist(),
            "design": [self.design.mark] * len(self.blocks),
        }


def share_column(year: int) -> str:
    """Return the name of the column that holds the labels of a year.

    >>> share_column(2018)
    'sealed_share_2018'
    """
    return f"sealed_share_{year}"


def years_of(region: Region, years: Sequence[int] | None) -> Pair:
    """Return the two years to compare, the first and last by default; RegionError for others."""
    if not region.pairs:
        only = ", ".join(map(str, region.years))
        raise RegionError(f"{region.path}: has one year ({only}); a sample of change needs two")
    if not years:
        return Pair(region.years[0], region.years[-1])
    first, second = years
    known = ", ".join(map(str, region.years))
    if first >= second or not {first, second} <= set(region.years):
        raise RegionError(f"--years {first} {second}: give two of {known}, the earlier one first")
    return Pair(first, second)


def plan_region(
    region: Region,
    *,
    years: Sequence[int] | None = None,
    target: float | None = None,
    progress: Progress = no_progress,
) -> tuple[Census, Plan]:
    """Count the strata of a region and choose how many blocks of each to label."""
    census = survey_blocks(region, years_of(region, years), lambda _: None, progress=progress)
    return census, plan_sample(census, target)


def draw_sample(
    region: Region,
    *,
    seed: int = 1,
    years: Sequence[int] | None = None,
    target: float | None = None,
    progress: Progress = no_progress,
) -> Sample:
    """Draw the blocks of a sample; raise InputError where the maps have no valid pixel."""
    drawing = Drawing(seed)
    census = survey_blocks(region, years_of(region, years), drawing, progress=progress)
    plan = plan_sample(census, target)
    blocks = drawing.chosen(plan.sizes)
    if blocks is None:
        raise InputError(
            f"{region.path}: no pixel has a valid class in both {census.pair[0]} and "
            f"{census.pair[1]}; check the window and the no-data codes"
        )
    grid = region_grid(region)[0]
    bounds = BlockGrid(grid).bounds(blocks.index)
    design = design_of(region.id, census, seed, plan.sizes)
    return Sample(design, plan, blocks, bounds, grid.crs_code)


def write_sample(sample: Sample, path: Path, formats: Sequence[Format] = ()) -> list[Path]:
    """Write the table as CSV, its design as JSON beside it, and other formats; return the paths."""
    write_bytes(path, table_csv(sample.columns()).encode())
    design = sample.design.to_json() | {
        "crs": sample.crs,
        "block_pixels": 10,
        "drawn_by": f"hexseal {__version__}",
    }
    beside = path.with_suffix(".json")
    write_bytes(beside, f"{json.dumps(design, indent=2)}\n".encode())
    written = [path, beside]
    for kind in dict.fromkeys(formats):
        target = path.with_suffix(f".{kind}")
        (_write_gpkg if kind == "gpkg" else _write_parquet)(sample, target)
        written.append(target)
    return written


def table_csv(columns: dict[str, list]) -> str:
    """Return columns as CSV; None is an empty cell, numbers have twelve digits at most."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(map(cell_text, row))
    return stream.getvalue()


def cell_text(cell: object) -> str:
    """Return a cell of the table as text.

    >>> cell_text(0.1 + 0.2), cell_text(None), cell_text(3)
    ('0.3', '', '3')
    """
    if cell is None:
        return ""
    return f"{cell:.12g}" if isinstance(cell, float) else str(cell)


def _shapes(sample: Sample) -> NDArray[np.object_]:
    return shapely.to_wkb(shapely.box(*sample.bounds.T))


def _write_gpkg(sample: Sample, path: Path) -> None:
    columns = sample.columns()
    fields = {
        name: np.array(values, dtype=np.float64 if name in sample.shares else None)
        for name, values in columns.items()
    }
    with whole_file(path) as partial:
        partial.unlink(missing_ok=True)
        pyogrio.raw.write(
            partial, geometry=_shapes(sample),
            field_data=[v.astype(object) if v.dtype.kind == "U" else v for v in fields.values()],
            fields=list(fields), geometry_type="Polygon", crs=sample.crs, layer="sample",
            driver="GPKG",
        )  # fmt: skip


def _write_parquet(sample: Sample, path: Path) -> None:
    columns = {
        name: pa.array(values, pa.float64()) if name in sample.shares else pa.array(values)
        for name, values in sample.columns().items()
    }
    columns["geometry"] = pa.array(_shapes(sample), pa.binary())
    geometry = {
        "encoding": "WKB",
        "geometry_types": ["Polygon"],
        "crs": pyproj.CRS(sample.crs).to_json_dict(),
    }
    geo = {"version": GEOPARQUET, "primary_column": "geometry", "columns": {"geometry": geometry}}
    table = pa.table(columns).replace_schema_metadata({"geo": json.dumps(geo, sort_keys=True)})
    with whole_file(path) as partial:
        pq.write_table(table, partial, compression="zstd")
