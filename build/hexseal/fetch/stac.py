"""Searching a STAC catalogue: POST /search with its pages (STAC API 1.0, item search).

Clouds are judged here and not asked for: catalogues differ in how they filter by properties.
"""

import calendar
from collections.abc import Iterator
from urllib.parse import urljoin

from hexseal.errors import FetchError
from hexseal.fetch.addresses import onward, public
from hexseal.fetch.answers import Table, as_list, as_table, as_tables, as_text
from hexseal.fetch.web import Asked, Web
from hexseal.region.fetch import FetchSentinel2
from hexseal.types import Box

PAGE, MOST_PAGES = 100, 100


def season(year: int, months: tuple[int, int]) -> str:
    """Return the interval from the first day of the first month to the last of the last.

    >>> season(2024, (1, 2))
    '2024-01-01T00:00:00Z/2024-02-29T23:59:59Z'
    """
    first, last = months
    day = calendar.monthrange(year, last)[1]
    return f"{year}-{first:02d}-01T00:00:00Z/{year}-{last:02d}-{day}T23:59:59Z"


def search(web: Web, settings: FetchSentinel2, year: int, box: Box) -> Iterator[Table]:
    """Yield the items of a year's season that meet a box (west, south, east, north), once each.

    Raises FetchError where the catalogue answers without items or its pages never end.
    """
    address = f"{settings.catalogue}/search"
    body: Table | None = {
        "collections": [settings.collection],
        "bbox": [round(edge, 6) for edge in box],
        "datetime": season(year, settings.months),
        "limit": PAGE,
    }
    seen: set[str] = set()
    origin = ""
    for _ in range(MOST_PAGES):
        asked = Asked(address, origin=origin)
        if body is not None:
            asked = Asked.json(address, body, origin=origin)
        page = as_table(web.json(asked))
        if not isinstance(page.get("features"), list):
            raise FetchError(
                f"{public(address)}: answered without features, so it is no STAC search; check "
                "[fetch.sentinel2] catalogue"
            )
        for item in as_tables(page["features"]):
            name = as_text(item.get("id"))
            if name not in seen:
                seen.add(name)
                yield item
        following = _next(page, address, body, settings.catalogue)
        if following is None:
            return
        (address, body), origin = following, settings.catalogue
    raise FetchError(
        f"{settings.catalogue}: more than {MOST_PAGES} pages of items; choose fewer months or a "
        "smaller place"
    )


def _next(
    page: Table, address: str, body: Table | None, catalogue: str
) -> tuple[str, Table | None] | None:
    """Return address and body of the next page; links may ask for GET or POST, whole or merged."""
    links = [link for link in as_tables(page.get("links")) if link.get("rel") == "next"]
    if not links or not as_list(page.get("features")):
        return None
    link = links[0]
    target = onward(urljoin(address, as_text(link.get("href"))), catalogue)
    if as_text(link.get("method")).upper() != "POST":
        return target, None
    sent = as_table(link.get("body"))
    merged = (body or {}) | sent if link.get("merge") is True else sent
    return target, merged or body
