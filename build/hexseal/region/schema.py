"""Every key of a region file with type, default, allowed values and meaning.

The JSON Schema that editors read (``hexseal schema``) and the reference page are written from
here. A default stands in the dataclass that holds the value, from which this module and the reader
take it (``toml.usual``). tests/test_schema.py compares each key with what the readers take, so that
a key cannot be read without standing here, nor stand here without being read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hexseal.products import IMPERVIOUSNESS, PRODUCTS
from hexseal.region.dataset import ADDRESS, LICENCES, SEMANTIC_VERSION, Dataset
from hexseal.region.epochs import Forward
from hexseal.region.fetch import (
    BOX_CRS,
    EARTH_SEARCH,
    KNOWN_BANDS,
    NUTS_YEAR,
    WORLDCOVER_YEARS,
    FetchSentinel2,
)
from hexseal.region.load import (
    CUSTOM_TITLE,
    LANGUAGES,
    SLUG,
    USUAL_PRODUCT,
    HexagonRange,
    Simulation,
    Site,
)
from hexseal.region.noise import WIDEST_RIM, Accuracy, Noise
from hexseal.region.toml import usual

# A fragment of JSON Schema: the type of a key and its allowed values.
Kind = Mapping[str, Any]
REQUIRED = "required"

TEXT: Kind = {"type": "string", "minLength": 1}
FLAG: Kind = {"type": "boolean"}
WHOLE: Kind = {"type": "integer"}
NUMBER: Kind = {"type": "number"}
NAME: Kind = {"type": "string", "pattern": f"^{SLUG.pattern}$"}
WEB: Kind = {"type": "string", "pattern": f"^{ADDRESS.pattern}$"}
YEAR: Kind = {"type": "integer", "minimum": 1900, "maximum": 2200}
CODES: Kind = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}}
TITLE: Kind = {
    "anyOf": [
        TEXT,
        {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
    ]
}
# TOML has dates of its own, which validators see as text.
DAY: Kind = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}


def choice(*values: str) -> Kind:
    """Return the kind of a text that is one of ``values``."""
    return {"type": "string", "enum": list(values)}


def whole(least: int, most: int | None = None) -> Kind:
    """Return the kind of a whole number from ``least`` to ``most``."""
    top = {} if most is None else {"maximum": most}
    return {"type": "integer", "minimum": least, **top}


def share(least: float, most: float) -> Kind:
    """Return the kind of a number from ``least`` to ``most``."""
    return {"type": "number", "minimum": least, "maximum": most}


def several(kind: Kind, least: int = 1, most: int | None = None) -> Kind:
    """Return the kind of a list of ``least`` to ``most`` values."""
    top = {} if most is None else {"maxItems": most}
    return {"type": "array", "items": kind, "minItems": least, **top}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: ``default`` is its value where it is left out, None for none, or REQUIRED."""

    name: str
    kind: Kind
    help: str
    default: object = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table; ``name`` is dotted, ``is_list`` writes it as ``[[name]]``.

    A table whose name ends in YEAR stands once for each year.
    """

    name: str
    help: str
    keys: tuple[Key, ...]
    is_list: bool = False
    is_required: bool = False

    @property
    def header(self) -> str:
        """Return the table's line in a region file."""
        return f"[[{self.name}]]" if self.is_list else f"[{self.name}]"


