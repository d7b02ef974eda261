"""Scripts that tell the page what became sealed, one per layer of areas and per coarsest cell.

They are classic scripts, which also load from file://, read only when a reader selects something.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import h3

from hexseal.pages.origins import Sources
from hexseal.region.load import Region
from hexseal.storage.files import write_bytes

# pair -> unit -> [former class, raw m², confirmed m²] each
Told = dict[str, dict[str, list[list[int]]]]


def write_origin_files(
    site: Path,
    region: Region,
    areas: Mapping[tuple[str, str], Sources],
    hexagons: Mapping[int, Sources],
    parents: Iterable[int],
) -> str:
    """Write assets/origins-HASH/NAME.js; return the folder relative to the site.

    NAME is a layer's place among the region's layers ("layer-0"), or the hexadecimal index of one
    of ``parents``, all coarsest cells of the region: the page never asks for a missing file.
    """
    told = _told(region, areas, hexagons, parents)
    scripts = {name: _script(name, found) for name, found in told.items()}
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
) -> dict[str, Told]:
    places = {layer.layer: f"layer-{place}" for place, layer in enumerate(region.areas)}
    coarsest = region.hexagons.coarsest
    told: dict[str, Told] = {name: {} for name in places.values()}
    for (layer, identifier), sources in areas.items():
        if layer in places:
            _add(told[places[layer]], identifier, sources)
    told |= {h3.int_to_str(index): {} for index in parents}
    for index, sources in hexagons.items():
        cell = h3.int_to_str(index)
        _add(told[h3.cell_to_parent(cell, coarsest)], cell, sources)
    return told


def _add(told: Told, unit: str, sources: Sources) -> None:
    for (first, last), found in sources.items():
        told.setdefault(f"{first}-{last}", {})[unit] = [
            [s.origin_class, round(s.raw_m2), round(s.confirmed_m2)] for s in found
        ]


def _script(name: str, told: Told) -> bytes:
    parts: Iterable[str] = (
        "(globalThis.hexsealOrigins??={})[",
        json.dumps(name),
        "]=",
        json.dumps(told, sort_keys=True, separators=(",", ":")),
        ";\n",
    )
    return "".join(parts).encode()
