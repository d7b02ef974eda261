"""Settings embedded in each page as JSON for its script."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from hexseal import __version__
from hexseal.areas import answer_columns
from hexseal.codebook.indicators import INDICATORS_OF_PAIR, INDICATORS_OF_YEAR, indicator_columns
from hexseal.codebook.measures import SIGNALS
from hexseal.forward.stage import source_titles
from hexseal.frontend import Bundle
from hexseal.manifest import Datasets, MapLayers, PartitionTree, TileSummary
from hexseal.pages.figures import GRADES, AreaFigures, Key, judged_columns, summed_columns
from hexseal.pages.headline import chosen_pair, grade_note, grade_number
from hexseal.pages.judgement import Judged, pair_grade
from hexseal.pages.locales import Locale, attribution
from hexseal.pages.noise import PairNoise, noise_settings
from hexseal.pages.origins import Sources, class_name
from hexseal.pages.places import PlaceFiles
from hexseal.products import Product
from hexseal.region.load import Region
from hexseal.statistics.transitions import transition_resolution
from hexseal.tiles.images import ATTRIBUTION as IMAGE_ATTRIBUTION
from hexseal.types import Pair
from hexseal.vector.placenames import PlaceName

# Degrees with six decimals are known to 0.1 m.
DEGREE_DIGITS = 6
# Percent of land. The first class holds what is above 0; 0 itself is a class of its own.
SHARE_BREAKS = (1.0, 3.0, 10.0, 25.0, 50.0)
# Percentage points of land: change has three classes of gain and three of loss.
CHANGE_LADDERS = ((0.1, 0.3), (0.3, 1.0), (1.0, 3.0), (5.0, 10.0), (10.0, 30.0))
# The outermost classes hold about this part of all cells that change.
TAIL = 0.02


@dataclass(frozen=True, slots=True)
class Contents:
    """All that the pages show, the same in every language; ``areas`` begin with the region.

    ``judged`` and ``noise`` are by name of the pair. ``parents`` are areas of coarser layers by
    area, ``sources`` what became sealed in each area, ``origins`` the folder of the scripts that
    state it to the page ("" without pairs of years), ``places`` the scripts of places that changed,
    ``names`` what the region file calls places on the map.
    """

    region: Region
    areas: tuple[AreaFigures, ...]
    judged: Mapping[str, Judged]
    noise: Mapping[str, PairNoise]
    change_breaks: tuple[float, ...]
    tiles: TileSummary
    layers: MapLayers
    datasets: Datasets
    parents: Mapping[Key, Key]
    sources: Mapping[Key, Sources]
    origins: str
    places: PlaceFiles = field(default_factory=lambda: PlaceFiles("", {}))
    names: tuple[PlaceName, ...] = ()

    @property
    def whole(self) -> AreaFigures:
        """Return the figures of the whole region."""
        return self.areas[0]

    @property
    def listed(self) -> tuple[AreaFigures, ...]:
        """Return the areas of all layers that the region names."""
        layers = {layer.layer for layer in self.region.areas}
        return tuple(area for area in self.areas[1:] if area.layer in layers)

    @property
    def shown_pair(self) -> Pair | None:
        """Return the pair of the region's headline, which pages show first."""
        return chosen_pair(self.whole, self.region, self.judged)

    def layer(self, layer: str) -> tuple[AreaFigures, ...]:
        """Return the areas of one layer."""
        return tuple(area for area in self.areas[1:] if area.layer == layer)


