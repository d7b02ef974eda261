"""The region file: read once, checked, turned into frozen values."""
