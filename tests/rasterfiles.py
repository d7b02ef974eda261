"""Tiny GeoTIFFs and area files for tests, and where the shared real data lie."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from rasterio import Affine

SHARED = Path(__file__).parents[2] / "shared" / "data"
# A corner on the EEA reference grid, in Luxembourg: EPSG:3035 metres.
WEST, NORTH = 4_040_000.0, 2_970_000.0
real_data = [
    pytest.mark.real_data,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is absent"),
]


def north_up(west: float = WEST, north: float = NORTH, size: float = 10.0) -> Affine:
    return Affine(size, 0.0, west, 0.0, -size, north)


def write_tif(
    path: Path,
    codes: object,
    *,
    transform: Affine | None = None,
    crs: str | None = "EPSG:3035",
    **options: object,
) -> str:
    """Write codes, shape (rows, columns) or (bands, rows, columns); bytes unless typed."""
    band = codes if isinstance(codes, np.ndarray) else np.array(codes, dtype=np.uint8)
    bands = band if band.ndim == 3 else band[None]
    count, height, width = bands.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=count,
        height=height,
        width=width,
        dtype=bands.dtype,
        crs=crs,
        transform=transform or north_up(),
        **options,
    ) as file:
        file.write(bands)
    return str(path)


def write_areas(
    path: Path,
    shapes: Sequence[shapely.Geometry | None],
    *,
    crs: str | None = "EPSG:3035",
    layer: str | None = None,
    **columns: list,
) -> str:
    """Write shapes with columns (texts or numbers, None where empty) as the suffix says."""
    pyogrio.raw.write(
        path,
        geometry=np.array([None if s is None else shapely.to_wkb(s) for s in shapes], dtype=object),
        field_data=[_column(values) for values in columns.values()],
        fields=list(columns),
        geometry_type="Unknown",
        crs=crs,
        layer=layer,
        append=layer is not None and path.exists(),
    )
    return str(path)


def _column(values: list) -> np.ndarray:
    texts = any(isinstance(value, str) or value is None for value in values)
    return np.array(values, dtype=object if texts else None)
