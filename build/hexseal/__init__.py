"""hexseal: land-cover rasters of several years in, hexagon datasets and a static site out."""

__version__ = "0.1.0"
