"""Sentinel-2 images: names of bands, reflectance, clouds."""
