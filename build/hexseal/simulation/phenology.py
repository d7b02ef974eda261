"""What the days of a year change: leaves, fields, drought and the height of the sun.

Curves are typical of central Europe, drawn by hand; each region and year shifts them by some days.
"""

from dataclasses import dataclass, replace

import numpy as np

from hexseal.simulation.spectra import Palette
from hexseal.simulation.vegetation import BROAD
from hexseal.types import Floats

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
