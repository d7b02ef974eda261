"""Names of Sentinel-2 bands, as the project writes them and as catalogues write them.

A model of several dates has one channel for each band of each date: ``B04@196`` is red on day 196
of the year. A model of one date has bands as channels.
"""

import re
from collections.abc import Sequence

# The ten bands of 10 and 20 m, in the order in which models take them unless they name others.
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
KNOWN_BANDS = ("B01", *BANDS[:8], "B09", "B10", "B11", "B12")
# The 14 bands of the tiles of INSEE's course, which bear no names; the last two are indices.
TILE_LAYOUT = (
    "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12",
    "NDVI", "NDWI",
)  # fmt: skip
# The same bands as catalogues and libraries name them (STAC common names, Earth Search, Open Data
# Cube, Digital Earth Africa, SNAP), written without spaces, dashes and underscores.
ALIASES = {
    "coastal": "B01", "coastalaerosol": "B01", "blue": "B02", "green": "B03", "red": "B04",
    "rededge1": "B05", "rededge071": "B05", "re1": "B05", "vre1": "B05", "rededge2": "B06",
    "rededge075": "B06", "re2": "B06", "vre2": "B06", "rededge3": "B07", "rededge078": "B07",
    "re3": "B07", "vre3": "B07", "nir": "B08", "nir1": "B08", "nirbroad": "B08", "nir08": "B8A",
    "nir2": "B8A", "nirnarrow": "B8A", "narrownir": "B8A", "nir09": "B09", "watervapour": "B09",
    "watervapor": "B09", "swir16": "B11", "swir1": "B11", "swir22": "B12", "swir2": "B12",
}  # fmt: skip
# What may stand after a name without making it another quantity: how dates were combined, the
# level, the pixels. A standard deviation or an index is another quantity.
MANNER = (
    r"(?:median|mean|medoid|mosaic|composite|p\d{1,2}|reflectance|refl|sr|boa|toa|\d{2}m|masked)"
)
WAVELENGTH = r"(?:central\s+wavelength\s*)?\(?(?:\d{3,4}(?:\.\d+)?\s*nm|[0-2]\.\d+\s*[uµμ]m)\)?"
DAY = r"20\d{2}-?[01]\d-?[0-3]\d(?:t\d{4,6}z?)?"
# What may stand before a name: the satellite, the level, the number that Earth Engine's toBands()
# gives to an image. "SR_B4" is Landsat's.
ORIGIN = r"(?:s2[abc]?|sentinel[\s_-]?2[abc]?|msi|(?:msi)?l1c|(?:msi)?l2a|\d{1,2})"


def band_name(text: str) -> str | None:
    """Return the project's name of the band that ``text`` means, or None.

    >>> band_name("B2"), band_name("b8a"), band_name("B04_10m"), band_name("swir16")
    ('B02', 'B8A', 'B04', 'B11')
    >>> band_name("B2_median"), band_name("B02 (490 nm)"), band_name("Red Edge 1")
    ('B02', 'B02', 'B05')
    >>> band_name("B4, central wavelength 665 nm"), band_name("Blue (B2)"), band_name("S2_B8A")
    ('B04', 'B02', 'B8A')
    >>> band_name("NDVI"), band_name("B4_stdDev"), band_name("SR_B4")
    (None, None, None)
    """
    word = re.sub(rf"^(?:{ORIGIN}[\s_.:-]+)+(?=\D)", "", text.strip().lower())
    word = re.sub(rf"[\s_:,-]*{WAVELENGTH}$", "", word)
    word = re.sub(rf"(?:[\s_.-]+(?:{MANNER}|{DAY}))+$", "", word)
    named = re.fullmatch(r"(.+?)[\s_-]*\((b\d{1,2}|b8a)\)", word)
    if named is not None:
        word = f"{named.group(2)} {named.group(1)}"
    number = re.fullmatch(r"b(?:and)?[\s_-]?(0?\d|1[0-2]|0?8a)(?:[\s_:(-]+(.+?)\)?)?", word)
    alias = ALIASES.get(re.sub(r"[\s_-]+", "", word))
    if number is None:
        return alias
    digits = number.group(1).upper()
    name = "B8A" if digits.endswith("8A") else f"B{int(digits):02d}"
    description = number.group(2)
    # "B2 - Blue" holds its name twice; "B4_B8 ratio" is not a band.
    if name not in KNOWN_BANDS or (
        description and ALIASES.get(re.sub(r"[\s_-]+", "", description)) != name
    ):
        return None
    return name


def band_of_file(stem: str) -> str | None:
    """Return the band that a file of a single band names at its end, or None.

    >>> band_of_file("T31UFS_20190411_B08_10m"), band_of_file("ref_input_S2_B8A")
    ('B08', 'B8A')
    """
    found = re.search(r"(?:^|[_.-])(B\d{1,2}|B8A)(?:_\d+m)?$", stem, re.IGNORECASE)
    return band_name(found.group(1)) if found else None


def channels_of(bands: Sequence[str], days: Sequence[int]) -> tuple[str, ...]:
    """Return the channels of a model: all bands of the first day, then those of the next.

    >>> channels_of(["B02", "B08"], [75, 196])
    ('B02@075', 'B08@075', 'B02@196', 'B08@196')
    >>> channels_of(["B02", "B08"], [])
    ('B02', 'B08')
    """
    if not days:
        return tuple(bands)
    return tuple(f"{band}@{day:03}" for day in days for band in bands)


def band_of(channel: str) -> str:
    """Return the band of a channel.

    >>> band_of("B8A@196"), band_of("B8A")
    ('B8A', 'B8A')
    """
    return channel.partition("@")[0]


def days_of(channels: Sequence[str]) -> tuple[int, ...]:
    """Return the days of channels in their order; none for a model of one date.

    >>> days_of(("B02@075", "B08@075", "B02@196", "B08@196")), days_of(("B02", "B08"))
    ((75, 196), ())
    """
    days = [int(day) for _, at, day in (channel.partition("@") for channel in channels) if at]
    return tuple(dict.fromkeys(days))


def is_classification(text: str) -> bool:
    """Return whether a band's name means Sentinel-2's scene classification.

    >>> is_classification("SCL_20m"), is_classification("scl"), is_classification("B02")
    (True, True, False)
    """
    return re.fullmatch(r"scl(?:_\d+m)?", text.strip(), re.IGNORECASE) is not None
