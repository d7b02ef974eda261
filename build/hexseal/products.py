"""Land-cover products: which codes are sealed, water, valid, and how they look."""

import re
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from hexseal.errors import RegionError

# The highest density, per cent of a pixel.
FULL = 100


@dataclass(frozen=True, slots=True)
class LandcoverClass:
    """One code of a product with its name and its published colour (hexadecimal RGB)."""

    code: int
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class Product:
    """How the byte codes of a land-cover raster are read.

    ``valid`` are the codes that count in statistics, ``nodata`` those that do not; every
    other code is unknown and an error. ``sealed`` and ``water`` are subsets of ``valid``.
    ``dois`` are those of the maps by year; ``wording`` is what the producer requires every product
    made from them to say, its ``{dois}`` filled in, and ``terms`` where the licence stands.

    A product of densities has a ``step`` above 0: its valid codes are the sealed per cent of each
    pixel, ``classes`` are ranges of them named by their lowest code, and a pixel joins a patch of
    change where its density differs by at least ``step`` percentage points.
    """

    name: str
    title: str
    sealed: frozenset[int]
    water: frozenset[int]
    valid: frozenset[int]
    nodata: frozenset[int]
    attribution: str
    classes: tuple[LandcoverClass, ...] = field(default=())
    dois: Mapping[int, str] = field(default_factory=dict)
    wording: str = ""
    terms: str = ""
    step: int = 0

    @property
    def facts(self) -> list[object]:
        """Return all fields as plain values, the same for equal products."""
        values = (getattr(self, known.name) for known in fields(self))
        return [sorted(value) if isinstance(value, frozenset) else repr(value) for value in values]

    def __post_init__(self) -> None:
        """Reject codes outside 0..255 and sets that contradict each other."""
        for key in ("sealed", "water", "valid", "nodata"):
            outside = sorted(c for c in getattr(self, key) if not 0 <= c <= 255)
            if outside:
                raise RegionError(f"[product] {key} holds {outside}: codes are 0 to 255")
        for key in ("sealed", "water"):
            stray = sorted(getattr(self, key) - self.valid)
            if stray:
                raise RegionError(f"[product] {key} holds {stray}, which [product] valid lacks")
        if 255 in self.valid:
            raise RegionError("[product] valid holds 255, which stands for no data: re-code it")
        both = sorted(self.valid & self.nodata)
        if both:
            raise RegionError(f"[product] {both} stand in both valid and nodata: choose one")
        if self.sealed & self.water:
            raise RegionError("[product] sealed and water share a code: choose one")
        if not self.sealed:
            raise RegionError("[product] sealed is empty: name the codes that count as sealed")
        if not 0 <= self.step <= FULL:
            raise RegionError(f"[product] step = {self.step}: give 1 to 100 percentage points")

    @property
    def is_density(self) -> bool:
        """Return whether the codes are the sealed per cent of each pixel."""
        return self.step > 0

    def class_of(self, code: int) -> int:
        """Return the class that a code belongs to: itself, or the range of a density.

        >>> IMPERVIOUSNESS.class_of(40), IMPERVIOUSNESS.class_of(100), CLCPLUS.class_of(3)
        (30, 80, 3)
        """
        if not self.is_density or code not in self.valid:
            return code
        lowest = [known.code for known in self.classes]
        return lowest[bisect(lowest, code) - 1]

    @property
    def known(self) -> frozenset[int]:
        """Return every code that may stand in a raster of this product."""
        return self.valid | self.nodata

    @property
    def fill(self) -> int:
        """Return the code that places without data read as; no valid code."""
        return max(self.nodata, default=255)


# Codes, names and colours: CLC+ Backbone product user manuals 2018, 2021, 2023.
CLCPLUS_CLASSES = (
    LandcoverClass(1, "Sealed", "#FF0000"),
    LandcoverClass(2, "Woody needle leaved trees", "#228B22"),
    LandcoverClass(3, "Woody broadleaved deciduous trees", "#80FF00"),
    LandcoverClass(4, "Woody broadleaved evergreen trees", "#00FF08"),
    LandcoverClass(5, "Low-growing woody plants", "#804000"),
    LandcoverClass(6, "Permanent herbaceous", "#CCF24D"),
    LandcoverClass(7, "Periodically herbaceous", "#FFFF80"),
    LandcoverClass(8, "Lichens and mosses", "#FF80FF"),
    LandcoverClass(9, "Non and sparsely vegetated", "#BFBFBF"),
    LandcoverClass(10, "Water", "#0080FF"),
    LandcoverClass(11, "Snow and ice", "#00FFFF"),
    LandcoverClass(253, "Coastal seawater buffer", "#BFDFFF"),
    LandcoverClass(254, "Outside area", "#E6E6E6"),
)

