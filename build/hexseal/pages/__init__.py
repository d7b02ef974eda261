"""The pages of a site: settings, totals and tables rendered into the dashboard's templates.

Imports inside point one way: frame < numbers < locales < classes < indicators < figures < years
< addresses < nesting < judgement < noise < tables < charts < origins < origin_files < settings
< reading < stories < methodology < about < data < snippets < data_page < rank
< locator < sheets < sheet_files < site.
"""

from hexseal.pages.site import PageSummary, write_pages

__all__ = ["PageSummary", "write_pages"]
