"""The frame around every page: which pages a site has, in each language, and how they link."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

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

    ``canonical`` is the address of the page on the web, "" where the region file names none;
    ``alternates`` are the same page in each language, whole addresses where they are known.
    ``root`` leads to the site's folder, ``base`` to the folder of the page's language, and
    ``home`` to the dashboard: empty on the dashboard itself.
    """
    root = "../" * page_path(region, language, page).count("/")
    base = "../" * page.count("/")
    home = "" if page == INDEX else base + INDEX
    site = region.dataset.address or ""
    return {
        "canonical": site and site + quote(page_path(region, language, page)),
        "alternates": [
            (code, (site or root) + quote(page_path(region, code, page)))
            for code in region.site.languages
        ],
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


def sitemap(region: Region, pages: Collection[str]) -> str:
    """Return the sitemap of a site at a known address, each page with its other languages.

    ``pages`` are paths in the folder of a language (https://www.sitemaps.org/protocol.html).
    """
    site, languages = region.dataset.address or "", region.site.languages

    def address(language: str, page: str) -> str:
        return escape(site + quote(page_path(region, language, page)))

    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        ' xmlns:xhtml="http://www.w3.org/1999/xhtml">'
    )
    for page in pages:
        others = "".join(
            f'<xhtml:link rel="alternate" hreflang="{code}" href="{address(code, page)}"/>'
            for code in languages
            if len(languages) > 1
        )
        lines += [f"<url><loc>{address(code, page)}</loc>{others}</url>" for code in languages]
    return "\n".join([*lines, "</urlset>", ""])


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
