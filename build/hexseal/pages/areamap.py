"""The map of an area's change on its sheet, and small maps of changed places, before and after.

They are made from the site's own tiles of ground and of pixels, so that a sheet needs neither
rasters nor scripts, and stand in the page itself: a sheet that is saved or printed keeps them.
"""

import base64
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil, cos, floor, hypot, log2, log10, pi, radians
from pathlib import Path

import numpy as np
import shapely
from markupsafe import Markup
from pmtiles.tile import zxy_to_tileid

from hexseal.pages.figures import Key
from hexseal.pages.places import Place
from hexseal.tiles.archives import Spool, StoredTiles
from hexseal.tiles.codes import decode, encode
from hexseal.tiles.ground import PALETTE as GROUND
from hexseal.tiles.images import decode_webp, encode_webp
from hexseal.tiles.mercator import TILE_PIXELS
from hexseal.types import Box, Bytes, Doubles

# The drawing's own units; a unit is a pixel of its ground.
WIDTH, HEIGHT = 720, 380
THUMB_WIDTH, THUMB_HEIGHT = 120, 84
# The parts of their pictures that an area and a place fill; the rest shows their surroundings.
FILLED, PLACE_FILLED = 0.86, 0.5
# Degrees that a picture shows at least: a place of a few pixels keeps its surroundings.
LEAST_DEGREES = 0.0012
DETAIL = 0.4
EARTH_M = 40_075_016.7
LONGEST_BAR = 120.0
TILES_KEPT, VIEWS_AT_ONCE = 60, 64
# Views are sorted by their tiles of this zoom.
PLACE_ZOOM = 15
# The middle of a number stands so far from its place.
NUMBER_GAP = 13.0
SHARED_SIZE, SHARED_FILLED = (1200, 630), 0.94
# Sheets of sites of more areas would outweigh their data: their ground is half as sharp, which is
# a third of the bytes, and their places have no pictures.
MOST_PICTURES = 1_000
COARSE = 2
# Outside, water, land, sealed: the colours of the ground in the light theme.
SMALL_PALETTE = bytes.fromhex("ffffff bad2dd f2f5ea 6f6a66".replace(" ", ""))
NOTHING, WATER, LAND, SEALED = range(4)
# Of the channels red, green, blue, alpha.
ALPHA = 3


