"""Write site_template/src/custom/datums.ts: how far national datums lie from WGS84, from PROJ.

The page reads shapefiles without PROJ. Every name that ESRI and OGC give a datum gets the shift
that hexseal itself takes (PROJ's best formula without a grid, see hexseal.raster.grid), so that
page and command line agree. Run it again when PROJ's database changes:

    .venv/bin/python tools/write_datums.py
"""

import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
from pyproj import CRS
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import CRSError
from pyproj.transformer import AreaOfInterest, TransformerGroup

TARGET = Path(__file__).parents[1] / "site_template" / "src" / "custom" / "datums.ts"
# Projected systems whose own shift differs from their datum's usual one are listed by name where
# they lie here: Europe and around it (west, south, east, north).
AROUND = (-35.0, 25.0, 50.0, 85.0)
# Datums that lie off WGS84 are listed where they are used here: Europe with its overseas, Africa
# and the Near East. Files on others are refused with the command that converts them.
LISTED = (-70.0, -35.0, 65.0, 85.0)
# Shifts that differ by less than this many metres are one.
ALIKE_M = 3.0
# What PROJ's pipelines do besides moving, and what moves.
UNMOVED = {"noop", "pipeline", "unitconvert", "axisswap", "longlat"}
MOVED = {"push", "pop", "cart", "helmert", "molobadekas"}
Bounds = tuple[float, float, float, float]
KEYS = ("x", "y", "z", "rx", "ry", "rz", "s")
SINGLE_BYTE = ("cp437", "cp737", "cp850", "cp852", "cp857", "cp865")


def shift_of(crs: CRS) -> tuple[float, ...] | None:
    """Return the seven parameters to WGS84 (position vector; m, seconds, ppm), None if unknown."""
    area = crs.area_of_use
    where = AreaOfInterest(*area.bounds) if area else None
    group = TransformerGroup(crs.geodetic_crs, "EPSG:4326", True, where)
    for way in group.transformers:
        if way.accuracy >= 0 and not any(step.grids for step in way.operations or ()):
            return _parameters(way.definition)
    return None


def _parameters(definition: str) -> tuple[float, ...] | None:
    """Return seven parameters of a PROJ pipeline: none, one Helmert or one Molodensky-Badekas."""
    moves = [step for step in definition.split("step") if re.search("helmert|molobadekas", step)]
    used = set(re.findall(r"proj=(\w+)", definition))
    if not moves:
        return (0.0,) * 7 if used <= UNMOVED else None
    if len(moves) > 1 or "inv " in moves[0] or not used <= UNMOVED | MOVED:
        return None
    found = dict(re.findall(r"\b([rp]?[xyzs])=(-?[\d.eE+-]+)", moves[0]))
    x, y, z, rx, ry, rz, ppm = (float(found.get(key, 0.0)) for key in KEYS)
    if "convention=coordinate_frame" in moves[0]:
        rx, ry, rz = -rx, -ry, -rz
    # Molodensky-Badekas turns about a pivot: the same as turning about the centre and moving on.
    pivot = np.array([float(found.get(key, 0.0)) for key in ("px", "py", "pz")])
    x, y, z = np.array([x, y, z]) + pivot - _turned(pivot, (rx, ry, rz), ppm)
    return tuple(round(float(value), 4) + 0.0 for value in (x, y, z, rx, ry, rz, ppm))


def _turned(place: np.ndarray, seconds: tuple[float, float, float], ppm: float) -> np.ndarray:
    """Turn and scale a place about the centre of the Earth; position vector, small angles."""
    rx, ry, rz = np.radians(np.array(seconds) / 3600.0)
    turn = np.array([[1, -rz, ry], [rz, 1, -rx], [-ry, rx, 1]])
    return (1 + ppm * 1e-6) * turn @ place


def names_of(crs: CRS) -> set[str]:
    """Return the keys by which a .prj may name the datum of a geographic CRS."""
    names = set()
    for version in ("WKT1_ESRI", "WKT1_GDAL"):
        try:
            text = crs.to_wkt(version) or ""
        except CRSError:
            continue
        names.update(re.findall(r'(?:DATUM|GEOGCS)\["([^"]+)"', text))
    names.add(crs.name)
    return {key(name) for name in names if name}


