"""Bring real images of ../shared/data into the form that hexseal-ml reads.

    just evaluate

The archive holds five frames of Sentinel-2 L1C reflectance and one label as NumPy arrays with the
box of the scene. Frames 0 and 1 are cloudy. GeoTIFFs with named bands go to work/real: each clear
frame, and the composite that a user would make of them, the median of each pixel and band. The
label keeps its codes (0 none, 8 artificial surface). The two images of Boadella are brought from
degrees to metres, for regions/boadella.toml.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import transform
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

DATA = Path(__file__).parents[2] / "shared" / "data" / "sentinel2-slovenia-lulc"
UNLABELLED = DATA.parent / "sentinel2-unlabelled"
BOADELLA = ("2020-01-13", "2020-01-28")
OUT = Path(__file__).parents[1] / "work" / "real"
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
CLEAR = (2, 3, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    if not DATA.is_dir():
        raise SystemExit(f"{DATA} is absent: the real images are not part of the project")
    out.mkdir(parents=True, exist_ok=True)
    frames = np.load(DATA / "REFERENCE_SCENES.npy")
    label = np.load(DATA / "LULC.npy")[..., 0].astype(np.uint8)
    corners = np.array(json.loads((DATA / "bbox.geojson").read_text())["coordinates"][0])
    (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
    height, width = label.shape
    grid = {
        "driver": "GTiff", "height": height, "width": width, "crs": "EPSG:32633",
        "transform": transform.from_bounds(west, south, east, north, width, height),
    }  # fmt: skip
    with rasterio.open(out / "slovenia_lulc.tif", "w", count=1, dtype="uint8", **grid) as file:
        file.write(label, 1)
    for name, image in images_of(frames).items():
        path = out / f"slovenia_{name}.tif"
        with rasterio.open(path, "w", count=len(BANDS), dtype="float32", **grid) as file:
            file.write(np.moveaxis(image, -1, 0))
            file.descriptions = BANDS
    boadella(out)
    print(f"{len(CLEAR)} images, their composite and their label in {out}")


def boadella(out: Path) -> None:
    """Warp the images of Boadella to one grid of 10 m; 0 stays no data."""
    for day in BOADELLA:
        with (
            rasterio.open(UNLABELLED / f"Boadella_{day}.tif") as source,
            WarpedVRT(
                source, crs="EPSG:32631", resampling=Resampling.bilinear, **_grid_of(source)
            ) as warped,
            rasterio.open(
                out / f"boadella_{day}.tif", "w", driver="GTiff", height=warped.height,
                width=warped.width, count=source.count, dtype=source.dtypes[0],
                crs=warped.crs, transform=warped.transform, nodata=0,
            ) as file,
        ):  # fmt: skip
            file.write(warped.read())
            file.descriptions = source.descriptions


def _grid_of(source: rasterio.DatasetReader) -> dict[str, object]:
    """Return the grid of whole 10 m pixels around an image."""
    west, south, east, north = transform_bounds(source.crs, "EPSG:32631", *source.bounds)
    left, top = np.floor(west / 10) * 10, np.ceil(north / 10) * 10
    return {
        "transform": transform.from_origin(left, top, 10, 10),
        "width": int(np.ceil((east - left) / 10)),
        "height": int(np.ceil((top - south) / 10)),
    }


def images_of(frames: NDArray[np.floating]) -> dict[str, NDArray[np.float32]]:
    """Return the clear ones of frames (frames, rows, cols, bands) by number, and their median."""
    clear = frames[list(CLEAR)].astype(np.float32)
    images = dict(zip(map(str, CLEAR), clear, strict=True))
    return images | {"composite": np.median(clear, axis=0)}


if __name__ == "__main__":
    main()
