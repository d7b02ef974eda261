"""1 000 municipalities against decoding and exactextract: ratios of one run.

    just bench-areas

Every figure is the best of three on this machine; only the ratios mean something elsewhere.
hexseal reads the polygon file, decodes both rasters, counts, and writes its table. exactextract
gets the fastest of the ways it offers for joint classes of two rasters: both decoded whole into
memory, joined there by table look-up, then `count`, `unique` and `frac` of the joint class per
zone, polygons read from the same file, once with each of its two strategies. For comparison also
what it takes for one raster alone, read by itself from the file.
"""

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path

import duckdb
import exactextract
import geopandas
import numpy as np
import rasterio
import shapely
from delta import best, decode_both, report
from exactextract.raster import NumPyRasterSource
from landscape import BLOCK, NORTH, WEST, write_pair
from scipy.spatial import KDTree

from hexseal.areas import AreasOptions, measure_areas
from hexseal.region.load import load_region

REGION = """
[region]
id = "bench"
[[epoch]]
year = 2018
landcover = "{a}"
[[epoch]]
year = 2021
landcover = "{b}"
"""
MARGIN_M = 1_500.0
SHORTEST_M = 60.0
ROUGHNESS = 0.2
RADIX = 256
Edge = tuple[tuple[float, float], tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "hexseal-bench"
    )
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--areas", type=int, default=1_000)
    arguments = parser.parse_args()
    compare(arguments.folder, arguments.size, arguments.areas)


def compare(folder: Path, size: int, count: int) -> None:
    pair = write_pair(folder, size)
    areas = municipalities(count, size)
    polygons = folder / f"municipalities_{count}_{size}.gpkg"
    areas.to_file(polygons)
    vertices = shapely.get_num_coordinates(areas.geometry.values)
    print(
        f"{len(areas)} areas of {vertices.min()} to {vertices.max()} vertices (median "
        f"{np.median(vertices):.0f}); pair of {size} x {size} pixels, LZW, blocks of {BLOCK}"
    )
    table = folder / "areas.parquet"
    region = folder / "areas.toml"
    region.write_text(REGION.format(a=pair[0], b=pair[1]))

    def hexseal(workers: int) -> None:
        options = AreasOptions(id="code", judged=False)
        measure_areas(load_region(region), polygons, table, options=options, workers=workers)

    hexseal(1)
    pixels = size * size
    decode = best(lambda: decode_both(pair))
    report("rasterio decodes both files", decode, pixels, decode)
    ours = {}
    for workers in (1, 2):
        ours[workers] = best(lambda: hexseal(workers))  # noqa: B023
        report(f"hexseal areas, {workers} thread(s)", ours[workers], pixels, decode)
    theirs = {}
    for strategy in ("feature-sequential", "raster-sequential"):
        seconds = best(lambda: extract(pair, polygons, strategy))  # noqa: B023
        report(f"exactextract, {strategy}", seconds, pixels, decode)
        theirs[strategy] = seconds
    seconds = best(lambda: extract_one(pair[0], polygons))
    report("exactextract, one year only, from the file", seconds, pixels, decode)
    fastest = min(theirs.values())
    for workers, seconds in ours.items():
        print(
            f"    hexseal on {workers} thread(s) is {fastest / seconds:.1f} times faster "
            "than exactextract's faster way"
        )
    report_rule(table, extract(pair, polygons, min(theirs, key=lambda name: theirs[name])))