def key(name: str) -> str:
    """Return a name without its prefix, signs and case; datums.ts does the same."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^(GCS|D)_", "", name).lower())


def distance(crs: CRS, one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return how far apart two shifts put the middle of a CRS's area, in metres."""
    area = crs.area_of_use
    lon, lat = np.radians([(area.west + area.east) / 2, (area.south + area.north) / 2])
    place = 6.378e6 * np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

    def moved(shift: tuple[float, ...]) -> np.ndarray:
        return np.array(shift[:3]) + _turned(place, (shift[3], shift[4], shift[5]), shift[6])

    return float(np.linalg.norm(moved(one) - moved(other)))


def collect() -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[float, ...]]]:
    """Return shifts by name of the datum, and by name of projected systems that differ."""
    datums: dict[str, tuple[float, ...]] = {}
    usual: dict[str, tuple[float, ...] | None] = {}
    for info in query_crs_info(auth_name="EPSG", pj_types=[PJType.GEOGRAPHIC_2D_CRS]):
        crs = CRS.from_epsg(int(info.code))
        shift = shift_of(crs)
        usual[info.code] = shift
        area = info.area_of_use
        is_listed = area is None or _overlaps(area.bounds, LISTED)
        if shift is not None and (is_listed or not any(shift)):
            datums |= {name: shift for name in names_of(crs) if name not in datums}
    systems: dict[str, tuple[float, ...]] = {}
    for info in query_crs_info(auth_name="EPSG", pj_types=[PJType.PROJECTED_CRS]):
        area = info.area_of_use
        if area is None or not _overlaps(area.bounds, AROUND):
            continue
        crs = CRS.from_epsg(int(info.code))
        base = crs.geodetic_crs.to_authority()
        shift = shift_of(crs)
        if shift is None or base is None:
            continue
        known = usual.get(base[1])
        if known is not None and distance(crs, shift, known) < ALIKE_M:
            continue
        text = crs.to_wkt("WKT1_ESRI") or ""
        for name in {crs.name, *re.findall(r'PROJCS\["([^"]+)"', text)}:
            systems.setdefault(key(name), shift)
    return datums, systems


def _overlaps(bounds: Bounds, box: Bounds) -> bool:
    west, south, east, north = bounds
    return west < box[2] and east > box[0] and south < box[3] and north > box[1]


def written(datums: dict[str, tuple[float, ...]], systems: dict[str, tuple[float, ...]]) -> str:
    """Return the module: shifts once each, names by the place of their shift."""
    shifts = sorted({*datums.values(), *systems.values()})
    place = {shift: number for number, shift in enumerate(shifts)}

    def table(named: dict[str, tuple[float, ...]]) -> str:
        grouped: dict[int, list[str]] = {}
        for name in sorted(named):
            grouped.setdefault(place[named[name]], []).append(name)
        return json.dumps({str(n): " ".join(names) for n, names in sorted(grouped.items())})

    listed = ";".join(" ".join(f"{value:.10g}" for value in shift) for shift in shifts)
    pages = {
        code.removeprefix("cp"): bytes(range(128, 256)).decode(code, errors="replace")
        for code in SINGLE_BYTE
    }
    halves = json.dumps(pages, ensure_ascii=False)
    return (
        "// Written by tools/write_datums.py from PROJ's database; do not edit.\n\n"
        "/** Seven parameters to WGS84, position vector: metres, seconds of arc, ppm. */\n"
        f'export const SHIFTS = {json.dumps(listed)}.split(";");\n'
        "/** Names of datums, without signs and case, by the place of their shift. */\n"
        f"export const DATUMS: Record<string, string> = {table(datums)};\n"
        "/** Projected systems around Europe whose shift is not their datum's usual one. */\n"
        f"export const SYSTEMS: Record<string, string> = {table(systems)};\n"
        "/** Upper halves of DOS code pages, which browsers do not decode. */\n"
        f"export const DOS_PAGES: Record<string, string> = {halves};\n"
    )


def main() -> None:
    """Write the module and print its size."""
    warnings.simplefilter("ignore")
    text = written(*collect())
    TARGET.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{TARGET}: {len(text):,} bytes\n")


if __name__ == "__main__":
    main()
