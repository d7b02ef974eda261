"""The classes that a model distinguishes: CLC+ Backbone codes and their names."""

from hexseal.products import CLCPLUS

CODES = tuple(sorted(c.code for c in CLCPLUS.classes if c.code in CLCPLUS.valid))
SEALED = 1
OUTSIDE = 254
# Marks pixels whose label is unknown in arrays of class indices.
IGNORE = 255


def class_name(code: int) -> str:
    """Return the English name of a CLC+ code.

    >>> class_name(1)
    'Sealed'
    """
    return next(c.name for c in CLCPLUS.classes if c.code == code)