def key_at(table: str, name: str) -> Key | None:
    """Return a key of a table, None where there is no such key."""
    return next((k for t in TABLES if t.name == table for k in t.keys if k.name == name), None)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of a region file."""
    root = _object((), "Region file of hexseal", TABLES, "")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "hexseal region file",
        **root,
    }


def reference() -> str:
    """Return the reference page of all keys as Markdown."""
    return "\n".join([INTRODUCTION, *(line for table in TABLES for line in _section(table))])


def _object(
    keys: tuple[Key, ...], help_text: str, tables: tuple[Table, ...], name: str
) -> dict[str, Any]:
    """Return the schema of a table with its keys and the tables right below it."""
    properties: dict[str, Any] = {key.name: _value(key) for key in keys}
    patterns: dict[str, Any] = {}
    below = [table for table in tables if table.name.rpartition(".")[0] == name]
    for table in below:
        inner = _object(table.keys, table.help, tables, table.name)
        value = {"type": "array", "items": inner} if table.is_list else inner
        last = table.name.rpartition(".")[2]
        (patterns if last == "YEAR" else properties)[r"^\d{4}$" if last == "YEAR" else last] = value
    required = [key.name for key in keys if key.default == REQUIRED]
    required += [table.name for table in below if table.is_required]
    return {
        "type": "object",
        "description": help_text,
        "properties": properties,
        **({"patternProperties": patterns} if patterns else {}),
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _value(key: Key) -> dict[str, Any]:
    usual = {} if key.default in (None, REQUIRED) else {"default": _plain(key.default)}
    return {"description": key.help, **key.kind, **usual}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _section(table: Table) -> Iterator[str]:
    yield f"## `{table.header}`"
    yield ""
    yield table.help
    yield ""
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key in table.keys:
        yield f"| `{key.name}` | {_words(key.kind)} | {_default(key)} | {key.help} |"
    yield ""


def _default(key: Key) -> str:
    if key.default == REQUIRED:
        return "**required**"
    return "none" if key.default is None else f"`{_toml(key.default)}`"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _words(kind: Kind) -> str:
    """Return a kind in words.

    >>> _words({"type": "integer", "minimum": 0, "maximum": 15})
    'whole number, 0 to 15'
    """
    if "anyOf" in kind:
        return " or ".join(map(_words, kind["anyOf"]))
    if "enum" in kind:
        return ", ".join(f"`{_toml(value)}`" for value in kind["enum"])
    if kind["type"] == "array":
        most = kind.get("maxItems")
        count = f" {most}" if most is not None and most == kind.get("minItems") else ""
        return f"list of{count} {_plural(_words(kind['items']))}"
    words = {"integer": "whole number", "boolean": "`true` or `false`", "object": "table"}
    word = words.get(kind["type"], "text" if kind["type"] == "string" else "number")
    least, most = kind.get("minimum"), kind.get("maximum")
    if least is not None:
        return f"{word}, {least} to {most}" if most is not None else f"{word} from {least}"
    return word


def _plural(words: str) -> str:
    """Return the plural of a kind: "whole number, 0 to 15" becomes "whole numbers, 0 to 15"."""
    if words.startswith("`"):
        return words
    noun, comma, rest = words.partition(",")
    return f"{noun}s{comma}{rest}"


INTRODUCTION = """\
# Keys of a region file

Written from `build/hexseal/region/schema.py` by `tools/write_reference.py`; do not edit. One TOML
file describes one site. Required is `[region] id` and at least one `[[epoch]]`; everything else has
a default. Unknown keys, wrong types and missing files are errors that name the key. Paths start at
the region file; a path may be a glob of tiles or an http(s) or s3 address where the text allows it.

