"""A small site of made-up hexagons in mid-ocean, written by the real stages after statistics."""

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from math import exp, hypot
from pathlib import Path

import h3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
import shapely

from hexseal.change.states import FILTERS
from hexseal.codebook.indicators import indicator_columns
from hexseal.datasets import write_checksums, write_datasets
from hexseal.manifest import write_manifest
from hexseal.pages import PageSummary, write_pages
from hexseal.products import CLCPLUS
from hexseal.raster.grid import from_lonlat
from hexseal.region.load import (
    AreaLayer,
    Epoch,
    Forward,
    HexagonRange,
    Region,
    Site,
)
from hexseal.statistics.reference import FLOW_COLUMNS
from hexseal.tiles import write_layers
from hexseal.tiles.hexagons import write_tiles
from hexseal.tiles.images import BANDS
from hexseal.types import Pair

YEARS = (2018, 2021, 2023)
FINEST, COARSEST = 8, 6
CENTER = (46.6, -31.5)
TOWNS = ((46.6, -31.5, 0.9), (46.68, -31.41, 0.6), (46.52, -31.58, 0.35))
# Names that would break out of careless markup, sort wrongly, or lose their accents.
NAMES = ('<b>Port & "Cove"</b>', "Évora-sur-Mer", "Zuidhaven", "anse noire")
PIXEL_M2 = 100.0
# Side of the maps of single pixels in the middle of the island.
PIXELS = 300
# Former classes of what is new: code, name, part.
ORIGINS = (
    (6, "Permanent herbaceous", 1 / 3),
    (9, "Non and sparsely vegetated", 2 / 3),
)
Counts = dict[str, int]


@dataclass(frozen=True)
class MadeSite:
    """Where the site lies, what it was made from, and the totals that every page must show."""

    folder: Path
    work: Path
    region: Region
    totals: Counts
    pages: PageSummary


def made_region(folder: Path, **changes: object) -> Region:
    """Return a region of three years and one layer of areas."""
    settings: dict[str, object] = {
        "path": folder / "made.toml",
        "id": "made-up",
        "title": {"en": "Made-up island", "fr": "Île inventée"},
        "simulated": True,
        "window": None,
        "product": CLCPLUS,
        "epochs": tuple(Epoch(year, f"{year}.tif", f"Made map {year}") for year in YEARS),
        "hexagons": HexagonRange(FINEST, COARSEST),
        "areas": (
            AreaLayer(
                "municipality", "made.gpkg", "code", "name", None,
                {"en": "Municipalities", "fr": "Communes"},
            ),
        ),
        "site": Site(),
        "simulation": None,
    }  # fmt: skip
    return Region(**(settings | changes))  # type: ignore[arg-type]


def make_site(
    folder: Path,
    *,
    standalone: str = "auto",
    radius: int = 2,
    basemap: Path | None = None,
    **further: object,
) -> MadeSite:
    """Write work files and a whole site below ``folder``; the same bytes at every call.

    ``further`` are keys of the region.
    """
    region = made_region(folder, site=_site(standalone, basemap), **further)
    work, site = folder / "work", folder / "site"
    work.mkdir(parents=True)
    cells = made_cells(radius)
    _write_hexagons(work / "hexagons.parquet", cells)
    groups = _quarters(cells)
    _write_areas(work, cells, groups)
    _write_change(work)
    _write_transitions(work, cells, groups)
    (work / "judgement.json").write_text(json.dumps(made_judgement()), encoding="utf-8")
    write_manifest(work, "tiles", write_tiles(region, work, site))
    write_manifest(work, "layers", write_layers(_with_pixels(region, folder), work, site))
    write_manifest(work, "datasets", write_datasets(region, work, site))
    pages = write_pages(region, work, site)
    write_checksums(site)
    return MadeSite(site, work, region, _sum(cells.values()), pages)


