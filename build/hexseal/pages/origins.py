"""From which classes new sealed area came: transitions of areas and hexagons, read for charts."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import h3
import pyarrow.parquet as pq

from hexseal.pages.charts import Origin
from hexseal.pages.locales import Locale
from hexseal.products import PRODUCTS
from hexseal.region.load import Region
from hexseal.storage.files import write_bytes
from hexseal.types import Pair


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
        if row["confirmed_m2"] is None:
            # Inconclusive: what differs between the maps is no sealing to name an origin of.
            continue
        source = Source(row["origin_class"], row["new_sealed_m2"], row["confirmed_m2"])
        found[key][Pair(row["first_year"], row["second_year"])].append(source)
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


# pair -> unit -> [former class, raw m², confirmed m²] each
SourcesOf = dict[str, dict[str, list[list[int]]]]


def write_origin_files(
    site: Path,
    region: Region,
    areas: Mapping[tuple[str, str], Sources],
    hexagons: Mapping[int, Sources],
    parents: Iterable[int],
) -> str:
    """Write assets/origins-HASH/NAME.js; return the folder relative to the site.

    NAME is a layer's place among the region's layers ("layer-0"), or the hexadecimal index of one
    of ``parents``, all coarsest cells of the region: the page never requests a missing file.
    """
    sources_of = _told(region, areas, hexagons, parents)
    scripts = {name: _script(name, found) for name, found in sources_of.items()}
    digest = hashlib.sha256()
    for name in sorted(scripts):
        digest.update(scripts[name])
    folder = f"assets/origins-{digest.hexdigest()[:10]}"
    for name, script in sorted(scripts.items()):
        write_bytes(site / folder / f"{name}.js", script)
    return folder


def _told(
    region: Region,
    areas: Mapping[tuple[str, str], Sources],
    hexagons: Mapping[int, Sources],
    parents: Iterable[int],
) -> dict[str, SourcesOf]:
    places = {layer.layer: f"layer-{place}" for place, layer in enumerate(region.areas)}
    coarsest = region.hexagons.coarsest
    sources_of: dict[str, SourcesOf] = {name: {} for name in places.values()}
    for (layer, identifier), sources in areas.items():
        if layer in places:
            _add(sources_of[places[layer]], identifier, sources)
    sources_of |= {h3.int_to_str(index): {} for index in parents}
    for index, sources in hexagons.items():
        cell = h3.int_to_str(index)
        _add(sources_of[h3.cell_to_parent(cell, coarsest)], cell, sources)
    return sources_of


def _add(sources_of: SourcesOf, unit: str, sources: Sources) -> None:
    for (first, last), found in sources.items():
        sources_of.setdefault(f"{first}-{last}", {})[unit] = [
            [s.origin_class, round(s.raw_m2), round(s.confirmed_m2)] for s in found
        ]


def _script(name: str, sources_of: SourcesOf) -> bytes:
    parts: Iterable[str] = (
        "(globalThis.hexsealOrigins??={})[",
        json.dumps(name),
        "]=",
        json.dumps(sources_of, sort_keys=True, separators=(",", ":")),
        ";\n",
    )
    return "".join(parts).encode()
