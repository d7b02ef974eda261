"""A basemap that the user gives: vector tiles or pictures, beneath hexagons that let it through."""

import gzip
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from journey import Journey
from made_site import make_site
from pmtiles.tile import TileType, zxy_to_tileid

from hexseal.tiles.archives import write_archive
from hexseal.tiles.codes import encode

pytestmark = pytest.mark.browser

WORLD = (-180.0, -85.0, 180.0, 85.0)
WATER = "rgb(186, 210, 221)"


def _vector(path: Path) -> Path:
    """Write one tile of water everywhere and a road across it."""
    water = {"geometry": shapely.box(0, 0, 4096, 4096), "properties": {}}
    road = {"geometry": shapely.LineString([(0, 0), (4096, 4096)]), "properties": {}}
    layers = [
        {"name": "water", "features": [water]},
        {"name": "roads", "features": [road]},
    ]
    tile = gzip.compress(mapbox_vector_tile.encode(layers), mtime=0)
    metadata = {
        "attribution": '© <a href="https://example.org">Somebody</a> & others',
        "vector_layers": [{"id": layer["name"], "fields": {}} for layer in layers],
    }
    write_archive(path, [(0, tile)], kind=TileType.MVT, bounds=WORLD, metadata=metadata)
    return path


def _pictures(path: Path) -> Path:
    """Write one green picture for the whole world."""
    green = encode(np.ones((512, 512), np.uint8), bytes([0, 0, 0, 20, 160, 20]))
    tiles = [(zxy_to_tileid(0, 0, 0), green)]
    write_archive(path, tiles, kind=TileType.PNG, bounds=WORLD, metadata={"attribution": "© Me"})
    return path


@pytest.mark.parametrize("kind", ["vector", "pictures"])
def test_a_basemap_shows_through_and_can_be_put_away(browser, tmp_path: Path, kind: str) -> None:
    archive = (_vector if kind == "vector" else _pictures)(tmp_path / "mine.pmtiles")
    made = make_site(tmp_path / "made", radius=1, basemap=archive)
    journey = Journey(browser, {"file": made.folder.as_uri() + "/"})
    journey.open("file", "index.html#view=share&year=2023")
    ramp = set(
        journey.page.evaluate(
            "[...document.querySelectorAll('.ramp .swatch')].map(s => s.style.backgroundColor)"
        )
    )
    # The legend stands on the map's picture.
    journey.page.evaluate("document.querySelector('#legend').hidden = true")
    shown = journey.colours()
    assert not ramp & shown
    if kind == "vector":
        assert WATER in shown
        assert "© Somebody & others" in journey.text(".maplibregl-ctrl-attrib")
        assert journey.page.locator(".maplibregl-ctrl-attrib a").count() == 0
    else:
        # Pictures are muted, so that hexagons lead.
        channels = [[int(n) for n in colour[4:-1].split(",")] for colour in shown]
        assert any(green > red + 20 and green > blue + 20 for red, green, blue in channels)
    journey.more()
    journey.page.get_by_role("checkbox", name="Basemap").uncheck()
    journey.page.evaluate("document.querySelector('#legend').hidden = true")
    journey.until(lambda: journey.colours() != shown, "the map without its basemap")
    assert journey.hash()["basemap"] == "0"
    assert journey.problems == []
    journey.close()
