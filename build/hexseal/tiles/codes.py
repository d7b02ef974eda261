"""What a pixel shows in all years at once, as one number below 256.

A page draws any year and any pair of years from the same tiles: it replaces the palette.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexseal.errors import RegionError
from hexseal.tiles.png import MOST_COLORS
from hexseal.types import Flags, Pair

NO_DATA, WATER = 0, 1
Pairs = tuple[Pair, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PixelCodes:
    """The codes of a region's years and pairs.

    ``meanings[code - 2]`` is (sealed, confirmed): bit i of ``sealed`` is set where the pixel is
    sealed in year i, bit j of ``confirmed`` where its new sealing in pair j is confirmed. Code 0
    is no data, code 1 water in every year.
    """

    years: int
    meanings: tuple[tuple[int, int], ...]
    lookup: NDArray[np.uint8]

    def join(self, sealed: list[Flags], confirmed: list[Flags], *, valid: Flags, water: Flags):
        """Return the codes of pixels from one array for each year and each pair."""
        key = np.zeros(valid.shape, np.int64)
        for bit, flags in enumerate([*sealed, *confirmed]):
            key |= flags.astype(np.int64) << bit
        codes = self.lookup[key]
        codes[water] = WATER
        codes[~valid] = NO_DATA
        return codes


def pixel_codes(years: tuple[int, ...], pairs: Pairs) -> PixelCodes:
    """Number what can occur; raises RegionError where that is more than a palette holds.

    >>> pixel_codes((2018, 2021), (Pair(2018, 2021),)).meanings
    ((0, 0), (1, 0), (2, 0), (2, 1), (3, 0))
    """
    meanings = []
    lookup = np.zeros(1 << (len(years) + len(pairs)), np.uint8)
    for sealed in range(1 << len(years)):
        gains = 0
        for place, (first, second) in enumerate(pairs):
            before, after = (sealed >> years.index(year) & 1 for year in (first, second))
            gains |= (after and not before) << place
        known: dict[int, int] = {}
        for confirmed in range(1 << len(pairs)):
            # What is confirmed without being new cannot be; it counts as not confirmed.
            meaning = confirmed & gains
            if meaning not in known:
                known[meaning] = len(meanings) + 2
                meanings.append((sealed, meaning))
            if known[meaning] < MOST_COLORS:
                lookup[sealed | confirmed << len(years)] = known[meaning]
    if len(meanings) + 2 > MOST_COLORS:
        raise RegionError(
            f'[site] pixels: {len(years)} years are too many to show by pixel; set pixels = "never"'
        )
    return PixelCodes(len(years), tuple(meanings), lookup)


def plain_palette(codes: PixelCodes) -> bytes:
    """Return red, green, blue of each code as other programs see the tiles: the last year."""
    colors = [(0, 0, 0), (207, 223, 232)]
    last = codes.years - 1
    for sealed, confirmed in codes.meanings:
        now = sealed >> last & 1
        colors.append((201, 98, 34) if confirmed else (65, 24, 67) if now else (247, 248, 244))
    return bytes(channel for color in colors for channel in color)
