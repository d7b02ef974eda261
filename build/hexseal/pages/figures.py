"""The figures that the pages print of the whole and its areas, and which area lies in which."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from hexseal.codebook import columns_for, spread_of
from hexseal.codebook.indicators import indicator_columns
from hexseal.codebook.measures import GRADES as JUDGED_GRADES
from hexseal.errors import InputError
from hexseal.region.load import Region
from hexseal.types import Box, Pair

REGION_LAYER = "region"
NO_SIGNAL = "no_data"
INCONCLUSIVE, REFERENCE = "inconclusive", "reference"
# What supports a change, as the column grade_A_B has it, and what is not comparable at all.
GRADES = (*JUDGED_GRADES, "incomparable")
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an area lies: west, south, east, north, and a point inside it, degrees."""

    bounds: Box
    label: tuple[float, float]


@dataclass(frozen=True, slots=True)
class AreaFigures:
    """What was counted in one area; ``values`` are square metres and indicators by column name.

    A column is None where the area holds no valid pixel, or where it is graded inconclusive.
    ``signals`` and ``grades`` are by name of the pair.
    """

    layer: str
    id: str
    name: str
    values: Mapping[str, float | None]
    signals: Mapping[str, str]
    place: Place | None = None
    grades: Mapping[str, str | None] = field(default_factory=dict)

    def m2(self, column: str) -> float | None:
        """Return a column's square metres, None where no pixel was counted."""
        return self.values[column]

    def share(self, year: int) -> float | None:
        """Return the sealed share of land in percent."""
        return self._of_land(self.m2(f"sealed_m2_{year}"))

    def net_m2(self, pair: Pair) -> float | None:
        """Return new sealed minus unsealed."""
        gain, loss = (self.m2(pair.column(f"{way}_m2")) for way in ("new_sealed", "unsealed"))
        return None if gain is None or loss is None else gain - loss

    def net_pp(self, pair: Pair) -> float | None:
        """Return the net change in percentage points of land."""
        return self._of_land(self.net_m2(pair))

    def net_pp_per_year(self, pair: Pair) -> float | None:
        """Return the net change in percentage points of land per year."""
        change = self.net_pp(pair)
        return None if change is None else change / pair.span

    def adjusted_pp(self, pair: Pair) -> float | None:
        """Return the adjusted net change in percentage points of land."""
        return self._of_land(self.m2(pair.column("adjusted_m2")))

    def signal(self, pair: Pair) -> str:
        """Return gain, loss, within_noise, inconclusive or no_data."""
        return self.signals[pair.key]

    def is_reference(self, pair: Pair) -> bool:
        """Return whether a labelled sample supports the figures here."""
        return self.grades.get(pair.key) == REFERENCE

    def _of_land(self, m2: float | None) -> float | None:
        land = self.m2("land_m2")
        return 100 * m2 / land if m2 is not None and land else None


def summed_columns(region: Region) -> tuple[str, ...]:
    """Return the columns of square metres that add up: hexagons to areas to the whole."""
    return tuple(column.name for column in columns_for("sum", spread_of(region)))


def judged_columns(region: Region) -> tuple[str, ...]:
    """Return adjusted net change and its interval, which hold for a unit as it is."""
    shown = columns_for("tile", spread_of(region))
    return tuple(c.name for c in shown if c.type == "DOUBLE" and "sum" not in c.uses)


def read_areas(areas: Path, region: Region, shapes: Path | None) -> tuple[AreaFigures, ...]:
    """Read the whole region's figures first, then those of each area in the order of the file.

    ``shapes`` is zone_shapes.parquet; without it the areas have no place on the map.
    """
    wanted = (
        "valid_pixels",
        *summed_columns(region),
        *judged_columns(region),
        *indicator_columns(region.years, [pair.key for pair in region.pairs]),
    )
    signals = {pair.key: pair.column("signal") for pair in region.pairs}
    grades = {pair.key: pair.column("grade") for pair in region.pairs}
    columns = ["layer", "id", "name", *wanted, *signals.values(), *grades.values()]
    table = pq.read_table(areas, columns=columns)
    places = read_places(shapes) if shapes else {}
    figures = [
        AreaFigures(
            layer=row["layer"],
            id=row["id"],
            name=row["name"] or row["id"],
            values={column: row[column] for column in wanted},
            signals={pair: row[column] or NO_SIGNAL for pair, column in signals.items()},
            place=places.get((row["layer"], row["id"])),
            grades={pair: row[column] for pair, column in grades.items()},
        )
        for row in table.to_pylist()
    ]
    if not figures or figures[0].layer != REGION_LAYER:
        raise InputError(f"{areas}: its first row is not the whole region; count the region again")
    return tuple(figures)


