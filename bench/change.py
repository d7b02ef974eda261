"""hexseal's change against a simulated truth: STATISTICS.md's figures over many seeds.

    just bench-statistics

Every seed is a region of its own. Four maps pairs are judged on each: real growth; no growth at
all; growth under accuracies that drift apart (told to hexseal, and not told); growth without a
confidence layer. The whole way is measured: rasters on disk, counts, judgement, statistics.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pyogrio.raw
import rasterio
import rasterio.features
import shapely
from rasterio import Affine
from scipy import ndimage
from scipy.spatial import Voronoi

from hexseal.change.stage import judge_region
from hexseal.change.survey import count_region
from hexseal.execution import Execution
from hexseal.raster.grid import from_lonlat
from hexseal.region.load import Accuracy, Region, SealedAccuracy, load_region
from hexseal.simulation import NoiseModel, Observation, observe, simulate_truth
from hexseal.statistics.stage import write_statistics
from hexseal.types import Pair

SIZE, AREAS = 2000, 25
WEST, NORTH = 4_000_000.0, 3_000_000.0
PAIR = Pair(2018, 2021)
NAME = "2018_2021"
NOISE = NoiseModel(users_accuracy=0.85, producers_accuracy=0.85, error_correlation=0.97)
DRIFT = replace(NOISE, users_drift=-0.02, producers_drift=0.02)
EIGHT = np.ones((3, 3))
REGION = """
[region]
id = "bench"
simulated = true
[[epoch]]
year = 2018
landcover = "{name}_2018.tif"
{confidence_2018}
[[epoch]]
year = 2021
landcover = "{name}_2021.tif"
{confidence_2021}
[hexagons]
finest = 9
coarsest = 7
[[areas]]
layer = "area"
path = "areas.gpkg"
id = "id"
name = "id"
[noise]
decoy_ratio = {ratio}
"""


@dataclass(frozen=True)
class Case:
    """One way to map a truth and to judge the maps."""

    name: str
    noise: NoiseModel = NOISE
    grows: bool = True
    confidence: bool = True
    known: bool = False
    ratio: str = '"auto"'


CASES = (
    Case("growth"),
    Case("growth, accuracies told", known=True),
    Case("no growth", grows=False),
    Case("drift, not told", noise=DRIFT),
    Case("drift, accuracies told", noise=DRIFT, known=True),
    Case("drift, decoy_ratio 1", noise=DRIFT, ratio="1"),
    Case("growth, decoy_ratio 1", ratio="1"),
    Case("growth, no confidence layer", confidence=False),
)
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=SIZE)
    arguments = parser.parse_args()
    tasks = [(seed, arguments.size) for seed in range(1, arguments.seeds + 1)]
    found: dict[str, list[Figures]] = defaultdict(list)
    with ProcessPoolExecutor(arguments.workers) as pool:
        for number, known in enumerate(pool.map(judge_seed, tasks), 1):
            for case, figures in known.items():
                found[case].append(figures)
            print(f"seed {number} of {len(tasks)}", flush=True)
    for case in CASES:
        print_table(case.name, found[case.name])


def judge_seed(task: tuple[int, int]) -> dict[str, Figures]:
    """Simulate one region and judge it in every case."""
    seed, size = task
    truth = simulate_truth((size, size), seed)
    grown = [truth.landcover[0], truth.landcover[1]]
    figures = {}
    with tempfile.TemporaryDirectory(prefix="hexseal-bench-") as name:
        folder = Path(name)
        write_areas(folder / "areas.gpkg", size, np.random.default_rng(seed))
        for place, cover in enumerate(grown):
            write_raster(folder / f"truth_{PAIR[place]}.tif", cover)
        real = true_units(folder, grows=True)
        for case in CASES:
            covers = grown if case.grows else [grown[0], grown[0]]
            maps = observe(covers, case.noise, np.random.default_rng(1000 + seed))
            figures[case.name] = judge_case(folder, case, covers, maps, real)
    return figures


def true_units(folder: Path, *, grows: bool) -> dict[str, dict[object, float]]:
    """Count the truth's own net change per hexagon and area, in pixels."""
    text = REGION.format(name="truth", confidence_2018="", confidence_2021="", ratio="1.0")
    region = write_region(folder, text)
    work = folder / "truth"
    run(region, work)
    return units(work, "net_m2") if grows else {}


