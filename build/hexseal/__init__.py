"""hexseal: land-cover rasters of several years in, hexagon datasets and a static site out.

The public interface, all of it documented in hexseal.api::

    from hexseal import build_site, compare_maps, simulate

    index = build_site(simulate("demo", size_km=(8, 6)))
    table = compare_maps({2018: "a.tif", 2021: "b.tif"}, resolution=8)

Names that are not listed in ``__all__`` may change with any version.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from hexseal.errors import (
    FetchError,
    GridMismatchError,
    HexsealError,
    InputError,
    OutputError,
    RegionError,
    ToolError,
    VerifyError,
)
from hexseal.storage.files import ensure_compiler_cache

if TYPE_CHECKING:
    from hexseal.api import (
        assess_accuracy,
        build_site,
        check_region,
        compare_maps,
        fetch_region,
        load_region,
        measure_areas,
        merge_sites,
        simulate,
        to_geodataframe,
        verify_site,
    )

__version__ = "0.1.0"

# Before any module that holds compiled functions is imported.
ensure_compiler_cache(Path(__file__).parent)

__all__ = [
    "FetchError",
    "GridMismatchError",
    "HexsealError",
    "InputError",
    "OutputError",
    "RegionError",
    "ToolError",
    "VerifyError",
    "__version__",
    "assess_accuracy",
    "build_site",
    "check_region",
    "compare_maps",
    "fetch_region",
    "load_region",
    "measure_areas",
    "merge_sites",
    "simulate",
    "to_geodataframe",
    "verify_site",
]


def __getattr__(name: str) -> object:
    """Import a public function when it is first used, so that ``import hexseal`` is quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module("hexseal.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, also those that were not used yet."""
    return sorted({*globals(), *__all__})
