"""GeoPackage, archive, documents and checksums beside the tables."""

import dataclasses
import hashlib
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
import shapely
import yaml
from browser.made_site import MadeSite
from rasterfiles import write_tif

from hexseal.datasets.documents import write_archive
from hexseal.datasets.geopackage import SHARE_BREAKS, SHARE_COLORS, multi_wkb
from hexseal.datasets.stage import write_rasters
from hexseal.metadata import schema_problems
from hexseal.pages import settings
from hexseal.region.load import Dataset, Epoch, Forward

ROOT = Path(__file__).parents[1]


def read(made: MadeSite, name: str) -> dict:
    return json.loads((made.folder / "data" / name).read_text(encoding="utf-8"))


def test_gdal_reads_every_layer_of_the_geopackage(made: MadeSite) -> None:
    path = made.folder / "data/made-up.gpkg"
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    assert layers == [
        "hexagons_r8", "hexagons_r7", "hexagons_r6", "areas", "patches", "layer_styles",
    ]  # fmt: skip
    info = pyogrio.read_info(path, layer="hexagons_r8")
    assert (info["features"], info["geometry_type"], info["crs"]) == (
        19 * 49, "MultiPolygon", "EPSG:4326",
    )  # fmt: skip
    _, table = pyogrio.read_arrow(path, layer="hexagons_r8", columns=["h3", "sealed_m2_2021"])
    parquet = pq.read_table(made.folder / "data/made-up_hexagons_r8.parquet")
    assert table["h3"].to_pylist() == parquet["h3"].to_pylist()
    assert table["sealed_m2_2021"].to_pylist() == parquet["sealed_m2_2021"].to_pylist()


def test_the_geopackage_is_sound_and_its_styles_are_those_of_the_map(made: MadeSite) -> None:
    with closing(sqlite3.connect(made.folder / "data/made-up.gpkg")) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        times = database.execute("SELECT DISTINCT last_change FROM gpkg_contents").fetchall()
        assert times == [("2000-01-01T00:00:00.000Z",)]
        ((qml,),) = database.execute(
            "SELECT styleQML FROM layer_styles WHERE f_table_name = 'hexagons_r8' AND useAsDefault"
        ).fetchall()
        ((text,),) = database.execute(
            "SELECT description FROM gpkg_data_columns "
            "WHERE table_name = 'areas' AND column_name = 'land_m2'"
        ).fetchall()
    assert text.startswith("Valid area that is not water")
    assert " / Surface valide" in text
    renderer = Xml.fromstring(qml.split("\n", 1)[1]).find("renderer-v2")
    assert renderer is not None
    assert renderer.get("attr") == "sealed_share_2023"
    uppers = [float(found.get("upper", "")) for found in renderer.iter("range")]
    assert uppers == [0, 0.01, 0.03, 0.1, 0.25, 0.5, 1]
    assert len(list(renderer.iter("symbol"))) == len(uppers)


def test_styles_have_the_breaks_and_colours_of_the_page() -> None:
    assert settings.SHARE_BREAKS == SHARE_BREAKS
    palette = (ROOT / "site_template/src/map/palette.ts").read_text(encoding="utf-8")
    for color in SHARE_COLORS:
        assert f'"{color}"' in palette


