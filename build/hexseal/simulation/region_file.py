"""The region file of a simulated island: a commented example to build at once and to copy."""

from pathlib import Path

from hexseal.errors import OutputError
from hexseal.storage.files import write_bytes

NAME = "region.toml"

TEXT = """\
# A simulated island: invented maps with realistic errors, for trying hexseal out.
# Build it with:  hexseal build {file}
# To describe a region of your own, copy this file and name your own rasters. Paths start at this
# file. `hexseal schema` prints every key as a JSON Schema that editors understand.

[region]
id = "seal-island"                    # becomes part of file names
title = {{ en = "Seal Island (simulated)", fr = "Île aux Phoques (simulée)" }}
simulated = true                      # every page says so

[[epoch]]                             # one table for each reference year
year = 2018
landcover = "clcplus_2018.tif"        # a path, a glob of tiles, or an http(s) address
source = "CLC+ Backbone 2018 (simulated)"
reference_period = ["2017-07-01", "2019-06-30"]
confidence = "confidence_2018.tif"    # optional: 0 to 100 for every pixel

[[epoch]]
year = 2021
landcover = "clcplus_2021.tif"
source = "CLC+ Backbone 2021 (simulated)"
reference_period = ["2020-10-01", "2022-03-31"]
confidence = "confidence_2021.tif"
post_processing = "post_processing_2021.tif"   # optional: 1 where the map was corrected by hand
{forward}
[hexagons]
finest = 9                            # H3 resolutions: 9 is about 0.1 km2, 5 about 250 km2
coarsest = 5

[[areas]]                             # any polygon file; one table for each layer of areas
layer = "province"
path = "provinces.gpkg"
id = "code"
name = "name"
population = {{ 2018 = "pop_2018", 2021 = "pop_2021" }}
title = {{ en = "Provinces", fr = "Provinces" }}

[[areas]]
layer = "municipality"
path = "municipalities.gpkg"
id = "code"
name = "name"
population = {{ 2018 = "pop_2018", 2021 = "pop_2021" }}
title = {{ en = "Municipalities", fr = "Communes" }}
"""

DENSITY = """\
[product]
name = "imperviousness"               # the sealed per cent of each pixel; sealed area is their sum

[[epoch]]                             # one table for each reference year
year = 2018
landcover = "imperviousness_2018.tif" # a path, a glob of tiles, or an http(s) address
source = "HRL Imperviousness Density 2018 (simulated)"

[[epoch]]
year = 2021
landcover = "imperviousness_2021.tif"
source = "HRL Imperviousness Density 2021 (simulated)"
"""

FORWARD = """
[[epoch]]                             # a year without a map: a model maps images of 2021 and 2024
year = 2024

[epoch.forward]                       # and what differs is carried onto the map of 2021
imagery = "sentinel2_2024.tif"
calibration_imagery = "sentinel2_2021.tif"
calibrate_on = 2021
model = "{model}"
"""


def write_region_file(
    folder: Path, *, model: str | None = None, densities: bool = False
) -> Path | None:
    """Write region.toml beside the simulated inputs; return it, or None where one was kept.

    ``model`` names the model that makes 2024 from images; without it the region has two years.
    With ``densities`` its years are those of imperviousness density. A region file that is there
    already is never replaced: it may have been edited.
    """
    path = folder / NAME
    if path.exists():
        return None
    forward = "" if model is None else FORWARD.format(model=model)
    try:
        text = TEXT.format(file=path, forward="" if densities else forward)
        if densities:
            start, end = text.index("[[epoch]]"), text.index("\n[hexagons]")
            text = text[:start] + DENSITY + text[end:]
        write_bytes(path, text.encode())
    except OSError as err:
        raise OutputError(f"{path}: cannot be written ({err.strerror})") from err
    return path
