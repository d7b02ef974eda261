"""Failures that a user can fix, each a single line: what is wrong, the value seen, what to do."""

LONGEST_LINE = 300


def shortened(text: str, most: int = LONGEST_LINE) -> str:
    """Return a text of at most ``most`` characters, its middle left out where it is longer.

    >>> shortened("abcdefghij", 5)
    'ab…ij'
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


class HexsealError(Exception):
    """Base of every failure that the command line turns into one line and exit code 1."""


class RegionError(HexsealError):
    """The region file is missing, unreadable, or one of its keys has a wrong value."""


class InputError(HexsealError):
    """An input raster, area file or table cannot be used as it is."""


class GridMismatchError(InputError):
    """Two rasters of one region do not lie on the same grid."""


class FetchError(HexsealError):
    """A service did not deliver what was requested."""


class OutputError(HexsealError):
    """A file or folder cannot be written."""


class ToolError(HexsealError):
    """A program or extension that hexseal relies on is missing or failed."""


class VerifyError(HexsealError):
    """A finished site does not hold what it lists."""


class UnitError(HexsealError):
    """Some units of a region could not be computed, each named with its reason."""
