"""Where people live and the roads between them."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from hexseal.simulation.fields import block_mean, blur
from hexseal.simulation.spread import Spread, spread_cost, trace
from hexseal.simulation.terrain import COARSE, PIXEL_M, Terrain, smooth_line
from hexseal.simulation.vegetation import Countryside
from hexseal.types import Floats

CELL_M = COARSE * PIXEL_M
LAND_KM2_EACH = 10.0
# A link that costs more than this leads over the sea, where friction is 400 a cell.
SEA_CROSSING = 1500

# A pair of settlements; and what joins them: the cost and the two cells where reaches meet.
Pair = tuple[int, int]
Link = tuple[float, int, int]
TOWN = "Port-Océane"
VILLAGES = (
    "Roquemarée", "Anse-aux-Phoques", "Val-d’Ambre-sur-Mer", "Kerléan", "Montérac", "Sablonnais",
    "La Brévière", "Fontanelle-les-Bruyères", "Pointe-Échouée", "Lannevran", "Vertebois",
    "Çayac", "Grandpré-l’Étang", "Haut-Vallon", "Aigremonde", "Trévanel", "Les Hêtraies",
    "Corvailles", "Moulinel", "Brumaire-le-Bas", "Crêtelongue", "Île-Dormante", "Saulnoy-les-Prés",
    "Pierrefrite", "Douvrac",
)  # fmt: skip
PROVINCES = ("Côte-d’Écume", "Haute-Lande", "Pays-Portuaire", "Pays-des-Étangs")


@dataclass(frozen=True, slots=True)
class Settlement:
    """A town or village: centre in local metres and the radius of its built-up area."""

    name: str
    x: float
    y: float
    radius_m: float
    is_town: bool

    @property
    def xy(self) -> NDArray[np.float64]:
        """Return the centre as an array."""
        return np.array([self.x, self.y])


@dataclass(frozen=True, slots=True)
class Network:
    """Settlements, the friction of travelling between them, and the roads (local metres)."""

    settlements: tuple[Settlement, ...]
    friction: Floats
    roads: tuple[shapely.LineString, ...]


def settle(terrain: Terrain, country: Countryside, rng: np.random.Generator) -> Network:
    """Found the settlements and join them by roads of least cost."""
    settlements = _found(terrain, rng)
    friction = _friction(terrain, country, rng)
    return Network(settlements, friction, _roads(settlements, friction))


def _found(terrain: Terrain, rng: np.random.Generator) -> tuple[Settlement, ...]:
    """Choose sites one by one, each the best that is left far enough from the others."""
    land_km2 = float(terrain.land.sum()) * PIXEL_M**2 / 1e6
    count = int(np.clip(round(land_km2 / LAND_KM2_EACH), 3, len(VILLAGES) - 1))
    spacing_m = 0.70 * np.sqrt(land_km2 * 1e6 / count)
    score = _site_score(terrain, rng)
    y, x = np.indices(score.shape) * CELL_M + CELL_M / 2
    sites: list[Settlement] = []
    for number in range(count):
        best = int(np.argmax(score + (_harbour(terrain) if number == 0 else 0)))
        if not np.isfinite(score.ravel()[best]):
            break
        at = (float(x.ravel()[best]), float(y.ravel()[best]))
        sites.append(_settlement(number, at, terrain.span, rng))
        score[np.hypot(x - at[0], y - at[1]) < spacing_m * (1.25 if number == 0 else 1)] = -np.inf
    return tuple(sites)


def _settlement(
    number: int, xy: tuple[float, float], span: float, rng: np.random.Generator
) -> Settlement:
    if number == 0:
        return Settlement(TOWN, *xy, 1450 * min(span, 1.15) ** 0.85, True)
    large = 620 if number <= 2 else 440
    radius_m = large * min(span, 1.1) ** 0.5 * float(np.exp(rng.normal(0, 0.22)))
    return Settlement(VILLAGES[number - 1], *xy, radius_m, False)


def _site_score(terrain: Terrain, rng: np.random.Generator) -> Floats:
    land = block_mean(terrain.dry.astype(np.float32), COARSE)
    slope = blur(block_mean(terrain.slope, COARSE), 4)
    height = block_mean(terrain.relief_m, COARSE) / max(float(terrain.relief_m.max()), 1)
    coast = block_mean(terrain.coast_px, COARSE) * PIXEL_M
    score = 1.5 - 5 * slope - 2.0 * height + 0.35 * np.exp(-(((coast - 500) / 350) ** 2))
    score += 0.25 * blur(rng.standard_normal(land.shape, dtype=np.float32), 5) * 17
    dry = (blur(land, 4) > 0.9) & (coast > 180)
    return np.where(dry, score, -np.inf).astype(np.float32)


def _harbour(terrain: Terrain) -> Floats:
    """Favour flat sites near a bay for the town, not at the island's very ends."""
    land = block_mean(terrain.land.astype(np.float32), COARSE)
    coast = block_mean(terrain.coast_px, COARSE) * PIXEL_M
    near = np.exp(-(((coast - 620) / 240) ** 2))
    return (2.2 * near + 3 * blur(land, 25)).astype(np.float32)


