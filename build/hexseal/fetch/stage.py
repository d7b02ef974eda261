"""Fetching a region: every file of the plan, kept where it is there already."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hexseal.errors import FetchError, OutputError, RegionError
from hexseal.fetch.addresses import public
from hexseal.fetch.boundaries import download_polygons, fetch_boundaries
from hexseal.fetch.clms import Access, Portal
from hexseal.fetch.clms_map import fetch_clms
from hexseal.fetch.composite import write_composite
from hexseal.fetch.image_server import fetch_image_server
from hexseal.fetch.items import Scene, clearest, newest, scene_of, search
from hexseal.fetch.landcover import MapWriter
from hexseal.fetch.place import (
    CLCPLUS_LATTICE,
    EPSG,
    WORLDCOVER_LATTICE,
    Lattice,
    Place,
    place_of_box,
    place_of_polygons,
)
from hexseal.fetch.plan import Job, Record, Source, jobs_of
from hexseal.fetch.pool import MAPS_AT_ONCE, SCENES_AT_ONCE, reading_pool
from hexseal.fetch.scenes import SceneReader
from hexseal.fetch.web import Web
from hexseal.fetch.worldcover import fetch_worldcover
from hexseal.progress import Log, Progress, no_log, no_progress
from hexseal.region.fetch import Fetch, FetchSentinel2, Secrets
from hexseal.region.load import Region, is_remote
from hexseal.storage.files import describe

Stage = Callable[[str], AbstractContextManager[list[str]]]


@dataclass(frozen=True, slots=True)
class Means:
    """How a fetch reaches services and reports: a line for each file, others between, progress.

    ``workers`` are requests under way at once (None: as many as are polite).
    """

    web: Web
    secrets: Secrets
    stage: Stage
    log: Log = no_log
    progress: Progress = no_progress
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class FetchSummary:
    """How many files were made and how many were there already."""

    made: int
    kept: int


def fetch_of(region: Region) -> Fetch:
    """Return the region's [fetch] table; raise RegionError where it has none."""
    if region.fetch is None:
        raise RegionError(
            f"{region.path}: has no [fetch] table, so nothing is fetched; hexseal init NAME --nuts "
            "CODE writes a region file with one"
        )
    return region.fetch


def lattice_of(fetch: Fetch) -> Lattice:
    """Return the pixels that a place is fetched on: WorldCover's if it is fetched, else CLC+'s."""
    return CLCPLUS_LATTICE if fetch.worldcover is None else WORLDCOVER_LATTICE


def known_place(fetch: Fetch) -> Place | None:
    """Return the place to fetch, None where its boundary has to be downloaded first."""
    if fetch.bbox is not None:
        return place_of_box(fetch.bbox, fetch.crs, lattice_of(fetch))
    assert fetch.boundary is not None
    if is_remote(fetch.boundary):
        return None
    if not Path(fetch.boundary).is_file():
        raise RegionError(f"{fetch.boundary}: no such file; check [fetch] boundary")
    return place_of_polygons(Path(fetch.boundary), fetch.select, lattice_of(fetch))


def fetch_region(region: Region, means: Means, *, fresh: bool = False) -> FetchSummary:
    """Make every file that the region's [fetch] table names; ``fresh`` makes them all again.

    Raises OutputError where a file of that name is the user's own.
    """
    fetch = fetch_of(region)
    try:
        fetch.folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise describe(err, fetch.folder) from err
    place = known_place(fetch) or _place_from_network(fetch, means)
    record = Record(fetch.folder)
    made = kept = 0
    for job in jobs_of(fetch, place):
        keys = job.keys(place)
        with means.stage("fetch") as lines:
            if not fresh and record.is_current(job.name, keys):
                lines.append(f"{job.name} kept, fetched before from the same request")
                kept += 1
                continue
            _refuse_foreign(fetch.folder / job.name, record, fresh=fresh)
            source = Maker(region, fetch, place, means).make(job, lines)
            record.add(job.name, keys[0], source)
            made += 1
    return FetchSummary(made, kept)


def _place_from_network(fetch: Fetch, means: Means) -> Place:
    assert fetch.boundary is not None
    with TemporaryDirectory(prefix="hexseal-") as folder, means.stage("boundary") as lines:
        path = download_polygons(means.web, fetch.boundary, Path(folder), progress=means.progress)
        place = place_of_polygons(path, fetch.select, lattice_of(fetch))
        lines.append(str(place.grid))
    return place


