"""The datasets of a region as one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from hexseal.codebook import Column, Table
from hexseal.manifest import Download
from hexseal.region.load import Licence, Region
from hexseal.types import Box

MEDIA_TYPES: Mapping[str, str] = {
    "GeoParquet": "application/vnd.apache.parquet",
    "Parquet": "application/vnd.apache.parquet",
    "CSV": "text/csv",
    "JSON": "application/json",
    "GeoPackage": "application/geopackage+sqlite3",
    "COG": "image/tiff; application=geotiff; profile=cloud-optimized",
    "ZIP": "application/zip",
}
KEYWORDS = ("soil sealing", "land cover", "land take", "H3", "change detection")


@dataclass(frozen=True, slots=True)
class Resource:
    """A download, its name in documents, and the columns of its table (none: several or none)."""

    file: Download
    name: str
    columns: tuple[Column, ...]

    @property
    def path(self) -> str:
        """Return the path seen from site/data, where the documents lie."""
        return self.file.path.removeprefix("data/")

    @property
    def media_type(self) -> str:
        """Return the media type of the file."""
        return MEDIA_TYPES[self.file.format]

    @property
    def multihash(self) -> str:
        """Return the checksum as a hexadecimal multihash: 0x12 sha2-256, 0x20 bytes."""
        return "1220" + self.file.sha256


@dataclass(frozen=True, slots=True)
class Description:
    """The datasets of a region; ``bounds`` are west, south, east, north in degrees.

    West is greater than east where they cross 180 degrees (RFC 7946, section 5.2).

    ``first_day`` and ``last_day`` are the ends of all reference periods (of the calendar years
    where none is given).
    """

    region: Region
    sources: Mapping[str, str]
    attribution: str
    licence: Licence | None
    bounds: Box
    resources: tuple[Resource, ...]
    software: str

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Return the bounds as one box, or as two that meet at 180 degrees."""
        west, south, east, north = self.bounds
        if west <= east:
            return (self.bounds,)
        return Box(west, south, 180.0, north), Box(-180.0, south, east, north)

    @property
    def first_day(self) -> date:
        """Return the first day that a map stands for."""
        return min(
            epoch.reference_period[0] if epoch.reference_period else date(epoch.year, 1, 1)
            for epoch in self.region.epochs
        )

    @property
    def last_day(self) -> date:
        """Return the last day that a map stands for."""
        return max(
            epoch.reference_period[1] if epoch.reference_period else date(epoch.year, 12, 31)
            for epoch in self.region.epochs
        )

    def title(self, language: str) -> str:
        """Return the title of the datasets."""
        place = self.region.title.get(language) or next(iter(self.region.title.values()))
        years = ", ".join(map(str, self.region.years))
        words = {"en": "Soil sealing in hexagons", "fr": "Imperméabilisation en hexagones"}
        return f"{words[language]}{' : ' if language == 'fr' else ': '}{place}, {years}"

    def summary(self, language: str) -> str:
        """Return what the datasets hold, and whether they are simulated."""
        sources = ", ".join(self.sources.values())
        simulated = {"en": "Simulated data. ", "fr": "Données simulées. "}
        words = {
            "en": f"Sealed area and its change by H3 hexagon and area, counted from {sources}: raw "
            "map counts, confirmed new sealing, and net change adjusted for the errors of the "
            "maps with 95 % intervals. A map count, not an official statistic.",
            "fr": "Surface imperméabilisée et son évolution par hexagone H3 et par zone, comptées "
            f"d’après {sources} : comptes bruts des cartes, nouvelle imperméabilisation "
            "confirmée, évolution nette ajustée des erreurs des cartes avec intervalles à 95 %. "
            "Un compte sur cartes, pas une statistique officielle.",
        }
        if self.region.product.is_density:
            words = {
                "en": f"Sealed area by H3 hexagon and area, the sum of densities from {sources}, "
                "and the raw differences of the maps, which support no figure of change without a "
                "labelled sample. A map sum, not an official statistic.",
                "fr": "Surface imperméabilisée par hexagone H3 et par zone, somme des densités "
                f"d’après {sources}, et différences brutes des cartes, qui n’étayent aucun "
                "chiffre d’évolution sans échantillon étiqueté. Une somme sur cartes, pas une "
                "statistique officielle.",
            }
        return (simulated[language] if self.region.simulated else "") + words[language]

    @property
    def pieces(self) -> tuple[str, ...]:
        """Return the folders of pieces of the finest hexagons as patterns seen from site/data."""
        stem = f"{self.region.id}_hexagons_r{self.region.hexagons.finest}"
        layers = self.region.dataset.split_by
        return (
            f"{stem}_by_parent/parent=H3/part-0.parquet",
            *(f"{stem}_by_{layer}/{layer}=ID/part-0.parquet" for layer in layers),
        )

    def address(self, path: str) -> str:
        """Return the whole address of a file of site/data, or its path where none is known."""
        base = self.region.dataset.address
        return f"{base}data/{path}" if base else path

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages of the site."""
        return self.region.site.languages


def box_corners(box: Box) -> tuple[tuple[float, float], ...]:
    """Return the closed ring of a box, counter-clockwise."""
    west, south, east, north = box
    return (west, south), (east, south), (east, north), (west, north), (west, south)


def table_title(titles: Mapping[Table, Mapping[str, str]], resource: Resource) -> Mapping[str, str]:
    """Return the title of a resource's table by language; its file name where it has none."""
    table = resource.file.table
    for known, title in titles.items():
        if known == table:
            suffix = "" if resource.file.resolution is None else f", r{resource.file.resolution}"
            return {language: text + suffix for language, text in title.items()}
    return dict.fromkeys(("en", "fr"), resource.path)
