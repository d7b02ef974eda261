"""The frame around every page: which pages a site has, in each language, and how they link."""

from collections.abc import Collection
from dataclasses import dataclass

from hexseal.region.load import Region

INDEX = "index.html"
LANGUAGE_NAMES = {"en": "English", "fr": "Français"}
# The pages that the navigation names, in its order, by the key of their name; and the place on
# the dashboard that answers for a page which a site does not have.
NAVIGATION = (
    (INDEX, "page.nav.map", "#figures"),
    ("areas.html", "page.nav.areas", "#areas"),
    ("data.html", "page.nav.data", "#data"),
    ("methodology.html", "page.nav.method", ""),
    ("about.html", "page.nav.about", "#about"),
    ("accessibility.html", "page.nav.accessibility", ""),
)
# Strict: nothing inline, nothing from elsewhere. A page opened from a folder loads its own
# files as file:, and MapLibre's worker then starts from a data: address.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' file:",
        "worker-src blob: data:",
        "style-src 'self' file:",
        "img-src 'self' data: blob:",
        "connect-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A page in the navigation; ``key`` names its text."""

    href: str
    key: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class LanguageLink:
    """The same page in a language."""

    code: str
    name: str
    href: str


def page_path(region: Region, language: str, page: str = INDEX) -> str:
    """Return the address of a page in a language, relative to the site."""
    return page if language == region.site.languages[0] else f"{language}/{page}"


def page_frame(
    region: Region, page: str, language: str, *, pages: Collection[str]
) -> dict[str, object]:
    """Return what the templates need to link ``page`` to others; ``pages`` are those of the site.

    ``root`` leads to the site's folder, ``base`` to the folder of the page's language, and
    ``home`` to the dashboard: empty on the dashboard itself.
    """
    root = "../" * page_path(region, language, page).count("/")
    base = "../" * page.count("/")
    home = "" if page == INDEX else base + INDEX
    return {
        "root": root,
        "base": base,
        "home": home,
        "pages": pages,
        "languages": [
            LanguageLink(code, LANGUAGE_NAMES[code], root + page_path(region, code, page))
            for code in region.site.languages
        ],
        "navigation": list(_navigation(region, page, base, home, pages)),
    }


def _navigation(region: Region, page: str, base: str, home: str, pages: Collection[str]):
    for target, key, place in NAVIGATION:
        if target == "areas.html" and not region.areas:
            continue
        if target == page:
            yield NavigationLink(place if page == INDEX else target.rpartition("/")[2], key, True)
        elif target in pages:
            yield NavigationLink(base + target, key, False)
        elif place:
            yield NavigationLink(home + place, key, False)
