"""Pixels per hexagon, area and joint class, counted exactly on the raster grid."""