Editors complete and check the file with the JSON Schema that `hexseal schema > region.schema.json`
writes: put `#:schema region.schema.json` into its first line (Even Better TOML, Tombi, taplo).
"""

TABLES: tuple[Table, ...] = (
    Table(
        "region",
        "What the site is about.",
        (
            Key("id", NAME, "Becomes part of file names: lower-case letters, digits, `-`, `_`.", REQUIRED),
            Key("title", TITLE, "Title of the site: one text, or one for each language. By default the file's name."),
            Key("simulated", FLAG, "Every page states that the data are simulated. By default true where `[simulation]` is given."),
            Key("window", several(NUMBER, 4, 4), "xmin, ymin, xmax, ymax in the CRS of the rasters: only pixels whose centre lies inside count. By default the whole raster."),
        ),
        is_required=True,
    ),
    Table(
        "product",
        "What the codes of the rasters mean. A named product knows its codes; only `nodata` may then be given.",
        (
            Key("name", choice(*PRODUCTS, "custom"), "The product; `custom` needs `sealed` and `valid`.", USUAL_PRODUCT),
            Key("title", TEXT, "Of a custom product: its name on the pages.", CUSTOM_TITLE),
            Key("attribution", TEXT, "Of a custom product: who is to be named. By default its title."),
            Key("sealed", CODES, "Of a custom product: codes that count as sealed."),
            Key("water", CODES, "Of a custom product: codes of water, which is no land."),
            Key("valid", CODES, "Of a custom product: all codes that count."),
            Key("nodata", CODES, "Codes without a class. A named product has its own, which this replaces."),
            Key("step", whole(1, 100), "Of `imperviousness`: percentage points by which a pixel must rise or fall to join a patch of change. Areas count every difference.", IMPERVIOUSNESS.step),
        ),
    ),
    Table(
        "epoch",
        "One table for each reference year. A year has a `landcover`, or `[epoch.forward]` to make it from images.",
        (
            Key("year", YEAR, "The reference year, each once.", REQUIRED),
            Key("landcover", TEXT, "Land-cover raster: a path, a glob of tiles, or an http(s) or s3 address. Required unless `forward` is given."),
            Key("source", {"type": "string"}, "What the year is made from, as pages and files name it."),
            Key("reference_period", {**several(DAY, 2, 2)}, "First and last day of the images behind the map, as YYYY-MM-DD."),
            Key("confidence", TEXT, "Raster of the map's confidence, 0 to 100: a path, glob or address."),
            Key("post_processing", TEXT, "Raster that is not 0 where the map was corrected by hand: a path, glob or address."),
        ),
        is_list=True,
        is_required=True,
    ),
    Table(
        "epoch.forward",
        "A year without a map: a model maps two images, and where its maps differ the last map is changed.",
        (
            Key("imagery", TEXT, "Image of the year: a raster with named bands, or files of one band each as a glob or comma list.", REQUIRED),
            Key("calibration_imagery", TEXT, "Image of the last year before this one that has a map, which the year starts from. Left out where no year of the region has a map: the year is then the model's map as it is."),
            Key("model", TEXT, "Folder of a model, or the name of an installed one, such as `clcplus-forward-b2`.", REQUIRED),
            Key("reference", TEXT, "Where no year has a map: a CLC+ map of the same year of a part of the place, which the model is compared with."),
            Key("missing_bands", choice("refuse", "mean"), "Refuse images that lack a band of the model, or take the band's mean.", usual(Forward, "missing_bands")),
            Key("clouds", choice("keep", "mask"), "Without a scene classification: keep clouds, or give no class to what looks like one.", usual(Forward, "clouds")),
        ),
    ),
    Table(
        "hexagons",
        "H3 resolutions that are published, from coarsest to finest.",
        (
            Key("finest", whole(0, 15), "Finest resolution; 9 has cells of about 0.1 km2.", usual(HexagonRange, "finest")),
            Key("coarsest", whole(0, 15), "Coarsest resolution; 5, or `finest` where that is coarser.", usual(HexagonRange, "coarsest")),
        ),
    ),
    Table(
        "areas",
        "One table for each layer of areas; every feature becomes a row and a sheet.",
        (
            Key("layer", NAME, "Name of the layer in files.", REQUIRED),
            Key("path", TEXT, "Polygon file that GDAL reads, in any CRS.", REQUIRED),
            Key("layer_name", TEXT, "Layer of a file that holds several."),
            Key("id", TEXT, "Column with a unique id.", REQUIRED),
            Key("name", TEXT, "Column with the name.", REQUIRED),
            Key("population", {"anyOf": [TEXT, {"type": "object", "additionalProperties": TEXT}]}, "Column with inhabitants, or one for each year: `{ 2018 = \"pop_2018\" }`."),
            Key("title", TITLE, "Title of the layer: one text, or one for each language. By default the layer's name."),
        ),
        is_list=True,
    ),
    Table(
        "noise",
        "How change is separated from noise (methodology, filters).",
        (
            Key("post_processing", FLAG, "Leave out change where `post_processing` of an epoch is not 0.", usual(Noise, "post_processing")),
            Key("three_dates", FLAG, "Leave out change that a third year takes back.", usual(Noise, "three_dates")),
            Key("confidence", whole(0, 100), "Leave out change where a year's confidence is below.", usual(Noise, "confidence")),
            Key("edge_tolerance", whole(0, WIDEST_RIM), "Leave out change within so many pixels of what is sealed in both years.", usual(Noise, "edge_tolerance")),
            Key("minimum_patch", whole(1, 1_000_000), "Leave out patches of fewer pixels.", usual(Noise, "minimum_patch")),
            Key("level", share(0, 1), "Share of false patches that confirmed change may hold.", usual(Noise, "level")),
            Key("decoy_ratio", {"anyOf": [share(1, 100), choice("auto")]}, "False gains for each false loss.", usual(Noise, "decoy_ratio")),
        ),
    ),
    Table(
        "accuracy",
        "What is known of the maps' errors: a reference sample here, or figures in `[accuracy.YEAR]`.",
        (
            Key("points", TEXT, "Reference sample (CSV, GeoPackage, GeoParquet) as `hexseal accuracy` reads it."),
            Key("sample", {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}, "Labelled blocks of `hexseal sample draw`: one file, or one per interpreter; they give the region the grade `reference`.", usual(Accuracy, "sample")),
            Key("crs", TEXT, "CRS of its columns x and y.", usual(Accuracy, "crs")),
            Key("greenhouses", FLAG, "Count LUCAS greenhouses as sealed.", usual(Accuracy, "greenhouses")),
        ),
    ),
    Table(
        "accuracy.YEAR",
        "Accuracies of Sealed in a year, shares from 0 to 1; for every year that has a map, or for none.",
        (
            Key("users", share(0.05, 1), "User's accuracy.", REQUIRED),
            Key("producers", share(0.05, 1), "Producer's accuracy.", REQUIRED),
            Key("users_se", share(0, 0.5), "Standard error of the user's accuracy, below 0.5. By default what 100 points would leave, with a warning."),
            Key("producers_se", share(0, 0.5), "Standard error of the producer's accuracy, below 0.5. By default what 100 points would leave, with a warning."),
        ),
    ),
    Table(
        "site",
        "How the pages are written.",
        (
            Key("languages", several(choice(*LANGUAGES)), "Languages of the pages, the first one at the top.", usual(Site, "languages")),
            Key("standalone", choice("auto", "always", "never"), "Write the copy of the tiles that a double-clicked page needs.", usual(Site, "standalone")),
            Key("basemap", TEXT, "PMTiles archive (pictures or vector tiles) that is copied and shown beneath."),
            Key("pixels", choice("auto", "always", "never"), "Show single pixels of each year, and images of forward years, at high zoom; `auto` leaves them out beyond 120 million pixels.", usual(Site, "pixels")),
        ),
    ),
    Table(
        "places",
        "Names of towns and other places on the map, beside those of areas; where there is no room, earlier rows of the file come first.",
        (
            Key("path", TEXT, "File of points, or of shapes that are named inside, in any CRS.", REQUIRED),
            Key("name", TEXT, "Column with the name.", REQUIRED),
        ),
    ),
    Table(
        "target",
        "A pace of net change that every place has to reach; the page shows who keeps it.",
        (
            Key("base", several(YEAR, 2, 2), "Pair of years whose pace is reduced.", REQUIRED),
            Key("year", YEAR, "Last year in which the reduced pace holds.", REQUIRED),
            Key("reduction", share(0, 100), "Percent by which the pace falls; 100: no net change.", REQUIRED),
        ),
    ),
    Table(
        "dataset",
        "How the downloads are published.",
        (
            Key("version", {"type": "string", "pattern": f"^{SEMANTIC_VERSION.pattern}$"}, "Version of the data: three numbers. By default that of the last change.", usual(Dataset, "version")),
            Key("publisher", TEXT, "Who publishes."),
            Key("contact", TEXT, "An address to write to."),
            Key("address", WEB, "The site's future http(s) address; metadata then hold whole addresses."),
            Key("licence", {"anyOf": [choice(*LICENCES), WEB]}, "Licence of the data, or the address of its terms. By default that of the product."),
            Key("split_by", {"anyOf": [TEXT, several(TEXT, 0)]}, "Layers of areas: the finest hexagons come once more, one file for each area."),
            Key("rasters", FLAG, "Publish the maps of forward years as cloud-optimised GeoTIFFs.", usual(Dataset, "rasters")),
        ),
    ),
    Table(
        "dataset.changes",
        "What each version of the data brought; the last one is the present version.",
        (
            Key("version", {"type": "string", "pattern": f"^{SEMANTIC_VERSION.pattern}$"}, "Three numbers.", REQUIRED),
            Key("date", DAY, "Day of the version.", REQUIRED),
            Key("text", TEXT, "What changed.", REQUIRED),
        ),
        is_list=True,
    ),
    Table(
        "simulation",
        "Make the inputs instead of expecting them: a fictional island with known truth.",
        (
            Key("folder", TEXT, "Where the inputs go.", REQUIRED),
            Key("size_km", several(NUMBER, 2, 2), "Width and height of the map.", usual(Simulation, "size_km")),
            Key("seed", WHOLE, "Each seed gives its own island.", usual(Simulation, "seed")),
        ),
    ),
    Table(
        "fetch",
        "What `hexseal fetch` downloads, onto the pixels of CLC+ (EPSG:3035, 10 m) or WorldCover (EPSG:4326). Addresses and limits of services are in `services.toml` of the package, over which the file named by the environment variable `HEXSEAL_SERVICES` is read. A place is a `bbox` or a `boundary`.",
        (
            Key("bbox", several(NUMBER, 4, 4), "xmin, ymin, xmax, ymax in `crs`, widened to whole pixels."),
            Key("crs", TEXT, "CRS of `bbox`; EPSG:4326 for WorldCover.", BOX_CRS),
            Key("boundary", TEXT, "Instead: a polygon file or its address; pixels outside become 254."),
            Key("select", TEXT, "SQL condition on the columns of `boundary`."),
            Key("folder", TEXT, "Where files go. By default `../inputs/ID`."),
        ),
    ),
    Table(
        "fetch.clcplus",
        "Years of CLC+ Backbone, as `clcplus_YEAR.tif`.",
        (
            Key("years", several(YEAR), "Years to fetch: from EEA's ImageServer without login, other years ordered from the CLMS portal.", REQUIRED),
            Key("datasets", {"type": "object", "additionalProperties": several(TEXT, 2, 2)}, "Where the portal's search is ambiguous: `{ 2023 = [\"UID\", \"download information id\"] }`."),
        ),
    ),
    Table(
        "fetch.worldcover",
        "Years of ESA WorldCover for any place on Earth, without a login, as `worldcover_YEAR.tif`; only for `[product] name = \"worldcover\"`.",
        (Key("years", several(YEAR), "Years to fetch.", WORLDCOVER_YEARS),),
    ),
    Table(
        "fetch.sentinel2",
        "Composites of Sentinel-2, as `sentinel2_YEAR.tif`: the median of clear pixels of a season.",
        (
            Key("years", several(YEAR), "Years to fetch.", REQUIRED),
            Key("catalogue", TEXT, "`earth-search`, `planetary-computer`, `cdse`, or the address of a STAC catalogue of Level-2A with a scene classification. Others are named in the file of services.", EARTH_SEARCH),
            Key("months", several(whole(1, 12), 2, 2), "First and last month of the season.", usual(FetchSentinel2, "months")),
            Key("cloud_percent", NUMBER, "Scenes of at most so many percent clouds.", usual(FetchSentinel2, "cloud_percent")),
            Key("scenes", whole(1, 200), "At most so many scenes for each tile, clearest first.", usual(FetchSentinel2, "scenes")),
            Key("observations", whole(1, 50), "A pixel seen clear less often holds nothing.", usual(FetchSentinel2, "observations")),
            Key("bands", several(choice(*KNOWN_BANDS)), "Bands of the composite.", usual(FetchSentinel2, "bands")),
            Key("mask", several(whole(0, 11), 0), "Codes of the scene classification that hide the ground.", usual(FetchSentinel2, "mask")),
            Key("widen", whole(0, 20), "Pixels around them that are hidden too.", usual(FetchSentinel2, "widen")),
            Key("resampling", choice("bilinear", "cubic"), "How bands are brought onto the pixels.", usual(FetchSentinel2, "resampling")),
        ),
    ),
    Table(
        "fetch.boundaries",
        "Areas that reach the place, whole, as `LAYER.gpkg`: one of `nuts`, `lau`, `address`.",
        (
            Key("layer", TEXT, "Name of the file.", REQUIRED),
            Key("nuts", whole(0, 3), "NUTS level."),
            Key("year", WHOLE, "Year of the NUTS edition.", NUTS_YEAR),
            Key("lau", WHOLE, "Local administrative units of a year."),
            Key("address", WEB, "Address of a GeoJSON or GeoPackage file."),
        ),
        is_list=True,
    ),
)  # fmt: skip
