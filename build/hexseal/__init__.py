"""hexseal: land-cover rasters of several years in, hexagon datasets and a static site out."""

from pathlib import Path

from hexseal.storage.files import ensure_compiler_cache

__version__ = "0.1.0"

# Before any module that holds compiled functions is imported.
ensure_compiler_cache(Path(__file__).parent)
