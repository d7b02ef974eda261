"""Check a finished site: nothing missing, nothing foreign, and one set of figures everywhere."""

from hexseal.verify.site import VerifyReport, verify_site

__all__ = ["VerifyReport", "verify_site"]
