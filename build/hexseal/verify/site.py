"""All checks of a finished site in one report."""

from dataclasses import dataclass
from pathlib import Path

from hexseal.errors import VerifyError
from hexseal.verify.checksums import check_checksums, digests_of
from hexseal.verify.documents import check_documents
from hexseal.verify.figures import check_downloads, check_figures
from hexseal.verify.layers import check_layers
from hexseal.verify.links import check_links
from hexseal.verify.merging import check_merging
from hexseal.verify.pages import read_settings
from hexseal.verify.scripts import check_scripts
from hexseal.verify.tables import check_tables
from hexseal.verify.tiles import check_tiles
from hexseal.verify.warnings import check_warnings


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at and what was wrong, one line each."""

    files: int
    cells: int
    problems: tuple[str, ...]

    @property
    def headline(self) -> str:
        """Return one line that sums the report up."""
        found = f"{len(self.problems)} problems" if self.problems else "all in order"
        return f"{self.files} files, {self.cells:,} hexagons: {found}"


def verify_site(site: Path) -> VerifyReport:
    """Check links and assets, downloads, tiles, and that all figures agree.

    Raises VerifyError only when the folder holds no site at all; what is wrong inside a site is
    a problem of the report.
    """
    index = site / "index.html"
    if not index.is_file():
        raise VerifyError(f"{site}: holds no index.html; build a site first (just build)")
    problems = [*check_links(site), *check_warnings(site)]
    cells = 0
    try:
        settings = read_settings(index)
    except VerifyError as err:
        problems.append(str(err))
    else:
        problems += check_scripts(site, settings)
        digests = digests_of(site)
        problems += check_downloads(site, settings, digests)
        problems += check_checksums(site, digests)
        problems += check_documents(site, digests)
        if not problems:
            figures, cells = check_figures(site, settings)
            problems += figures
            problems += check_tables(site, settings)
            problems += check_tiles(site, settings)
            problems += check_layers(site, settings)
            problems += check_merging(site, settings)
    files = sum(1 for path in site.rglob("*") if path.is_file())
    return VerifyReport(files, cells, tuple(problems))