def read_places(shapes: Path) -> dict[tuple[str, str], Place]:
    """Return the extent and an inner point of each area that has a geometry."""
    table = pq.read_table(shapes, columns=["layer", "id", "geometry"])
    geometries = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    bounds = shapely.bounds(geometries).tolist()
    inside = shapely.point_on_surface(geometries)
    points = zip(shapely.get_x(inside).tolist(), shapely.get_y(inside).tolist(), strict=True)
    keys = zip(table["layer"].to_pylist(), table["id"].to_pylist(), strict=True)
    return {
        key: Place(Box(*box), point)
        for key, box, point in zip(keys, bounds, points, strict=True)
        if math.isfinite(point[0])
    }


def read_shapes(shapes: Path) -> dict[tuple[str, str], bytes]:
    """Return the outline of each area as WKB in degrees."""
    table = pq.read_table(shapes, columns=["layer", "id", "geometry"]).to_pylist()
    return {(row["layer"], row["id"]): row["geometry"] for row in table if row["geometry"]}


def coarsest_cells(hexagons: Path, region: Region) -> list[int]:
    """Return the H3 index of every coarsest cell."""
    coarsest = [("resolution", "=", region.hexagons.coarsest)]
    return pq.read_table(hexagons, columns=["h3"], filters=coarsest)["h3"].to_pylist()


def finest_changes(hexagons: Path, region: Region) -> Iterator[float]:
    """Yield the net change, in percentage points of land, of each finest cell and each pair."""
    finest = region.hexagons.finest
    wanted = [pair.column("net_pp_per_year") for pair in region.pairs]
    table = pq.read_table(hexagons, columns=wanted, filters=[("resolution", "=", finest)])
    for pair, column in zip(region.pairs, wanted, strict=True):
        for rate in table[column].to_pylist():
            if rate is not None and math.isfinite(rate):
                yield rate * pair.span


def coarse_to_fine(areas: Sequence[AreaFigures]) -> list[str]:
    """Return the layers by the size of their areas, the largest first."""
    sizes: dict[str, list[float]] = {}
    for area in areas:
        sizes.setdefault(area.layer, []).append(area.m2("valid_m2") or 0.0)
    return sorted(sizes, key=lambda layer: (-median(sizes[layer]), layer))


def area_parents(areas: Sequence[AreaFigures], shapes: Mapping[Key, bytes]) -> dict[Key, Key]:
    """Return the area of the next coarser layer that holds a point inside each area.

    ``areas`` leave out the whole region; ``shapes`` are outlines as WKB in degrees. An area lies
    in the smallest outline that holds its inner point, of the finest layer that has one.
    """
    layers = coarse_to_fine(areas)
    placed = [a for a in areas if a.place is not None and (a.layer, a.id) in shapes]
    parents: dict[Key, Key] = {}
    for position, layer in enumerate(layers):
        for coarser in layers[:position]:
            holders = [a for a in placed if a.layer == coarser]
            held = [a for a in placed if a.layer == layer]
            parents |= _held(held, holders, shapes)
    return parents


def _held(
    held: Sequence[AreaFigures], holders: Sequence[AreaFigures], shapes: Mapping[Key, bytes]
) -> dict[Key, Key]:
    outlines = shapely.from_wkb([shapes[a.layer, a.id] for a in holders])
    points = shapely.points([a.place.label for a in held if a.place is not None])
    inside: NDArray[np.int64] = shapely.STRtree(outlines).query(points, predicate="within")
    sizes = shapely.area(outlines)
    order = sorted(zip(*inside.tolist(), strict=True), key=lambda pair: -sizes[pair[1]])
    return {
        (held[child].layer, held[child].id): (holders[parent].layer, holders[parent].id)
        for child, parent in order
    }
