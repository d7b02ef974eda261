"""CLC+ Forward: Sentinel-2 images in, a land-cover raster with CLC+ codes out.

Nothing lives here yet. hexseal never imports this package: a prediction is just another
land-cover raster, so sites build without torch.
"""
