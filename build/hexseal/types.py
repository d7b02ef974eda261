"""Values that every package shares: a pair of years, a box, and arrays by the type of their items.

Each name has one meaning throughout hexseal and hexseal_ml.
"""

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Int16s = NDArray[np.int16]
    UInt16s = NDArray[np.uint16]
    Integers = NDArray[np.int64]
    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Strings = NDArray[np.str_]
    # Geometries of shapely, or other Python objects.
    Objects = NDArray[np.object_]

# Types of items at run time, where numpy is imported only by users of arrays: the region
# file's reader and the command line need none.
ITEMS = {
    "Bytes": "uint8", "Int16s": "int16", "UInt16s": "uint16", "Integers": "int64",
    "Floats": "float32", "Doubles": "float64", "Flags": "bool_", "Strings": "str_",
    "Objects": "object_",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Return the type of an array by the type of its items."""
    if name not in ITEMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    items = getattr(importlib.import_module("numpy"), ITEMS[name])
    globals()[name] = importlib.import_module("numpy.typing").NDArray[items]
    return globals()[name]


class Box(NamedTuple):
    """Edges of an axis-parallel rectangle, in the units of a CRS; west and south first."""

    west: float
    south: float
    east: float
    north: float


class Pair(NamedTuple):
    """Two reference years that are compared, the earlier first."""

    first: int
    second: int

    @property
    def key(self) -> str:
        """Return what names the pair in columns and files.

        >>> Pair(2018, 2021).key
        '2018_2021'
        """
        return f"{self.first}_{self.second}"

    @property
    def name(self) -> str:
        """Return what names the pair in a page's script and its tiles.

        >>> Pair(2018, 2021).name
        '2018-2021'
        """
        return f"{self.first}-{self.second}"

    @property
    def span(self) -> int:
        """Return the years between both."""
        return self.second - self.first

    def column(self, name: str) -> str:
        """Return a figure's column of this pair.

        >>> Pair(2018, 2021).column("net_m2")
        'net_m2_2018_2021'
        """
        return f"{name}_{self.key}"
