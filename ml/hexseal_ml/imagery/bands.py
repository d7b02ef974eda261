"""Names of Sentinel-2 bands, as the project writes them and as catalogues write them."""

import re

# The ten bands of 10 and 20 m, in the order in which models take them unless told otherwise.
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
KNOWN_BANDS = ("B01", *BANDS[:8], "B09", "B10", "B11", "B12")
# The 14 bands of the tiles of INSEE's course, which bear no names; the last two are indices.
TILE_LAYOUT = (
    "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12",
    "NDVI", "NDWI",
)  # fmt: skip
# Asset names of STAC catalogues (Earth Search) for the same bands.
ASSETS = {
    "coastal": "B01", "blue": "B02", "green": "B03", "red": "B04", "rededge1": "B05",
    "rededge2": "B06", "rededge3": "B07", "nir": "B08", "nir08": "B8A", "nir09": "B09",
    "swir16": "B11", "swir22": "B12",
}  # fmt: skip


def band_name(text: str) -> str | None:
    """Return the project's name of the band that ``text`` means, or None.

    >>> band_name("B2"), band_name("b8a"), band_name("B04_10m"), band_name("swir16")
    ('B02', 'B8A', 'B04', 'B11')
    >>> band_name("NDVI") is None
    True
    """
    word = text.strip().lower()
    if word in ASSETS:
        return ASSETS[word]
    found = re.fullmatch(r"b(?:and)?[ _]?(0?\d|1[0-2]|8a)(?:[ _]\d+m)?", word)
    if found is None:
        return None
    number = found.group(1).upper()
    name = "B8A" if number == "8A" else f"B{int(number):02d}"
    return name if name in KNOWN_BANDS or name == "B8A" else None


def band_of_file(stem: str) -> str | None:
    """Return the band that a file of a single band names at its end, or None.

    >>> band_of_file("T31UFS_20190411_B08_10m"), band_of_file("ref_input_S2_B8A")
    ('B08', 'B8A')
    """
    found = re.search(r"(?:^|[_.-])(B\d{1,2}|B8A)(?:_\d+m)?$", stem, re.IGNORECASE)
    return band_name(found.group(1)) if found else None


def is_classification(text: str) -> bool:
    """Tell whether a band's name means Sentinel-2's scene classification.

    >>> is_classification("SCL_20m"), is_classification("scl"), is_classification("B02")
    (True, True, False)
    """
    return re.fullmatch(r"scl(?:_\d+m)?", text.strip(), re.IGNORECASE) is not None
