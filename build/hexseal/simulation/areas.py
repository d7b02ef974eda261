"""Municipalities and provinces: borders along rivers and ridges, inhabitants by dwellings."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from scipy import ndimage
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from hexseal.simulation.fields import block_mean, blur, labelled
from hexseal.simulation.settlements import PROVINCES, sources_of
from hexseal.simulation.spread import spread_cost
from hexseal.simulation.terrain import COARSE, PIXEL_M
from hexseal.simulation.truth import Truth
from hexseal.simulation.vegetation import LOCAL

PEOPLE_PER_DWELLING = 2.3
# Borders reach this far into the sea, so that simplified ones still hold every land pixel.
SHORE_PX = 4
SHORE_SIMPLIFY_M, BORDER_SIMPLIFY_M = 18.0, 70.0
# Crossing a river costs a border as much as this many cells of flat land.
BARRIER = 12


@dataclass(frozen=True, slots=True)
class Area:
    """One municipality or province in local metres; ``population`` has one count per year."""

    code: str
    name: str
    province: str
    geometry: shapely.Geometry
    population: tuple[int, ...]


def divide(truth: Truth, rng: np.random.Generator) -> tuple[list[Area], list[Area]]:
    """Return the municipalities and the provinces, which are unions of municipalities."""
    labels = _municipal_labels(truth)
    geometries = _polygons(labels)
    group = _group(labels, len(geometries), truth)
    people = _population(truth, labels, len(geometries), rng)
    municipalities = [
        Area(
            f"SI{group[i] + 1}{_rank(group, i):02d}",
            truth.network.settlements[i].name,
            PROVINCES[group[i]],
            geometries[i],
            tuple(int(p) for p in people[i]),
        )
        for i in np.lexsort((np.arange(len(group)), group))
    ]
    return municipalities, _provinces(municipalities)


def _rank(group: NDArray[np.int64], number: int) -> int:
    return int((group[: number + 1] == group[number]).sum())


def _municipal_labels(truth: Truth) -> NDArray[np.int32]:
    """Assign each pixel of land and shore to the settlement that reaches it first, -1 at sea."""
    settlements = truth.network.settlements
    rivers = block_mean(truth.country.rivers.astype(np.float32), COARSE) > 0
    friction = truth.network.friction + np.float32(BARRIER) * rivers
    reach = spread_cost(friction, sources_of(settlements, friction.shape))
    size = len(settlements)
    soft = np.stack([blur((reach.label == i).astype(np.float32), 1.5) for i in range(size)])
    whole = _joined(np.argmax(soft, 0), size)
    labels = np.repeat(np.repeat(whole, COARSE, 0), COARSE, 1)
    built_into_sea = (truth.land & ~truth.terrain.land).astype(np.float32)
    shore = (truth.terrain.sea_px <= SHORE_PX) | (blur(built_into_sea, 2) > 0.002)
    return np.where(shore, labels, -1).astype(np.int32)


def _joined(labels: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Assign pieces cut off from their settlement to whatever surrounds them."""
    main = np.zeros(labels.shape, bool)
    for number in range(size):
        parts, sizes = labelled(labels == number)
        main |= parts == int(np.argmax(sizes[1:])) + 1
    rows, columns = np.asarray(
        ndimage.distance_transform_edt(~main, return_distances=False, return_indices=True)
    )
    return labels[rows, columns]


def _polygons(labels: NDArray[np.int32]) -> list[shapely.Geometry]:
    """Trace the labels and simplify all borders together, so that neighbours still fit."""
    parts: dict[int, list[shapely.Geometry]] = {}
    for geometry, value in shapes(labels, labels >= 0, connectivity=4, transform=LOCAL):
        parts.setdefault(int(value), []).append(shapely.geometry.shape(geometry))
    whole = [shapely.union_all(parts[number]) for number in sorted(parts)]
    # A border needs a vertex wherever a third area meets it: put one at every pixel corner.
    noded = shapely.transform(shapely.segmentize(whole, PIXEL_M), np.round)
    borders = shapely.coverage_simplify(noded, BORDER_SIMPLIFY_M, simplify_boundary=False)
    return list(shapely.coverage_simplify(borders, SHORE_SIMPLIFY_M))


def _group(labels: NDArray[np.int32], size: int, truth: Truth) -> NDArray[np.int64]:
    """Join municipalities into provinces: each goes to the nearest of a few far-apart seeds."""
    touching = np.zeros((size, size), bool)
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = labels[here], labels[there]
        meet = (a != b) & (a >= 0) & (b >= 0)
        touching[a[meet], b[meet]] = True
    centres = np.array([place.xy for place in truth.network.settlements[:size]])
    gaps = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    ways = dijkstra(csr_matrix(np.where(touching | touching.T, gaps, 0)), directed=False)
    ways = np.where(np.isfinite(ways), ways, gaps * 10)
    seeds = [int(np.argmax(ways.sum(1)))]
    while len(seeds) < min(len(PROVINCES), 3 if size < 12 else 4):
        seeds.append(int(np.argmax(ways[seeds].min(0))))
    return np.argmin(ways[seeds], axis=0).astype(np.int64)


def _population(
    truth: Truth, labels: NDArray[np.int32], size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Count dwellings per municipality and year; households shrink a little each period."""
    per_home = PEOPLE_PER_DWELLING * np.exp(rng.normal(0, 0.08, size))
    homes = np.zeros(size)
    columns = []
    for step, year in enumerate(truth.years):
        for xy in truth.dwellings.get(year, []):
            spots = np.clip((xy // PIXEL_M).astype(int), 0, np.array(labels.shape)[::-1] - 1)
            home = labels[spots[:, 1], spots[:, 0]]
            homes += np.bincount(home[home >= 0], minlength=size)
        shrink = 1 + step * rng.normal(-0.012, 0.012, size)
        columns.append(homes * per_home * shrink)
    return np.round(np.column_stack(columns)).astype(np.int64)


def _provinces(municipalities: list[Area]) -> list[Area]:
    provinces = []
    for number, name in enumerate(PROVINCES, 1):
        members = [area for area in municipalities if area.province == name]
        if members:
            shape = shapely.coverage_union_all([area.geometry for area in members])
            people = tuple(map(sum, zip(*(area.population for area in members), strict=True)))
            provinces.append(Area(f"SI{number}", name, name, shape, people))
    return provinces
