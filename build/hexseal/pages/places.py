"""Scripts of the places that changed, by area: what the page shows as cards with before and after.

They are classic scripts, which also load from file://, read only when a reader selects something.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import shapely

from hexseal.pages.addresses import Key
from hexseal.pages.judgement import Judged, pair_grade
from hexseal.region.load import Region
from hexseal.storage.files import write_bytes
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Pair

# So many places of an area are shown; the rest is in the list of patches.
MOST_PLACES = 12
# Areas of one script, on average: a reader loads one, not all of a country.
AREAS_OF_SCRIPT = 200
# Outlines are drawn as large as a thumb: about a metre is enough.
SIMPLE_DEGREES, DIGITS = 1e-5, 5
MOST_CORNERS = 40
WHOLE = "region"


@dataclass(frozen=True, slots=True)
class Place:
    """A place that changed: its rank in the region, former class, outline as lon, lat, lon, lat."""

    rank: int
    m2: float
    origin: int
    outline: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AreaPlaces:
    """How many places of an area changed, their square metres together, and the largest of them."""

    count: int
    m2: float
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class PlaceFiles:
    """The folder of the scripts, relative to the site, and into how many a layer is split.

    ``listed`` holds what the scripts hold, by pair and by layer and id.
    """

    folder: str
    scripts: Mapping[str, int]
    listed: Mapping[str, Mapping[Key, AreaPlaces]] = field(default_factory=dict)


def write_place_files(
    site: Path,
    region: Region,
    work: Path,
    judged: Mapping[str, Judged],
    areas: Iterable[tuple[str, str]],
) -> PlaceFiles:
    """Write assets/places-HASH/NAME.js for the region ("region") and the parts of each layer.

    A script holds, by pair and area, how many places there are and the first of them: rank,
    square metres, former class, outline in degrees. Of pairs whose grade supports figures these
    are confirmed places, of inconclusive ones candidates; of others there are none.
    """
    counts: dict[str, int] = {}
    for layer, _ in areas:
        counts[layer] = counts.get(layer, 0) + 1
    scripts = {layer: -(-count // AREAS_OF_SCRIPT) for layer, count in counts.items()}
    files = [WHOLE, *(f"{layer}-{n}" for layer, parts in scripts.items() for n in range(parts))]
    found: dict[str, dict[str, dict[str, object]]] = {file: {} for file in files}
    listed: dict[str, dict[Key, AreaPlaces]] = {}
    for pair in region.pairs:
        for file, key, places in _places(work, pair, judged[pair.key], scripts):
            found[file].setdefault("-".join(map(str, pair)), {})[key] = _written(places)
            layer = file.rpartition("-")[0] or WHOLE
            listed.setdefault(pair.key, {})[layer, key] = places
    contents = {file: _script(file, places) for file, places in sorted(found.items())}
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()[:10]
    folder = f"assets/places-{digest}"
    for file, content in contents.items():
        write_bytes(site / folder / f"{file}.js", content)
    return PlaceFiles(folder, scripts, listed)


def script_of(identifier: str, parts: int) -> int:
    """Return the part of a layer's scripts that holds an area, as the page computes it too.

    >>> script_of("01", 1), script_of("FR-29019", 7)
    (0, 3)
    """
    value = 0
    for character in identifier:
        value = (value * 31 + ord(character)) % 1_000_003
    return value % parts


def _places(work: Path, pair: Pair, judged: Judged, scripts: Mapping[str, int]):
    """Yield script, area and places of one pair, for the region and every area that has any."""
    grade = pair_grade(judged).grade
    path = WorkFolder(work).patches(pair)
    if grade == "incomparable" or not path.is_file():
        return
    rows = _rows(path, is_confirmed=grade != "inconclusive", layers=scripts)
    if rows:
        yield WHOLE, "", _listed(rows)
    for layer, parts in scripts.items():
        by_area: dict[str, list[dict]] = {}
        for row in rows:
            if row.get(f"area_{layer}"):
                by_area.setdefault(row[f"area_{layer}"], []).append(row)
        for identifier, some in by_area.items():
            yield f"{layer}-{script_of(identifier, parts)}", identifier, _listed(some)


def _rows(path: Path, *, is_confirmed: bool, layers: Iterable[str]) -> list[dict]:
    """Return the gains of a list by rank: confirmed ones, or candidates."""
    there = set(pq.read_schema(path).names)
    columns = {"rank", "area_m2", "origin_class", "geometry"}
    columns |= {f"area_{layer}" for layer in layers}
    chosen = "confirmed" if is_confirmed or "candidate" not in there else "candidate"
    kept: list[tuple[str, str, object]] = [("direction", "=", "gain")]
    if is_confirmed or chosen == "candidate":
        kept.append((chosen, "=", True))
    table = pq.read_table(path, columns=sorted(columns & there), filters=kept)
    return sorted(table.to_pylist(), key=lambda row: row["rank"])


def _listed(rows: list[dict]) -> AreaPlaces:
    shown = sorted(rows, key=lambda row: -row["area_m2"])[:MOST_PLACES]
    places = (
        Place(row["rank"], row["area_m2"], row["origin_class"], _outline(row["geometry"]))
        for row in shown
    )
    return AreaPlaces(len(rows), sum(row["area_m2"] for row in rows), tuple(places))


def _written(found: AreaPlaces) -> dict[str, object]:
    return {
        "count": found.count,
        "m2": round(found.m2),
        "places": [
            [place.rank, round(place.m2), place.origin, place.outline] for place in found.places
        ],
    }


def _outline(geometry: bytes) -> tuple[float, ...]:
    """Return the outline of the largest part as lon, lat, lon, lat and so on."""
    shape = shapely.from_wkb(geometry)
    largest = max(shapely.get_parts(shape), key=shapely.area)
    ring, tolerance = shapely.get_exterior_ring(largest), SIMPLE_DEGREES
    while shapely.get_num_coordinates(ring) > MOST_CORNERS:
        ring = shapely.simplify(ring, tolerance)
        tolerance *= 1.6
    corners = shapely.get_coordinates(ring)
    return tuple(round(value, DIGITS) for corner in corners for value in corner)


def _script(file: str, places: Mapping[str, object]) -> bytes:
    text = json.dumps(places, sort_keys=True, separators=(",", ":"))
    return f"(globalThis.hexsealPlaces??={{}})[{json.dumps(file)}]={text};\n".encode()
