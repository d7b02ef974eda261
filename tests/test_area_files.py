"""Area files as tools write them: encodings, archives, GeoParquet, ids, layers, 180 degrees."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import shapely
from rasterfiles import NORTH, WEST, north_up, write_areas
from rasterio import Affine
from shapely import Point, Polygon, box

from hexseal.errors import InputError
from hexseal.raster.grid import Grid
from hexseal.region.load import AreaLayer
from hexseal.vector.areas import Areas, overlapping, read_areas
from hexseal.vector.encoding import choose, named_codec

GRID = Grid("EPSG:3035", north_up(), 10, 10)
LEFT, RIGHT = (
    box(WEST, NORTH - 100, WEST + 50, NORTH),
    box(WEST + 50, NORTH - 100, WEST + 100, NORTH),
)
CORNER = shapely.transform(
    LEFT, lambda xy: np.column_stack(GRID.to_lonlat(xy[:, 0], xy[:, 1]))
).centroid


def read(path: Path | str, *, key: str = "code", name: str = "", **options: object) -> Areas:
    where = AreaLayer("town", str(path), key, name or key, None, {}, {}, options.pop("layer", None))
    return read_areas(where, GRID, **options)


def refusal(path: Path | str, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read(path, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line.replace(str(path), "")) <= 300
    return line.removeprefix(f"{path}: ")


def shapefile(folder: Path, *, codec: str, cpg: str | None, language: int = 0) -> Path:
    """Write two areas whose names are in ``codec``, whatever .cpg and language byte say."""
    path = folder / "town.shp"
    names = ["Évry-Grégy", "Nîmes"]
    write_areas(path, [LEFT, RIGHT], code=["XXXXXXXXXXXXX", "YYYYYYYYY"])
    table = path.with_suffix(".dbf")
    content = bytearray(table.read_bytes())
    for filler, name in zip((b"XXXXXXXXXXXXX", b"YYYYYYYYY"), names, strict=True):
        place = content.index(filler)
        content[place : place + len(filler)] = name.encode(codec).ljust(len(filler))
    content[29] = language
    table.write_bytes(content)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    return path


@pytest.mark.parametrize(
    ("codec", "cpg", "language"),
    [
        ("cp1252", None, 0),
        ("cp1252", None, 0x03),
        ("cp1252", None, 0x57),
        ("cp1252", "1252", 0),
        ("cp1252", "ANSI 1252", 0),
        ("cp1252", "88591", 0),
        ("cp1252", "1258", 0),
        ("cp1252", "UTF-8", 0),
        ("cp1252", "UTF-8", 0x57),
        ("cp1252", "klingon", 0),
        ("utf-8", None, 0),
        ("utf-8", "UTF-8", 0x57),
        ("utf-8", "1252", 0x57),
        ("utf-8", "65001", 0),
        ("cp850", None, 0x02),
        ("cp850", "850", 0),
        ("cp850", None, 0),
        ("cp437", None, 0x01),
    ],
)
def test_names_are_right_whatever_the_shapefile_says(
    tmp_path: Path, codec: str, cpg: str | None, language: int
) -> None:
    path = shapefile(tmp_path, codec=codec, cpg=cpg, language=language)
    assert read(path).ids == ("Évry-Grégy", "Nîmes")


def test_a_wrong_cpg_is_noted(tmp_path: Path) -> None:
    areas = read(shapefile(tmp_path, codec="cp1252", cpg="UTF-8"))
    assert areas.notes == (
        "its .cpg has 'UTF-8', which its text is not; read as cp1252: correct or delete the .cpg",
    )
    assert read(shapefile(tmp_path, codec="cp1252", cpg="1252")).notes == ()


@pytest.mark.parametrize(
    ("text", "codec", "language"),
    [
        ("Łódź", "cp1250", "cp1250"),
        ("Αθήνα", "cp1253", "cp1253"),
        ("Москва", "cp1251", "cp1251"),
        ("Москва", "cp866", "cp866"),
        ("İzmir", "cp1254", "cp1254"),
        ("L’Haÿ", "cp1252", None),
    ],
)
def test_the_language_byte_is_believed_where_it_fits(
    text: str, codec: str, language: str | None
) -> None:
    found = choose([text.encode(codec)], "", language)
    assert (found.codec, found.warning, found.text(text.encode(codec))) == (codec, "", text)


def test_a_utf8_character_cut_by_the_width_of_the_field_is_left_out() -> None:
    found = choose(["Nîmes".encode(), "Évry-Gré".encode()[:-1]], "UTF-8", None)
    assert found.text("Évry-Gré".encode()[:-1]) == "Évry-Gr"


def test_codecs_that_are_no_text_are_not_taken() -> None:
    assert [named_codec(name) for name in ("hex", "rot13", "zip", "")] == [None] * 4


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)
    return path


def parts(path: Path) -> dict[str, bytes]:
    return {
        file.suffix: file.read_bytes() for file in path.parent.iterdir() if file.stem == path.stem
    }


@pytest.mark.parametrize("folder", ["", "Zones/", "a/b/c/", "Données 2021/", "win\\"])
@pytest.mark.parametrize("stem", ["town", "Town", "TOWN.v2"])
def test_a_shapefile_anywhere_in_an_archive(tmp_path: Path, folder: str, stem: str) -> None:
    files = parts(Path(write_areas(tmp_path / "town.shp", [LEFT, RIGHT], code=["L", "R"])))
    members = {f"{folder}{stem}{suffix.upper()}": data for suffix, data in files.items()}
    forks = {f"__MACOSX/{folder}._{stem}{suffix}": b"fork" for suffix in files}
    path = archive(tmp_path / "town.zip", {**forks, **members, f"{folder}.DS_Store": b""})
    assert read(path).ids == ("L", "R")


def test_an_archive_of_several_shapefiles_is_chosen_from(tmp_path: Path) -> None:
    first = parts(Path(write_areas(tmp_path / "one.shp", [LEFT], code=["L"])))
    second = parts(Path(write_areas(tmp_path / "two.shp", [RIGHT], code=["R"])))
    members = {f"one{suffix}": data for suffix, data in first.items()}
    members |= {f"two{suffix}": data for suffix, data in second.items()}
    path = archive(tmp_path / "both.zip", members)
    assert refusal(path) == (
        "holds 2 area files (one, two), expected one; "
        "choose it with layer_name in [[areas]] or --layer"
    )
    assert read(path, layer="two").ids == ("R",)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".fgb", ".parquet"])
def test_other_formats_in_an_archive(tmp_path: Path, suffix: str) -> None:
    inner = tmp_path / f"town{suffix}"
    if suffix == ".parquet":
        geoparquet(inner)
    else:
        write_areas(inner, [RIGHT, LEFT], code=["R", "L"])
    path = archive(tmp_path / "town.zip", {f"deep/town{suffix}": inner.read_bytes()})
    assert sorted(read(path).ids) == ["L", "R"]


def test_bad_archives_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(b"PK\x03\x04 nothing")
    assert refusal(path).startswith("cannot be unpacked (it is damaged)")
    archive(path, {"readme.txt": b"hello"})
    assert refusal(path).startswith("holds 0 area files (none), expected one")
    archive(path, {"../../town.shp": b"junk"})
    assert "holds 0 area files" in refusal(path)
    assert not (tmp_path.parent / "town.shp").exists()


def geoparquet(path: Path, crs: object = ..., encoding: str = "WKB") -> Path:
    shapes = [LEFT, RIGHT]
    if crs in (..., None):
        shapes = shapely.transform(
            np.array(shapes), lambda xy: np.column_stack(GRID.to_lonlat(xy[:, 0], xy[:, 1]))
        )
    column: dict[str, object] = {"encoding": encoding, "geometry_types": ["Polygon"]}
    if crs is not ...:
        column["crs"] = crs
    geo = {"version": "1.1.0", "primary_column": "shape", "columns": {"shape": column}}
    table = pa.table(
        {
            "code": pa.array(["L", "R"]).dictionary_encode(),
            "people": pa.array([5, None], pa.int32()),
            "shape": pa.array(shapely.to_wkb(np.array(shapes, dtype=object)), pa.binary()),
        }
    )
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)
    return path


def test_geoparquet_with_a_crs_and_without_the_key(tmp_path: Path) -> None:
    from pyproj import CRS  # noqa: PLC0415

    exact = read(geoparquet(tmp_path / "a.parquet", json.loads(CRS("EPSG:3035").to_json())))
    assert exact.ids == ("L", "R")
    assert shapely.equals(exact.geometries[0], LEFT)
    # Without the key the specification says OGC:CRS84.
    degrees = read(geoparquet(tmp_path / "b.parquet"))
    assert degrees.geometries[0].area == pytest.approx(5_000.0, rel=1e-6)
    assert shapely.hausdorff_distance(degrees.geometries[0], LEFT) < 1e-3


def test_population_of_geoparquet(tmp_path: Path) -> None:
    path = geoparquet(tmp_path / "a.parquet")
    layer = AreaLayer("town", str(path), "code", "code", "people", {})
    assert read_areas(layer, GRID).populations == (5.0, None)


def test_geoparquet_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert "crs is null" in refusal(geoparquet(path, None))
    assert "encoded as 'polygon'" in refusal(geoparquet(path, encoding="polygon"))
    pq.write_table(pa.table({"code": ["L"]}), path)
    assert "without GeoParquet metadata" in refusal(path)
    path.write_bytes(b"PAR1 no")
    assert "is not a GeoParquet file" in refusal(path)
    assert refusal(geoparquet(path), key="nuts") == "has no column 'nuts'; it has code, people"


def feature(shape: object = None, **members: object) -> dict[str, object]:
    geometry = shapely.geometry.mapping(shape or Point(*CORNER.coords[0]).buffer(1e-4))
    return {"type": "Feature", "properties": {"n": 1}, "geometry": geometry, **members}


def geojson(path: Path, *features: dict[str, object], **members: object) -> Path:
    document = {"type": "FeatureCollection", "features": list(features), **members}
    path.write_text(json.dumps(document))
    return path


def test_ids_of_geojson_features(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    assert read(geojson(path, feature(id=1101), feature(id=1102)), key="id").ids == ("1101", "1102")
    assert read(geojson(path, feature(id=7), feature(id="LU7")), key="id").ids == ("7", "LU7")
    assert "stands twice" in refusal(geojson(path, feature(id=7), feature(id=7)), key="id")
    assert "no column 'id'" in refusal(geojson(path, feature(id=7), feature()), key="id")


def test_an_unknown_crs_is_refused(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::999999"}}
    said = refusal(geojson(tmp_path / "a.geojson", feature(id=1), crs=crs), key="id")
    assert said.startswith("its crs 'urn:ogc:def:crs:EPSG::999999' is not a known")
    crs["properties"] = {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}
    assert len(read(geojson(tmp_path / "b.geojson", feature(id=1), crs=crs), key="id").ids) == 1


def test_swapped_axes_are_hinted_at(tmp_path: Path) -> None:
    swapped = shapely.transform(Point(*CORNER.coords[0]).buffer(1e-4), lambda xy: xy[:, ::-1])
    path = geojson(tmp_path / "a.geojson", feature(swapped, id=1))
    assert "with latitude and longitude swapped they would" in refusal(path, key="id")
    notes = read(path, key="id", keep_outside=True).notes
    assert "with latitude and longitude swapped they would" in notes[0]


def test_utf16_and_latin1_text(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    text = json.dumps(
        {"type": "FeatureCollection", "features": [feature(properties={"code": "Évry"})]},
        ensure_ascii=False,
    )
    path.write_bytes(text.encode("utf-16"))
    assert read(path).ids == ("Évry",)
    path.write_bytes(text.encode("latin-1"))
    areas = read(path)
    assert (areas.ids, "not UTF-8" in areas.notes[0]) == (("Évry",), True)


KML = """<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Placemark><name>top</name>{ring}</Placemark>
<Folder><name>A</name><Placemark><name>a</name><ExtendedData><Data name="code"><value>X</value>
</Data></ExtendedData><MultiGeometry><MultiGeometry>{ring}</MultiGeometry>
<Point><coordinates>6,49</coordinates></Point></MultiGeometry></Placemark>
<Folder><name>B</name><Placemark><name>b</name>{ring}</Placemark></Folder></Folder>
</Document></kml>"""


@pytest.mark.parametrize("suffix", [".kml", ".kmz"])
def test_nested_folders_of_a_kml_are_read_together(tmp_path: Path, suffix: str) -> None:
    corners = Point(*CORNER.coords[0]).buffer(1e-4).exterior.coords
    places = " ".join(f"{lon},{lat}" for lon, lat in corners)
    ring = (
        "<Polygon><outerBoundaryIs><LinearRing><coordinates>"
        f"{places}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    )
    path = tmp_path / f"a{suffix}"
    text = KML.format(ring=ring)
    if suffix == ".kmz":
        archive(path, {"doc.kml": text.encode()})
    else:
        path.write_text(text)
    areas = read(path, key="Name", keep=("code",))
    assert areas.ids == ("top", "a", "b")
    assert list(areas.kept["code"]) == [None, "X", None]


def test_a_layer_of_polygons_beside_one_of_points(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    for name, shape in (("points", Point(WEST, NORTH)), ("zones", LEFT), ("more", RIGHT)):
        pyogrio.raw.write(
            path,
            geometry=shapely.to_wkb(np.array([shape], dtype=object)),
            field_data=[np.array([name], dtype=object)],
            fields=["code"],
            geometry_type=shape.geom_type,
            crs="EPSG:3035",
            layer=name,
            driver="GPKG",
        )
        if name == "zones":
            assert read(path).ids == ("zones",)
    assert refusal(path).startswith("holds 3 layers of geometry (points, zones, more), expected")
    assert read(path, layer="more").ids == ("more",)
    assert "none called 'nope'" in refusal(path, layer="nope")


def test_collections_count_by_their_polygons(tmp_path: Path) -> None:
    line = shapely.LineString([(WEST, NORTH), (WEST + 9, NORTH)])
    clip = shapely.GeometryCollection([shapely.GeometryCollection([LEFT]), line])
    areas = read(write_areas(tmp_path / "a.gpkg", [clip, RIGHT], code=["c", "r"]))
    assert (areas.repaired, areas.geometries[0].area) == (("c",), 5_000.0)


@pytest.mark.parametrize(
    ("pieces", "area"),
    [
        ([LEFT, LEFT], 5_000.0),
        ([LEFT, box(WEST + 10, NORTH - 60, WEST + 20, NORTH - 50)], 5_000.0),
        ([LEFT, box(WEST + 40, NORTH - 100, WEST + 60, NORTH)], 6_000.0),
    ],
)
def test_parts_inside_and_on_top_of_parts_are_joined(
    tmp_path: Path, pieces: list[Polygon], area: float
) -> None:
    path = write_areas(tmp_path / "a.gpkg", [shapely.MultiPolygon(pieces)], code=["m"])
    areas = read(path)
    assert (areas.repaired, areas.geometries[0].area) == (("m",), area)


def test_overlapping_areas_are_found(tmp_path: Path) -> None:
    whole = box(WEST, NORTH - 100, WEST + 100, NORTH)
    path = write_areas(tmp_path / "a.gpkg", [LEFT, RIGHT, whole], code=["l", "r", "w"])
    assert overlapping(read(path)) in (("l", "w"), ("r", "w"))
    assert (
        overlapping(read(write_areas(tmp_path / "b.gpkg", [LEFT, RIGHT], code=["l", "r"]))) is None
    )
    # Neighbours that share an edge but not its corners do not overlap.
    split = [LEFT, box(WEST + 50, NORTH - 40, WEST + 100, NORTH)]
    assert overlapping(read(write_areas(tmp_path / "c.gpkg", split, code=["l", "r"]))) is None


FIJI = Grid("EPSG:32760", Affine(100.0, 0, 815_000.0, 0, -100.0, 8_130_000.0), 100, 100)
DEGREES = Grid("EPSG:4326", Affine(0.01, 0, 179.5, 0, -0.01, -16.0), 100, 100)


@pytest.mark.parametrize("grid", [FIJI, DEGREES], ids=["utm", "degrees past 180"])
@pytest.mark.parametrize(
    "shape",
    [
        box(179.97, -16.95, 180.02, -16.92),
        Polygon([(179.97, -16.95), (-179.98, -16.95), (-179.98, -16.92), (179.97, -16.92)]),
        shapely.MultiPolygon(
            [box(179.97, -16.95, 180.0, -16.92), box(-180.0, -16.95, -179.98, -16.92)]
        ),
    ],
    ids=["to 360", "wrapped", "split"],
)
def test_areas_across_180_degrees(tmp_path: Path, grid: Grid, shape: shapely.Geometry) -> None:
    path = geojson(tmp_path / "a.geojson", feature(shape, id=1))
    areas = read_areas(AreaLayer("isle", str(path), "id", "id", None, {}), grid)
    west, _, east, _ = areas.lonlat_geometries[0].bounds
    assert (west, east) == (-180.0, 180.0)
    assert areas.lonlat_geometries[0].area == pytest.approx(0.05 * 0.03, rel=1e-9)
    measured = areas.geometries[0].area
    expected = 0.05 * 0.03 if grid.is_geographic else 17_700_000.0
    assert measured == pytest.approx(expected, rel=1e-2)


def test_a_polygon_wider_than_180_degrees_stays_as_drawn(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.geojson", feature(box(-120, 40, 130, 60), id=1))
    areas = read(path, key="id")
    assert areas.lonlat_geometries[0].area == 250 * 20
    # The grid lies wholly inside.
    inside = shapely.intersection(areas.geometries[0], box(*GRID.bounds))
    assert inside.area == pytest.approx(10_000.0)


def test_all_or_named_columns_are_kept(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "a.gpkg", [LEFT, RIGHT], code=["l", "r"], pop=[1, 2])
    assert list(read(path, keep=("pop",)).kept) == ["pop"]
    assert list(read(path, keep=("*",)).kept) == ["code", "pop"]
    assert "no column 'nope'" in refusal(path, keep=("nope",))


def test_a_datum_of_unknown_place_is_noted(tmp_path: Path) -> None:
    # PROJ has no formula from Egypt 1930 to WGS84, and one from Amersfoort.
    for code, noted in (("EPSG:4199", True), ("EPSG:4289", False)):
        path = write_areas(tmp_path / f"{code[5:]}.gpkg", [box(6, 49, 7, 50)], crs=code, code=["a"])
        notes = " ".join(read(path, keep_outside=True).notes)
        assert ("lies to WGS84 is not known" in notes) is noted, (code, notes)
