"""Class breaks of the map's ramps, the same for all years and pairs of a site."""

from bisect import bisect_right
from collections.abc import Sequence

# Percent of land. The first class holds what is above 0; 0 itself is a class of its own.
SHARE_BREAKS = (1.0, 3.0, 10.0, 25.0, 50.0)
# Percentage points of land: change has three classes of gain and three of loss.
CHANGE_LADDERS = ((0.1, 0.3), (0.3, 1.0), (1.0, 3.0), (5.0, 10.0), (10.0, 30.0))
# The outermost classes hold about this part of all cells that change.
TAIL = 0.02


def change_breaks(changes_pp: Sequence[float]) -> tuple[float, ...]:
    """Return breaks symmetric around 0, of the first ladder whose end most cells stay below.

    ``changes_pp`` are the changes of the finest hexagons in percentage points of land; those
    without any change do not count.

    >>> change_breaks([0.2, -0.4, 0.0, 2.5])
    (-3.0, -1.0, 0.0, 1.0, 3.0)
    """
    sizes = sorted(abs(change) for change in changes_pp if change)
    extreme = sizes[int(len(sizes) * (1 - TAIL))] if sizes else 0.0
    ends = [ladder[-1] for ladder in CHANGE_LADDERS]
    ladder = CHANGE_LADDERS[min(bisect_right(ends, extreme), len(ends) - 1)]
    return (*(-step for step in reversed(ladder)), 0.0, *ladder)