def _site(standalone: str, basemap: Path | None) -> Site:
    return Site(standalone=standalone, basemap=basemap and str(basemap))  # type: ignore[arg-type]


def _with_pixels(region: Region, folder: Path) -> Region:
    """Return the region with a map of each year, and an image of 2021 and of 2023.

    In each map a square is sealed that grows eastwards by 20 pixels from year to year; the
    images are dark below and bright above.
    """
    epochs = []
    for place, year in enumerate(YEARS):
        classes = np.full((PIXELS, PIXELS), 6, np.uint8)
        classes[120:180, 100 : 180 + 20 * place] = 1
        classes[:20] = 10
        landcover = _write_raster(folder / f"{year}.tif", classes[None])
        epochs.append(replace(region.epochs[place], landcover=landcover))
    bands = np.tile(np.linspace(300, 1, PIXELS)[:, None], (3, 1, PIXELS)).astype(np.int16)
    images = [
        _write_raster(folder / f"image_{year}.tif", bands + 100 * place, BANDS)
        for place, year in enumerate(YEARS[1:])
    ]
    forward = Forward(images[1], "model", YEARS[1], images[0], folder)
    return replace(region, epochs=(*epochs[:2], replace(epochs[2], forward=forward)))


def _write_raster(path: Path, bands: np.ndarray, names: tuple[str, ...] = ()) -> str:
    """Write pixels of 10 m around the middle of the island, in UTM zone 25 north."""
    x, y = from_lonlat("EPSG:32625", np.array([CENTER[1]]), np.array([CENTER[0]]))
    west, north = round(x[0]) - 5.0 * PIXELS, round(y[0]) + 5.0 * PIXELS
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=bands.dtype,
        crs="EPSG:32625", transform=rasterio.Affine(10, 0, west, 0, -10, north),
    ) as file:  # fmt: skip
        file.write(bands)
        for place, name in enumerate(names, 1):
            file.set_band_description(place, name)
    return str(path)


def pairs() -> list[Pair]:
    return [Pair(2018, 2021), Pair(2021, 2023), Pair(2018, 2023)]


def made_cells(radius: int) -> dict[str, Counts]:
    """Return pixel counts of every finest cell."""
    middle = h3.latlng_to_cell(*CENTER, COARSEST)
    parents = h3.grid_disk(middle, radius)
    cells = [child for parent in parents for child in h3.cell_to_children(parent, FINEST)]
    return {cell: _count(cell) for cell in sorted(cells)}


def _count(cell: str) -> Counts:
    lat, lon = h3.cell_to_latlng(cell)
    noise = int(h3.str_to_int(cell) >> 18) * 2_654_435_761 % 997 / 997
    far = hypot(lat - CENTER[0], (lon - CENTER[1]) * 0.69)
    valid = 7300
    land = 0 if far > 0.125 else valid if far < 0.105 else int(valid * (0.3 + noise * 0.6))
    built = sum(
        size * exp(-((hypot(lat - y, (lon - x) * 0.69) / 0.025) ** 2)) for y, x, size in TOWNS
    )
    sealed = int(land * min(0.97, built)) if built > 0.004 else 0
    first_gain, first_loss = int(land * 0.012 * noise), min(sealed, int(land * 0.007 * (1 - noise)))
    next_gain = int(land * 0.03 * noise * min(1.0, built * 2))
    middle = sealed + first_gain - first_loss
    next_loss = min(middle, int(land * 0.004 * noise))
    confirmed = {
        "confirmed_2018_2021": first_gain // 2,
        "confirmed_2021_2023": next_gain // 2,
        "confirmed_2018_2023": (first_gain + next_gain) // 2,
    }
    return confirmed | {
        "valid": valid,
        "land": land,
        "sealed_2018": sealed,
        "sealed_2021": middle,
        "sealed_2023": middle + next_gain - next_loss,
        "new_sealed_2018_2021": first_gain,
        "unsealed_2018_2021": first_loss,
        "new_sealed_2021_2023": next_gain,
        "unsealed_2021_2023": next_loss,
        "new_sealed_2018_2023": first_gain + next_gain,
        "unsealed_2018_2023": first_loss + next_loss,
    }


