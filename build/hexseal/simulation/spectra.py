"""Reflectance of what covers the ground in ten bands of Sentinel-2, by region and day of the year.

The curves are typical values of field spectra, rounded by hand: what matters is how classes
resemble each other, and that they vary more between regions than a classifier would like. Curves
over the year are typical of central Europe; each region and year shifts them by some days.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hexseal.simulation.vegetation import (
    BARE,
    BROAD,
    CROPS,
    EVERGREEN,
    GRASS,
    MOSS,
    NEEDLE,
    SHRUB,
    WATER,
)
from hexseal.types import Floats

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
# Wavelengths in micrometres: haze fades with them, and regional tilts follow them.
MICROMETRES = np.array([0.49, 0.56, 0.665, 0.705, 0.74, 0.783, 0.842, 0.865, 1.61, 2.19])


# Percent of reflected light, in the order of BANDS.
SOIL = (7.0, 9.5, 12.5, 14.5, 16.0, 17.5, 19.0, 20.0, 27.0, 23.5)
CHALK = (13.0, 18.0, 23.0, 25.5, 27.5, 29.0, 30.5, 32.0, 38.0, 33.0)
STUBBLE = (7.5, 10.5, 14.5, 17.5, 20.5, 22.5, 24.5, 27.0, 33.0, 25.5)
CROP = (3.0, 6.0, 3.8, 10.0, 32.0, 40.0, 43.0, 44.0, 20.0, 9.5)
LUSH = (3.4, 6.8, 4.4, 10.5, 27.0, 33.0, 35.0, 36.5, 22.0, 11.0)
DRY_GRASS = (6.6, 9.5, 11.5, 15.0, 20.5, 23.0, 25.0, 27.5, 31.5, 21.5)
ROCK = (11.5, 13.5, 15.5, 16.5, 17.5, 18.0, 18.5, 19.5, 22.5, 21.0)
SAND = (17.0, 22.0, 27.0, 29.0, 31.0, 32.5, 33.5, 35.0, 41.0, 37.0)

# Two ends of each class; a pixel lies somewhere between them. Crops have a third, bare soil.
GROUND = {
    NEEDLE: ((1.9, 3.4, 2.1, 4.8, 12.5, 15.5, 17.5, 18.5, 8.5, 4.2),
             (2.6, 4.6, 3.4, 7.0, 17.5, 21.0, 23.0, 25.0, 13.5, 7.0)),
    BROAD: ((2.3, 4.6, 2.5, 7.5, 25.0, 32.0, 35.0, 36.0, 17.0, 7.5),
            (3.2, 5.8, 4.2, 9.5, 21.0, 26.0, 28.0, 30.0, 19.5, 9.5)),
    EVERGREEN: ((2.3, 4.2, 2.8, 7.0, 19.0, 24.0, 26.0, 27.5, 14.5, 6.8),
                (3.3, 5.4, 4.8, 8.8, 16.5, 19.5, 21.5, 23.5, 18.0, 10.0)),
    SHRUB: ((2.9, 5.0, 4.2, 8.5, 19.0, 22.5, 24.5, 26.0, 18.5, 9.8),
            (5.0, 7.2, 8.2, 11.5, 16.0, 18.0, 20.0, 22.0, 25.0, 16.5)),
    GRASS: (LUSH, DRY_GRASS),
    CROPS: (CROP, STUBBLE),
    MOSS: ((4.5, 6.5, 7.2, 10.5, 16.5, 18.5, 20.5, 22.0, 22.5, 14.0),
           (7.0, 8.8, 10.0, 12.5, 15.0, 16.5, 18.0, 19.5, 23.0, 17.0)),
    BARE: (ROCK, SAND),
    WATER: ((3.8, 4.2, 2.6, 2.2, 1.7, 1.6, 1.4, 1.3, 0.7, 0.5),
            (5.8, 8.0, 6.6, 5.8, 3.8, 3.4, 2.8, 2.4, 1.1, 0.8)),
}  # fmt: skip
# Sealed materials: (share of all that is sealed, curve); the shares differ between regions.
MATERIALS = (
    (0.24, (7.2, 8.0, 8.9, 9.5, 10.0, 10.6, 11.2, 11.8, 13.5, 12.8)),  # asphalt
    (0.18, (12.0, 13.8, 15.6, 16.5, 17.2, 17.8, 18.5, 19.2, 23.0, 21.5)),  # worn asphalt, concrete
    (0.10, (21.0, 24.0, 26.5, 27.5, 28.5, 29.0, 29.5, 30.0, 32.0, 29.5)),  # light concrete
    (0.24, (7.0, 9.6, 16.0, 18.8, 20.5, 21.5, 23.0, 24.5, 31.0, 26.5)),  # red tiles
    (0.12, (5.6, 6.0, 6.6, 7.0, 7.6, 8.0, 8.6, 9.0, 10.8, 10.4)),  # slate, tar
    (0.12, (34.0, 37.0, 38.0, 38.5, 39.0, 39.5, 40.0, 40.0, 38.0, 34.0)),  # bright metal, foil
)
# Which of them roads are made of.
PAVING = (0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The spectra of one region as reflectance, rows in the order of BANDS.

    ``first`` and ``second`` (256, bands) are the two ends of each land-cover code, ``soil``
    (bands,) is tilled soil, ``materials`` (kinds, bands) what seals, with ``shares`` (kinds,)
    of the sealed area.
    """

    first: Floats
    second: Floats
    soil: Floats
    materials: Floats
    shares: Floats


