"""From which classes new sealed area came: transitions of areas and hexagons, read for charts."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from hexseal.pages.charts import Origin
from hexseal.pages.figures import Pair
from hexseal.pages.locales import Locale
from hexseal.products import PRODUCTS
from hexseal.region.load import Region


@dataclass(frozen=True, slots=True)
class Source:
    """What became sealed from one class between two years, square metres."""

    origin_class: int
    raw_m2: float
    confirmed_m2: float


COLUMNS = ("first_year", "second_year", "origin_class", "new_sealed_m2", "confirmed_m2")
Key = TypeVar("Key")
# By pair of years, classes in the order of their codes.
Sources = Mapping[Pair, tuple[Source, ...]]


def read_area_sources(path: Path) -> dict[tuple[str, str], Sources]:
    """Read transition_areas.parquet by layer and id; the whole region is ('region', its id)."""
    columns = ["layer", "id", *COLUMNS]
    rows = pq.read_table(path, columns=columns).to_pylist()
    return _grouped([((row["layer"], row["id"]), row) for row in rows])


def read_hexagon_sources(path: Path) -> dict[int, Sources]:
    """Read transition_hexagons.parquet by H3 index."""
    rows = pq.read_table(path, columns=["h3", *COLUMNS]).to_pylist()
    return _grouped([(row["h3"], row) for row in rows])


def _grouped(rows: list[tuple[Key, dict]]) -> dict[Key, Sources]:
    found: dict[Key, dict[Pair, list[Source]]] = defaultdict(lambda: defaultdict(list))
    for key, row in rows:
        source = Source(row["origin_class"], row["new_sealed_m2"], row["confirmed_m2"])
        found[key][(row["first_year"], row["second_year"])].append(source)
    return {
        key: {pair: tuple(sources) for pair, sources in pairs.items()}
        for key, pairs in found.items()
    }


def class_name(region: Region, code: int, locale: Locale) -> str:
    """Return a class's name in the reader's language; of an unknown product, its number."""
    key = f"app.class.{region.product.name}.{code}"
    if region.product.name in PRODUCTS and key in locale.texts:
        return locale.text(key)
    named = {known.code: known.name for known in region.product.classes}
    return named.get(code) or locale.text("app.class.unnamed", code=code)


def origins_of(sources: tuple[Source, ...], region: Region, locale: Locale) -> list[Origin]:
    """Return sources with their names, as charts.origins_chart draws them."""
    return [
        Origin(class_name(region, s.origin_class, locale), s.raw_m2, s.confirmed_m2)
        for s in sources
    ]
