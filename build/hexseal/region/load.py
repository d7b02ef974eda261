"""The region file: one TOML file describes one dashboard. Read once, here, and nowhere else."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

from hexseal.errors import RegionError
from hexseal.products import PRODUCTS, Product
from hexseal.region.dataset import Dataset, DatasetChange, Licence, read_dataset
from hexseal.region.epochs import Epoch, Forward, is_remote, read_epochs, resolve
from hexseal.region.fetch import Fetch
from hexseal.region.fetch_tables import read_fetch
from hexseal.region.noise import Accuracy, Noise, SealedAccuracy, read_accuracy, read_noise
from hexseal.region.toml import TableReader, usual
from hexseal.storage.workdir import WorkFolder, default_site
from hexseal.types import Box, Pair

__all__ = [
    "Accuracy", "AreaLayer", "Dataset", "DatasetChange", "Epoch", "Fetch", "Forward",
    "HexagonRange", "Licence", "Noise", "Region", "SealedAccuracy", "Simulation", "Site", "Target",
    "is_remote", "load_region",
]  # fmt: skip

Standalone = Literal["auto", "always", "never"]
# Above this size the copy that a page needs when it is opened without a server is left out.
STANDALONE_LIMIT_BYTES = 64_000_000
Pixels = Literal["auto", "always", "never"]

SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
LONGEST_SLUG = 60
LANGUAGES = ("en", "fr")
# Stands for the rasters of a region that was joined from sites.
JOINED = "merged"
LAST_YEAR = 2200
# What places without data read as where a product names no such code.
NO_DATA = frozenset({255})
USUAL_PRODUCT, CUSTOM_TITLE = "clcplus", "Custom land cover"
# The layer that the whole region forms in every table of areas.
OWN_LAYER = "region"
# Columns of hexagons and patches that area_LAYER must not be called.
CELL_COLUMNS = ("area_m2",)


@dataclass(frozen=True, slots=True)
class HexagonRange:
    """The H3 resolutions that are published: from ``coarsest`` to ``finest``, both included."""

    finest: int = 9
    coarsest: int = 5

    def __post_init__(self) -> None:
        """Reject resolutions outside H3's 0 to 15 or in the wrong order."""
        for key in ("finest", "coarsest"):
            value = getattr(self, key)
            if not 0 <= value <= 15:
                raise RegionError(f"[hexagons] {key} = {value}: H3 resolutions are 0 to 15")
        if self.coarsest > self.finest:
            raise RegionError(
                f"[hexagons] coarsest = {self.coarsest} is finer than finest = {self.finest}: "
                "the finest resolution has the higher number"
            )

    @property
    def resolutions(self) -> range:
        """Return the published resolutions, coarsest first."""
        return range(self.coarsest, self.finest + 1)


@dataclass(frozen=True, slots=True)
class AreaLayer:
    """A polygon file that GDAL reads, one statistic row per feature.

    ``population`` names a column with the inhabitants of any one date, or is None;
    ``populations`` names one column for each year that has its own. ``layer_name`` chooses a
    layer of the file, or a member of an archive, where there are several.
    """

    layer: str
    path: str
    id: str
    name: str
    population: str | None
    title: Mapping[str, str]
    populations: Mapping[int, str] = field(default_factory=dict)
    layer_name: str | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    """Inputs are simulated into ``folder`` when they are not there yet."""

    folder: Path
    size_km: tuple[float, float] = (24.0, 18.0)
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Site:
    """How the pages are written."""

    languages: tuple[str, ...] = LANGUAGES
    standalone: Standalone = "auto"
    basemap: str | None = None
    pixels: Pixels = "auto"


def wants_script(standalone: Standalone, size: int) -> bool:
    """Return whether files of ``size`` bytes get a copy for pages opened without a server."""
    return standalone == "always" or (standalone == "auto" and size <= STANDALONE_LIMIT_BYTES)


@dataclass(frozen=True, slots=True)
class Target:
    """A pace of net change that a place has to reach: that of ``base`` less ``reduction`` percent.

    ``base`` is a pair of years, ``year`` the last one in which the pace holds. A reduction of 100
    means no net change: what is newly sealed is unsealed elsewhere.
    """

    base: tuple[int, int]
    year: int
    reduction: float


