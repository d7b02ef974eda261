"""Names of towns over the map, from a file of the region's maker."""

import json
from pathlib import Path

import pytest
from journey import Journey
from made_site import CENTER, make_site

from hexseal.region.load import NamedPlaces

pytestmark = pytest.mark.browser


def test_names_of_places_stand_on_the_map_below_those_of_areas(browser, tmp_path: Path) -> None:
    lat, lon = CENTER
    names = {"Hoofdstad": [lon, lat], "<i>Kaap</i>": [lon + 0.02, lat + 0.01], "Far": [9, 9]}
    features = [
        {
            "type": "Feature",
            "properties": {"n": name},
            "geometry": {"type": "Point", "coordinates": at},
        }
        for name, at in names.items()
    ]
    towns = tmp_path / "towns.geojson"
    towns.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    made = make_site(tmp_path / "made", radius=1, places=NamedPlaces(str(towns), "n"))
    journey = Journey(browser, {"file": made.folder.as_uri() + "/"})
    journey.open("file", f"index.html#map=13.0/{lat}/{lon}")
    shown = journey.page.locator(".place-name")
    journey.until(lambda: shown.count() == 2, "two names")
    assert shown.all_inner_texts() == ["Hoofdstad", "<i>Kaap</i>"]
    overlaps = journey.page.evaluate(
        """() => {
            const boxes = [...document.querySelectorAll(".area-name")].map((each) =>
                each.getBoundingClientRect());
            return boxes.some((one, at) => boxes.slice(at + 1).some((other) =>
                one.left < other.right && other.left < one.right
                && one.top < other.bottom && other.top < one.bottom));
        }"""
    )
    assert not overlaps
    journey.close()
    assert journey.problems == []
