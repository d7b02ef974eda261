"""Documents: links and anchors resolve, the README stays short, decisions are numbered."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub and MyST make them."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    titles = re.findall(r"(?m)^#+\s+(.+?)\s*$", text)
    plain = [re.sub(r"[^\w\s-]", "", title.lower()) for title in titles]
    return {re.sub(r"\s", "-", title.strip()) for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name}: {target} is not there"
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), f"{page.name}: {target} has no such heading"


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= 6144
    assert (ROOT / "ARCHITECTURE.md").stat().st_size <= 9000


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    folder = ROOT / "docs/development/decisions"
    pages = sorted(folder.glob("0*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    index = (folder / "index.md").read_text(encoding="utf-8")
    for page in pages:
        assert f"]({page.name})" in index
        assert re.search(r"(?m)^Date: \d{4}-\d\d-\d\d\. Status: ", page.read_text(encoding="utf-8"))