@dataclass(frozen=True, slots=True)
class NamedPlaces:
    """A file of points or other shapes whose column ``name`` holds what the map calls them."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class Region:
    """Everything a build needs to know.

    ``window`` is (xmin, ymin, xmax, ymax) in the rasters' own CRS: only pixels whose centre
    lies in it count (half-open: xmin <= x < xmax). None means the whole raster.
    """

    path: Path
    id: str
    title: Mapping[str, str]
    simulated: bool
    window: Box | None
    product: Product
    epochs: tuple[Epoch, ...]
    hexagons: HexagonRange
    areas: tuple[AreaLayer, ...]
    site: Site
    simulation: Simulation | None
    noise: Noise = field(default_factory=Noise)
    accuracy: Accuracy = field(default_factory=Accuracy)
    dataset: Dataset = field(default_factory=Dataset)
    fetch: Fetch | None = None
    target: Target | None = None
    places: NamedPlaces | None = None

    @property
    def years(self) -> tuple[int, ...]:
        """Return the reference years, ascending."""
        return tuple(epoch.year for epoch in self.epochs)

    @property
    def mapped_years(self) -> tuple[int, ...]:
        """Return the years that have a map of their own, ascending."""
        return tuple(epoch.year for epoch in self.epochs if epoch.forward is None)

    @property
    def has_rasters(self) -> bool:
        """Return whether there are rasters to read; a region joined from sites has counts only."""
        return all(epoch.landcover != JOINED for epoch in self.epochs)

    @property
    def attribution(self) -> str:
        """Return whose data a map shows: simulated data are nobody's, images alone Sentinel's."""
        if self.simulated:
            return f"Simulated by hexseal; holds no {self.product.title} data"
        if not self.mapped_years:
            return "Contains modified Copernicus Sentinel data, mapped by a model"
        return self.product.attribution

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Return consecutive pairs of years, then the first with the last when there are more."""
        years = self.years
        steps = tuple(Pair(*both) for both in pairwise(years))
        return (*steps, Pair(years[0], years[-1])) if len(years) > 2 else steps


