"""Whether the intervals of a place without a map hold the truth, for the region and its areas.

    hexseal build regions/uncovered.toml && just bench-uncovered

The place is simulated by a seed that no model was trained on. The truth is counted on the pixels
that the model's map has; a pixel belongs to the area that holds its centre, as in the site.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import rasterio
import shapely

from hexseal.raster.grid import Window
from hexseal.raster.landcover import open_landcover
from hexseal_ml.model.classes import SEALED

WORK = Path(__file__).parents[1] / "work" / "uncovered"
YEARS = (2018, 2024)
HECTARE = 1e4


def truth_by_area(work: Path, year: int) -> dict[str, float]:
    """Return the truly sealed area in m² by the id of each area; that of the region by ''."""
    with open_landcover(str(work / "forward" / f"landcover_{year}.tif")) as landcover:
        grid = landcover.grid
        codes = landcover.read(Window(0, 0, grid.height, grid.width))
    with rasterio.open(WORK / "inputs" / "truth" / f"landcover_{year}.tif") as file:
        sealed = (codes >= 1) & (codes <= 11) & (file.read(1) == SEALED)
    rows, columns = (places.astype(float) for places in np.nonzero(sealed))
    lon, lat = grid.to_lonlat(*grid.centers(rows, columns))
    pixel_m2 = grid.nominal_pixel_area_m2
    found = {"": float(len(rows)) * pixel_m2}
    for area in pq.read_table(work / "zone_shapes.parquet").to_pylist():
        inside = shapely.contains_xy(shapely.from_wkb(area["geometry"]), lon, lat)
        found[area["id"]] = float(inside.sum()) * pixel_m2
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--work", type=Path, default=WORK, help="work/uncovered of the build")
    work = parser.parse_args().work
    if not (work / "areas.parquet").is_file():
        raise SystemExit(f"{work} holds no build: run hexseal build regions/uncovered.toml first")
    areas = pq.read_table(work / "areas.parquet").to_pylist()
    for year in YEARS:
        truth, held = truth_by_area(work, year), 0
        for area in areas:
            real = truth["" if area["layer"] == "region" else area["id"]]
            mapped, middle, low, high = (
                area[name] for name in (
                    f"sealed_m2_{year}", f"sealed_adjusted_m2_{year}",
                    f"sealed_low_m2_{year}", f"sealed_high_m2_{year}",
                )
            )  # fmt: skip
            holds = low <= real <= high
            held += holds and area["layer"] != "region"
            print(
                f"{year} {area['name']}: truth {real / HECTARE:.1f} ha, mapped "
                f"{mapped / HECTARE:.1f}, corrected {middle / HECTARE:.1f} ({low / HECTARE:.1f} to "
                f"{high / HECTARE:.1f}), {'holds' if holds else 'misses'}, "
                f"mapped / true {mapped / real:.2f}"
            )
        print(f"{year}: intervals of {held} of {len(areas) - 1} areas hold the truth")


if __name__ == "__main__":
    main()
