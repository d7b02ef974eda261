"""Links and assets of every page: all there, none from elsewhere; scripts hold their files."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hexseal.datasets.partitions import script_of
from hexseal.verify.pages import PageSettings

# Attributes whose address a browser fetches by itself; an <a href> is followed by a person only.
FETCHED = {"src", "srcset", "poster", "data", "action", "formaction", "background", "manifest"}
# Links that state where the page and its other languages stand on the web: nothing is fetched.
NAMING_LINKS = {"canonical", "alternate"}
FETCHING_LINKS = {"link", "image", "use", "base"}
CSS_ADDRESS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
# Calls that fetch an address written out in a script.
SCRIPT_FETCH = re.compile(
    r"(?:fetch|import|importScripts|Worker|EventSource|WebSocket|sendBeacon|XMLHttpRequest)"
    r"\(\s*['\"`]((?:https?:|wss?:)?//[^'\"`]+)"
)
POLICY = "content-security-policy"


class Page(HTMLParser):
    """The addresses and anchors of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.linked: list[str] = []
        self.anchors: set[str] = set()
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a tag names."""
        values = {name: value or "" for name, value in attrs}
        self.anchors.add(values.get("id", ""))
        for name in FETCHED & values.keys():
            if not (tag == "meta" or values[name].startswith("data:")):
                self.fetched += [
                    part.split()[0] for part in values[name].split(",") if part.strip()
                ]
        if "href" in values:
            names = tag == "link" and values.get("rel", "").lower() in NAMING_LINKS
            fetches = tag in FETCHING_LINKS and not names
            (self.fetched if fetches else self.linked).append(values["href"])
        if values.get("http-equiv", "").lower() == POLICY:
            self.policy = values.get("content", "")


def check_links(site: Path) -> list[str]:
    """Return what is missing or foreign in all HTML, CSS and JavaScript files of a site."""
    problems: list[str] = []
    files = Files(site.resolve())
    pages = {path.resolve(): _parse(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        problems += [f"{name}: {line}" for line in _check_page(path, page, pages, files)]
    for path in sorted(site.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        for match in CSS_ADDRESS.finditer(text):
            address = (match[1] or match[2]).strip()
            if not address.startswith(("data:", "#")):
                problems += [
                    f"{path.relative_to(site)}: {line}"
                    for line in _check_fetched(address, path, files)
                ]
    for path in sorted(site.rglob("*.js")):
        for match in SCRIPT_FETCH.finditer(path.read_text(encoding="utf-8")):
            problems.append(f"{path.relative_to(site)}: fetches {match[1]} from another origin")
    return problems


class Files:
    """What addresses of a site's files lead to; each is looked up once for a folder of pages."""

    def __init__(self, site: Path) -> None:
        self._site = site
        self._known: dict[tuple[Path, str], tuple[Path, str]] = {}

    def named(self, relative: str, path: Path) -> tuple[Path, str]:
        """Return the file that a page at ``path`` names, and what is wrong with it or nothing."""
        if not relative:
            return path, self._wrong(path, relative)
        key = path.parent, relative
        if key not in self._known:
            target = (path.parent / unquote(relative)).resolve()
            self._known[key] = target, self._wrong(target, relative)
        return self._known[key]

    def _wrong(self, target: Path, relative: str) -> str:
        if not target.is_relative_to(self._site):
            return f"names {relative}, which lies outside the site"
        if target.is_dir():
            return f"names the folder {relative}, which opens nothing from a file address"
        return "" if target.is_file() else f"names {relative}, which is missing"


def _parse(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _check_page(path: Path, page: Page, pages: dict[Path, Page], files: Files) -> Iterator[str]:
    if not page.policy:
        yield "has no Content-Security-Policy"
    elif re.search(r"https?:|wss?:|unsafe-|\*", page.policy):
        yield f"its Content-Security-Policy allows something foreign or unsafe: {page.policy}"
    for address in page.fetched:
        yield from _check_fetched(address, path, files)
    for address in page.linked:
        yield from _check_linked(address, path, pages, files)


def _check_fetched(address: str, path: Path, files: Files) -> Iterator[str]:
    parts = urlsplit(address)
    if parts.scheme == "data" or address.startswith("#"):
        return
    if parts.scheme or parts.netloc:
        yield f"fetches {address} from another origin"
        return
    _, wrong = files.named(parts.path, path)
    if wrong:
        yield wrong


def _check_linked(address: str, path: Path, pages: dict[Path, Page], files: Files) -> Iterator[str]:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return
    target, wrong = files.named(parts.path, path)
    if wrong:
        yield wrong
    page = pages.get(target)
    # A fragment with "=" holds the state of the dashboard, not an anchor.
    if page and parts.fragment and "=" not in parts.fragment and parts.fragment not in page.anchors:
        yield f"links to {address}, but there is no such anchor"


def check_scripts(site: Path, settings: PageSettings) -> list[str]:
    """Return the partitions that are missing, have another size, or differ from their script."""
    problems = []
    tree = settings.partitions
    for parent, _, size in tree.parents:
        file = f"{tree.folder}/parent={parent}/{tree.file}"
        if not (site / file).is_file():
            problems.append(f"{file}: is missing")
            continue
        content = (site / file).read_bytes()
        if len(content) != size:
            problems.append(f"{file}: has {len(content)} bytes, the page states {size}")
        if tree.scripts is None:
            continue
        script = f"{tree.scripts}/{parent}.js"
        if not (site / script).is_file():
            problems.append(f"{script}: is missing")
        elif (site / script).read_bytes() != script_of(parent, content):
            problems.append(f"{script}: does not carry the bytes of {file}")
    return problems
