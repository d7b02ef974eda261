"""The map of an area's change on its sheet, and small maps of changed places, before and after.

They are made from the site's own tiles of ground and of pixels, so that a sheet needs neither
rasters nor scripts, and stand in the page itself: a sheet that is saved or printed keeps them.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, cos, floor, log2, log10, pi, radians
from pathlib import Path

import numpy as np
import shapely
from markupsafe import Markup
from numpy.typing import NDArray
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import MagicNumberNotFound

from hexseal.errors import InputError
from hexseal.pages.figures import Key
from hexseal.pages.places import Place
from hexseal.tiles.codes import decode, encode
from hexseal.tiles.ground import PALETTE as GROUND
from hexseal.tiles.mercator import TILE_PIXELS
from hexseal.types import Box, Doubles

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
SHARED_SIZE, SHARED_FILLED = (1200, 630), 0.94
# Sites of more areas would grow by more than their data: their sheets show outlines on white.
MOST_PICTURES = 1_000
# Outside, water, land, sealed: the colours of the ground in the light theme.
SMALL_PALETTE = bytes.fromhex("ffffff bad2dd f2f5ea 6f6a66".replace(" ", ""))
NOTHING, WATER, LAND, SEALED = range(4)

Bytes = NDArray[np.uint8]


class Mosaic:
    """Numbers of an archive of tiles by place; ``bytes`` of its PMTiles file are read on demand."""

    def __init__(self, archive: Reader, zooms: range) -> None:
        self._archive = archive
        self._zooms = zooms
        self._tiles: dict[tuple[int, int, int], Bytes | None] = {}

    def numbers(self, view: "View") -> Bytes:
        """Return the number at the middle of each pixel of a view, shape (height, width)."""
        zoom = min(max(ceil(view.zoom), self._zooms.start), self._zooms.stop - 1)
        side = TILE_PIXELS * 2**zoom
        columns = np.floor((view.left + (np.arange(view.width) + 0.5) / view.scale) * side)
        rows = np.floor((view.top + (np.arange(view.height) + 0.5) / view.scale) * side)
        columns, rows = columns.astype(np.int64), rows.astype(np.int64)
        picture = np.zeros((view.height, view.width), np.uint8)
        for x in np.unique(columns // TILE_PIXELS):
            for y in np.unique(rows // TILE_PIXELS):
                tile = self._tile(zoom, int(x), int(y))
                if tile is not None:
                    across = np.flatnonzero(columns // TILE_PIXELS == x)
                    down = np.flatnonzero(rows // TILE_PIXELS == y)
                    part = tile[np.ix_(rows[down] % TILE_PIXELS, columns[across] % TILE_PIXELS)]
                    picture[np.ix_(down, across)] = part
        return picture

    def _tile(self, zoom: int, x: int, y: int) -> Bytes | None:
        key = (zoom, x, y)
        if key not in self._tiles:
            # Sheets of one site lie beside each other: the last tiles serve the next.
            while len(self._tiles) > 60:
                del self._tiles[next(iter(self._tiles))]
            content = self._archive.get(zoom, x, y)
            self._tiles[key] = None if content is None else decode(content)
        return self._tiles[key]


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

    def project(self, lonlat: Doubles) -> Doubles:
        """Return places in degrees as units, shape (n, 2)."""
        return (mercator(lonlat) - [self.left, self.top]) * self.scale

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
    """A place before and after, as PNG in data addresses, with its outline in their units."""

    years: tuple[int, int]
    before: str
    after: str
    outline: str


@dataclass(frozen=True, slots=True)
class AreaMaps:
    """Draws maps of areas; ``ground`` and ``pixels`` are None where the site has none.

    ``shapes`` are outlines in degrees, ``sealed`` the years of each code of a pixel, as bits.
    """

    ground: Mosaic | None
    pixels: Mosaic | None
    shapes: Mapping[Key, shapely.Geometry]
    years: tuple[int, ...]
    sealed: tuple[int, ...]

    def map(
        self, key: Key, places: Sequence[Place], label: str, *, confirmed: bool
    ) -> Markup | None:
        """Return an area and its places, numbered from 1, as SVG; None without an outline."""
        shape = self.shapes.get(key)
        if shape is None or shapely.is_empty(shape):
            return None
        west, south, east, north = shapely.bounds(shape).tolist()
        if east - west > 180:
            return None
        view = view_around(Box(west, south, east, north), WIDTH, HEIGHT, FILLED)
        drawn = shapely.simplify(shapely.transform(shape, view.project), DETAIL)
        outline = _path(drawn)
        parts = [
            Markup('<path class="map-veil" d="M0 0H{}V{}H0Z{}"></path>').format(
                WIDTH, HEIGHT, outline
            ),
            Markup('<path class="map-border" d="{}"></path>').format(outline),
            *(_place(view, place, number, confirmed) for number, place in enumerate(places, 1)),
            _scale_bar(view),
        ]
        ground = [] if self.ground is None else [_image(encode(self.ground.numbers(view), GROUND))]
        opening = Markup('<svg class="area-map" viewBox="0 0 {} {}" role="img" aria-label="{}">')
        return (
            opening.format(WIDTH, HEIGHT, label)
            + Markup("").join([*ground, *parts])
            + Markup("</svg>")
        )

    def picture(self, place: Place, years: tuple[int, int]) -> Picture | None:
        """Return what the maps of two years show of a place; None without tiles of pixels."""
        if self.pixels is None:
            return None
        lonlat = np.array(place.outline).reshape(-1, 2)
        (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
        grow_x = max(0.0, LEAST_DEGREES / cos(radians(south)) - (east - west)) / 2
        grow_y = max(0.0, LEAST_DEGREES - (north - south)) / 2
        box = Box(west - grow_x, south - grow_y, east + grow_x, north + grow_y)
        view = view_around(box, THUMB_WIDTH, THUMB_HEIGHT, PLACE_FILLED)
        codes = self.pixels.numbers(view)
        before, after = (
            _address(encode(self._sealed(year)[codes], SMALL_PALETTE)) for year in years
        )
        return Picture(years, before, after, _ring(view.project(lonlat)))

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


def open_mosaic(path: Path) -> Mosaic:
    """Open an archive of PNG tiles; raises InputError where it cannot be read."""
    try:
        with path.open("rb") as file:
            reader = Reader(MmapSource(file))
        head = reader.header()
    except (OSError, ValueError, MagicNumberNotFound) as err:
        raise InputError(f"{path}: cannot be read ({err}); build the site again") from err
    return Mosaic(reader, range(head["min_zoom"], head["max_zoom"] + 1))


def _place(view: View, place: Place, number: int, confirmed: bool) -> Markup:
    """Draw a place and its number above it."""
    points = view.project(np.array(place.outline).reshape(-1, 2))
    x = float(points[:, 0].min() + points[:, 0].max()) / 2
    kind = "" if confirmed else " candidate"
    label_y = max(11.0, float(points[:, 1].min()) - 13.0)
    return Markup(
        '<path class="map-place{}" d="{}"></path><g class="map-number{}">'
        '<circle cx="{}" cy="{}" r="9"></circle><text x="{}" y="{}">{}</text></g>'
    ).format(
        kind,
        _ring(points),
        kind,
        _short(x),
        _short(label_y),
        _short(x),
        _short(label_y + 4),
        number,
    )


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


def _image(png: bytes) -> Markup:
    opening = '<image class="map-ground" href="{}" width="{}" height="{}"></image>'
    return Markup(opening).format(_address(png), WIDTH, HEIGHT)


def _address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


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