def test_the_archive_holds_what_is_small_with_fixed_times(made: MadeSite, tmp_path: Path) -> None:
    with zipfile.ZipFile(made.folder / "data/made-up_data.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        same = archive.read("data/codebook.csv")
    assert names == sorted(names)
    assert same == (made.folder / "data/codebook.csv").read_bytes()
    assert "data/datapackage.json" in names
    assert not any("by_parent" in name for name in names)
    (tmp_path / "large.bin").touch()
    with (tmp_path / "large.bin").open("r+b") as stream:
        stream.truncate(50_000_001)
    (tmp_path / "small.txt").write_text("x")
    assert write_archive(tmp_path, tmp_path / "x.zip", ["large.bin", "small.txt"]) == 1


SCHEMAS = {
    "datapackage.json": "datapackage",
    "dcat.jsonld": "dcat",
    "croissant.json": "croissant",
    "schema_org_en.json": "schema_org",
    "schema_org_fr.json": "schema_org",
    "codebook.json": "codebook",
    "stac/collection.json": "stac_collection",
    "stac/hexagons-r8.json": "stac_item",
    "stac/areas.json": "stac_item",
    "stac/geopackage.json": "stac_item",
}


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_documents_keep_to_their_schema(made: MadeSite, name: str, schema: str) -> None:
    assert list(schema_problems(read(made, name), schema)) == []
    assert list(schema_problems({}, schema)) != []


def test_the_citation_is_yaml_and_keeps_to_its_schema(made: MadeSite) -> None:
    found = yaml.safe_load((made.folder / "data/CITATION.cff").read_text(encoding="utf-8"))
    assert list(schema_problems(found, "citation")) == []
    assert found["version"] == "1.0.0"


def test_documents_tell_size_and_checksum_of_the_very_file(made: MadeSite) -> None:
    path = made.folder / "data/made-up_hexagons_r8.parquet"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    size = path.stat().st_size
    item = read(made, "stac/hexagons-r8.json")
    asset = item["assets"]["geoparquet"]
    assert asset["href"] == "../made-up_hexagons_r8.parquet"
    assert (asset["file:size"], asset["file:checksum"]) == (size, f"1220{digest}")
    assert item["properties"]["table:row_count"] == 19 * 49
    assert item["properties"]["start_datetime"] == "2018-01-01T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2023-12-31T23:59:59Z"
    package = read(made, "datapackage.json")
    (resource,) = (r for r in package["resources"] if r["path"] == path.name)
    assert (resource["bytes"], resource["hash"]) == (size, f"sha256:{digest}")
    (share,) = (f for f in resource["schema"]["fields"] if f["name"] == "sealed_share_2021")
    assert share["constraints"] == {"minimum": 0, "maximum": 1}
    assert share["missing"] == "no valid pixel or no land here"
    (file,) = (d for d in read(made, "croissant.json")["distribution"] if d["name"] == path.name)
    assert file["sha256"] == digest


def test_the_datacite_record_has_what_the_kernel_requires(made: MadeSite) -> None:
    record = read(made, "datacite.json")
    required = ("creators", "titles", "publisher", "publicationYear", "types", "schemaVersion")
    assert all(record[key] for key in required)
    # No version is dated: the year of the last map stands for it.
    assert record["publicationYear"] == 2023
    assert record["dates"] == [{"date": "2018-01-01/2023-12-31", "dateType": "Coverage"}]
    box = record["geoLocations"][0]["geoLocationBox"]
    assert box["westBoundLongitude"] < -31.5 < box["eastBoundLongitude"]
    assert box["southBoundLatitude"] < 46.6 < box["northBoundLatitude"]
    assert record["relatedIdentifiers"] == []


def test_the_iso_record_is_xml_with_its_parts_in_the_order_of_the_schema(made: MadeSite) -> None:
    root = Xml.parse(made.folder / "data/iso19115-3.xml").getroot()
    mdb = "{http://standards.iso.org/iso/19115/-3/mdb/2.0}"
    assert root.tag == f"{mdb}MD_Metadata"
    assert [child.tag.removeprefix(mdb) for child in root] == [
        "metadataIdentifier", "defaultLocale", "metadataScope", "contact", "dateInfo",
        "otherLocale", "identificationInfo", "distributionInfo",
    ]  # fmt: skip
    text = "{http://standards.iso.org/iso/19115/-3/gco/1.0}CharacterString"
    words = [found.text for found in root.iter(text)]
    assert "Soil sealing in hexagons: Made-up island, 2018, 2021, 2023" in words
    links = [word for word in words if word == "made-up_areas.parquet"]
    # As address and as name.
    assert len(links) == 2


def test_json_stat_holds_the_figures_of_areas(made: MadeSite) -> None:
    table = pq.read_table(made.folder / "data/made-up_areas.parquet").to_pylist()
    for name, columns in (
        ("jsonstat_areas.json", {("2021", "sealed_m2"): "sealed_m2_2021"}),
        ("jsonstat_change.json", {("2018/2021", "adjusted_m2"): "adjusted_m2_2018_2021"}),
    ):
        document = read(made, name)
        area, time, measure = (
            document["dimension"][key]["category"]["index"] for key in document["id"]
        )
        assert document["size"] == [len(area), len(time), len(measure)]
        assert len(document["value"]) == len(area) * len(time) * len(measure)
        for (when, what), column in columns.items():
            for place, row in enumerate(table):
                assert area[place] == f"{row['layer']}:{row['id']}"
                at = (place * len(time) + time.index(when)) * len(measure) + measure.index(what)
                assert document["value"][at] == row[column]
        labels = document["dimension"]["measure"]["category"]["label"].values()
        assert not any("{" in label or "2021" in label for label in labels)
    assert set(document["status"]) <= {"reference", "consistent", "inconclusive"}


def test_columns_have_titles_in_every_language_in_qgis(made: MadeSite) -> None:
    with closing(sqlite3.connect(made.folder / "data/made-up.gpkg")) as database:
        titles = dict(
            database.execute(
                "SELECT column_name, name FROM gpkg_data_columns WHERE table_name = 'areas'"
            ).fetchall()
        )
        styles = dict(
            database.execute(
                "SELECT styleName, styleQML FROM layer_styles WHERE f_table_name = 'areas'"
            ).fetchall()
        )
    assert titles["sealed_m2_2021"] == "Sealed area on the map of 2021 [m2]"
    assert len(set(titles.values())) == len(titles)
    french = Xml.fromstring(styles["Français"].split("\n", 1)[1])
    names = {found.get("field"): found.get("name") for found in french.iter("alias")}
    assert names["sealed_m2_2021"] == "Surface imperméabilisée sur la carte de 2021 [m2]"
    assert set(names) == set(titles)


def test_pystac_reads_the_catalogue_and_its_core_schemas_hold(made: MadeSite) -> None:
    pystac = pytest.importorskip("pystac")
    validation = pytest.importorskip("pystac.validation")
    collection = pystac.Collection.from_file(str(made.folder / "data/stac/collection.json"))
    items = list(collection.get_items())
    assert len(items) == len(list((made.folder / "data/stac").glob("*.json"))) - 1
    for thing in (collection, *items):
        # Schemas of extensions lie on the network; those of the core come with pystac.
        document = thing.to_dict(transform_hrefs=False) | {"stac_extensions": []}
        assert validation.validate_dict(document)
    for item in items:
        for asset in item.get_assets().values():
            assert Path(asset.get_absolute_href()).is_file()


def test_the_checksum_algorithm_of_dcat_expands_to_the_address_of_spdx(made: MadeSite) -> None:
    document = read(made, "dcat.jsonld")
    checksum = document["dcat:distribution"][0]["spdx:checksum"]
    prefix, _, name = checksum["spdx:algorithm"]["@id"].partition(":")
    address = document["@context"][prefix] + name
    assert address == "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"


def test_a_simulated_region_never_claims_copernicus_data(made: MadeSite) -> None:
    dcat = read(made, "dcat.jsonld")
    label = dcat["dcat:distribution"][0]["dct:rights"]["rdfs:label"][0]["@value"]
    assert label == "Simulated by hexseal; holds no CLC+ Backbone data"
    assert dcat["dcat:distribution"][0]["dct:license"]["@id"].endswith("/zero/1.0/")


def test_checksums_cover_every_file_of_the_site(made: MadeSite) -> None:
    site = made.folder
    lines = (site / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    result = {line[66:]: line[:64] for line in lines}
    there = {str(p.relative_to(site)) for p in site.rglob("*") if p.is_file()} - {"SHA256SUMS"}
    assert result.keys() == there
    name = "data/made-up_areas.csv.gz"
    assert result[name] == hashlib.sha256((site / name).read_bytes()).hexdigest()


def test_maps_of_forward_years_come_as_cog_where_asked_for(made: MadeSite, tmp_path: Path) -> None:
    land = np.full((600, 700), 6, np.uint8)
    land[100:200, 50:80] = 1
    forward = Forward("i.tif", "m", 2021, "j.tif", tmp_path)
    source = str(write_tif(tmp_path / "land.tif", land))
    epoch = Epoch(2024, source, "Model", forward=forward)
    region = dataclasses.replace(made.region, epochs=(epoch,), dataset=Dataset(rasters=True))
    (first,) = write_rasters(region, tmp_path / "a")
    (second,) = write_rasters(region, tmp_path / "b")
    assert first == second
    assert (first.path, first.format) == ("data/made-up_landcover_2024.tif", "COG")
    with rasterio.open(tmp_path / "a" / first.path) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.overviews(1) == [2]
        assert (raster.read(1) == land).all()


def test_polygons_become_multipolygons_of_their_own_and_nothing_else_changes() -> None:
    hole = shapely.Polygon([(0, 0), (9, 0), (9, 9)], [[(5, 1), (8, 1), (8, 4)]])
    several = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)])
    shapes = np.array([shapely.box(0, 0, 1, 1), None, several, hole], dtype=object)
    column = pa.array([None if shape is None else shape.wkb for shape in shapes], pa.binary())
    wanted = [shapely.MultiPolygon([shapes[0]]), None, several, shapely.MultiPolygon([hole])]
    wkb = [None if shape is None else shape.wkb for shape in wanted]
    assert multi_wkb(column).to_pylist() == wkb
    # A part of a column starts in the middle of its buffers.
    assert multi_wkb(column.slice(1, 3)).to_pylist() == wkb[1:]
    assert multi_wkb(column.slice(0, 0)).to_pylist() == []
