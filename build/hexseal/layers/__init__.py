"""What the map shows beside hexagons and areas: pixels, images, confirmed patches, a basemap.

Imports point one way: archives < png < mercator < codes < pixels < images < patches < basemap
    < writing.
"""

from hexseal.layers.writing import left_out, write_layers

__all__ = ["left_out", "write_layers"]