def report_rule(table: Path, exact: dict[str, dict[int, float]]) -> None:
    """Print how far the pixel-centre rule lies from exact coverage, in stated deviations."""
    rows = duckdb.execute(
        """SELECT id, valid_m2, sealed_m2_2018, edge_sd_m2, polygon_m2
           FROM read_parquet($1) WHERE answer = 'ok'""",
        [str(table)],
    ).fetchall()
    pixel = 100.0
    differences = {"area": [], "sealed area": []}
    relative = []
    for key, valid, sealed, deviation, whole in rows:
        codes = exact[key]
        covered = pixel * sum(codes.values())
        sealed_cover = pixel * sum(cells for code, cells in codes.items() if code // RADIX == 1)
        differences["area"].append((valid - covered) / deviation)
        differences["sealed area"].append((sealed - sealed_cover) / deviation)
        relative.append(abs(valid - covered) / whole)
    print(f"pixel centre minus exact coverage over {len(rows)} areas, in edge_sd_m2:")
    for name, values in differences.items():
        print(
            f"    {name:<12} mean {np.mean(values):+.3f}  sd {np.std(values):.3f}  "
            f"greatest {np.abs(values).max():.2f}"
        )
    print(f"    in parts of the area: median {np.median(relative):.2e}, most {max(relative):.2e}")


def extract(pair: tuple[Path, Path], polygons: Path, strategy: str) -> dict[str, dict[int, float]]:
    """Return the pixels (exact coverage) of every joint class of every area."""
    with rasterio.open(pair[0]) as before, rasterio.open(pair[1]) as after:
        joint = before.read(1).astype(np.uint16)
        joint *= RADIX
        joint += after.read(1)
        bounds, crs = before.bounds, before.crs.to_wkt()
    source = NumPyRasterSource(joint, *bounds, srs_wkt=crs)
    shares = exactextract.exact_extract(
        source,
        geopandas.read_file(polygons),
        ["count", "unique", "frac"],
        include_cols="code",
        strategy=strategy,
        max_cells_in_memory=joint.size,
    )
    rows = [feature["properties"] for feature in shares or ()]
    return {
        row["code"]: dict(
            zip(row["unique"].tolist(), (row["frac"] * row["count"]).tolist(), strict=True)
        )
        for row in rows
    }


def extract_one(path: Path, polygons: Path) -> None:
    exactextract.exact_extract(
        str(path),
        geopandas.read_file(polygons),
        ["count", "unique", "frac"],
        include_cols="code",
        strategy="raster-sequential",
    )


def municipalities(count: int, size: int, seed: int = 5) -> geopandas.GeoDataFrame:
    """Return ``count`` areas that share crooked borders and lie within the raster of ``size``.

    Voronoi cells of scattered towns, each edge bent by midpoint displacement once for both its
    neighbours; edges that would cross another one are bent less.
    """
    rng = np.random.default_rng(seed)
    low, high = MARGIN_M, 10.0 * size - MARGIN_M
    frame = shapely.box(low, low, high, high)
    towns = relaxed(rng.uniform(low, high, (count, 2)), frame)
    rings = [list(shapely.get_coordinates(cell).round(2)) for cell in cells_of(towns, frame)]
    keys = [[edge_key(a, b) for a, b in pairwise(ring)] for ring in rings]
    edges = bent({key for ring in keys for key in ring}, rng)
    shapes = [ring_of(ring, edges) for ring in rings]
    shapes = shapely.transform(shapes, lambda xy: xy + np.array([WEST, NORTH - 10.0 * size]))
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    codes = [f"M{number:04d}" for number in range(len(shapes))]
    return geopandas.GeoDataFrame({"code": codes}, geometry=shapes, crs="EPSG:3035")


def cells_of(towns: np.ndarray, frame: shapely.Polygon) -> np.ndarray:
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(towns), extend_to=frame))
    return shapely.normalize(shapely.intersection(cells, frame))


def relaxed(towns: np.ndarray, frame: shapely.Polygon) -> np.ndarray:
    """Move each town halfway to the middle of its cell: places keep a distance."""
    centres = shapely.get_coordinates(shapely.centroid(cells_of(towns, frame)))
    return 0.5 * (centres + towns[KDTree(towns).query(centres)[1]])


def edge_key(a: np.ndarray, b: np.ndarray) -> Edge:
    """Name an edge alike from both its sides."""
    first, second = sorted(((float(a[0]), float(a[1])), (float(b[0]), float(b[1]))))
    return first, second


def bent(keys: set[Edge], rng: np.random.Generator) -> dict[Edge, np.ndarray]:
    """Return the line of every edge; none crosses another."""
    names = sorted(keys)
    roughness = np.full(len(names), ROUGHNESS)
    lines = [displaced(key, ROUGHNESS, rng) for key in names]
    while True:
        wrong = crossing(lines)
        if not wrong.size:
            return dict(zip(names, lines, strict=True))
        roughness[wrong] *= 0.7
        for place in wrong:
            lines[place] = displaced(names[place], float(roughness[place]), rng)


def displaced(key: Edge, roughness: float, rng: np.random.Generator) -> np.ndarray:
    line = np.array(key)
    length = float(np.hypot(*(line[1] - line[0])))
    for _ in range(max(0, round(np.log2(max(length, 1.0) / SHORTEST_M)))):
        along = np.diff(line, axis=0)
        side = np.column_stack([-along[:, 1], along[:, 0]])
        middle = line[:-1] + 0.5 * along + side * rng.uniform(-1, 1, (len(side), 1)) * roughness
        longer = np.empty((2 * len(line) - 1, 2))
        longer[::2], longer[1::2] = line, middle
        line = longer
    return line


def crossing(lines: list[np.ndarray]) -> np.ndarray:
    """Return the places of lines that cross themselves or meet another but at its end."""
    shapes = np.array([shapely.linestrings(line) for line in lines])
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    shared = shapely.intersection(shapes[a], shapes[b])
    ends = shapely.boundary(shapes)
    fine = shapely.covers(ends[a], shared) & shapely.covers(ends[b], shared)
    loops = np.flatnonzero(~shapely.is_simple(shapes))
    return np.unique(np.concatenate([a[~fine], b[~fine], loops]))


def ring_of(ring: list[np.ndarray], edges: dict[Edge, np.ndarray]) -> shapely.Polygon:
    parts = []
    for a, b in pairwise(ring):
        key = edge_key(a, b)
        line = edges[key]
        parts.append(line[:-1] if key[0] == (float(a[0]), float(a[1])) else line[:0:-1])
    return shapely.Polygon(np.concatenate(parts))


if __name__ == "__main__":
    main()
