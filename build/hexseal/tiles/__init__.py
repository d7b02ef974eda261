"""What the map shows beside hexagons and areas: pixels, images, confirmed patches, a basemap."""

from hexseal.tiles.stage import left_out, write_layers

__all__ = ["left_out", "write_layers"]