def page_settings(
    contents: Contents, bundle: Bundle, locale: Locale, root: str
) -> dict[str, object]:
    """Return the settings of one page; ``root`` leads from the page to the site's folder."""
    region = contents.region
    return {
        "version": __version__,
        "language": locale.language,
        "languages": region.site.languages,
        "root": root,
        "dataset": _dataset(region),
        "region": {
            "id": region.id,
            "title": region.title[locale.language],
            "simulated": region.simulated,
            "attribution": attribution(region, locale),
        },
        "years": region.years,
        "pairs": region.pairs,
        "shownPair": contents.shown_pair.name if contents.shown_pair else "",
        "tiles": asdict(contents.tiles),
        "mapLayers": _map_layers(contents.layers),
        "measures": [*_shares(region), *_changes(region)],
        "breaks": {
            "share": SHARE_BREAKS,
            "change": contents.change_breaks,
            "confirmed": tuple(edge for edge in contents.change_breaks if edge > 0),
        },
        "columns": _columns(region),
        "signals": SIGNALS,
        "indicators": {
            "year": [asdict(indicator) for indicator in INDICATORS_OF_YEAR],
            "pair": [asdict(indicator) for indicator in INDICATORS_OF_PAIR],
        },
        "grades": _grades(contents, locale),
        "gradeNames": GRADES,
        "modelYears": [epoch.year for epoch in region.epochs if epoch.forward is not None],
        "whole": _values(contents.whole, region),
        "target": region.target and asdict(region.target),
        "places": {"folder": contents.places.folder, "scripts": contents.places.scripts},
        "names": [
            (round(each.lon, DEGREE_DIGITS), round(each.lat, DEGREE_DIGITS), each.name)
            for each in contents.names
        ],
        "notes": [
            {
                "pair": pair,
                "severe": note.severe,
                "brief": note.brief(locale),
                "text": note.text(locale),
            }
            for pair in region.pairs
            for note in contents.judged[pair.key].notes
        ],
        "provisional": [pair for pair in region.pairs if contents.judged[pair.key].provisional],
        "level": region.noise.level,
        "judged": {
            pair: {
                "grade": found.grade,
                "interval": found.interval,
                "assumption": found.assumption,
                "reasons": [note.brief(locale) for note in found.warnings],
                "command": f"hexseal sample plan {region.id}.toml",
            }
            for pair, found in contents.judged.items()
        },
        "origins": {
            "folder": contents.origins,
            "coarsest": region.hexagons.coarsest,
            "resolution": transition_resolution(region),
            "classes": {
                str(code): class_name(region, code, locale)
                for code in _origin_classes(region.product)
            },
            "names": {
                known.name: class_name(region, known.code, locale)
                for known in region.product.classes
                if region.product.is_density or known.code not in region.product.sealed
            },
        },
        "layers": [_layer(contents, layer, locale.language) for layer in range(len(region.areas))],
        "downloads": [asdict(download) for download in contents.datasets.downloads],
        "tables": _tables(contents),
        "own": {
            "columns": answer_columns(region),
            "sources": source_titles(region),
            "readers": f"assets/{bundle.readers}",
        },
        "noise": noise_settings(contents.noise),
        "partitions": _partitions(contents.datasets.tree),
        "texts": locale.script_texts,
        **({"density": True} if region.product.is_density else {}),
    }


def _origin_classes(product: Product) -> list[int]:
    """Return the classes that new sealing may come from: of densities every range."""
    if product.is_density:
        return [known.code for known in product.classes]
    return sorted(product.valid - product.sealed)


def _dataset(region: Region) -> dict[str, str]:
    """Return who publishes what version, since when and where."""
    dataset = region.dataset
    return {
        "version": dataset.version,
        "date": dataset.changes[-1].day.isoformat() if dataset.changes else "",
        "address": dataset.address or "",
        "publisher": dataset.publisher or "hexseal",
    }


def _tables(contents: Contents) -> dict[str, str]:
    """Return the plain tables of all areas by format, seen from the site: "" for none."""
    written = {report.path for report in contents.datasets.reports}
    paths = {kind: f"data/{contents.region.id}_areas.{kind}" for kind in ("csv", "xlsx")}
    return {kind: path if path in written else "" for kind, path in paths.items()}


def _grades(contents: Contents, locale: Locale) -> dict[str, dict[str, object]]:
    """Return the grade of each pair over the whole region, and the reasons against it."""
    found = {pair.key: pair_grade(contents.judged[pair.key]) for pair in contents.region.pairs}
    return {
        pair: {
            "grade": each.grade,
            "note": grade_note(each.grade, each, locale),
            "reasons": [reason.brief(locale) for reason in each.reasons],
        }
        for pair, each in found.items()
    }


def _map_layers(layers: MapLayers) -> dict[str, object]:
    """Return the archives; a year's image is of the source that its attribution names."""
    return {
        "archives": [asdict(archive) for archive in layers.archives],
        "codes": layers.codes,
        "imageYears": sorted(layers.images),
        "imageAttribution": IMAGE_ATTRIBUTION if layers.images else "",
        "basemap": layers.basemap
        and {"attribution": layers.basemap.attribution, "layers": layers.basemap.layers},
    }