def _refuse_foreign(path: Path, record: Record, *, fresh: bool) -> None:
    if path.exists() and not fresh and not record.lists(path.name):
        raise OutputError(
            f"{path}: exists but was not created by hexseal fetch; move it or use --fresh"
        )


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the files of one region's plan."""

    region: Region
    fetch: Fetch
    place: Place
    means: Means

    def make(self, job: Job, lines: list[str]) -> Source:
        """Make one file, append its line to the log, and return where it came from."""
        path = self.fetch.folder / job.name
        if job.kind == "composite":
            return self._composite(job, path, lines)
        if job.kind == "boundaries":
            count = fetch_boundaries(
                self.means.web, job.address, path, self.place, progress=self.means.progress
            )
            lines.append(f"{path}, {count} areas")
            return Source(public(job.address), {"areas": count})
        return self._map(job, path, lines)

    def _map(self, job: Job, path: Path, lines: list[str]) -> Source:
        first, *others = self._services(job)
        while True:
            service = first
            try:
                with MapWriter(path, self.place, self.region.product) as writer:
                    details = self._filled(job, service, writer)
                    writer.check_filled()
                break
            except FetchError as err:
                if not others:
                    raise
                self.means.log(f"{err}; trying the next server")
                first, *others = others
        sealed = int(writer.counts[sorted(self.region.product.sealed)].sum())
        counted = int(writer.counts[sorted(self.region.product.valid)].sum())
        lines.append(
            f"{path}, {counted:,} classified pixels, {100 * sealed / counted:.2f} % sealed"
        )
        grid = self.place.grid
        digits = None if grid.crs == EPSG else 6
        box = [round(edge, digits) for edge in grid.bounds]
        name = f"bbox_{grid.crs.lower().replace(':', '_')}"
        return Source(public(service), {**details, name: box})

    def _services(self, job: Job) -> tuple[str, ...]:
        """Return the addresses that can make a map, in the order in which they are tried."""
        if job.kind != "image server":
            return (job.address,)
        assert self.fetch.clcplus is not None
        servers = self.fetch.clcplus.image_servers
        return tuple(server.replace("{year}", str(job.year)) for server in servers)

    def _filled(self, job: Job, service: str, writer: MapWriter) -> dict[str, object]:
        """Fill a map from a service; return the details for its record."""
        web, progress = self.means.web, self.means.progress
        workers = self.means.workers or MAPS_AT_ONCE
        if job.kind == "worldcover":
            tiles = fetch_worldcover(web, service, writer, workers=workers, progress=progress)
            return {"tiles": tiles}
        settings = self.fetch.clcplus
        assert settings is not None
        if job.kind == "image server":
            pieces = fetch_image_server(
                web, service, settings.tile_pixels, writer, workers=workers, progress=progress
            )
            return {"requests": len(pieces)}
        access = Access(web, settings.api, self.means.secrets)
        portal = Portal(web, settings, access, self.means.log)
        return {"downloads": fetch_clms(portal, job.year, writer, progress=progress)}

    def _composite(self, job: Job, path: Path, lines: list[str]) -> Source:
        settings = self.fetch.sentinel2
        assert settings is not None
        with reading_pool(self.means.workers or SCENES_AT_ONCE) as pool:
            reader = SceneReader(self.means.web, settings, pool)
            scenes = reader.settled(self._scenes(settings, job.year), self.place)
            summary = write_composite(
                path, self.place, scenes, reader, progress=self.means.progress
            )
        share = 100 * summary.empty / summary.pixels
        lines.append(
            f"{path}, median of {len(summary.scenes)} scenes, {share:.2f} % of pixels seen clear "
            f"in fewer than {settings.observations}"
        )
        details: dict[str, object] = {
            "collection": settings.collection,
            "items": {s.id: next(b.offset for b in s.bands.values()) for s in scenes},
        }
        return Source(public(job.address), details)

    def _scenes(self, settings: FetchSentinel2, year: int) -> list[Scene]:
        items = search(self.means.web, settings, year, self.place.lonlat_box)
        found = [scene_of(item, settings.bands, settings.catalogue) for item in items]
        scenes = clearest(newest(found), settings.cloud_percent, settings.scenes)
        if not scenes:
            raise FetchError(
                f"{settings.catalogue}: {len(found)} items of {settings.collection} in {year}, "
                f"none with at most {settings.cloud_percent:g} % clouds; change months, "
                "cloud_percent or collection in [fetch.sentinel2]"
            )
        return scenes