def load_region(path: Path, *, site: Path | None = None) -> Region:
    """Read and check a region file; every failure is a RegionError that names the key.

    Years that a model makes are in the work folder of ``site``, by default the region's usual one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as err:
        raise RegionError(
            f"{path}: no such region file; write one with hexseal init, or an example with "
            "hexseal simulate FOLDER (hexseal schema lists the keys)"
        ) from err
    except UnicodeDecodeError as err:
        raise RegionError(f"{path}: is not a region file, which is UTF-8 text ({err})") from err
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise RegionError(f"{path}: cannot be read ({reason})") from err
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise RegionError(f"{path}: not valid TOML: {err}") from err
    except (RecursionError, ValueError) as err:
        raise RegionError(
            f"{path}: not valid TOML: nested too deeply, or a number too long"
        ) from err
    try:
        return _region(TableReader(document, ""), path, site or default_site(path))
    except RegionError as err:
        raise RegionError(f"{path}: {err}") from err


def _region(root: TableReader, path: Path, out: Path) -> Region:
    site = _site(root.child("site"), path)
    head = root.child("region")
    simulation = _simulation(root, path)
    name, product = _slug(head, "id"), _product(root.child("product"))
    fetch = read_fetch(root, path, name, product)
    forward = WorkFolder.beside(out, name).forward
    epochs = read_epochs(root.children("epoch"), path, forward.resolve(), product)
    areas = _areas(root.children("areas"), path, site.languages)
    region = Region(
        path=path,
        id=name,
        title=head.titles("title", site.languages, path.stem),
        simulated=head.take("simulated", bool, simulation is not None),
        window=_window(head),
        product=product,
        epochs=epochs,
        hexagons=_hexagons(root.child("hexagons")),
        areas=areas,
        site=site,
        simulation=simulation,
        noise=read_noise(root.child("noise")),
        accuracy=_accuracy(root.child("accuracy"), epochs, path, product),
        dataset=read_dataset(root.child("dataset"), tuple(area.layer for area in areas)),
        fetch=fetch,
        target=_target(root, tuple(epoch.year for epoch in epochs)),
        places=_places(root, path),
    )
    head.done()
    root.done()
    return region


def _accuracy(
    reader: TableReader, epochs: tuple[Epoch, ...], path: Path, product: Product
) -> Accuracy:
    # The accuracy of years made by a model comes from comparing it with the year it starts from.
    accuracy = read_accuracy(reader, tuple(e.year for e in epochs if e.forward is None))
    points = None if accuracy.points is None else resolve(accuracy.points, path)
    sample = tuple(resolve(name, path) for name in accuracy.sample)
    if product.is_density and (accuracy.years or points):
        raise RegionError(
            f"[accuracy] {'points' if points else 'users'} corrects maps of classes, and "
            f"[product] name = {product.name!r} is a density: leave it out, or give labelled "
            "blocks as sample (hexseal sample draw)"
        )
    return replace(accuracy, points=points, sample=sample)


def _target(root: TableReader, years: tuple[int, ...]) -> Target | None:
    if "target" not in root.table:
        return None
    reader = root.child("target")
    base = tuple(reader.numbers("base", 2) or ())
    pairs = [*pairwise(years), *([(years[0], years[-1])] if len(years) > 2 else [])]
    if base not in pairs:
        known = ", ".join(f"[{first}, {last}]" for first, last in pairs)
        raise RegionError(
            f"[target] base = {list(base)}: give one of the region's pairs of years"
            f" ({known or 'this region has one year only'})"
        )
    year, reduction = reader.take("year", int), reader.number("reduction")
    if not base[1] < year <= LAST_YEAR:
        raise RegionError(
            f"[target] year = {year}: give a year after {int(base[1])} and up to {LAST_YEAR}"
        )
    if not 0 <= reduction <= 100:
        raise RegionError(f"[target] reduction = {reduction}: give a percentage from 0 to 100")
    reader.done()
    return Target((int(base[0]), int(base[1])), year, reduction)


def _places(root: TableReader, path: Path) -> NamedPlaces | None:
    if "places" not in root.table:
        return None
    reader = root.child("places")
    places = NamedPlaces(resolve(reader.text("path"), path), reader.text("name"))
    reader.done()
    return places


def _slug(reader: TableReader, key: str) -> str:
    value = reader.text(key)
    if not SLUG.fullmatch(value):
        raise RegionError(
            f"{reader.name(key)} = {value!r}: use lower-case letters, digits, '-' and '_' "
            "(it becomes part of file names)"
        )
    if len(value) > LONGEST_SLUG:
        raise RegionError(
            f"{reader.name(key)} has {len(value)} characters; it becomes part of file names, so "
            f"give at most {LONGEST_SLUG}"
        )
    return value


def _window(reader: TableReader) -> Box | None:
    window = reader.numbers("window", 4)
    if window is None:
        return None
    xmin, ymin, xmax, ymax = window
    if xmin >= xmax or ymin >= ymax:
        raise RegionError(f"[region] window = {list(window)}: give xmin, ymin, xmax, ymax")
    return Box(xmin, ymin, xmax, ymax)


def _product(reader: TableReader) -> Product:
    """Return a named product, whose ``nodata`` a region may replace, or a custom one.

    Crops often mark their outside with a code that the product does not have:
    ``[product] nodata = [0, 253, 254, 255]`` reads code 0 of a CLC+ Backbone crop as no data.
    """
    name = reader.text("name", USUAL_PRODUCT)
    if name in PRODUCTS:
        product = PRODUCTS[name]
        if "nodata" in reader.table:
            product = replace(product, nodata=_codes(reader, "nodata") or NO_DATA)
        if product.is_density:
            step = reader.take("step", int, product.step)
            if step < 1:
                raise RegionError(f"[product] step = {step}: give 1 to 100 percentage points")
            product = replace(product, step=step)
        reader.done()
        return product
    if name != "custom":
        known = ", ".join([*PRODUCTS, "custom"])
        raise RegionError(f"[product] name = {name!r} is not one of {known}")
    title = reader.text("title", CUSTOM_TITLE)
    attribution = reader.text("attribution", title)
    sealed, water = _codes(reader, "sealed"), _codes(reader, "water")
    valid, nodata = _codes(reader, "valid"), _codes(reader, "nodata") or NO_DATA
    reader.done()
    return Product(name, title, sealed, water, valid, nodata, attribution)


def _codes(reader: TableReader, key: str) -> frozenset[int]:
    optional = key in ("water", "nodata")
    values = reader.take(key, list, [] if optional else ...)
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        raise RegionError(f"{reader.name(key)} = {values!r} is not a list of whole numbers")
    return frozenset(values)


def _hexagons(reader: TableReader) -> HexagonRange:
    finest = reader.take("finest", int, usual(HexagonRange, "finest"))
    coarsest = min(usual(HexagonRange, "coarsest"), finest)
    hexagons = HexagonRange(finest, reader.take("coarsest", int, coarsest))
    reader.done()
    return hexagons


def _site(reader: TableReader, path: Path) -> Site:
    languages = tuple(reader.take("languages", list, list(usual(Site, "languages"))))
    unknown = [language for language in languages if language not in LANGUAGES]
    if unknown or not languages or len(set(languages)) < len(languages):
        raise RegionError(
            f"[site] languages = {list(languages)!r}: "
            f"choose among {', '.join(LANGUAGES)}, each once"
        )
    basemap = reader.take("basemap", str, None)
    site = Site(
        languages,
        _when(reader, "standalone"),
        resolve(basemap, path) if basemap else None,
        _when(reader, "pixels"),
    )
    reader.done()
    return site


def _when(reader: TableReader, key: str) -> Literal["auto", "always", "never"]:
    value = reader.text(key, usual(Site, key))
    if value not in ("auto", "always", "never"):
        raise RegionError(f"[site] {key} = {value!r} is not auto, always or never")
    return value


def _simulation(root: TableReader, path: Path) -> Simulation | None:
    if "simulation" not in root.table:
        return None
    reader = root.child("simulation")
    size = reader.numbers("size_km", 2) or usual(Simulation, "size_km")
    folder = Path(resolve(reader.text("folder"), path))
    simulation = Simulation(
        folder, (size[0], size[1]), reader.take("seed", int, usual(Simulation, "seed"))
    )
    reader.done()
    return simulation


def _areas(
    readers: list[TableReader], path: Path, languages: tuple[str, ...]
) -> tuple[AreaLayer, ...]:
    layers = []
    for reader in readers:
        layer = _slug(reader, "layer")
        populations = _populations(reader)
        area = AreaLayer(
            layer=layer,
            path=resolve(reader.text("path"), path),
            id=reader.text("id"),
            name=reader.text("name"),
            population=reader.take("population", str, None),
            title=reader.titles("title", languages, layer.capitalize()),
            populations=populations,
            layer_name=reader.take("layer_name", str, None),
        )
        if layer == OWN_LAYER:
            raise RegionError(
                f"[[areas]] layer = {layer!r} is what the row of the whole region is called; "
                "give the layer another name"
            )
        if f"area_{layer}" in CELL_COLUMNS:
            raise RegionError(
                f"[[areas]] layer = {layer!r} would name a column area_{layer}, which hexagons "
                "have already; give the layer another name"
            )
        reader.done()
        if layer in [known.layer for known in layers]:
            raise RegionError(f"[[areas]] layer = {layer!r} is given twice: each layer once")
        layers.append(area)
    return tuple(layers)


def _populations(reader: TableReader) -> dict[int, str]:
    """Take ``population`` where it is a table of columns by year."""
    value = reader.table.get("population")
    if not isinstance(value, dict):
        return {}
    del reader.table["population"]
    for year, column in value.items():
        is_column = isinstance(column, str) and column.strip() and column.isprintable()
        if not (re.fullmatch("[0-9]{4}", year) and is_column):
            raise RegionError(
                f"{reader.name('population')}.{year} = {column!r}: name a column for each year, "
                'such as { 2018 = "pop_2018", 2021 = "pop_2021" }'
            )
    return {int(year): column for year, column in sorted(value.items())}
