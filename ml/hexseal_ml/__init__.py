"""CLC+ Forward: Sentinel-2 images in, a land-cover raster with CLC+ codes out.

hexseal never imports this package: a prediction is just another land-cover raster, so sites
build without torch. Imports between its packages point one way; import-linter holds the rule
(pyproject.toml).
"""