class Mosaic:
    """Pixels of an archive of tiles by place, read on demand by any thread.

    ``decode`` returns a tile's pixels, shape (TILE_PIXELS, TILE_PIXELS) and ``kind``: () of palette
    numbers, (4,) of red, green, blue and alpha.
    """

    def __init__(
        self,
        archive: StoredTiles,
        zooms: range,
        decode: Callable[[bytes], Bytes] = decode,
        kind: tuple[int, ...] = (),
    ) -> None:
        self._archive = archive
        self._zooms = zooms
        self._decode = decode
        self._kind = kind
        # Sheets of one site lie beside each other: the last tiles serve the next.
        self._tile = lru_cache(TILES_KEPT)(self._read)

    def numbers(self, view: "View") -> Bytes:
        """Return the pixel at the middle of each unit of a view, shape (height, width) and kind."""
        zoom = min(max(ceil(view.zoom), self._zooms.start), self._zooms.stop - 1)
        side = TILE_PIXELS * 2**zoom
        columns = np.floor((view.left + (np.arange(view.width) + 0.5) / view.scale) * side)
        rows = np.floor((view.top + (np.arange(view.height) + 0.5) / view.scale) * side)
        columns, rows = columns.astype(np.int64), rows.astype(np.int64)
        picture = np.zeros((view.height, view.width, *self._kind), np.uint8)
        for x in np.unique(columns // TILE_PIXELS):
            for y in np.unique(rows // TILE_PIXELS):
                tile = self._tile(zoom, int(x), int(y))
                if tile is not None:
                    across = np.flatnonzero(columns // TILE_PIXELS == x)
                    down = np.flatnonzero(rows // TILE_PIXELS == y)
                    part = tile[np.ix_(rows[down] % TILE_PIXELS, columns[across] % TILE_PIXELS)]
                    picture[np.ix_(down, across)] = part
        return picture

    def _read(self, zoom: int, x: int, y: int) -> Bytes | None:
        content = self._archive.get(zoom, x, y)
        return None if content is None else self._decode(content)


@dataclass(frozen=True, slots=True)
class View:
    """A part of the Mercator square (0 to 1, y down) from ``left`` and ``top``.

    ``scale`` is how many units the whole square is wide.
    """

    left: float
    top: float
    scale: float
    width: int
    height: int

    @property
    def zoom(self) -> float:
        """Return the zoom at which a tile's pixel is a unit."""
        return log2(self.scale / TILE_PIXELS)

    @property
    def place(self) -> int:
        """Return where its middle lies along the curve that tiles are stored by."""
        side = 1 << PLACE_ZOOM
        x = self.left + self.width / self.scale / 2
        y = self.top + self.height / self.scale / 2
        columns, rows = (min(max(int(at * side), 0), side - 1) for at in (x, y))
        return zxy_to_tileid(PLACE_ZOOM, columns, rows)

    def project(self, lonlat: Doubles) -> Doubles:
        """Return places in degrees as units, shape (n, 2)."""
        return (mercator(lonlat) - [self.left, self.top]) * self.scale

    def coarser(self, times: int) -> "View":
        """Return the same part in units that are so many times as wide."""
        width, height = self.width // times, self.height // times
        return View(self.left, self.top, self.scale / times, width, height)

    def metres(self) -> float:
        """Return how long a unit is on the ground, in the middle of the view."""
        y = self.top + self.height / self.scale / 2
        lat = np.arctan(np.sinh(pi * (1 - 2 * y)))
        return EARTH_M * float(np.cos(lat)) / self.scale


def mercator(lonlat: Doubles) -> Doubles:
    """Return places in degrees on the Mercator square, x to the right and y down.

    >>> mercator(np.array([[0.0, 0.0], [180.0, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.5]]
    """
    x = lonlat[:, 0] / 360.0 + 0.5
    y = 0.5 - np.arcsinh(np.tan(np.radians(lonlat[:, 1]))) / (2.0 * pi)
    return np.column_stack((x, y))


def view_around(box: Box, width: int, height: int, filled: float) -> View:
    """Return the view with a box of degrees in its middle, filling a part of the longer side."""
    (left, bottom), (right, top) = mercator(np.array([[box[0], box[1]], [box[2], box[3]]]))
    scale = filled * min(width / max(right - left, 1e-12), height / max(bottom - top, 1e-12))
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    return View(middle_x - width / scale / 2, middle_y - height / scale / 2, scale, width, height)


@dataclass(frozen=True, slots=True)
class Picture:
    """A place before and after, in data addresses, with its outline in their units.

    ``is_image`` tells satellite images from maps of what is sealed.
    """

    years: tuple[int, int]
    before: str
    after: str
    outline: str
    is_image: bool = False


@dataclass(frozen=True, slots=True)
class AreaMaps:
    """Draws maps of areas; ``ground`` and ``pixels`` are None where the site has none.

    ``shapes`` are outlines in degrees, ``sealed`` the years of each code of a pixel, as bits;
    ``images`` are by year, ``coarse`` is how many units a pixel of the ground is wide. ``drawn``
    holds pictures of the ground that are made already.
    """

    ground: Mosaic | None
    pixels: Mosaic | None
    shapes: Mapping[Key, shapely.Geometry]
    years: tuple[int, ...]
    sealed: tuple[int, ...]
    images: Mapping[int, Mosaic] = field(default_factory=dict)
    coarse: int = 1
    drawn: Spool[Key] | None = None

    def draw_ground(self, drawn: Spool[Key], workers: int | None) -> None:
        """Keep the ground under every area's map in ``drawn``, made by threads."""
        ground = self.ground
        if ground is None:
            return
        views = {key: view for key in self.shapes if (view := self._view(key)) is not None}

        def picture(view: View) -> bytes:
            return self._picture(ground, view)

        # Beside each other on the ground, areas need the same tiles.
        keys = sorted(views, key=lambda key: views[key].place)
        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            for at in range(0, len(keys), VIEWS_AT_ONCE):
                some = keys[at : at + VIEWS_AT_ONCE]
                for key, png in zip(some, pool.map(picture, map(views.get, some)), strict=True):
                    drawn.add(key, png)

    def _view(self, key: Key) -> View | None:
        """Return the view around an area; None without an outline that a map can show."""
        shape = self.shapes.get(key)
        if shape is None or shapely.is_empty(shape):
            return None
        west, south, east, north = shapely.bounds(shape).tolist()
        if east - west > 180:
            return None
        return view_around(Box(west, south, east, north), WIDTH, HEIGHT, FILLED)

    def map(
        self, key: Key, places: Sequence[Place], label: str, *, confirmed: bool
    ) -> Markup | None:
        """Return an area and its places, numbered from 1, as SVG; None without an outline."""
        view = self._view(key)
        if view is None:
            return None
        outline = _path(shapely.simplify(shapely.transform(self.shapes[key], view.project), DETAIL))
        parts = [
            Markup('<path class="map-veil" d="M0 0H{}V{}H0Z{}"></path>').format(
                WIDTH, HEIGHT, outline
            ),
            Markup('<path class="map-border" d="{}"></path>').format(outline),
            *_places(view, places, confirmed=confirmed),
            _scale_bar(view),
        ]
        ground = [] if self.ground is None else [self._ground(self.ground, key, view)]
        opening = Markup('<svg class="area-map" viewBox="0 0 {} {}" role="img" aria-label="{}">')
        return (
            opening.format(WIDTH, HEIGHT, label)
            + Markup("").join([*ground, *parts])
            + Markup("</svg>")
        )

    def _ground(self, ground: Mosaic, key: Key, view: View) -> Markup:
        png = None if self.drawn is None else self.drawn.get(key)
        opening = Markup('<image class="map-ground" href="{}" width="{}" height="{}"></image>')
        return opening.format(_address(png or self._picture(ground, view)), WIDTH, HEIGHT)

    def _picture(self, ground: Mosaic, view: View) -> bytes:
        return encode(ground.numbers(view.coarser(self.coarse)), GROUND)

    def picture(self, place: Place, years: tuple[int, int]) -> Picture | None:
        """Return a place in two years: satellite images where both have one, else their maps.

        None where the site has neither.
        """
        lonlat = np.array(place.outline).reshape(-1, 2)
        (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
        grow_x = max(0.0, LEAST_DEGREES / cos(radians(south)) - (east - west)) / 2
        grow_y = max(0.0, LEAST_DEGREES - (north - south)) / 2
        box = Box(west - grow_x, south - grow_y, east + grow_x, north + grow_y)
        view = view_around(box, THUMB_WIDTH, THUMB_HEIGHT, PLACE_FILLED)
        outline = _ring(view.project(lonlat))
        if all(year in self.images for year in years):
            seen = [self.images[year].numbers(view) for year in years]
            if all(image[..., ALPHA].all() for image in seen):
                before, after = (
                    _address(encode_webp(np.moveaxis(image, -1, 0)), "webp") for image in seen
                )
                return Picture(years, before, after, outline, is_image=True)
        if self.pixels is None:
            return None
        codes = self.pixels.numbers(view)
        before, after = (
            _address(encode(self._sealed(year)[codes], SMALL_PALETTE)) for year in years
        )
        return Picture(years, before, after, outline)

    def _sealed(self, year: int) -> Bytes:
        """Return the small palette's number of each code in a year, shape (256,)."""
        bit = self.years.index(year)
        table = np.full(256, NOTHING, np.uint8)
        table[1] = WATER
        for code, sealed in enumerate(self.sealed, 2):
            table[code] = SEALED if sealed >> bit & 1 else LAND
        return table


def region_picture(ground: Mosaic, bounds: Box) -> bytes:
    """Return a PNG of the whole ground, as large as social networks show beside a link."""
    view = view_around(bounds, *SHARED_SIZE, SHARED_FILLED)
    return encode(ground.numbers(view), GROUND)


def open_mosaic(path: Path, *, is_image: bool = False) -> Mosaic:
    """Open an archive of tiles of palette numbers, or of images in WebP.

    Raises InputError where it cannot be read.
    """
    archive = StoredTiles(path)
    zooms = range(archive.header["min_zoom"], archive.header["max_zoom"] + 1)
    return Mosaic(archive, zooms, decode_webp, (4,)) if is_image else Mosaic(archive, zooms)


def _places(view: View, places: Sequence[Place], *, confirmed: bool) -> Iterator[Markup]:
    """Draw places, then their numbers from 1: above each, or beside it where another stands."""
    kind = "" if confirmed else " candidate"
    taken: list[tuple[float, float]] = []
    for place in places:
        points = view.project(np.array(place.outline).reshape(-1, 2))
        yield Markup('<path class="map-place{}" d="{}"></path>').format(kind, _ring(points))
        taken.append(_free(points, taken))
    for number, (x, y) in enumerate(taken, 1):
        yield Markup(
            '<g class="map-number{}"><circle cx="{}" cy="{}" r="9"></circle>'
            '<text x="{}" y="{}">{}</text></g>'
        ).format(kind, _short(x), _short(y), _short(x), _short(y + 4), number)


def _free(points: Doubles, taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the middle of a number at a place: the first around it that no other number covers."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    x, y = float(left + right) / 2, float(top + bottom) / 2
    across, down = float(right - left) / 2 + NUMBER_GAP, float(bottom - top) / 2 + NUMBER_GAP
    around = [(0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1)]
    spots = [(x + step * across, y + rise * down) for step, rise in around]
    inside = [
        (min(max(spot_x, 11.0), WIDTH - 11.0), min(max(spot_y, 11.0), HEIGHT - 11.0))
        for spot_x, spot_y in spots
    ]
    clear = (
        spot for spot in inside if all(hypot(spot[0] - a, spot[1] - b) >= 19.0 for a, b in taken)
    )
    return next(clear, inside[0])


def _scale_bar(view: View) -> Markup:
    metres = view.metres()
    length = round_length(LONGEST_BAR * metres)
    words = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    right, y = WIDTH - 12, HEIGHT - 12
    return Markup(
        '<g class="map-scale"><path d="M{} {}v5H{}v-5"></path><text x="{}" y="{}">{}</text></g>'
    ).format(_short(right - length / metres), y - 5, right, right, y - 8, words)


def round_length(most: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is at most ``most``.

    >>> round_length(1234.0), round_length(999.0)
    (1000.0, 500.0)
    """
    power = 10.0 ** floor(log10(most))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= most)


def _address(picture: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"


def _path(shape: shapely.Geometry) -> str:
    return "".join(_ring(shapely.get_coordinates(ring)) for ring in _rings(shape))


def _rings(shape: shapely.Geometry) -> Iterable[shapely.LinearRing]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            yield from (part.exterior, *part.interiors)


def _ring(points: Doubles) -> str:
    first, *others = [f"{_short(x)} {_short(y)}" for x, y in points.tolist()]
    return f"M{first}L{' '.join(others)}Z"


def _short(value: float) -> str:
    return f"{value + 0.0:.1f}".removesuffix(".0")
