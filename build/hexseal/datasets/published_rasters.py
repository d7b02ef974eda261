"""Maps of forward years as cloud-optimised GeoTIFF, where the region asks for them."""

from collections.abc import Iterator
from pathlib import Path

import rasterio.shutil

from hexseal.manifest import Download
from hexseal.region.load import Region
from hexseal.storage.files import sha256, whole_file

FORMAT = "COG"
SETTINGS = {"COMPRESS": "DEFLATE", "LEVEL": "9", "BLOCKSIZE": "512", "NUM_THREADS": "1"}


def write_rasters(region: Region, site: Path) -> Iterator[Download]:
    """Write data/ID_landcover_YEAR.tif and ID_confidence_YEAR.tif of every forward year.

    Pixels are those of the build's own files; overviews take the commonest class, or the nearest
    confidence. Maps of CLC+ itself are never passed on: their producer publishes them.
    """
    if not region.dataset.rasters:
        return
    for epoch in region.epochs:
        if epoch.forward is None:
            continue
        for kind, source, overviews in (
            ("landcover", epoch.landcover, "MODE"),
            ("confidence", epoch.confidence, "NEAREST"),
        ):
            if source is None:
                continue
            path = site / "data" / f"{region.id}_{kind}_{epoch.year}.tif"
            with whole_file(path) as partial:
                rasterio.shutil.copy(
                    source, partial, driver="COG", OVERVIEW_RESAMPLING=overviews, **SETTINGS
                )
            name = f"data/{path.name}"
            yield Download(name, FORMAT, kind, None, None, path.stat().st_size, sha256(path))
