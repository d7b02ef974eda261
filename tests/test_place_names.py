"""Names of places from a file of the region: of points or shapes, checked before counting."""

import json
from dataclasses import replace
from pathlib import Path

import geopandas
import pytest
import shapely
from browser.made_site import made_region

from hexseal.check.files import check_places
from hexseal.errors import InputError
from hexseal.region.load import NamedPlaces
from hexseal.types import Box
from hexseal.vector.placenames import LONGEST_NAME, read_place_names


def points(path: Path, rows: list[tuple[str | None, list[float] | None]]) -> NamedPlaces:
    """Write rows of a name and a place in degrees as GeoJSON."""
    features = [
        {
            "type": "Feature",
            "properties": {"town": name},
            "geometry": place and {"type": "Point", "coordinates": place},
        }
        for name, place in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return NamedPlaces(str(path), "town")


def test_names_keep_the_order_of_their_file(tmp_path: Path) -> None:
    rows = [("Zuid", [4.0, 52.0]), (None, [4.1, 52.0]), ("Anse", [4.2, 52.1]), ("Lost", None)]
    found = read_place_names(points(tmp_path / "t.geojson", [*rows, ("  ", [4.0, 52.0])]))
    assert [(each.name, each.lon, each.lat) for each in found] == [
        ("Zuid", 4.0, 52.0),
        ("Anse", 4.2, 52.1),
    ]


def test_places_elsewhere_and_long_names_are_cut(tmp_path: Path) -> None:
    places = points(tmp_path / "t.geojson", [("Near" * 40, [4, 52]), ("Far", [40, 52])])
    (near,) = read_place_names(places, Box(3.0, 51.0, 5.0, 53.0))
    assert len(near.name) == LONGEST_NAME
    assert near.name.endswith("…")
    across = points(
        tmp_path / "a.geojson", [("West", [-179, 0]), ("East", [179, 0]), ("No", [0, 0])]
    )
    found = read_place_names(across, Box(170.0, -1.0, -170.0, 1.0))
    assert [each.name for each in found] == ["West", "East"]


def test_shapes_in_another_system_are_named_inside(tmp_path: Path) -> None:
    shape = shapely.box(4_000_000, 3_000_000, 4_000_100, 3_000_100)
    frame = geopandas.GeoDataFrame({"name": ["Here"]}, geometry=[shape], crs="EPSG:3035")
    frame.to_file(tmp_path / "t.gpkg")
    (found,) = read_place_names(NamedPlaces(str(tmp_path / "t.gpkg"), "name"))
    (lon, lat) = frame.to_crs("EPSG:4326").geometry[0].centroid.coords[0]
    assert (found.lon, found.lat) == pytest.approx((lon, lat), abs=1e-3)


def test_what_cannot_be_read_is_one_line_before_anything_is_counted(tmp_path: Path) -> None:
    places = points(tmp_path / "t.geojson", [("A", [4, 52])])
    region = made_region(tmp_path)
    assert list(check_places(region)) == []
    assert list(check_places(replace(region, places=places))) == []
    (found,) = check_places(replace(region, places=replace(places, name="nom")))
    assert (found.level, found.subject) == ("error", places.path)
    assert found.what == "has no column 'nom'"
    with pytest.raises(InputError, match=r"gone\.geojson: no such area file"):
        read_place_names(NamedPlaces(str(tmp_path / "gone.geojson"), "town"))
    with pytest.raises(InputError, match="holds no named place; check path and name in"):
        read_place_names(points(tmp_path / "n.geojson", [(None, [4, 52])]))