def _sum(counts) -> Counts:
    total: Counts = defaultdict(int)
    for count in counts:
        for key, value in count.items():
            total[key] += value
    return dict(total)


def _measures(count: Counts) -> dict[str, object]:
    land = count["land"] * PIXEL_M2
    row: dict[str, object] = {
        "valid_m2": count["valid"] * PIXEL_M2,
        "land_m2": land,
        "valid_pixels": count["valid"],
    }
    for year in YEARS:
        pixels = count[f"sealed_{year}"]
        row[f"sealed_pixels_{year}"] = pixels
        row[f"sealed_m2_{year}"] = pixels * PIXEL_M2
        row[f"sealed_share_{year}"] = pixels * PIXEL_M2 / land if land else None
        row[f"source_{year}"] = f"Made map {year}"
    for a, b in pairs():
        new, lost = count[f"new_sealed_{a}_{b}"], count[f"unsealed_{a}_{b}"]
        row[f"new_sealed_pixels_{a}_{b}"], row[f"unsealed_pixels_{a}_{b}"] = new, lost
        row[f"new_sealed_m2_{a}_{b}"] = new * PIXEL_M2
        row[f"unsealed_m2_{a}_{b}"] = lost * PIXEL_M2
        row[f"net_m2_{a}_{b}"] = net = (new - lost) * PIXEL_M2
        row[f"net_pp_per_year_{a}_{b}"] = 100 * net / land / (b - a) if land else None
        row |= _judged(f"{a}_{b}", count, net)
    return row


def _judged(pair: str, count: Counts, net: float) -> dict[str, object]:
    """Half of what is new is confirmed; the net is certain to 4 ha and a tenth of itself."""
    half = 40_000.0 + abs(net) / 10
    signal = "within_noise" if abs(net) <= half else "gain" if net > 0 else "loss"
    return {
        f"grade_{pair}": "consistent",
        f"confirmed_m2_{pair}": count[f"confirmed_{pair}"] * PIXEL_M2,
        f"adjusted_m2_{pair}": net,
        f"adjusted_low_m2_{pair}": net - half,
        f"adjusted_high_m2_{pair}": net + half,
        f"q_value_{pair}": 0.01,
        f"signal_{pair}": signal,
    }


def _indicators(row: dict[str, object]) -> dict[str, object]:
    """Two indicators are known, the others are not."""
    known = {"index_": 100.0, "detection_limit_m2_": 40_000.0}
    columns = indicator_columns(YEARS, [f"{a}_{b}" for a, b in pairs()])
    wanted = (*columns, *(f"adjusted_pp_{a}_{b}" for a, b in pairs()))
    wanted += tuple(f"{column}_{a}_{b}" for a, b in pairs() for column in FLOW_COLUMNS)
    for column in wanted:
        row[column] = next((v for key, v in known.items() if column.startswith(key)), None)
    return row


