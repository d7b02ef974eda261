"""Situations that nobody asked about: the right value, or a refusal that names the cause."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.csv as pv
import pytest
import rasterio
import shapely
from rasterfiles import NORTH, WEST, north_up, write_areas, write_tif
from rasterio import Affine
from rasterio.crs import CRS
from sites import Result, hexseal

SIDE = 60
REGION = """
[region]
id = "held"
title = {{ en = "Held back", fr = "Gardé" }}
[product]
{product}
[[epoch]]
year = 2018
landcover = "{first}"
[[epoch]]
year = 2021
landcover = "{second}"
[hexagons]
finest = 9
coarsest = 8
"""
CUSTOM = 'name = "custom"\ntitle = "Own"\nsealed = [1]\nvalid = [1, 6]'
WEST_HALF = shapely.box(WEST, NORTH - 600, WEST + 300, NORTH)
EAST_HALF = shapely.box(WEST + 300, NORTH - 600, WEST + 600, NORTH)


def codes(year: int) -> np.ndarray:
    """Return grass with 100 sealed pixels in the west, 120 in 2021."""
    band = np.full((SIDE, SIDE), 6, np.uint8)
    band[10:20, 10 : 20 if year == 2018 else 22] = 1
    return band


def region(
    folder: Path,
    first: str = "a.tif",
    second: str = "b.tif",
    *,
    product: str = 'name = "clcplus"',
) -> Path:
    path = folder / "held.toml"
    text = REGION.format(first=first, second=second, product=product)
    path.write_text(text, encoding="utf-8")
    return path


def maps(folder: Path, **options: object) -> Path:
    for name, year in (("a.tif", 2018), ("b.tif", 2021)):
        write_tif(folder / name, codes(year), **options)  # type: ignore[arg-type]
    return region(folder)


def counted(folder: Path, path: Path, areas: str, *options: str) -> list[tuple[int, int, int]]:
    """Return valid pixels and sealed pixels of both years of each area."""
    output = folder / "out.csv"
    done = hexseal("areas", path, folder / areas, "--raw", "-o", output, *options)
    assert done.code == 0, done.err
    table = pv.read_csv(output).to_pylist()
    names = ("valid_pixels", "sealed_pixels_2018", "sealed_pixels_2021")
    return [tuple(row[name] or 0 for name in names) for row in table]


def refused(result: Result, *words: str) -> None:
    line = next(line for line in (result.out + result.err).splitlines() if "error: " in line)
    assert result.code == 1
    assert len(line) <= 300
    for word in words:
        assert word in line


@pytest.mark.parametrize("bands", [3, 4])
def test_a_picture_of_a_map_is_no_map(tmp_path: Path, bands: int) -> None:
    colours = np.stack([codes(2018) * 20] * bands)
    write_tif(tmp_path / "a.tif", colours, photometric="RGB")
    write_tif(tmp_path / "b.tif", codes(2021))
    refused(hexseal("check", region(tmp_path)), "is a picture in colours", "fetch the map itself")


def test_a_compound_crs_is_its_horizontal_one(tmp_path: Path) -> None:
    for name, year in (("a.tif", 2018), ("b.tif", 2021)):
        write_tif(tmp_path / name, codes(year), crs=CRS.from_user_input("EPSG:3035+5621"))  # type: ignore[arg-type]
    done = hexseal("check", region(tmp_path))
    assert done.code == 0, done.out


def test_a_virtual_raster_without_its_files_names_them(tmp_path: Path) -> None:
    maps(tmp_path)
    (tmp_path / "v.vrt").write_text(
        f'<VRTDataset rasterXSize="60" rasterYSize="60"><SRS>EPSG:3035</SRS>'
        f"<GeoTransform>{WEST},10,0,{NORTH},0,-10</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">gone.tif</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    refused(hexseal("check", region(tmp_path, "v.vrt")), "refers to gone.tif")


def test_a_raster_without_a_place_is_refused_in_one_line(tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint8",
        crs="EPSG:3035",
    ) as file:  # fmt: skip
        file.write(codes(2018), 1)
    write_tif(tmp_path / "b.tif", codes(2021))
    done = hexseal("check", region(tmp_path))
    refused(done, "has no georeference")
    assert "Warning" not in done.err


def test_a_header_whose_keys_are_damaged_is_refused_in_one_line(tmp_path: Path) -> None:
    maps(tmp_path)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    # How long the texts of the CRS are (GeoAsciiParams, after its tag and type).
    content[content.index((34737).to_bytes(2, "little") + b"\2\0") + 6] = 64
    content[content.index((33550).to_bytes(2, "little"))] += 16  # no tag of the pixels' size
    (tmp_path / "a.tif").write_bytes(content)
    refused(hexseal("check", region(tmp_path)), "a.tif", "fetch it again")


def test_the_same_map_twice_is_noted(tmp_path: Path) -> None:
    maps(tmp_path)
    shutil.copy(tmp_path / "a.tif", tmp_path / "b.tif")
    assert "2021 does not differ from 2018 in any pixel" in hexseal("check", region(tmp_path)).out
    maps(tmp_path)
    assert "does not differ" not in hexseal("check", region(tmp_path)).out


@pytest.mark.parametrize("name", ["a.zip", "a.tif.gz"])
def test_a_packed_raster_is_to_be_unpacked(tmp_path: Path, name: str) -> None:
    maps(tmp_path)
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    refused(hexseal("check", region(tmp_path, name)), "unpack it")


def test_a_grey_picture_names_a_few_of_its_codes(tmp_path: Path) -> None:
    grey = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 256
    for name in ("a.tif", "b.tif"):
        write_tif(tmp_path / name, grey.astype(np.uint8))
    done = hexseal("check", region(tmp_path))
    assert done.code == 1
    assert all(len(line) <= 300 for line in done.out.splitlines())


@pytest.mark.parametrize(
    ("crs", "corner", "pixel_m2"),
    [
        ("EPSG:3857", (1_000_000, 8_399_737), 25.0),  # 60 degrees north: half as long
        ("EPSG:2263", (1_000_000, 200_000), 9.29),  # US survey feet
        ("EPSG:3413", (-300, 300), 106.3),  # around the north pole
    ],
)
def test_pixels_have_the_size_that_they_have_on_the_ground(
    tmp_path: Path, crs: str, corner: tuple[int, int], pixel_m2: float
) -> None:
    maps(tmp_path, crs=crs, transform=north_up(*corner))
    box = shapely.box(corner[0] - 100, corner[1] - 700, corner[0] + 700, corner[1] + 100)
    write_areas(tmp_path / "whole.gpkg", [box], crs=crs, code=["a"])
    path = region(tmp_path, product=CUSTOM)
    output = tmp_path / "out.csv"
    done = hexseal("areas", path, tmp_path / "whole.gpkg", "--raw", "-o", output)
    assert done.code == 0, done.err
    (row,) = pv.read_csv(output).to_pylist()
    assert row["sealed_pixels_2018"] == 100
    assert row["sealed_m2_2018"] / 100 == pytest.approx(pixel_m2, rel=1e-3)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.box(-180, -90, 180, 90),
        shapely.box(-180, 0, 180, 90),
        shapely.box(0, 0, 90, 90),
        shapely.MultiPolygon([shapely.box(-10, 40, 20, 60), shapely.box(55, -22, 56, -20)]),
    ],
    ids=["world", "northern half", "eighth", "with an island far away"],
)
def test_polygons_of_half_the_world_hold_what_lies_in_them(
    tmp_path: Path, shape: shapely.Geometry
) -> None:
    path = maps(tmp_path)
    write_areas(tmp_path / "far.geojson", [shape], crs="EPSG:4326", code=["a"])
    assert counted(tmp_path, path, "far.geojson") == [(3600, 100, 120)]
    utm = tmp_path / "utm"
    utm.mkdir()
    corner = Affine(10, 0, 300_000, 0, -10, 5_500_000)
    maps(utm, crs="EPSG:32632", transform=corner)
    write_areas(utm / "far.geojson", [shape], crs="EPSG:4326", code=["a"])
    assert counted(utm, region(utm, product=CUSTOM), "far.geojson") == [(3600, 100, 120)]


def test_the_share_of_a_huge_polygon_is_its_own(tmp_path: Path) -> None:
    path, output = maps(tmp_path), tmp_path / "out.csv"
    write_areas(tmp_path / "w.geojson", [shapely.box(-180, -90, 180, 90)], crs="EPSG:4326", c=["a"])
    assert hexseal("areas", path, tmp_path / "w.geojson", "--raw", "-o", output).code == 0
    (row,) = pv.read_csv(output).to_pylist()
    assert row["answer"] == "partly"
    # 0.36 of 510 million square kilometres.
    assert row["covered_share"] == pytest.approx(0.36 / 510_065_622, rel=1e-3)


def shapefile(folder: Path, **columns: list) -> None:
    write_areas(folder / "z.shp", [WEST_HALF, EAST_HALF], **columns)


def packed(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.glob("z.*")):
            archive.write(path, f"inner/{path.name}")


def test_an_archive_in_an_archive_is_read(tmp_path: Path) -> None:
    path = maps(tmp_path)
    shapefile(tmp_path, code=["a", "b"])
    packed(tmp_path, tmp_path / "in.zip")
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.write(tmp_path / "in.zip", "delivery/in.zip")
        archive.writestr("delivery/readme.txt", "read me")
    wanted = [(1800, 100, 120), (1800, 0, 0)]
    assert counted(tmp_path, path, "out.zip", "--id", "code") == wanted


@pytest.mark.parametrize("name", ["z.tar.gz", "z.7z", "z.geojson.gz"])
def test_other_archives_are_to_be_unpacked(tmp_path: Path, name: str) -> None:
    path = maps(tmp_path)
    (tmp_path / name).write_bytes(b"\x1f\x8b\x08\x00")
    refused(hexseal("areas", path, tmp_path / name, "--raw"), "unpack it")


def test_a_shapefile_without_its_index_names_what_is_missing(tmp_path: Path) -> None:
    path = maps(tmp_path)
    shapefile(tmp_path, code=["a", "b"])
    (tmp_path / "z.shx").unlink()
    refused(hexseal("areas", path, tmp_path / "z.shp", "--raw"), "the .shx is missing")


@pytest.mark.parametrize(
    ("encoding", "word"), [("cp1250", "Łódź Žďár"), ("cp1251", "Москва"), ("cp1253", "Αθήνα")]
)
def test_names_that_look_odd_are_noted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encoding: str, word: str
) -> None:
    path = maps(tmp_path)
    shapefile(tmp_path, code=["a", "b"], name=["x" * 20, "Été"])
    table = tmp_path / "z.dbf"
    content = bytearray(table.read_bytes().replace(b"x" * 20, word.encode(encoding).ljust(20)))
    content[29] = 0
    table.write_bytes(content.replace("Été".encode(), "Été".encode("cp1252").ljust(5)))
    (tmp_path / "z.cpg").unlink()
    counted(tmp_path, path, "z.shp", "--id", "code", "--name", "name")
    assert "has no .cpg; its text was read as cp1252 and looks odd" in caplog.text
    (tmp_path / "z.cpg").write_text(encoding.removeprefix("cp"))
    counted(tmp_path, path, "z.shp", "--id", "code", "--name", "name")
    assert word in (tmp_path / "out.csv").read_text("utf-8-sig")


def test_ids_that_differ_by_case_stay_two(tmp_path: Path) -> None:
    path = maps(tmp_path)
    write_areas(tmp_path / "z.gpkg", [WEST_HALF, EAST_HALF], code=["A", "a"])
    assert counted(tmp_path, path, "z.gpkg", "--id", "code") == [(1800, 100, 120), (1800, 0, 0)]


def test_a_row_without_geometry_is_named(tmp_path: Path) -> None:
    path = maps(tmp_path)
    write_areas(tmp_path / "z.gpkg", [WEST_HALF, None], code=["a", "b"])
    refused(hexseal("areas", path, tmp_path / "z.gpkg", "--id", "code"), "'b' has no geometry")


def test_names_of_files_may_hold_any_sign(tmp_path: Path) -> None:
    first, second = "m [2018], #1 100% 'é'.tif", "-b;$(x) *.tif"
    write_tif(tmp_path / first, codes(2018))
    write_tif(tmp_path / second, codes(2021))
    write_areas(tmp_path / "z.gpkg", [WEST_HALF], code=["a"])
    assert counted(tmp_path, region(tmp_path, first, second), "z.gpkg") == [(1800, 100, 120)]
