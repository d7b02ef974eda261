"""Slow and obvious references that tests compare the fast code with."""

from collections import Counter

import h3
import numpy as np

from hexseal.raster.grid import Grid

Joint = tuple[int, ...]


def cells_by_pixel(
    grid: Grid, bands: tuple[np.ndarray, ...], resolution: int
) -> Counter[tuple[int, Joint]]:
    """Count (cell, classes of all years) by asking h3.latlng_to_cell for every pixel centre."""
    rows, columns = np.indices(bands[0].shape).reshape(2, -1)
    x, y = grid.centers(rows.astype(float), columns.astype(float))
    lon, lat = grid.to_lonlat(x, y)
    joint = np.column_stack([band.ravel() for band in bands]).tolist()
    return Counter(
        (h3.str_to_int(h3.latlng_to_cell(a, b, resolution)), tuple(classes))
        for a, b, classes in zip(lat, lon, joint, strict=True)
    )
