"""Polygon files of any CRS, as rings in pixel coordinates."""
