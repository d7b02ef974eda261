"""Warnings: change between years that do not compare is never shown without its reason."""

import json
from pathlib import Path

from hexseal.verify.figures import SUMMARY


def check_warnings(site: Path) -> list[str]:
    """Return the dashboards that lack the warning of a pair which summary.json says is doubtful.

    Where a labelled sample supports the region's figures, its reasons are remarks.
    """
    path = site / SUMMARY
    if not path.is_file():
        return [f"{SUMMARY}: is missing"]
    pairs = json.loads(path.read_text(encoding="utf-8")).get("pairs", {})
    doubtful = [
        name.replace("_", "-")
        for name, facts in pairs.items()
        if any(note["severe"] for note in facts["notes"]) and facts.get("grade") != "reference"
    ]
    return [
        f"{page.relative_to(site)}: shows the change {pair} without its warning"
        for page in sorted([*site.glob("index.html"), *site.glob("*/index.html")])
        for pair in doubtful
        if f'class="warning" role="note" id="notes-{pair}"' not in page.read_text(encoding="utf-8")
    ]
