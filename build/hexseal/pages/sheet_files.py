"""Write the sheet of every area, in one language at a time."""

from collections.abc import Collection, Mapping
from pathlib import Path

from jinja2 import Environment

from hexseal.pages.addresses import Key
from hexseal.pages.figures import AreaFigures
from hexseal.pages.frame import page_frame, page_path
from hexseal.pages.locales import Locale
from hexseal.pages.locator import Locator, make_locator
from hexseal.pages.nesting import coarse_to_fine
from hexseal.pages.numbers import number
from hexseal.pages.rank import longest_pair
from hexseal.pages.settings import Contents
from hexseal.pages.sheets import SheetMaker, children_of
from hexseal.pages.tables import Writer
from hexseal.storage.files import write_bytes


def sheet_locator(areas: tuple[AreaFigures, ...], shapes: Mapping[Key, bytes]) -> Locator | None:
    """Return the drawing that shows where areas lie, before all areas of the coarsest layer."""
    return make_locator(areas, shapes, coarse_to_fine(areas)[0]) if areas else None


def write_sheets(
    site: Path,
    contents: Contents,
    *,
    paths: Mapping[Key, str],
    locator: Locator | None,
    locale: Locale,
    environment: Environment,
    shared: Mapping[str, object],
    pages: Collection[str],
) -> int:
    """Write one page for each of ``paths``; return their bytes together."""
    region, language = contents.region, locale.language
    areas: dict[Key, AreaFigures] = {(a.layer, a.id): a for a in contents.listed}
    children = children_of(contents.parents, areas)
    maker = SheetMaker(contents, Writer(locale), paths, locator, areas, children)
    template = environment.get_template("sheet.html.jinja")
    common = {
        **shared,
        "settings": None,
        "last_year": region.years[-1],
        "shown_pair": longest_pair(region),
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
