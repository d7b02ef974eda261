"""Maps on sheets: from tiles that are read back, with an outline and numbered places."""

import base64
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from pmtiles.tile import TileType

from hexseal.errors import InputError
from hexseal.pages.areamap import AreaMaps, Mosaic, mercator, open_mosaic, view_around
from hexseal.pages.places import Place
from hexseal.tiles.archives import Spool, write_archive
from hexseal.tiles.codes import encode
from hexseal.tiles.images import decode_webp, encode_webp
from hexseal.tiles.mercator import MercatorTile
from hexseal.types import Box

# Four tiles at zoom 1: each quarter of the Earth has a number of its own.
NUMBERS = {(0, 0): 1, (1, 0): 2, (0, 1): 3, (1, 1): 4}
PLACE = Place(7, 900.0, 6, (10.0, 10.0, 11.0, 10.0, 11.0, 11.0, 10.0, 11.0))


@pytest.fixture
def mosaic(tmp_path: Path) -> Mosaic:
    tiles = sorted(
        (MercatorTile(1, x, y).id, encode(np.full((512, 512), number, np.uint8), bytes(15)))
        for (x, y), number in NUMBERS.items()
    )
    path = tmp_path / "ground.pmtiles"
    write_archive(
        path, iter(tiles), kind=TileType.PNG, bounds=Box(-180.0, -80.0, 180.0, 80.0), metadata={}
    )
    return open_mosaic(path)


def maps(mosaic: Mosaic | None) -> AreaMaps:
    square = shapely.box(9.0, 9.0, 12.0, 12.0)
    # Code 2: sealed in neither year; 3: in the second; 4: in both.
    return AreaMaps(mosaic, mosaic, {("commune", "1"): square}, (2018, 2024), (0b00, 0b10, 0b11))


def test_a_picture_is_put_together_from_tiles(mosaic: Mosaic) -> None:
    numbers = mosaic.numbers(view_around(Box(-10.0, -10.0, 10.0, 10.0), 20, 20, 1.0))
    assert numbers[0, 0] == 1
    assert numbers[0, -1] == 2
    assert numbers[-1, 0] == 3
    assert numbers[-1, -1] == 4
    assert (numbers == 2).sum() == 100


def test_a_view_shows_its_box_in_the_middle() -> None:
    view = view_around(Box(9.0, 9.0, 12.0, 12.0), 720, 380, 0.86)
    left, top = view.project(np.array([[9.0, 12.0]]))[0]
    right, bottom = view.project(np.array([[12.0, 9.0]]))[0]
    assert bottom - top == pytest.approx(0.86 * 380)
    assert (left + right) / 2 == pytest.approx(360)
    # A degree of longitude at 10.5 degrees north is 109.5 km long.
    assert (right - left) * view.metres() == pytest.approx(3 * 109_460, rel=2e-3)
    assert mercator(np.array([[0.0, 85.051129]]))[0, 1] == pytest.approx(0.0, abs=1e-6)


def test_places_are_numbered_on_the_map_of_an_area(mosaic: Mosaic) -> None:
    drawn = maps(mosaic).map(("commune", "1"), [PLACE, PLACE], "Map of A & B", confirmed=True)
    assert drawn is not None
    assert 'aria-label="Map of A &amp; B"' in drawn
    assert drawn.count('class="map-place"') == 2
    assert ">1</text>" in drawn
    assert ">2</text>" in drawn
    assert 'href="data:image/png;base64,' in drawn
    assert "100 km</text>" in drawn
    candidates = maps(None).map(("commune", "1"), [PLACE], "Map", confirmed=False)
    assert candidates is not None
    assert 'class="map-place candidate"' in candidates
    assert "data:image" not in candidates
    assert maps(mosaic).map(("commune", "2"), [], "Map", confirmed=True) is None


def test_numbers_of_places_beside_each_other_do_not_cover_each_other(mosaic: Mosaic) -> None:
    close = [
        Place(n, 900.0, 6, tuple(value + n / 100 for value in PLACE.outline)) for n in range(6)
    ]
    drawn = maps(mosaic).map(("commune", "1"), close, "M", confirmed=True)
    assert drawn is not None
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn)
    middles = np.array(found, float)
    apart = np.hypot(*(middles[:, None] - middles[None]).transpose(2, 0, 1))
    assert len(middles) == 6
    assert apart[np.triu_indices(6, 1)].min() > 18
    assert (middles > 9).all()
    assert (middles < [711, 371]).all()