def made_judgement() -> dict[str, object]:
    """Return a judgement whose first pair has two warnings, whose second has a plain note."""
    removed = {name: {"gain": 0, "loss": 0} for name in FILTERS}
    report = {
        "raw_gain": 12_000, "raw_loss": 3_000, "removed": removed, "confirmed": 6_000,
        "gain_patches": 1_234, "loss_patches": 345, "confirmed_patches": 67,
        "decoy_ratio": 1.0, "provisional": True, "has_confidence": False, "uses_confidence": False,
        "grade": "consistent", "candidates": 0, "fields": 2, "confirmed_design": 0.3,
        "false": {"patches": 0.08, "patches_high": 0.15, "area": 0.05, "area_high": 0.11},
        "checks": [
            {"test": "decoys", "name": "losses", "statistic": 345.0, "threshold": 60.0,
             "side": "least", "verdict": "pass", "needed": True},
            {"test": "registration", "name": "shift", "statistic": 0.012, "threshold": 0.15,
             "side": "most", "verdict": "pass", "needed": True},
        ],
    }  # fmt: skip
    level = {"rate": 0.1, "shape": 5.0, "design": 2.5, "pixels": 7_300.0}
    whole = {
        "gain": 12_000.0, "loss": 3_000.0, "confirmed": 6_000.0, "edges_before": 50_000.0,
        "edges_after": 50_000.0, "field_gain": 600.0, "field_loss": 0.0, "doubtful": 0.0,
    }  # fmt: skip
    found = {
        "report": report,
        "transfer": {"slope": 0.92, "slope_sd": 0.05, "bias": 0.0, "bias_sd": 0.0},
        "accuracy": "unknown",
        "assumption": "maps_err_alike",
        "interval": "noise",
        "reasons": [],
        "levels": {"r8": level, "region": level | {"pixels": 4_600_000.0}},
        "whole": whole,
    }
    return {
        "pairs": {f"{a}_{b}": found for a, b in pairs()},
        "common_mask": {str(year): {"pixels": 1_000, "m2": 100_000.0} for year in YEARS},
        "notes": [
            {"kind": "makers", "pair": [2018, 2021], "severe": True,
             "values": {"first": "<i>Old & first</i> v1", "second": "New map v2"}},
            {"kind": "rate", "pair": [2018, 2021], "severe": True, "values": {"percent": 6.1}},
            {"kind": "calibration", "pair": [2021, 2023], "severe": False,
             "values": {"year": 2023.0}},
        ],
    }  # fmt: skip


def _write_hexagons(path: Path, cells: dict[str, Counts]) -> None:
    members = {
        h3.cell_to_parent(cell, resolution): f"0{quarter}"
        for quarter, group in sorted(_quarters(cells).items())
        for cell in group
        for resolution in range(COARSEST, FINEST + 1)
    }
    rows = []
    for resolution in range(COARSEST, FINEST + 1):
        groups: dict[str, list[Counts]] = defaultdict(list)
        for cell, count in cells.items():
            groups[h3.cell_to_parent(cell, resolution)].append(count)
        for cell, counts in sorted(groups.items()):
            lat, lon = h3.cell_to_latlng(cell)
            place = {"h3": h3.str_to_int(cell), "h3_hex": cell, "resolution": resolution}
            place |= {"lat": lat, "lon": lon, "area_m2": h3.cell_area(cell, "m^2")}
            place["area_municipality"] = members.get(cell)
            rows.append(place | _measures(_sum(counts)))
    table = pa.Table.from_pylist(rows)
    for name, kind in (("h3", pa.uint64()), ("resolution", pa.uint8())):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table[name].cast(kind))
    pq.write_table(table, path)


def _quarters(cells: dict[str, Counts]) -> dict[int, list[str]]:
    """Return the cells with land of each quarter of the island."""
    groups: dict[int, list[str]] = defaultdict(list)
    for cell, count in cells.items():
        lat, lon = h3.cell_to_latlng(cell)
        if count["land"]:
            groups[2 * (lat > CENTER[0]) + (lon > CENTER[1])].append(cell)
    return groups


def _write_areas(work: Path, cells: dict[str, Counts], groups: dict[int, list[str]]) -> None:
    """Write the whole region and four areas, each the cells of one quarter of the island."""
    whole = {"layer": "region", "id": "made-up", "name": "Made-up island", "population": None}
    rows, shapes = [_indicators(whole | _measures(_sum(cells.values())))], []
    for quarter, members in sorted(groups.items()):
        name: dict[str, object] = {
            "layer": "municipality",
            "id": f"0{quarter}",
            "name": NAMES[quarter],
        }
        name["population"] = None
        rows.append(_indicators(name | _measures(_sum(cells[cell] for cell in members))))
        outline = shapely.union_all([_polygon(cell) for cell in members])
        shapes.append(name | {"geometry": shapely.to_wkb(outline)})
    for path, table in (("areas", rows), ("zone_shapes", shapes)):
        written = pa.Table.from_pylist(table)
        place = written.schema.get_field_index("population")
        written = written.set_column(place, "population", written["population"].cast(pa.float64()))
        for place, field in enumerate(written.schema):
            if pa.types.is_null(field.type):
                written = written.set_column(place, field.name, written[place].cast(pa.float64()))
        pq.write_table(written, work / f"{path}.parquet")


