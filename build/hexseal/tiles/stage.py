"""Write all further layers of the map into a site, keeping those whose inputs did not change."""

import gzip
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pmtiles.tile import Compression

from hexseal import __version__
from hexseal.errors import InputError
from hexseal.manifest import Basemap, MapLayers
from hexseal.progress import Progress, no_progress
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region
from hexseal.storage.cache import Stamp
from hexseal.storage.workdir import WorkFolder
from hexseal.tiles.archives import publish, read_header
from hexseal.tiles.codes import pixel_codes
from hexseal.tiles.ground import write_ground
from hexseal.tiles.images import image_years, write_image
from hexseal.tiles.patches import write_patch_tiles
from hexseal.tiles.pixels import write_pixels

log = logging.getLogger(__name__)
# [site] pixels = "auto" leaves pixels and images out beyond this: 12 000 km² at 10 m. Tiles of
# more would take minutes and hundreds of megabytes.
AUTO_LIMIT_PIXELS = 120_000_000
# What archives depend on beside their inputs.
CODE = ("hexseal.tiles", "hexseal.raster", "hexseal.codebook", "hexseal.products", "hexseal.sql")
# What broken metadata makes their readers raise.
UNREADABLE = (
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RecursionError,
)  # fmt: skip


def write_layers(
    region: Region,
    work: Path,
    site: Path,
    *,
    key: str = "",
    workers: int | None = None,
    progress: Progress = no_progress,
) -> MapLayers:
    """Publish the ground, confirmed patches, pixels, images and the basemap of a region.

    Archives lie in ``work/layers``; one made from the same ``key``, files and code is kept.
    """
    kept = _Kept(WorkFolder(work), key)
    name, standalone = "patches", region.site.standalone
    archive = kept.made(
        name, None, lambda path: write_patch_tiles(region, work, path, workers=workers)
    )
    patches = publish(archive, name, site, standalone) if archive else None
    pixels, codes, images = None, (), {}
    if wants_pixels(region):
        codes = pixel_codes(region.years, region.pairs).meanings
        archive = kept.made(
            "pixels",
            None,
            lambda path: write_pixels(region, work, path, workers=workers, progress=progress),
        )
        pixels = publish(archive, "pixels", site, standalone) if archive else None
        images = {
            year: publish(archive, f"image-{year}", site, standalone)
            for year, address in image_years(region).items()
            if (archive := _image(kept, region, year, address, workers, progress))
        }
    ground = None
    if region.has_rasters:
        archive = kept.made(
            "ground",
            None,
            lambda path: write_ground(region, path, workers=workers, progress=progress),
        )
        ground = publish(archive, "ground", site, standalone) if archive else None
    return MapLayers(patches, pixels, codes, images, _basemap(region, site), ground)


def wants_pixels(region: Region) -> bool:
    """Return whether the region file wants pixels, or the region is small enough for them."""
    return region.site.pixels == "always" or (
        region.site.pixels == "auto" and _count(region) <= AUTO_LIMIT_PIXELS
    )


def left_out(region: Region) -> str:
    """Return what a region is too large for, "" where nothing is missing that its file wants."""
    if region.site.pixels != "auto" or wants_pixels(region):
        return ""
    return (
        f"no pixels and no images, since {_count(region):,} pixels are over "
        f'{AUTO_LIMIT_PIXELS:,} ([site] pixels = "always" makes them)'
    )


def _count(region: Region) -> int:
    grid, _ = region_grid(region)
    return grid.width * grid.height


def _image(
    kept: "_Kept",
    region: Region,
    year: int,
    address: str,
    workers: int | None,
    progress: Progress,
) -> Path | None:
    """Return the archive of an image; one without true colours only if the region file wants it."""
    try:
        return kept.made(
            f"image-{year}",
            address,
            lambda path: write_image(region, year, path, workers=workers, progress=progress),
        )
    except InputError as err:
        if region.site.pixels == "always":
            raise
        log.warning("the map shows no image of %d: %s", year, err)
        return None


def _basemap(region: Region, site: Path) -> Basemap | None:
    if region.site.basemap is None:
        return None
    path = Path(region.site.basemap)
    facts = read_basemap(path)
    archive = publish(path, "basemap", site, region.site.standalone)
    return Basemap(archive, facts.attribution, facts.layers)


class _Kept:
    """Archives of the last build by name, each with a stamp of what it was made from."""

    def __init__(self, work: WorkFolder, key: str) -> None:
        self.work, self.key = work, key

    def made(self, name: str, source: str | None, write: Callable[[Path], int]) -> Path | None:
        """Return the archive, written again unless it is current; None where it holds nothing."""
        archive, files = self.work.layer(name), [] if source is None else [source]
        stamp = Stamp(self.work.layer_stamp(name), __version__, self.key, files=files, code=CODE)
        if not self.key or not stamp.is_current():
            stamp.clear()
            archive.unlink(missing_ok=True)
            write(archive)
            stamp.write()
        return archive if archive.is_file() else None


@dataclass(frozen=True, slots=True)
class BasemapFacts:
    """Its metadata: attribution as plain text, names of its vector layers."""

    attribution: str
    layers: tuple[str, ...]


def read_basemap(archive: Path) -> BasemapFacts:
    """Read an archive's metadata; raise InputError where the file is no such archive."""
    header = read_header(archive)
    with archive.open("rb") as stream:
        stream.seek(header["metadata_offset"])
        packed = stream.read(header["metadata_length"])
    kind = header["internal_compression"]
    if kind not in (Compression.GZIP, Compression.NONE):
        raise InputError(
            f"[site] basemap: {archive}: is packed with {kind.name}, which pages cannot read; "
            "pack it with gzip (pmtiles convert)"
        )
    try:
        text = gzip.decompress(packed) if kind == Compression.GZIP else packed
        facts = json.loads(text)
        layers = tuple(str(layer["id"]) for layer in facts.get("vector_layers", []))
        return BasemapFacts(str(facts.get("attribution") or ""), layers)
    except UNREADABLE as err:
        raise InputError(f"[site] basemap: {archive}: its metadata cannot be read") from err
