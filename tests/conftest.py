"""Tiers of the test suite, and sites that many tests read.

Tests bear a marker where they are not of the quick tier: browser, real_data, slow, wheel. The tests
of a file run on one worker (--dist loadfile), which makes the fixtures of that file once.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.made_site import MadeSite, make_site
from shared import shared
from sites import build_toy

LONG_TIERS = ("browser", "real_data", "slow", "wheel")
# Files of the quick tier that take longest; a hint only.
LONGEST = frozenset(
    f"test_{name}.py"
    for name in (
        "api", "areas_bad_input", "bad_input", "execution", "forward", "forward_site", "merge",
        "tally", "uncovered_site", "verify",
    )
)  # fmt: skip


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
    """Mark the browser's tests; put files of long tests first, so that no worker ends alone."""
    long: dict[Path, int] = {}
    for item in items:
        if "browser" in item.path.parent.name:
            item.add_marker(pytest.mark.browser)
        tiers = sum(1 for mark in item.iter_markers() if mark.name in LONG_TIERS)
        long[item.path] = max(long.get(item.path, 0), 2 * tiers + (item.path.name in LONGEST))
    items.sort(key=lambda item: -long[item.path])


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
