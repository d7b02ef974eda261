"""Polygon files from an address, cut to the areas that reach the place.

Outlines are kept whole: an area's figures count the pixels of the place, and its name and
inhabitants are those of the whole area.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from hexseal.errors import FetchError, OutputError
from hexseal.fetch.addresses import public
from hexseal.fetch.place import Place, to_box
from hexseal.fetch.web import Query, Web, start_of
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import from_lonlat, to_lonlat
from hexseal.storage.files import whole_file
from hexseal.types import Box

# Degrees around the place's box in which outlines are looked at.
MARGIN = 0.1
# GeoPackage stores when it was written; a fixed date keeps the bytes the same.
WRITTEN = "2024-01-01T00:00:00.000Z"
SQLITE = b"SQLite format 3\x00"


def download_polygons(
    web: Web, address: str, folder: Path, *, progress: Progress = no_progress
) -> Path:
    """Download a GeoJSON or GeoPackage file; raise FetchError where something else comes."""
    path = folder / "polygons"
    name = public(address).rsplit("/", 1)[-1]
    web.download(
        Query(address), path, progress=lambda come, whole: progress(name, come, max(come, whole))
    )
    with path.open("rb") as stream:
        start = stream.read(400)
    is_json = start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{")
    kind = ".gpkg" if start.startswith(SQLITE) else ".geojson" if is_json else ""
    if not kind:
        raise FetchError(
            f"{public(address)}: sent neither GeoJSON nor GeoPackage but {start_of(start)!r}; "
            "check the address"
        )
    return path.replace(path.with_suffix(kind))


def fetch_boundaries(
    web: Web, address: str, target: Path, place: Place, *, progress: Progress = no_progress
) -> int:
    """Write the areas of a polygon file that reach the place as GeoPackage; return their number."""
    with TemporaryDirectory(prefix="hexseal-") as folder:
        path = download_polygons(web, address, Path(folder), progress=progress)
        return cut_polygons(path, target, place, public(address))


def cut_polygons(path: Path, target: Path, place: Place, source: str) -> int:
    """Write what reaches the place, with all columns; raise FetchError where nothing does."""
    try:
        crs = str(pyogrio.read_info(path)["crs"] or "EPSG:4326")
        west, south, east, north = place.lonlat_box
        around = Box(west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
        meta, _, geometry, columns = pyogrio.raw.read(
            path, bbox=tuple(to_box(around, "EPSG:4326", crs)), force_2d=True
        )
    except (DataSourceError, DataLayerError, ValueError) as err:
        raise FetchError(f"{source}: is no polygon file that GDAL can read; check it") from err
    shapes = shapely.from_wkb(geometry, on_invalid="ignore")
    reaching = _reaching(shapes, crs, place)
    if not reaching.any():
        raise FetchError(
            f"{source}: none of its areas reaches the place ({place.grid}); check the address and "
            "[fetch] bbox and crs"
        )
    try:
        _write(target, geometry[reaching], [column[reaching] for column in columns], meta, crs)
    except DataSourceError as err:
        raise OutputError(f"{target}: cannot be written ({err})") from err
    return int(reaching.sum())


def _reaching(shapes: NDArray[np.object_], crs: str, place: Place) -> NDArray[np.bool_]:
    """Return which polygons share ground with the place."""
    wanted = place.shape if place.shape is not None else shapely.box(*place.grid.bounds)
    is_polygon = np.isin(shapely.get_type_id(shapes), (3, 6))

    def project(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(from_lonlat(place.grid.crs, *to_lonlat(crs, *xy.T)))

    projected = shapely.transform(shapes, project)
    touching = np.zeros(len(shapes), np.bool_)
    whole = is_polygon & np.isfinite(shapely.bounds(projected)).all(axis=1)
    repaired = shapely.make_valid(projected[whole])
    touching[whole] = shapely.area(shapely.intersection(repaired, wanted)) > 0
    return touching


def _write(
    target: Path,
    geometry: NDArray[np.object_],
    columns: list[NDArray[np.generic]],
    meta: dict[str, object],
    crs: str,
) -> None:
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN})
    try:
        with whole_file(target) as partial:
            pyogrio.raw.write(
                partial,
                geometry=geometry,
                field_data=columns,
                fields=meta["fields"],
                geometry_type="MultiPolygon",
                promote_to_multi=True,
                crs=crs,
                driver="GPKG",
                layer=target.stem,
                # GISCO's files have a column FID of their own.
                FID="hexseal_row",
            )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