def embed(settings: Mapping[str, object]) -> str:
    """Return JSON that may stand inside a script element: no name in it can end the element.

    >>> embed({"name": "</script>"})
    '{"name":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(settings, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _shares(region: Region) -> list[dict[str, object]]:
    """Return one measure per year. A measure is 100 x (sum of plus - sum of minus) / land."""
    return [
        {
            "id": f"share-{year}",
            "view": "share",
            "basis": None,
            "scale": "share",
            "years": [year],
            "plus": [f"sealed_m2_{year}"],
            "minus": [],
            "signal": None,
            "open": None,
        }
        for year in region.years
    ]


def _changes(region: Region) -> list[dict[str, object]]:
    """Return three measures per pair, one for each basis of its change.

    ``scale`` names the breaks and colours; only the adjusted net has a class within noise.
    """
    bases = {
        "adjusted": ("change", ["adjusted_m2"], [], "signal"),
        "confirmed": ("confirmed", ["confirmed_m2"], [], None),
        "raw": ("change", ["new_sealed_m2"], ["unsealed_m2"], None),
    }
    return [
        {
            "id": f"change-{pair.name}-{basis}",
            "view": "change",
            "basis": basis,
            "scale": scale,
            "years": pair,
            "plus": [pair.column(column) for column in plus],
            "minus": [pair.column(column) for column in minus],
            "signal": signal and pair.column(signal),
            # Inconclusive units have nothing but raw figures.
            "open": None if basis == "raw" else pair.column("signal"),
        }
        for pair in region.pairs
        for basis, (scale, plus, minus, signal) in bases.items()
    ]


def _layer(contents: Contents, position: int, language: str) -> dict[str, object]:
    layer = contents.region.areas[position]
    return {
        "layer": layer.layer,
        "title": layer.title[language],
        "rows": [_area(area, contents) for area in contents.layer(layer.layer)],
    }


def _area(area: AreaFigures, contents: Contents) -> dict[str, object]:
    place = area.place
    return {
        "id": area.id,
        "name": area.name,
        "bounds": _degrees(place.bounds) if place else None,
        "label": _degrees(place.label) if place else None,
        "parent": contents.parents.get((area.layer, area.id)),
        "values": _values(area, contents.region),
    }


def _partitions(tree: PartitionTree) -> dict[str, object]:
    """Return where the page finds ``folder/parent=HEX/file``: hexadecimal parent, rows, bytes."""
    return {
        "folder": tree.folder,
        "file": tree.file,
        "scripts": tree.scripts,
        "resolution": tree.resolution,
        "parents": [(part.parent, part.rows, part.bytes) for part in tree.partitions],
    }


def _columns(region: Region) -> tuple[str, ...]:
    pairs = [pair.key for pair in region.pairs]
    figures = (*summed_columns(region), *judged_columns(region))
    indicators = indicator_columns(region.years, pairs)
    return (
        *figures,
        *indicators,
        *(f"signal_{pair}" for pair in pairs),
        *(f"grade_{pair}" for pair in pairs),
    )


def _values(area: AreaFigures, region: Region) -> list[float | None]:
    """Return an area's figures in the order of the columns; words as numbers like in tiles."""
    words: dict[str, float | None] = {}
    for pair, signal in area.signals.items():
        words[f"signal_{pair}"] = float(SIGNALS.index(signal))
        words[f"grade_{pair}"] = grade_number(area.grades.get(pair))
    return [
        words[column] if column in words else _short(area.m2(column)) for column in _columns(region)
    ]


def _short(value: float | None) -> float | None:
    """Drop digits that no page shows: a page with many areas stays small.

    >>> _short(1234567.891), _short(0.00123456789), _short(None)
    (1234567.9, 0.0012345679, None)
    """
    return None if value is None else float(f"{value:.8g}")


def _degrees(values: Sequence[float]) -> list[float]:
    return [round(value, DEGREE_DIGITS) for value in values]


def change_breaks(changes_pp: Sequence[float]) -> tuple[float, ...]:
    """Return breaks symmetric around 0, of the first ladder whose end most cells stay below.

    ``changes_pp`` are the changes of the finest hexagons in percentage points of land; those
    without any change do not count.

    >>> change_breaks([0.2, -0.4, 0.0, 2.5])
    (-3.0, -1.0, 0.0, 1.0, 3.0)
    """
    sizes = sorted(abs(change) for change in changes_pp if change)
    extreme = sizes[int(len(sizes) * (1 - TAIL))] if sizes else 0.0
    ends = [ladder[-1] for ladder in CHANGE_LADDERS]
    ladder = CHANGE_LADDERS[min(bisect_right(ends, extreme), len(ends) - 1)]
    return (*(-step for step in reversed(ladder)), 0.0, *ladder)
