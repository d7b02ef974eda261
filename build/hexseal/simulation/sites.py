"""What stands in 2018 beside the houses: port, business parks, airstrip, quarries, farms."""

import numpy as np
import shapely
from scipy import ndimage

from hexseal.simulation.covers import BARE_GROUND, HARD, YEARS, Batch, Buildings, rectangles
from hexseal.simulation.fields import labelled
from hexseal.simulation.settlements import CELL_M, Network, Settlement
from hexseal.simulation.spread import spread_cost, trace
from hexseal.simulation.terrain import PIXEL_M, Terrain, smooth_line
from hexseal.simulation.vegetation import CROPS, GRASS, SHRUB, WATER
from hexseal.simulation.works import (
    Works,
    build_roads,
    build_settlement,
    link,
    offset_xy,
    place_rectangle,
)
from hexseal.types import Bytes, Doubles, Objects


def build_2018(terrain: Terrain, network: Network, cover: Bytes, rng: np.random.Generator) -> Works:
    """Build everything that stands in 2018."""
    free = np.isin(cover, (GRASS, CROPS, SHRUB)) & (terrain.slope < 0.20) & (terrain.coast_px > 3)
    works = Works(terrain, network, Buildings(), free)
    buildable = terrain.dry & (cover != WATER) & (terrain.slope < 0.30) & (terrain.coast_px > 3)
    build_roads(works, rng)
    plots = [build_settlement(works, place, buildable, rng) for place in network.settlements]
    works.dwellings[YEARS[0]] = plots
    _build_port(works, rng)
    _build_sites(works, rng)
    _build_farms(works, rng)
    return works


def yard_shapes(
    centre: Doubles, angle: float, size_m: tuple[float, float], rng: np.random.Generator
) -> tuple[Objects, Objects]:
    """Return the halls with their asphalt, and the bare storage yards, of a business park."""
    columns, rows = max(1, round(size_m[0] / 85)), max(1, round(size_m[1] / 70))
    x, y = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    local = (np.column_stack([x.ravel(), y.ravel()]) - 0.5) * np.array(size_m)
    cell = np.array([size_m[0] / columns, size_m[1] / rows])
    sizes = cell * rng.uniform(0.62, 0.94, (len(local), 2))
    plots = rectangles(offset_xy(centre, angle, local), sizes, np.full(len(local), angle))
    bare = rng.random(len(local)) < 0.14
    lanes = rectangles(centre[None], np.array([[size_m[0], 9.0]]), np.array([angle]))
    return np.concatenate([plots[~bare], lanes]), plots[bare]


def _build_sites(works: Works, rng: np.random.Generator) -> None:
    """Build business parks, an airstrip and quarries at the town and the larger villages."""
    town, span = works.network.settlements[0], works.terrain.span
    near = (town.radius_m * 0.7, town.radius_m * 1.9)
    for size in ((560.0, 380.0), (360.0, 260.0), (300.0, 200.0)):
        _build_park(works, town.xy, (size[0] * span, size[1] * span), near, rng)
    for place in works.network.settlements[1:]:
        if rng.random() < 0.4:
            _build_park(works, place.xy, (150 * span, 110 * span), (250, 900), rng)
    _build_airstrip(works, town, rng)
    for place in works.network.settlements[:4]:
        _dig_quarry(works, place, rng)