def test_a_place_is_shown_before_and_after(mosaic: Mosaic) -> None:
    picture = maps(mosaic).picture(PLACE, (2018, 2024))
    assert picture is not None
    assert picture.years == (2018, 2024)
    # Its quarter holds code 2: land in both years.
    assert picture.before == picture.after
    assert maps(None).picture(PLACE, (2018, 2024)) is None


def photo(path: Path, color: tuple[int, int, int, int]) -> Mosaic:
    """Write one tile of an image of a single colour for the whole Earth."""
    bands = np.broadcast_to(np.array(color, np.uint8)[:, None, None], (4, 512, 512))
    tiles = iter([(MercatorTile(0, 0, 0).id, encode_webp(np.ascontiguousarray(bands)))])
    write_archive(
        path, tiles, kind=TileType.WEBP, bounds=Box(-180.0, -80.0, 180.0, 80.0), metadata={}
    )
    return open_mosaic(path, is_image=True)


def test_satellite_images_are_shown_where_both_years_have_one(
    mosaic: Mosaic, tmp_path: Path
) -> None:
    green, grey = (20, 120, 30, 255), (150, 150, 150, 255)
    before, after = photo(tmp_path / "b.pmtiles", green), photo(tmp_path / "a.pmtiles", grey)
    both = replace(maps(mosaic), images={2018: before, 2024: after})
    picture = both.picture(PLACE, (2018, 2024))
    assert picture is not None
    assert picture.is_image
    kind, _, coded = picture.before.partition(",")
    assert kind == "data:image/webp;base64"
    seen = decode_webp(base64.b64decode(coded))
    assert seen.shape == (84, 120, 4)
    assert np.abs(seen.mean((0, 1)) - green).max() < 6
    # One image alone, or one with a gap, would show two kinds beside each other.
    hidden = photo(tmp_path / "h.pmtiles", (0, 0, 0, 0))
    for images in ({2024: after}, {2018: hidden, 2024: after}):
        only = replace(both, images=images).picture(PLACE, (2018, 2024))
        assert only is not None
        assert not only.is_image
        assert only.before.startswith("data:image/png;")


def test_a_coarse_ground_is_drawn_as_large_with_fewer_pixels(mosaic: Mosaic) -> None:
    sizes = {}
    for coarse in (1, 2):
        drawn = replace(maps(mosaic), coarse=coarse).map(("commune", "1"), [], "M", confirmed=True)
        assert drawn is not None
        assert 'width="720" height="380"></image>' in drawn
        found = re.search(r'href="data:image/png;base64,([^"]+)"', drawn)
        assert found
        sizes[coarse] = struct.unpack(">II", base64.b64decode(found[1])[16:24])
    assert sizes == {1: (720, 380), 2: (360, 190)}


def test_a_ground_drawn_before_is_the_one_drawn_on_demand(mosaic: Mosaic, tmp_path: Path) -> None:
    keys = [("commune", str(number)) for number in range(1, 200)]
    shapes = {key: shapely.box(9.0, 9.0, 10.0 + place / 40, 12.0) for place, key in enumerate(keys)}
    shapes[("commune", "wide")] = shapely.box(-170.0, 0.0, 170.0, 1.0)
    shapes[("commune", "empty")] = shapely.Polygon()
    fresh = replace(maps(mosaic), shapes=shapes)
    with Spool(tmp_path) as drawn:
        fresh.draw_ground(drawn, 2)
        assert [key for key, _ in drawn.sorted()] == sorted(keys)
        assert drawn.get(("commune", "wide")) is None
        kept = replace(fresh, drawn=drawn, ground=open_mosaic(tmp_path / "ground.pmtiles"))
        for key in (*keys[::50], ("commune", "wide")):
            assert kept.map(key, [], "M", confirmed=True) == fresh.map(key, [], "M", confirmed=True)


def test_an_archive_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ground.pmtiles").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"ground\.pmtiles: cannot be read"):
        open_mosaic(tmp_path / "ground.pmtiles")
