"""The model clcplus-forward-b2: hexseal finds it through the entry points ``hexseal.models``."""

from pathlib import Path

_PACKAGED = Path(__file__).resolve().parent / "clcplus-forward-b2"
# In a clone the weights lie beside this package.
FOLDER = _PACKAGED if _PACKAGED.is_dir() else _PACKAGED.parents[1] / "clcplus-forward-b2"
