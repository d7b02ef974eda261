"""Tiers of the test suite, and sites that many tests read.

Tests bear a marker where they are not of the quick tier: browser, real_data, slow, wheel. Tests of
a module that share a fixture of that module run on one worker, all others wherever there is time.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.made_site import MadeSite, make_site
from shared import shared
from sites import build_toy


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--keep-golden", metavar="FOLDER", help="make today's screenshots the golden pictures"
    )


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """Keep the handlers of signals, which a command line in this process replaces."""
    kept = {wish: signal.getsignal(wish) for wish in (signal.SIGINT, signal.SIGTERM)}
    yield
    for wish, handler in kept.items():
        signal.signal(wish, handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the users of a module's own fixture on one worker (pytest-xdist, --dist loadgroup)."""
    for item in items:
        if "browser" in item.path.parent.name:
            item.add_marker(pytest.mark.browser)
        info = getattr(item, "_fixtureinfo", None)
        definitions = [] if info is None else [d[-1] for d in info.name2fixturedefs.values()]
        if any(definition.scope == "module" for definition in definitions):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session")
def shared_folder(pytestconfig: pytest.Config) -> Path:
    """Return the folder of sites that outlive a run."""
    return Path(pytestconfig.rootpath) / ".pytest_cache" / "hexseal"


@pytest.fixture(scope="session")
def toy(shared_folder: Path) -> Path:
    """Return a folder with the built toy region of sites.py: inputs/, site/, work/. Read only."""
    return shared(shared_folder, "toy", build_toy)


@pytest.fixture(scope="session")
def made(shared_folder: Path) -> MadeSite:
    """Return the site of made-up hexagons of browser/made_site.py. Read only."""
    return shared(shared_folder, "made", make_site)