def mix_palette(rng: np.random.Generator) -> Palette:
    """Invent the spectra of a region: every curve is made lighter or darker and tilted."""
    first, second = np.zeros((2, 256, len(BANDS)), np.float32)
    for code, (one, two) in GROUND.items():
        first[code], second[code] = vary(one, rng), vary(two, rng)
    pale = rng.beta(0.8, 2.0)
    soil = (1 - pale) * np.array(SOIL) + pale * np.array(CHALK)
    sand = rng.uniform(0.1, 0.9)
    second[BARE] = vary(sand * np.array(SAND) + (1 - sand) * np.array(ROCK), rng)
    materials = np.stack([vary(curve, rng) for _, curve in MATERIALS])
    usual = np.array([share for share, _ in MATERIALS])
    shares = rng.dirichlet(usual * 14).astype(np.float32)
    return Palette(first, second, vary(soil, rng), materials, shares)


def vary(percent: NDArray[np.float64] | tuple[float, ...], rng: np.random.Generator) -> Floats:
    """Return reflectance: ``percent`` with a brightness, tilt and small wobble of the region."""
    bent = rng.normal(0, 0.05) * np.log(MICROMETRES / 0.9) + rng.normal(0, 0.02, len(BANDS))
    return (np.asarray(percent) / 100 * np.exp(rng.normal(0, 0.08) + bent)).astype(np.float32)


# Branches and litter, percent of reflected light in the order of BANDS.
LEAFLESS = (4.2, 5.6, 6.2, 8.4, 12.5, 14.8, 16.8, 18.3, 19.5, 12.2)
# Days on which half of the leaves are out, and half of them have gone; how many days that takes.
LEAVES_OUT, LEAVES_GONE, OUT_DAYS, GONE_DAYS = 115.0, 298.0, 7.0, 9.0
# Shares of green and of harvested fields by day; the rest is tilled.
FIELD_DAYS = (15.0, 75.0, 105.0, 135.0, 165.0, 196.0, 227.0, 258.0, 288.0, 330.0)
GREEN_FIELDS = (0.45, 0.50, 0.55, 0.72, 0.85, 0.60, 0.40, 0.30, 0.30, 0.42)
HARVESTED_FIELDS = (0.05, 0.05, 0.02, 0.00, 0.05, 0.33, 0.42, 0.35, 0.15, 0.08)
# Fields that are green in spring are others than those that are green in late summer: so much of
# the order of fields turns round between these days.
TURN_FROM, TURN_TO, TURNED = 140.0, 230.0, 0.5
DRIEST_DAY, DRY_DAYS = 215.0, 45.0
# Noon at 47 degrees north: the sun's height at the equinox and its swing over the year.
NOON_HEIGHT, NOON_SWING, EQUINOX = 43.0, 23.4, 80.0


@dataclass(frozen=True, slots=True)
class Season:
    """How far the year is: shares of green and harvested fields (the rest is tilled), drought.

    ``turned`` is how far the order of fields has moved on since the beginning of the year.
    """

    green: float
    harvested: float
    drought: float
    turned: float = 0.0


def season_of(day: float, drought: float) -> Season:
    """Return the season of a day of the year; ``drought`` (0 to 1) is that of high summer."""
    dry = float(np.exp(-(((day - DRIEST_DAY) / DRY_DAYS) ** 2)))
    turned = float(np.clip((day - TURN_FROM) / (TURN_TO - TURN_FROM), 0, 1)) * TURNED
    return Season(
        green=float(np.interp(day, FIELD_DAYS, GREEN_FIELDS)),
        harvested=float(np.interp(day, FIELD_DAYS, HARVESTED_FIELDS)),
        drought=drought * dry,
        turned=turned,
    )


def leaves_of(day: float) -> float:
    """Return how much of a deciduous tree's foliage is out, 0 to 1.

    >>> round(leaves_of(30), 2), round(leaves_of(196), 2), round(leaves_of(345), 2)
    (0.0, 1.0, 0.01)
    """
    out = 1 / (1 + np.exp(-(day - LEAVES_OUT) / OUT_DAYS))
    left = 1 / (1 + np.exp((day - LEAVES_GONE) / GONE_DAYS))
    return float(out * left)


def palette_of(palette: Palette, leafless: Floats, day: float) -> Palette:
    """Return the palette of a day: deciduous trees between their leaves and ``leafless`` (bands,).

    ``leafless`` is reflectance.
    """
    leaves = np.float32(leaves_of(day))
    first, second = palette.first.copy(), palette.second.copy()
    for ends in (first, second):
        ends[BROAD] = leaves * ends[BROAD] + (1 - leaves) * leafless
    return replace(palette, first=first, second=second)


def noon_height(day: float) -> float:
    """Return the height of the sun at noon in degrees.

    >>> round(noon_height(172)), round(noon_height(355))
    (66, 20)
    """
    return NOON_HEIGHT + NOON_SWING * float(np.sin(2 * np.pi * (day - EQUINOX) / 365))
