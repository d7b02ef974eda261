"""Sheets: a printable page for each area, whole without JavaScript."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup

from hexseal.pages.addresses import Key
from hexseal.pages.areamap import AreaMaps, Picture
from hexseal.pages.charts import Chart, stock_chart
from hexseal.pages.figures import AreaFigures, coarse_to_fine
from hexseal.pages.frame import page_frame, page_path
from hexseal.pages.headline import Period, chosen_period, hectares_text
from hexseal.pages.locales import Locale, number
from hexseal.pages.locator import Locator, make_locator
from hexseal.pages.origins import class_name
from hexseal.pages.places import AreaPlaces
from hexseal.pages.rank import compare_cells
from hexseal.pages.settings import Contents
from hexseal.pages.stories import (
    PairStory,
    PlaceView,
    doubtful_pairs,
    layer_medians,
    pair_stories,
    place_view,
)
from hexseal.pages.tables import Cell, Row, Writer, change_rows, sort_name, state_rows
from hexseal.pages.years import year_points
from hexseal.storage.files import write_bytes
from hexseal.types import Pair

# So many places that changed stand on a sheet: they fit on its first page in print.
MOST_PLACES = 8
# So many of the areas inside another stand on its sheet; the rest is one link away.
MOST_CHILDREN = 40


@dataclass(frozen=True, slots=True)
class LinkedArea:
    """An area that a sheet names: its layer's title, name, sheet from here, and figures."""

    layer: str
    name: str
    href: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ChangedPlace:
    """A place that changed: its hectares ("" for a candidate), what it was, before and after."""

    hectares: str
    origin: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class ChangedPlaces:
    """The largest places that changed between two years; ``brief`` counts them all.

    ``confirmed`` is false for candidates, which are no findings.
    """

    confirmed: bool
    period: str
    brief: str
    places: tuple[ChangedPlace, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page of one area shows; ``parents`` run from the largest to the nearest."""

    area: AreaFigures
    layer: str
    view: PlaceView
    parents: tuple[LinkedArea, ...]
    children: tuple[LinkedArea, ...]
    children_left_out: int
    children_link: str
    map_link: str
    stories: list[PairStory]
    stock: Chart | None
    locator: Markup | None
    map: Markup | None
    changed: ChangedPlaces | None
    address: str
    state_rows: list[Row]
    change_rows: list[Row]


@dataclass(frozen=True, slots=True)
class SheetMaker:
    """Make the sheets of one language; ``paths`` are those of all sheets."""

    contents: Contents
    write: Writer
    paths: Mapping[Key, str]
    locator: Locator | None
    areas: Mapping[Key, AreaFigures]
    children: Mapping[Key, tuple[Key, ...]]
    medians: Mapping[str, Mapping[Pair, float]]
    maps: AreaMaps
    shown_pair: Pair | None

    def sheet(self, key: Key) -> Sheet:
        """Return all that the sheet of an area shows."""
        area, region, write = self.areas[key], self.contents.region, self.write
        judged, text = self.contents.judged, write.locale.text
        children = self.children.get(key, ())
        points = year_points(area, region, doubtful_pairs(region, judged))
        home = "../" * self.paths[key].count("/")
        inside = quote("/".join(key), safe="/")
        layer = quote(children[0][0]) if children else ""
        view = place_view(area, region, judged, write, self.medians[key[0]])
        period = chosen_period(view.periods)
        found = self._found(key, period)
        return Sheet(
            area=area,
            layer=self._title(key[0]),
            view=view,
            parents=tuple(self._linked(parent, home) for parent in self._above(key)),
            children=tuple(self._linked(child, home) for child in children[:MOST_CHILDREN]),
            children_left_out=max(0, len(children) - MOST_CHILDREN),
            children_link=f"{home}areas.html#layer={layer}&parent={inside}",
            map_link=f"{home}index.html#area={inside}&outlines={quote(key[0])}",
            stories=pair_stories(area, region, judged, write, self.contents.sources.get(key)),
            stock=stock_chart(points, write),
            locator=self.locator
            and self.locator.drawing(key, text("sheet.locator", name=area.name)),
            map=self.maps.map(
                key,
                found.places[:MOST_PLACES] if found else (),
                text("sheet.map.label", name=area.name),
                confirmed=period is not None and period.is_supported,
            ),
            changed=self._changed(found, period) if found and period else None,
            address=(region.dataset.address or "")
            and f"{region.dataset.address}index.html#area={inside}",
            state_rows=state_rows(area, region, write),
            change_rows=change_rows(area, region, write) if region.pairs else [],
        )

    def _found(self, key: Key, period: Period | None) -> AreaPlaces | None:
        listed = self.contents.places.listed
        return None if period is None else listed.get(period.pair.key, {}).get(key)

    def _changed(self, found: AreaPlaces, period: Period) -> ChangedPlaces:
        locale, region = self.write.locale, self.contents.region
        confirmed = period.is_supported
        kind = "one" if found.count == 1 else "count"
        key = f"app.places.{kind}" if confirmed else "app.places.candidates.count"
        values = {
            "count": number(found.count, 0, locale.language),
            "area": hectares_text(found.m2, locale),
            # The hectares of the headline leave the unsure edges of places out.
            "sure": hectares_text(
                found.m2 if period.confirmed_m2 is None else period.confirmed_m2, locale
            ),
        }
        return ChangedPlaces(
            confirmed,
            "–".join(map(str, period.pair)),
            locale.text(key, **values),
            tuple(
                ChangedPlace(
                    hectares_text(place.m2, locale) if confirmed else "",
                    class_name(region, place.origin, locale),
                    self.maps.picture(place, period.pair),
                )
                for place in found.places[:MOST_PLACES]
            ),
        )

    def _linked(self, key: Key, home: str) -> LinkedArea:
        area = self.areas[key]
        cells = compare_cells(area, self.contents.region.years[-1], self.shown_pair, self.write)
        return LinkedArea(self._title(key[0]), area.name, home + quote(self.paths[key]), cells)

    def _above(self, key: Key) -> list[Key]:
        parents = self.contents.parents
        above: list[Key] = []
        while (key := parents.get(key, ("", ""))) != ("", "") and key not in above:
            above.insert(0, key)
        return above

    def _title(self, layer: str) -> str:
        titles = {known.layer: known.title for known in self.contents.region.areas}
        return titles[layer][self.write.locale.language]


def children_of(
    parents: Mapping[Key, Key], areas: Mapping[Key, AreaFigures]
) -> dict[Key, tuple[Key, ...]]:
    """Return the areas that lie directly in each area, by name."""
    found: dict[Key, list[Key]] = {}
    for child, parent in parents.items():
        found.setdefault(parent, []).append(child)
    return {
        parent: tuple(sorted(keys, key=lambda key: (sort_name(areas[key].name), key)))
        for parent, keys in found.items()
    }


def sheet_locator(areas: tuple[AreaFigures, ...], shapes: Mapping[Key, bytes]) -> Locator | None:
    """Return the drawing that shows where areas lie, before all areas of the coarsest layer."""
    return make_locator(areas, shapes, coarse_to_fine(areas)[0]) if areas else None


def write_sheets(
    site: Path,
    contents: Contents,
    *,
    paths: Mapping[Key, str],
    locator: Locator | None,
    maps: AreaMaps,
    locale: Locale,
    environment: Environment,
    shared: Mapping[str, object],
    pages: Collection[str],
) -> int:
    """Write one page for each of ``paths``; return their bytes together."""
    region, language = contents.region, locale.language
    areas: dict[Key, AreaFigures] = {(a.layer, a.id): a for a in contents.listed}
    children = children_of(contents.parents, areas)
    medians = {
        layer.layer: layer_medians(contents.layer(layer.layer), region, contents.judged)
        for layer in region.areas
    }
    shown_pair = contents.shown_pair
    maker = SheetMaker(
        contents, Writer(locale), paths, locator, areas, children, medians, maps, shown_pair
    )
    template = environment.get_template("sheet.html.jinja")
    common = {
        **shared,
        "settings": None,
        "last_year": region.years[-1],
        "shown_pair": shown_pair,
        "has_ground": maps.ground is not None,
        "false_level": number(100 * region.noise.level, 0, language),
        "whole_number": lambda value: number(value, 0, language),
    }
    written = 0
    for key, path in paths.items():
        sheet = maker.sheet(key)
        words = {"name": sheet.area.name, "title": region.title[language]}
        values = {
            "sheet": sheet,
            "page_title": locale.text("sheet.page_title", **words),
            "description": locale.text("sheet.description", layer=sheet.layer, **words),
        }
        frame = page_frame(region, path, language, pages=pages)
        page = template.render(common | frame | values)
        written += write_bytes(site / page_path(region, language, path), page.encode())
    return written
