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


def test_folded_choices_cover_no_names(browser, tmp_path: Path) -> None:
    lat, lon = CENTER
    features = [
        {
            "type": "Feature",
            "properties": {"n": "Ab"},
            "geometry": {
                "type": "Point",
                "coordinates": [lon + 0.004 * column, lat + 0.001 * row],
            },
        }
        for row in range(27, -3, -1)
        for column in range(2, 6)
    ]
    towns = tmp_path / "towns.geojson"
    towns.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    made = make_site(tmp_path / "made", radius=1, places=NamedPlaces(str(towns), "n"))
    journey = Journey(browser, {"file": made.folder.as_uri() + "/"})
    journey.open("file", f"index.html#map=14.0/{lat}/{lon}")
    assert not journey.page.locator("#more .segments").first.is_visible()
    below = """() => {
        const folded = [...document.querySelectorAll("#more .segments")].map((each) =>
            each.getBoundingClientRect()).filter(({ width }) => width > 0);
        return [...document.querySelectorAll(".place-name")].filter((name) => {
            const { left, right, top, bottom } = name.getBoundingClientRect();
            return folded.some((box) => left < box.right && box.left < right
                && top < box.bottom && box.top < bottom);
        }).length;
    }"""
    journey.until(lambda: journey.page.evaluate(below) > 0, "names where choices are folded")
    journey.close()
    assert journey.problems == []