def judge_case(
    folder: Path,
    case: Case,
    covers: list[np.ndarray],
    maps: list[Observation],
    real: Mapping[str, Mapping[object, float]],
) -> Figures:
    layers = {}
    for year, observed in zip(PAIR, maps, strict=True):
        write_raster(folder / f"map_{year}.tif", observed.landcover)
        write_raster(folder / f"confidence_{year}.tif", observed.confidence)
        layer = f'confidence = "confidence_{year}.tif"' if case.confidence else ""
        layers[f"confidence_{year}"] = layer
    region = write_region(folder, REGION.format(name="map", ratio=case.ratio, **layers))
    accuracies = {
        year: measured(cover, observed.landcover)
        for year, cover, observed in zip(PAIR, covers, maps, strict=True)
    }
    work = folder / "work"
    run(region, work, accuracies if case.known else {})
    figures = patch_figures(work, covers, maps)
    figures |= coverage(work, real if case.grows else {})
    notes = json.loads((work / "judgement.json").read_text())["notes"]
    figures["runs with a severe note"] = float(any(note["severe"] for note in notes))
    return figures


def run(region: Region, work: Path, accuracies: Mapping[int, SealedAccuracy] | None = None) -> None:
    work.mkdir(exist_ok=True)
    count_region(region, work, execution=Execution(1))
    judge_region(region, work, execution=Execution(1))
    write_statistics(region, work, accuracy=Accuracy(accuracies or {}))


def measured(truth: np.ndarray, mapped: np.ndarray) -> SealedAccuracy:
    """Return the accuracy that a very large reference sample would find."""
    both = np.count_nonzero((truth == 1) & (mapped == 1))
    return SealedAccuracy(both / np.count_nonzero(mapped == 1), both / np.count_nonzero(truth == 1))


def patch_figures(work: Path, covers: list[np.ndarray], maps: list[Observation]) -> Figures:
    """Compare confirmed patches with true gain; a patch is false when no pixel of it is true."""
    gained = (covers[1] == 1) & (covers[0] != 1)
    patches = np.zeros(gained.shape, np.int32)
    ndimage.label(gained, EIGHT, output=patches)
    sizes = np.bincount(patches.ravel())
    large = gained & (sizes >= 10)[patches]
    land = np.count_nonzero((covers[0] <= 11) & (covers[0] != 10))
    confirmed, true_pixels, pixels = painted(work, gained)
    raw = np.count_nonzero((maps[1].landcover == 1) & (maps[0].landcover != 1))
    figures = {
        "confirmed patches": float(len(pixels)),
        "confirmed more than 0.002 % of land": float(confirmed.sum() > 2e-5 * land),
    }
    if len(pixels):
        figures["false patches %"] = 100 * float((true_pixels == 0).mean())
        figures["patches mostly false %"] = 100 * float((true_pixels < 0.5 * pixels).mean())
    if gained.any():
        figures["raw / truth"] = raw / gained.sum()
        figures["confirmed / truth"] = confirmed.sum() / gained.sum()
        figures["found in patches >= 0.1 ha %"] = 100 * float(confirmed[large].mean())
    return figures


