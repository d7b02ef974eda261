"""Pixel grids, projections and land-cover rasters; nothing here resamples."""
