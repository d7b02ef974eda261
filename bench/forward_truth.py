"""The sample's forward year against the simulated truth: change, and how hard the images are.

    just build && just bench-truth

Change is that of the common valid mask, as the site tells it. The index threshold is fitted on the
sample itself, so no threshold of these indices does better there.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import rasterio

from hexseal_ml.evaluate.baselines import Pixels, fit_threshold
from hexseal_ml.evaluate.stage import STRIP
from hexseal_ml.imagery.bands import BANDS
from hexseal_ml.imagery.image import open_image

WORK = Path(__file__).parents[1] / "work" / "seal-island"
INPUTS = WORK / "inputs"
YEARS = (2018, 2021, 2024)


def read(path: Path) -> np.ndarray:
    """Return the first band of a raster."""
    if not path.is_file():
        raise SystemExit(f"{path} is absent: run just build first")
    with rasterio.open(path) as file:
        return file.read(1)


def main() -> None:
    maps = [read(INPUTS / f"clcplus_{year}.tif") for year in YEARS[:2]]
    maps.append(read(WORK / "forward" / "landcover_2024.tif"))
    known = np.logical_and.reduce([(codes >= 1) & (codes <= 11) for codes in maps])
    truth = {year: read(INPUTS / "truth" / f"landcover_{year}.tif") == 1 for year in YEARS}
    region = pq.read_table(WORK / "areas.parquet", filters=[("layer", "=", "region")])
    for first, second in ((2021, 2024), (2018, 2024)):
        net = int((truth[second] & known).sum()) - int((truth[first] & known).sum())
        raw, *judged = (
            region[f"{name}_m2_{first}_{second}"][0].as_py()
            for name in ("net", "adjusted", "adjusted_low", "adjusted_high")
        )
        words = region[f"grade_{first}_{second}"][0].as_py()
        if judged[0] is not None:
            found, low, high = (value / 1e4 for value in judged)
            words += f", adjusted {found:.1f} ha, noise interval {low:.1f} to {high:.1f} ha"
        print(f"{first}-{second}: true net {net / 100:.1f} ha, raw {raw / 1e4:.1f} ha, {words}")
    for year in (2021, 2024):
        print(f"{year}: {best_threshold(year)}")


def best_threshold(year: int) -> str:
    """Return the index threshold that fits an image of the sample best, and its IoU of Sealed."""
    codes = read(INPUTS / "truth" / f"landcover_{year}.tif")
    parts = []
    with open_image(str(INPUTS / f"sentinel2_{year}.tif"), bands=BANDS) as image:
        for window in image.grid.window.strips(STRIP):
            parts.append(image.read(window)[0])
    values = np.concatenate(parts, axis=1).reshape(len(BANDS), -1)
    usable = np.isfinite(values).all(axis=0) & (codes.ravel() >= 1) & (codes.ravel() <= 11)
    pixels = Pixels(BANDS, values[:, usable], codes.ravel()[usable])
    best = fit_threshold(pixels)
    found, real = best.predict(pixels.values) == 1, pixels.codes == 1
    iou = (found & real).sum() / (found | real).sum()
    return f"best index threshold {best.title}, IoU of Sealed {iou:.3f}"


if __name__ == "__main__":
    main()
