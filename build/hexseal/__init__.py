"""hexseal: land-cover rasters of several years in, hexagon datasets and a static site out.

Imports point one way, from the last line to the first:

    errors < progress < products < config < files
    < grid < rasters < vectors < checks_report < checks_files < checks_pixels < check < simulate
    < icosahedron < scanline < cells < joint < tally < zones < database < delta < statistics
    < custom_areas < mvt < summaries < tiles < datasets < frontend < pages < verify < serve
    < pipeline < cli
"""

__version__ = "0.1.0"
