"""The files that a reader downloads, all from the tables of one build.

Imports point one way: outlines < geoparquet < partitions < scripts < provenance < writing < stage.
"""

from hexseal.datasets.stage import write_datasets

__all__ = ["write_datasets"]