def _build_park(
    works: Works,
    near_xy: Doubles,
    size_m: tuple[float, float],
    within_m: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    spot = place_rectangle(works, near_xy, size_m, rng, within_m=within_m, free_share=0.92)
    if spot is None:
        return
    halls, storage = yard_shapes(*spot, size_m, rng)
    works.buildings.add(Batch("industry", HARD, np.concatenate([halls, link(works, spot[0], 4.0)])))
    works.buildings.add(Batch("storage", BARE_GROUND, storage))
    works.occupy(np.concatenate([halls, storage]), 12)
    works.yards.append((float(spot[0][0]), float(spot[0][1]), max(size_m)))


def _build_airstrip(works: Works, town: Settlement, rng: np.random.Generator) -> None:
    size = (1150 * works.terrain.span, 90.0)
    spot = place_rectangle(
        works, town.xy, size, rng, within_m=(town.radius_m, town.radius_m * 4), free_share=0.9
    )
    if spot is None:
        return
    local = np.array([[0.0, -15], [size[0] * 0.3, 50]])
    sizes = np.array([[size[0], 30.0], [120.0, 90.0]])
    runway = rectangles(offset_xy(*spot, local), sizes, np.full(2, spot[1]))
    apron = offset_xy(*spot, local)[1]
    works.buildings.add(Batch("airstrip", HARD, np.concatenate([runway, link(works, apron, 3.5)])))
    works.occupy(runway, 40)


def _dig_quarry(works: Works, place: Settlement, rng: np.random.Generator) -> None:
    side = rng.uniform(150, 260) * works.terrain.span**0.5
    spot = place_rectangle(
        works, place.xy, (side, side), rng, within_m=(place.radius_m, place.radius_m + 1500)
    )
    if spot is None:
        return
    angles = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    radius = side / 2 * (0.8 + 0.25 * rng.random(18))
    rim = spot[0] + radius[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    pit = np.array([shapely.Polygon(rim).buffer(12).buffer(-6)], dtype=object)
    works.quarries.append(pit)
    works.buildings.add(Batch("quarry", BARE_GROUND, pit))
    works.occupy(pit, 15)


def _build_port(works: Works, rng: np.random.Generator) -> None:
    """Fill the shore nearest to the town as quays and run a breakwater into the bay."""
    town, land = works.network.settlements[0], works.terrain.land
    sea, _ = labelled(~land)
    rows, columns = np.nonzero((sea == sea[0, 0]) & ndimage.binary_dilation(land))
    shore = np.column_stack([columns, rows]) * PIXEL_M + PIXEL_M / 2
    gap = np.hypot(*(shore - town.xy).T)
    quay = shore[int(np.argmin(gap))]
    out = (quay - town.xy) / max(float(gap.min()), 1)
    angle, span = float(np.arctan2(out[1], out[0])) + np.pi / 2, works.terrain.span
    local = np.array([[0.0, 0.0], [-150.0, 25.0], [170.0, -35.0]]) * span
    sizes = np.array([[420.0, 120.0], [60.0, 190.0], [200.0, 90.0]]) * span
    quays = rectangles(offset_xy(quay, angle, local), sizes, np.full(3, angle))
    arm = offset_xy(quay, angle, np.array([[210, 0], [250, -120], [190, -260], [60, -320]]) * span)
    mole = shapely.LineString(smooth_line_xy(arm)).buffer(9)
    access = shapely.LineString([town.xy, quay]).buffer(5)
    works.buildings.add(Batch("port", HARD, np.array([*quays, mole, access], dtype=object)))
    works.occupy(quays, 160)


def smooth_line_xy(points: Doubles) -> Doubles:
    """Round a coarse line of (x, y) points by cutting its corners three times."""
    for _ in range(3):
        first = 0.75 * points[:-1] + 0.25 * points[1:]
        second = 0.25 * points[:-1] + 0.75 * points[1:]
        middle = np.stack([first, second], 1).reshape(-1, 2)
        points = np.vstack([points[:1], middle, points[-1:]])
    return points


def _build_farms(works: Works, rng: np.random.Generator) -> None:
    """Scatter farms over the free land, each with its lane to the nearest road."""
    rows, columns = np.nonzero(works.free[::10, ::10])
    wanted = int(works.terrain.land.sum() / 5200)
    chosen = rng.permutation(len(rows))[:wanted]
    spots = np.column_stack([columns, rows])[chosen] * PIXEL_M * 10 + rng.uniform(0, 90, 2)
    lanes = _lanes(works, spots)
    works.buildings.add(Batch("lane", HARD, np.array(lanes, dtype=object)))
    count = len(spots)
    angle = rng.uniform(0, np.pi, count)
    yards = rectangles(spots, rng.uniform(18, 34, (count, 2)), angle)
    barn_xy = spots + rng.uniform(14, 26, (count, 1)) * np.column_stack(
        [np.cos(angle), np.sin(angle)]
    )
    barns = rectangles(barn_xy, rng.uniform(14, 44, (count, 2)), angle)
    works.buildings.add(Batch("farm", HARD, np.concatenate([yards, barns])))
    works.occupy(np.concatenate([yards, barns]), 20)
    works.dwellings[YEARS[0]].append(spots)


def _lanes(works: Works, spots: Doubles) -> list[shapely.Geometry]:
    friction = works.network.friction
    sources = np.full(friction.shape, -1, np.int32)
    for road in works.network.roads:
        cells = (shapely.get_coordinates(road.segmentize(CELL_M)) // CELL_M).astype(int)
        sources[cells[:, 1], cells[:, 0]] = 0
    reach = spread_cost(friction, sources)
    lanes = []
    for x, y in spots:
        path = trace(reach.parent, int(y // CELL_M) * friction.shape[1] + int(x // CELL_M))
        if 2 <= len(path) < 60:
            line = smooth_line(path, 1.2)
            line[0] = (x, y)
            lanes.append(shapely.LineString(line).buffer(2.0))
    return lanes
