"""The public functions of hexseal, imported as ``from hexseal import build_site``.

They take paths as text or Path, raise the errors of hexseal.errors (each one line that a user can
act on), and are silent unless given ``log`` (receives lines) or ``progress``. Areas are in square
metres, shares from 0 to 1 unless a name says otherwise. Each function imports its stage when it is
called, so that ``import hexseal`` is quick.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hexseal.errors import InputError, RegionError, ToolError
from hexseal.products import PRODUCTS, Product
from hexseal.progress import Log, Progress, Reporter, no_log, no_progress
from hexseal.region import load
from hexseal.region.epochs import Epoch, is_remote
from hexseal.region.load import AreaLayer, HexagonRange, Region, Site
from hexseal.storage.workdir import default_site

if TYPE_CHECKING:
    import geopandas
    import pyarrow as pa

    from hexseal.accuracy.report import AccuracyReport
    from hexseal.areas import AreasSummary
    from hexseal.check.report import Report
    from hexseal.fetch.stage import FetchSummary
    from hexseal.sample.assess import SampleReport
    from hexseal.verify import VerifyReport

Address = str | os.PathLike[str]
# Name of the layer of areas in a table of compare_maps.
LAYER = "area"


def load_region(path: Address) -> Region:
    """Read and check a region file; every failure is a RegionError that names the key."""
    return load.load_region(Path(path))


def check_region(region: Region | Address, *, progress: Progress = no_progress) -> "Report":
    """Check the inputs of a region: files, grids, codes, coverage.

    ``report.errors`` is what keeps the region from being built, ``report.warnings`` what to know
    before quoting figures; each finding has a subject, what is wrong, the value and a remedy.
    """
    from hexseal.check.stage import check_region

    return check_region(_region(region), progress=progress)


def build_site(
    region_file: Address,
    out: Address | None = None,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    memory: str = "512MB",
    fresh: bool = False,
    log: Log = no_log,
    progress: Progress = no_progress,
) -> Path:
    """Build the whole site of a region file and return its index page.

    ``out`` is the folder of the site, by default site/ beside the region file; intermediate files
    go to work/ID beside it. The previous site stays until the new one has passed verification.
    ``workers`` threads or processes work at once (None: one per core); units run on the Dask
    ``cluster``, where one is given. A database holds ``memory`` before it spills into the work
    folder. ``fresh`` counts again though no input changed.
    """
    from hexseal.build import BuildSettings, build_site

    path = Path(region_file)
    site = default_site(path) if out is None else Path(out)
    settings = BuildSettings(site, workers, fresh, cluster=cluster, memory=memory)
    return build_site(path, settings, Reporter(log, progress))


def measure_areas(
    region: Region | Address,
    polygons: Address,
    output: Address,
    *,
    id_field: str | None = None,
    layer_name: str | None = None,
    keep: tuple[str, ...] = (),
    judged: bool = True,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> "AreasSummary":
    """Count a region's rasters in any polygon file and write one row per polygon to ``output``.

    ``polygons`` is any file that GDAL reads, in any CRS; the suffix of ``output`` (.csv, .parquet,
    .gpkg, .geojson) chooses the format. A pixel counts where its centre lies inside. ``layer_name``
    chooses a layer of the file, ``keep`` names columns to copy ("*": all); ``judged`` adds the
    adjusted change of the site's tables, for which the whole region is read.
    """
    from hexseal.areas import AreasOptions, measure_areas

    options = AreasOptions(id_field or "", "", layer_name, tuple(keep), judged)
    return measure_areas(
        _region(region), Path(polygons), Path(output),
        options=options, workers=workers, progress=progress,
    )  # fmt: skip


def assess_accuracy(
    region: Region | Address,
    points: Address | Sequence[Address],
    *,
    crs: str = "EPSG:4326",
    year: int | None = None,
    greenhouses: bool = False,
    progress: Progress = no_progress,
) -> "AccuracyReport | SampleReport":
    """Compare the maps of a region with a reference sample or the LUCAS survey (CSV).

    Labelled blocks of ``hexseal sample draw`` may come as several files, one per interpreter; their
    report holds net, gain and loss with intervals.

    ``crs`` is that of the columns x and y, ``year`` the map's year where the sample does not name
    it; ``greenhouses`` counts LUCAS greenhouses (A13) as sealed. The report holds confusion
    matrices, accuracies, and error-adjusted areas and change with standard errors.
    """
    from hexseal.accuracy.stage import assess_accuracy
    from hexseal.sample.assess import assess_sample
    from hexseal.sample.labels import is_block_sample

    paths = [points] if isinstance(points, (str, os.PathLike)) else list(points)
    files = [Path(path) for path in paths]
    if not files:
        raise InputError("points is empty: name a reference sample")
    if is_block_sample(files[0]):
        return assess_sample(_region(region), tuple(files), progress=progress)
    if len(files) > 1:
        raise InputError(f"{files[1]}: only labelled blocks come as several files; give one")
    return assess_accuracy(
        _region(region), files[0],
        crs=crs, year=year, greenhouses=greenhouses, progress=progress,
    )  # fmt: skip


def fetch_region(
    region: Region | Address,
    *,
    fresh: bool = False,
    workers: int | None = None,
    log: Log = no_log,
    progress: Progress = no_progress,
) -> "FetchSummary":
    """Download what the region's [fetch] table names; the only call that needs a network.

    What was fetched for the same request is kept; ``fresh`` fetches it again. ``workers`` are
    requests under way at once (None: 2 to a map service, 6 for scenes). Raises FetchError where a
    service does not answer.
    """
    from hexseal.fetch import Means, Web, fetch_region
    from hexseal.region.fetch import read_secrets

    means = Means(
        Web(log=log), read_secrets(), Reporter(log, progress).stage, log, progress, workers
    )
    return fetch_region(_region(region), means, fresh=fresh)


def merge_sites(
    sites: Sequence[Address],
    out: Address,
    *,
    id: str | None = None,  # noqa: A002
    title: str | Mapping[str, str] | None = None,
    log: Log = no_log,
    progress: Progress = no_progress,
) -> Path:
    """Join finished sites of neighbouring regions into one site at ``out``; return its index page.

    ``title`` is a text, or one by language; without it and ``id`` they are made from the parts.
    Raises InputError where the sites were not built alike or share a pixel.
    """
    from hexseal.build import BuildSettings
    from hexseal.merge import MergedName
    from hexseal.merge.stage import merge_sites

    titles = {"": title} if isinstance(title, str) else dict(title or {})
    paths = [Path(site) for site in sites]
    return merge_sites(
        paths, MergedName(id, titles), BuildSettings(Path(out)), Reporter(log, progress)
    )


def verify_site(site: Address) -> "VerifyReport":
    """Check a finished site: links, checksums, formats, and that all its figures agree.

    ``report.problems`` holds one line for each fault. Raises VerifyError where there is no site.
    """
    from hexseal.verify import verify_site

    return verify_site(Path(site))


def simulate(
    folder: Address,
    *,
    size_km: tuple[float, float] = (24.0, 18.0),
    seed: int = 1,
    product: Literal["clcplus", "imperviousness"] = "clcplus",
    progress: Progress = no_progress,
) -> Path:
    """Make a fictional island in ``folder`` and return its region file, ready to build.

    The folder gets CLC+ maps of 2018 and 2021 with realistic errors, areas, images and, in truth/,
    the land cover without error; with ``product`` imperviousness maps of density instead of classes
    and images. Each ``seed`` gives its own island. The region file has a year made from images
    (2024) where the model and the extra ``ml`` are installed; a region file that is there already
    is kept.
    """
    from hexseal.forward.models import SHIPPED, can_predict
    from hexseal.simulation import simulate
    from hexseal.simulation.writing import NAME, write_region_file

    densities = product == "imperviousness"
    simulate(Path(folder), size_km=size_km, seed=seed, densities=densities, progress=progress)
    model = SHIPPED if can_predict() else None
    write_region_file(Path(folder), model=model, densities=densities)
    return Path(folder) / NAME


def compare_maps(
    maps: Mapping[int, Address],
    *,
    resolution: int = 9,
    areas: Address | None = None,
    area_id: str | None = None,
    area_name: str | None = None,
    product: Product | Literal["clcplus", "worldcover", "imperviousness"] = "clcplus",
    workers: int | None = None,
    log: Log = no_log,
    progress: Progress = no_progress,
) -> "pa.Table":
    """Compare land-cover rasters of two or more years; return one row per hexagon or per area.

    ``maps`` names a raster by year, such as ``{2018: "a.tif", 2021: "b.tif"}``, all on one pixel
    grid, holding the class codes of ``product``. Without ``areas`` the rows are H3 cells of
    ``resolution``; with it they are the polygons of that file (any format of GDAL, any CRS), of
    which ``area_id`` names a column with unique ids and ``area_name`` one with names.

    The columns are those of a site's datasets (see codebook.csv of any site): for each year Y
    ``sealed_m2_Y`` and ``sealed_share_Y`` (0 to 1 of land), for each pair A_B the raw
    ``new_sealed_m2_A_B``, ``unsealed_m2_A_B`` and ``net_m2_A_B``, the error-adjusted
    ``adjusted_m2_A_B`` with its 95 % interval ``adjusted_low_m2_A_B`` to ``adjusted_high_m2_A_B``,
    and ``signal_A_B``. ``geometry`` holds outlines as WKB in degrees (OGC:CRS84), marked as
    GeoArrow, so that ``to_geodataframe`` and GeoParquet writers recognise them.

    Raises InputError or RegionError where rasters or areas cannot be used.
    """
    from pyarrow import compute

    from hexseal.build import BuildSettings, count, judge, surveyor
    from hexseal.check.stage import check_region
    from hexseal.datasets.writing import TableFile, read_table
    from hexseal.statistics.stage import write_statistics

    layers = () if areas is None else (_layer(areas, area_id, area_name),)
    with tempfile.TemporaryDirectory(prefix="hexseal-") as scratch:
        region = _compared(maps, _product(product), resolution, layers, Path(scratch))
        settings, reporter = BuildSettings(Path(scratch) / "site", workers), Reporter(log, progress)
        work = settings.work(region)
        work.mkdir(parents=True)
        survey = surveyor(settings, reporter)
        report = check_region(region, compare=False, progress=progress, survey=survey)
        if report.errors:
            raise InputError(report.errors[0].line().removeprefix("error: "))
        count(region, work, settings, reporter)
        judge(region, work, settings, reporter)
        write_statistics(region, work)
        kind = "hexagons" if areas is None else "areas"
        table = read_table(region, work, TableFile(kind, kind, kind, resolution))
    # The whole of the maps is a row of its own in a site's table of areas.
    return table if areas is None else table.filter(compute.field("layer") == LAYER)


def to_geodataframe(table: "pa.Table") -> "geopandas.GeoDataFrame":
    """Return a table of ``compare_maps`` as a GeoDataFrame in EPSG:4326; needs geopandas."""
    try:
        import geopandas
        import shapely
    except ImportError as err:
        raise ToolError("a GeoDataFrame needs geopandas; pip install geopandas") from err
    outlines = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    frame = table.drop_columns(["geometry"]).to_pandas()
    return geopandas.GeoDataFrame(frame, geometry=outlines, crs="EPSG:4326")


def _region(region: Region | Address) -> Region:
    return region if isinstance(region, Region) else load_region(region)


def _product(product: Product | str) -> Product:
    if isinstance(product, Product):
        return product
    if product not in PRODUCTS:
        raise RegionError(f"product = {product!r} is not one of {', '.join(PRODUCTS)}")
    return PRODUCTS[product]


def _layer(areas: Address, area_id: str | None, area_name: str | None) -> AreaLayer:
    if area_id is None:
        raise RegionError(f"{os.fspath(areas)}: give area_id, the column with a unique id")
    path = str(Path(areas).resolve())
    return AreaLayer(LAYER, path, area_id, area_name or area_id, None, {"en": "Areas"})


def _compared(
    maps: Mapping[int, Address],
    product: Product,
    resolution: int,
    layers: tuple[AreaLayer, ...],
    scratch: Path,
) -> Region:
    """Return a region of these rasters that writes nothing outside ``scratch``."""
    if len(maps) < 2:
        raise RegionError(f"maps = {dict(maps)!r}: give rasters of at least two years")
    epochs = tuple(
        Epoch(year, _absolute(address), source=product.title)
        for year, address in sorted(maps.items())
    )
    return Region(
        path=scratch / "maps",
        id="maps",
        title={"en": "Maps"},
        simulated=False,
        window=None,
        product=product,
        epochs=epochs,
        hexagons=HexagonRange(resolution, resolution),
        areas=layers,
        site=Site(languages=("en",)),
        simulation=None,
    )


def _absolute(address: Address) -> str:
    text = os.fspath(address)
    return text if is_remote(text) else str(Path(text).resolve())
