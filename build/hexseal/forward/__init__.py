"""Years without a map, predicted from Sentinel-2 by a model in a process of its own."""