def painted(work: Path, gained: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the confirmed pixels, and true pixels and pixels of each confirmed patch."""
    table = pq.read_table(
        work / f"patches_{NAME}.parquet",
        columns=["confirmed", "pixels", "geometry"],
        filters=[("confirmed", "=", True)],
    )
    shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    numbers = np.zeros(gained.shape, np.int32)
    if len(shapes):
        shapes = shapely.transform(shapes, to_map)
        rasterio.features.rasterize(
            ((shape, number) for number, shape in enumerate(shapes, 1)),
            out=numbers,
            transform=transform(),
        )
    inside = np.bincount(numbers.ravel(), gained.ravel(), minlength=len(shapes) + 1)[1:]
    return numbers > 0, inside, table["pixels"].to_numpy()


def to_map(xy: np.ndarray) -> np.ndarray:
    """Bring degrees onto the grid of the maps."""
    return np.column_stack(from_lonlat("EPSG:3035", xy[:, 0], xy[:, 1]))


def units(work: Path, column: str) -> dict[str, dict[object, float]]:
    """Return a column of the published files per unit, in pixels of 100 m2."""
    name = f"{column}_{NAME}"
    cells = pq.read_table(work / "hexagons.parquet", columns=["h3", "resolution", "land_m2", name])
    areas = pq.read_table(work / "areas.parquet", columns=["layer", "id", "land_m2", name])
    found: dict[str, dict[object, float]] = defaultdict(dict)
    for row in cells.to_pylist():
        if row["land_m2"]:
            found[f"r{row['resolution']}"][row["h3"]] = row[name]
    for row in areas.to_pylist():
        if row["land_m2"]:
            found[row["layer"]][row["id"]] = row[name]
    return found


def coverage(work: Path, real: Mapping[str, Mapping[object, float]]) -> Figures:
    """Return how often intervals hold the truth, and how many signals are wrong."""
    low, high = units(work, "adjusted_low_m2"), units(work, "adjusted_high_m2")
    net, signal = units(work, "adjusted_m2"), units(work, "signal")
    whole = next(iter(net["region"].values()))
    figures: Figures = {"graded consistent": float(whole is not None)}
    for size in low:
        # Inconclusive units have no figure that could hold or miss the truth.
        keys = [key for key, value in net[size].items() if value is not None]
        if not keys:
            continue
        truth = np.array([real.get(size, {}).get(key, 0.0) for key in keys])
        bounds = np.array([(low[size][key], high[size][key]) for key in keys])
        held = (bounds[:, 0] <= truth) & (truth <= bounds[:, 1])
        figures[f"interval covers, {size} %"] = 100 * float(held.mean())
        called = np.array([signal[size][key] for key in keys])
        wrong = ((called == "gain") & (truth <= 0)) | ((called == "loss") & (truth >= 0))
        figures[f"signals, {size}"] = float(np.isin(called, ("gain", "loss")).sum())
        figures[f"wrong signals, {size}"] = float(wrong.sum())
    total = sum(real.get("region", {}).values())
    if total and whole is not None:
        figures["adjusted / truth"] = whole / total
    return figures


def print_table(name: str, rows: list[Figures]) -> None:
    """Print mean, worst and best of every figure as Markdown."""
    print(f"\n### {name}\n\n| figure | mean | least | most |\n|---|---|---|---|")
    for key in dict.fromkeys(key for row in rows for key in row):
        values = np.array([row[key] for row in rows if key in row])
        digits = 1 if "%" in key or "signals" in key or "patches" in key else 2
        print(
            f"| {key} | {values.mean():.{digits}f} | {values.min():.{digits}f} "
            f"| {values.max():.{digits}f} |"
        )


def write_region(folder: Path, text: str) -> Region:
    path = folder / "bench.toml"
    path.write_text(text)
    return load_region(path)


def transform() -> Affine:
    return Affine(10.0, 0, WEST, 0, -10.0, NORTH)


def write_raster(path: Path, band: np.ndarray) -> None:
    height, width = band.shape
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=1, crs="EPSG:3035", width=width,
        height=height, transform=transform(), tiled=True, blockxsize=512, blockysize=512,
        compress="lzw",
    ) as file:  # fmt: skip
        file.write(band, 1)


def write_areas(path: Path, size: int, rng: np.random.Generator) -> None:
    """Write areas of unequal size that tile the region."""
    frame = shapely.box(WEST, NORTH - 10.0 * size, WEST + 10.0 * size, NORTH)
    points = rng.random((AREAS, 2)) * size * (10, -10) + (WEST, NORTH)
    shapes = [shape.intersection(frame) for shape in cells_of(points, size)]
    pyogrio.raw.write(
        path,
        geometry=np.array(shapely.to_wkb(shapes), dtype=object),
        field_data=[np.array([str(n) for n in range(len(shapes))], dtype=object)],
        fields=["id"],
        geometry_type="Polygon",
        crs="EPSG:3035",
    )


def cells_of(points: np.ndarray, size: int) -> Iterator[shapely.Polygon]:
    """Yield the Voronoi cell of each point; points far around close the outer cells."""
    middle, far = points.mean(axis=0), 100.0 * size
    around = middle + far * np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
    diagram = Voronoi(np.vstack([points, around]))
    for place in range(len(points)):
        region = diagram.regions[diagram.point_region[place]]
        yield shapely.Polygon(diagram.vertices[region])


if __name__ == "__main__":
    main()