CLCPLUS = Product(
    name="clcplus",
    title="CLC+ Backbone",
    sealed=frozenset({1}),
    water=frozenset({10}),
    valid=frozenset(range(1, 12)),
    nodata=frozenset({253, 254, 255}),
    attribution=(
        "Contains modified Copernicus Land Monitoring Service information (CLC+ Backbone), "
        "European Union, European Environment Agency (EEA)"
    ),
    classes=CLCPLUS_CLASSES,
    # DOIs and wording ("a product or service"): product user manuals, terms of use and citation.
    dois={
        2018: "10.2909/cd534ebf-f553-42f0-9ac1-62c1dc36d32c",
        2021: "10.2909/71fc9d1b-479f-4da1-aa66-662a2fff2cf7",
        2023: "10.2909/b0bd43c6-1fa1-4d88-9c45-98b13a95d0b2",
    },
    wording=(
        "Generated using European Union's Copernicus Land Monitoring Service information; {dois}"
    ),
    terms="https://land.copernicus.eu/en/data-policy",
)

# Codes: ESA WorldCover product user manual v2.0.
WORLDCOVER_CLASSES = (
    LandcoverClass(10, "Tree cover", "#006400"),
    LandcoverClass(20, "Shrubland", "#FFBB22"),
    LandcoverClass(30, "Grassland", "#FFFF4C"),
    LandcoverClass(40, "Cropland", "#F096FF"),
    LandcoverClass(50, "Built-up", "#FA0000"),
    LandcoverClass(60, "Bare / sparse vegetation", "#B4B4B4"),
    LandcoverClass(70, "Snow and ice", "#F0F0F0"),
    LandcoverClass(80, "Permanent water bodies", "#0064C8"),
    LandcoverClass(90, "Herbaceous wetland", "#0096A0"),
    LandcoverClass(95, "Mangroves", "#00CF75"),
    LandcoverClass(100, "Moss and lichen", "#FAE6A0"),
)

WORLDCOVER = Product(
    name="worldcover",
    title="ESA WorldCover",
    sealed=frozenset({50}),
    water=frozenset({80}),
    valid=frozenset(c.code for c in WORLDCOVER_CLASSES),
    nodata=frozenset({0}),
    attribution="© ESA WorldCover project / contains modified Copernicus Sentinel data",
    classes=WORLDCOVER_CLASSES,
    dois={2020: "10.5281/zenodo.5571936", 2021: "10.5281/zenodo.7254221"},
    wording=(
        "© ESA WorldCover project / Contains modified Copernicus Sentinel data processed by "
        "ESA WorldCover consortium; {dois}"
    ),
    terms="https://creativecommons.org/licenses/by/4.0/",
)

# Values: EEA's quality tools, product definitions IMD_S2021_R10m and imd_2015_020m (254 cannot be
# classified, 255 outside). Ranges and their colours are hexseal's own.
IMPERVIOUSNESS_CLASSES = (
    LandcoverClass(0, "0 % sealed", "#F0F0F0"),
    LandcoverClass(1, "1 to 29 % sealed", "#FEDDA5"),
    LandcoverClass(30, "30 to 49 % sealed", "#F4A672"),
    LandcoverClass(50, "50 to 79 % sealed", "#CB5F5A"),
    LandcoverClass(80, "80 to 100 % sealed", "#7B2A55"),
)

IMPERVIOUSNESS = Product(
    name="imperviousness",
    title="HRL Imperviousness Density",
    sealed=frozenset(range(1, FULL + 1)),
    water=frozenset(),
    valid=frozenset(range(FULL + 1)),
    nodata=frozenset({254, 255}),
    attribution=(
        "Contains modified Copernicus Land Monitoring Service information (High Resolution Layer "
        "Imperviousness Density), European Union, European Environment Agency (EEA)"
    ),
    classes=IMPERVIOUSNESS_CLASSES,
    wording="Generated using European Union's Copernicus Land Monitoring Service information",
    terms="https://land.copernicus.eu/en/data-policy",
    step=10,
)
# Before and from this year on the densities come from other images, pixels and methods.
DENSITY_BREAK = 2018
# Names of density files and of the change layers that come with them (EEA's quality tools).
DENSITY_NAME = re.compile(r"(?:^|_)(?:IMD|IMPERV|IMPERVIOUSNESS)(?:_|\d|\b)", re.IGNORECASE)
DENSITY_CHANGE_NAME = re.compile(r"(?:^|_)(?:IMC|IMCC|IMDC)(?:_|\d|\b)", re.IGNORECASE)

PRODUCTS = {product.name: product for product in (CLCPLUS, WORLDCOVER, IMPERVIOUSNESS)}
