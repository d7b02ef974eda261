"""The files that a reader downloads, all from the tables of one build.

Imports point one way: outlines < geoparquet < partitions < scripts < provenance < writing
    < qgis_style < geopackage < published_rasters < splits < archive < documents < checksums
    < stage.
"""

from hexseal.datasets.checksums import write_checksums
from hexseal.datasets.stage import write_datasets

__all__ = ["write_checksums", "write_datasets"]
