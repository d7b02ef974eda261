"""The true land cover of the island in 2018, 2021 and 2024."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexseal.errors import InputError
from hexseal.progress import Progress, no_progress
from hexseal.simulation.covers import SUBPIXELS, YEARS
from hexseal.simulation.fields import blur
from hexseal.simulation.growth import NewObject, grow
from hexseal.simulation.settlements import Network, settle
from hexseal.simulation.sites import build_2018
from hexseal.simulation.terrain import Terrain, shape_terrain
from hexseal.simulation.vegetation import (
    BARE,
    BROAD,
    CROPS,
    GRASS,
    NEEDLE,
    OUTSIDE,
    SEALED,
    SHRUB,
    WATER,
    Countryside,
    grow_vegetation,
)
from hexseal.simulation.works import Works
from hexseal.types import Bytes, Flags

# From this share of sealed and bare ground on, a pixel counts as abiotic rather than
# vegetated; it is Sealed when most of that abiotic part is sealed.
ABIOTIC_SHARE = 0.30
# The sea is mapped this far from the coast (less on small islands); beyond lies code 254,
# as it does along the very frame.
SEA_PX, FRAME_PX = 150, 5
MIN_PX, MAX_PX = 600, 4000


@dataclass(frozen=True, slots=True)
class Truth:
    """An island whose land cover is known without error, on a 10 m grid.

    ``landcover`` holds CLC+ codes (sea is 10 near the coast and 254 beyond),
    ``sealed_percent`` the sealed part of each pixel, both one array per year of ``years``;
    ``dwellings`` the homes (local metres) by the year in which they first stand.
    """

    years: tuple[int, ...]
    landcover: tuple[Bytes, ...]
    sealed_percent: tuple[Bytes, ...]
    terrain: Terrain
    country: Countryside
    network: Network
    objects: tuple[NewObject, ...]
    dwellings: dict[int, list[NDArray[np.float64]]]

    @property
    def land(self) -> Flags:
        """Return the land, harbour fills included, inland waters too."""
        return self.terrain.land | (self.landcover[-1] == SEALED)


def simulate_truth(
    size_px: tuple[int, int],
    seed: int,
    growth: float = 1.0,
    progress: Progress = no_progress,
) -> Truth:
    """Invent an island on ``size_px`` (columns, rows) of 10 m; same seed, same island.

    ``growth`` scales what is built after 2018; 0 means that Sealed does not change at all.
    """
    check_size(size_px)
    if not growth >= 0:
        raise InputError(f"growth = {growth}: give 0 (no change) or more")
    streams = np.random.default_rng(seed).spawn(6)
    terrain = shape_terrain((size_px[1], size_px[0]), streams[0])
    progress("island", 1, 6)
    country = grow_vegetation(terrain, streams[1])
    progress("island", 2, 6)
    network = settle(terrain, country, streams[2])
    works = build_2018(terrain, network, country.cover, streams[3])
    progress("island", 3, 6)
    objects = grow(works, growth, streams[4])
    return _assemble(works, country, objects, streams[5], progress)


def check_size(size_px: tuple[int, int]) -> None:
    """Reject sizes that are too small for an island, too large, or not whole kilometres."""
    for side in size_px:
        if side % 100 or not MIN_PX <= side <= MAX_PX:
            raise InputError(
                f"the island's side = {side / 100:g} km: give whole kilometres "
                f"from {MIN_PX // 100} to {MAX_PX // 100}"
            )


def _assemble(
    works: Works,
    country: Countryside,
    objects: list[NewObject],
    rng: np.random.Generator,
    progress: Progress,
) -> Truth:
    frame = _far_sea(works.terrain)
    counts = works.buildings.fractions(works.terrain.shape, YEARS)
    covers, percents = [], []
    gardens = np.zeros(frame.shape, np.uint8)
    for step, ground in enumerate(counts):
        if step == 0:
            gardens = _gardens(ground[0], rng)
        wild = _rotate(country, step)
        tended = (gardens > 0) & ((wild == CROPS) | (wild == GRASS))
        wild[tended] = gardens[tended]
        cover, percent = _year_cover(wild, ground)
        cover[frame & (cover == WATER)] = OUTSIDE
        covers.append(cover)
        percents.append(percent)
        progress("island", 4 + step, 6)
    return Truth(
        YEARS,
        tuple(covers),
        tuple(percents),
        works.terrain,
        country,
        works.network,
        tuple(objects),
        works.dwellings,
    )


def _gardens(sealed: Bytes, rng: np.random.Generator) -> Bytes:
    """Return GRASS or BROAD where fields would lie amid houses, 0 elsewhere."""
    amid = blur(sealed.astype(np.float32), 6) > 0.14 * SUBPIXELS**2
    trees = blur(rng.standard_normal(sealed.shape, dtype=np.float32), 1.2) > 0.27
    return np.where(amid, np.where(trees, BROAD, GRASS), 0).astype(np.uint8)


def _far_sea(terrain: Terrain) -> Flags:
    far = terrain.sea_px > min(SEA_PX, min(terrain.shape) // 16)
    inner = np.s_[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX]
    edge = np.ones(terrain.shape, bool)
    edge[inner] = False
    return far | edge


def _rotate(country: Countryside, step: int) -> Bytes:
    """Turn some parcels from crops to grass and back; cut some forest and grow some."""
    cover = country.cover.copy()
    if step == 0:
        return cover
    draw = (country.parcels.draw * 997 + country.parcels.block * 131) % 1.0
    for turn in range(1, step + 1):
        moved = (draw > 0.06 * turn - 0.06) & (draw < 0.06 * turn)
        crops, grass = moved & (cover == CROPS), moved & (cover == GRASS)
        cover[crops] = GRASS
        cover[grass & (country.parcels.block < 0.5)] = CROPS
        felled = (cover == NEEDLE) & (draw > 0.5 + 0.012 * turn) & (draw < 0.512 + 0.012 * turn)
        cover[felled] = SHRUB if turn < step else GRASS
    return cover


def _year_cover(wild: Bytes, ground: tuple[Bytes, Bytes, Bytes]) -> tuple[Bytes, Bytes]:
    """Return the classes and the sealed percentage, from sub-pixel counts of built ground."""
    sealed, bare, garden = ground
    full = SUBPIXELS**2
    cover = wild.copy()
    cover[(garden > full // 2) & (cover != WATER)] = GRASS
    stony = np.isin(wild, (BARE, WATER))
    natural = np.where(stony, full - sealed.astype(np.int16) - bare, 0)
    abiotic = sealed.astype(np.int16) + bare
    counts = abiotic + natural >= ABIOTIC_SHARE * full
    hard = (sealed > bare) & (sealed >= natural) & (sealed > 0)
    cover[counts & ~hard & (bare > natural)] = BARE
    cover[counts & hard] = SEALED
    return cover, np.round(sealed.astype(np.float32) * (100 / full)).astype(np.uint8)