def _write_change(work: Path) -> None:
    """Write a work list of one patch for each pair."""
    cell = h3.latlng_to_cell(*CENTER, COARSEST)
    index = pa.array([h3.str_to_int(cell)], pa.uint64())
    origin = {"origin_class": pa.array([6], pa.uint8()), "origin": ["Permanent herbaceous"]}
    for rank, (a, b) in enumerate(pairs()):
        years = {"first_year": pa.array([a], pa.int16()), "second_year": pa.array([b], pa.int16())}
        patch = {
            "rank": pa.array([1], pa.int32()), "direction": ["gain"], "confirmed": [True],
            "status": ["confirmed"], "q_value": [0.01], "score": [9.0], "area_m2": [900.0],
            "pixels": [9],
            "core_pixels": [1], "rim_pixels": [2], "confidence": pa.array([None], pa.float64()),
            "lon": [CENTER[1]], "lat": [CENTER[0]], "area_municipality": [f"0{rank}"],
        }  # fmt: skip
        outline = pa.array([shapely.to_wkb(_polygon(cell))], pa.binary())
        table = pa.table(
            patch | years | origin | {"h3": index, "h3_hex": [cell], "geometry": outline}
        )
        pq.write_table(table, work / f"patches_{a}_{b}.parquet")


def _write_transitions(work: Path, cells: dict[str, Counts], groups: dict[int, list[str]]) -> None:
    """Two thirds of what is new was bare (9), the rest grass (6); half of either is confirmed."""
    areas: list[dict[str, object]] = []
    named = {"made-up": ("region", "Made-up island", list(cells))}
    named |= {f"0{q}": ("municipality", NAMES[q], groups[q]) for q in sorted(groups)}
    for identifier, (layer, name, members) in named.items():
        place = {"layer": layer, "id": identifier, "name": name}
        areas += [place | row for row in _origins(_sum(cells[cell] for cell in members))]
    hexagons: list[dict[str, object]] = []
    parents: dict[str, list[Counts]] = defaultdict(list)
    for cell, count in cells.items():
        parents[h3.cell_to_parent(cell, COARSEST)].append(count)
    for cell, counts in sorted(parents.items()):
        place = {"h3": h3.str_to_int(cell), "h3_hex": cell}
        hexagons += [place | row for row in _origins(_sum(counts))]
    kinds = {
        "h3": pa.uint64(), "first_year": pa.int16(), "second_year": pa.int16(),
        "origin_class": pa.uint8(), "new_sealed_m2": pa.float64(), "confirmed_m2": pa.float64(),
    }  # fmt: skip
    for kind, rows in (("areas", areas), ("hexagons", hexagons)):
        schema = pa.schema([(column, kinds.get(column, pa.string())) for column in rows[0]])
        table = pa.Table.from_pylist(rows, schema)
        pq.write_table(table, work / f"transition_{kind}.parquet")


def _origins(count: Counts) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for a, b in pairs():
        new = count[f"new_sealed_{a}_{b}"] * PIXEL_M2
        for code, name, part in ORIGINS:
            years = {"first_year": a, "second_year": b, "origin_class": code, "origin": name}
            rows.append(years | {"new_sealed_m2": new * part, "confirmed_m2": new * part / 2})
    return rows


def _polygon(cell: str) -> shapely.Polygon:
    return shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])
