"""The pages of a site: settings, totals and tables rendered into the dashboard's templates."""

from hexseal.pages.site import PageSummary, write_pages

__all__ = ["PageSummary", "write_pages"]
