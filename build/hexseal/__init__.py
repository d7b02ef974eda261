"""hexseal: land-cover rasters of several years in, hexagon datasets and a static site out.

Imports point one way, from the last line to the first:

    errors < progress < products < config < files
    < grid < rasters < check < simulate
    < icosahedron < cells < scanline < delta
    < database < statistics < tiles < datasets < frontend < pages < verify < serve
    < pipeline < cli
"""

__version__ = "0.1.0"