def _friction(terrain: Terrain, country: Countryside, rng: np.random.Generator) -> Floats:
    """Return what a road pays per cell: more on slopes, much more across water, none at sea."""
    slope = block_mean(terrain.slope, COARSE)
    river = block_mean(country.rivers.astype(np.float32), COARSE) > 0
    lake = block_mean(terrain.lakes.astype(np.float32), COARSE) > 0.2
    land = block_mean(terrain.land.astype(np.float32), COARSE)
    shore = block_mean(terrain.coast_px, COARSE) < 6
    uneven = np.abs(blur(rng.standard_normal(slope.shape, dtype=np.float32), 2)) * 3
    friction = 1 + 9 * slope + 60 * slope**2 + uneven + 2.5 * river + 25 * lake + 4 * shore
    return np.where(land > 0.5, friction, 400).astype(np.float32)


def sources_of(settlements: tuple[Settlement, ...], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return routing cells with the number of the settlement that lies there, -1 elsewhere."""
    sources = np.full(shape, -1, np.int32)
    for number, place in enumerate(settlements):
        sources[int(place.y / CELL_M), int(place.x / CELL_M)] = number
    return sources


def _roads(settlements: tuple[Settlement, ...], friction: Floats) -> tuple[shapely.LineString, ...]:
    """Join neighbours where their reaches meet: a tree of least cost and the useful loops."""
    reach = spread_cost(friction, sources_of(settlements, friction.shape))
    links = _links(reach)
    tree = minimum_spanning_tree(_graph(list(links), links, len(settlements)))
    kept = {(int(a), int(b)) for a, b in zip(*tree.nonzero(), strict=True)}
    for pair, (cost, _, _) in sorted(links.items(), key=lambda item: item[1][0]):
        graph = _graph(sorted(kept), links, len(settlements))
        way = dijkstra(graph, directed=False, indices=pair[0])[pair[1]]
        if pair not in kept and way > 1.9 * cost:
            kept.add(pair)
    return tuple(_road(reach, links[pair]) for pair in sorted(kept))


def _graph(pairs: list[Pair], links: dict[Pair, Link], size: int) -> csr_matrix:
    ends = np.array(pairs, dtype=int).reshape(-1, 2)
    return csr_matrix(([links[pair][0] for pair in pairs], (ends[:, 0], ends[:, 1])), (size, size))


def _links(reach: Spread) -> dict[Pair, Link]:
    """Find, for each pair of touching reaches, the cheapest cell pair where they meet."""
    best: dict[Pair, Link] = {}
    cells = np.arange(reach.label.size).reshape(reach.label.shape)
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        meet = reach.label[here] != reach.label[there]
        cost = (reach.cost[here] + reach.cost[there])[meet]
        ends = np.column_stack([cells[here][meet], cells[there][meet]])
        places = reach.label.ravel()[ends]
        turned = places[:, 0] > places[:, 1]
        ends[turned], places[turned] = ends[turned][:, ::-1], places[turned][:, ::-1]
        for i in np.argsort(cost, kind="stable"):
            pair = (int(places[i, 0]), int(places[i, 1]))
            if pair not in best or cost[i] < best[pair][0]:
                best[pair] = (float(cost[i]), int(ends[i, 0]), int(ends[i, 1]))
    return {pair: best[pair] for pair in sorted(best) if best[pair][0] < SEA_CROSSING}


def _road(reach: Spread, link: Link) -> shapely.LineString:
    first = trace(reach.parent, link[1])[::-1]
    second = trace(reach.parent, link[2])
    return shapely.LineString(smooth_line(np.vstack([first, second]), 1.8))
