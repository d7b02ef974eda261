"""The published tables and their columns, in the order of the files."""

from collections.abc import Mapping
from typing import Literal

from hexseal.codebook.column import Column, Per, Spread, Text, Use, spread_out
from hexseal.codebook.indicators import (
    CHANGE_OF_PAIR,
    CORRECTED_OF_YEAR,
    REFERENCE_OF_PAIR,
    STATE_OF_YEAR,
)
from hexseal.codebook.measures import COUNTED, JUDGED_OF_PAIR, OF_YEAR, RAW_OF_PAIR
from hexseal.codebook.words import (
    NO_CONFIDENCE,
    NO_DECOYS,
    NO_LAYER,
    NO_LAYER_OF_HEXAGON,
    NO_NAME,
    NO_POPULATION,
    NOT_JUDGED,
)
from hexseal.region.load import Region

Table = Literal["hexagons", "areas", "patches", "transition_areas", "transition_hexagons"]
Block = tuple[Per, tuple[Column, ...]]

H3 = (
    Column(
        "h3", "UBIGINT",
        {"en": "H3 index of the cell as a whole number",
         "fr": "Indice H3 de la cellule, nombre entier"},
    ),
    Column(
        "h3_hex", "VARCHAR",
        {"en": "H3 index of the cell in hexadecimal",
         "fr": "Indice H3 de la cellule en hexadécimal"},
        sql="h3_hexadecimal(h3)",
    ),
)  # fmt: skip
PLACE = (
    Column(
        "resolution", "UTINYINT", {"en": "H3 resolution", "fr": "Résolution H3"}, "", 0, 15
    ),
    Column(
        "lat", "DOUBLE", {"en": "Latitude of the centre", "fr": "Latitude du centre"},
        "degrees", -90, 90,
    ),
    Column(
        "lon", "DOUBLE", {"en": "Longitude of the centre", "fr": "Longitude du centre"},
        "degrees", -180, 180,
    ),
    Column(
        "area_m2", "DOUBLE",
        {"en": "Area of the whole cell on the sphere; cells differ in size",
         "fr": "Surface de la cellule entière sur la sphère ; les cellules diffèrent en taille"},
        "m2", 0,
    ),
)  # fmt: skip
AREA = (
    Column(
        "layer", "VARCHAR",
        {"en": "Layer of areas; region for the whole region",
         "fr": "Couche de zones ; region pour la région entière"},
    ),
    Column(
        "id", "VARCHAR",
        {"en": "Identifier of the area in its layer",
         "fr": "Identifiant de la zone dans sa couche"},
    ),
    Column(
        "name", "VARCHAR", {"en": "Name of the area", "fr": "Nom de la zone"}, null=NO_NAME
    ),
)  # fmt: skip
POPULATION = (
    Column(
        "population", "DOUBLE",
        {"en": "Inhabitants, where the area file gives them without a year",
         "fr": "Habitants, si le fichier des zones les donne sans année"},
        "inhabitants", 0, null=NO_POPULATION,
    ),
)  # fmt: skip
PAIR_OF_ROW = (
    Column(
        "first_year", "SMALLINT",
        {"en": "Earlier year that is compared", "fr": "Première des années comparées"}, "year",
    ),
    Column(
        "second_year", "SMALLINT",
        {"en": "Later year that is compared", "fr": "Seconde des années comparées"}, "year",
    ),
)  # fmt: skip
ORIGIN = (
    Column(
        "origin_class", "UTINYINT",
        {"en": "Code of the class before sealing", "fr": "Code de la classe avant"},
        of_densities={
            "en": "Lowest per cent of the range of density before",
            "fr": "Plus faible pourcentage de la plage de densité d’origine",
        },
    ),
    Column(
        "origin", "VARCHAR",
        {"en": "Name of that class in the product", "fr": "Nom de cette classe dans le produit"},
        of_densities={"en": "That range in words", "fr": "Cette plage en mots"},
    ),
)  # fmt: skip
TRANSITION = (
    Column(
        "new_sealed_m2", "DOUBLE",
        {"en": "Area of this class that became sealed; raw, errors of the maps included",
         "fr": "Surface de cette classe devenue imperméable ; brut, erreurs des cartes comprises"},
        "m2", 0,
        of_densities={
            "en": "Area by which the densities of this range rose; raw, errors of the maps "
                  "included",
            "fr": "Surface dont les densités de cette plage ont augmenté ; brut, erreurs des "
                  "cartes comprises",
        },
    ),
    Column(
        "confirmed_m2", "DOUBLE",
        {"en": "Part of it that is confirmed", "fr": "Partie de celle-ci qui est confirmée"},
        "m2", 0, null=NOT_JUDGED,
    ),
)  # fmt: skip
PATCH = (
    Column(
        "rank", "INTEGER",
        {"en": "Place in the list of its pair of years, 1 is the most certain",
         "fr": "Rang dans la liste de sa paire d’années, 1 est le plus certain"}, "", 1,
    ),
    Column(
        "direction", "VARCHAR",
        {"en": "Newly sealed (gain) or no longer sealed (loss)",
         "fr": "Nouvellement imperméabilisée (gain) ou ne l’est plus (loss)"},
        values=("gain", "loss"),
        of_densities={
            "en": "Density rises (gain) or falls (loss) in each pixel by at least the product's "
                  "step",
            "fr": "La densité de chaque pixel augmente (gain) ou baisse (loss) d’au moins le pas "
                  "du produit",
        },
    ),
    Column(
        "confirmed", "BOOLEAN",
        {"en": "Whether the patch is confirmed at the region's false discovery rate",
         "fr": "Si la tache est confirmée au taux de fausses découvertes de la région"},
    ),
    Column(
        "status", "VARCHAR",
        {"en": "confirmed; large_area: a whole field, to be looked at; candidate: stands out where "
               "nothing can be confirmed; unconfirmed; loss",
         "fr": "confirmed : confirmée ; large_area : parcelle entière, à regarder ; candidate : se "
               "détache là où rien ne peut être confirmé ; unconfirmed : non confirmée ; loss : "
               "perte"},
        values=("confirmed", "large_area", "candidate", "unconfirmed", "loss"),
    ),
    Column(
        "q_value", "DOUBLE",
        {"en": "Share of false patches among all that score at least as well",
         "fr": "Part de fausses taches parmi celles de score au moins égal"},
        "1", 0, 1, null=NO_DECOYS,
    ),
    Column(
        "score", "DOUBLE",
        {"en": "What patches are ranked by: their area weighed by confidence and core",
         "fr": "Ce qui classe les taches : leur surface pondérée par la confiance et le cœur"},
    ),
)  # fmt: skip
PATCH_SIZE = (
    Column(
        "area_m2", "DOUBLE", {"en": "Area of the patch", "fr": "Surface de la tache"}, "m2", 0,
        of_densities={
            "en": "Sealed area gained or lost in the patch: differences of density times pixel "
                  "area",
            "fr": "Surface imperméabilisée gagnée ou perdue dans la tache : écarts de densité "
                  "fois surface du pixel",
        },
    ),
    Column(
        "pixels", "BIGINT", {"en": "Pixels of the patch", "fr": "Pixels de la tache"}, "pixels", 1
    ),
    Column(
        "core_pixels", "BIGINT",
        {"en": "Pixels with no unchanged neighbour", "fr": "Pixels sans voisin inchangé"},
        "pixels", 0,
    ),
    Column(
        "rim_pixels", "BIGINT",
        {"en": "Pixels along what is sealed in both years: mistakes of position gather here",
         "fr": "Pixels le long de ce qui est imperméabilisé les deux années : les erreurs de "
               "position s’y concentrent"},
        "pixels", 0,
    ),
    Column(
        "confidence", "DOUBLE",
        {"en": "Mean confidence of both maps", "fr": "Confiance moyenne des deux cartes"},
        "%", 0, 100, null=NO_CONFIDENCE,
    ),
)  # fmt: skip
POINT = (
    Column(
        "lon", "DOUBLE",
        {"en": "Longitude of a pixel in the middle", "fr": "Longitude d’un pixel du milieu"},
        "degrees", -180, 180,
    ),
    Column(
        "lat", "DOUBLE",
        {"en": "Latitude of a pixel in the middle", "fr": "Latitude d’un pixel du milieu"},
        "degrees", -90, 90,
    ),
)  # fmt: skip
# A patch may lie in several cells and areas; it is booked as a whole where its middle pixel lies.
H3_OF_PATCH = (
    Column(
        "h3", "UBIGINT",
        {"en": "H3 index, a whole number, of the finest cell that holds the patch's middle pixel; "
               "the whole patch stands there, though it may reach into other cells: to sum by "
               "cell, use the hexagons",
         "fr": "Indice H3, nombre entier, de la cellule la plus fine qui contient le pixel du "
               "milieu de la tache ; la tache y figure entière, même si elle s’étend sur d’autres "
               "cellules : pour sommer par cellule, prendre les hexagones"},
    ),
    Column(
        "h3_hex", "VARCHAR",
        {"en": "The same index in hexadecimal", "fr": "Le même indice en hexadécimal"},
    ),
)  # fmt: skip
# A hexagon may lie in several areas; it carries the code of one: hexgrid/outlines.py.
HEXAGON_IN_LAYER = (
    Column(
        "area_{layer}", "VARCHAR",
        {"en": "Identifier of the area of layer {layer} that holds the hexagon's centre (the "
               "smallest of several), or where the centre lies in none, that covers the largest "
               "part of the hexagon. For names and maps: figures of areas stand in the table of "
               "areas, which counts by pixel",
         "fr": "Identifiant de la zone de la couche {layer} qui contient le centre de l’hexagone "
               "(la plus petite de plusieurs) ou, si le centre n’est dans aucune, qui en couvre la "
               "plus grande partie. Pour les noms et les cartes : les chiffres des zones figurent "
               "dans la table des zones, qui compte par pixel"},
        null=NO_LAYER_OF_HEXAGON,
        sql='"area_{layer}"',
    ),
)  # fmt: skip
IN_LAYER = (
    Column(
        "area_{layer}", "VARCHAR",
        {"en": "Identifier of the area of layer {layer} that holds the patch's middle pixel",
         "fr": "Identifiant de la zone de la couche {layer} qui contient le pixel du milieu de la "
               "tache"},
        null=NO_LAYER,
    ),
)  # fmt: skip

MEASURES: tuple[Block, ...] = (
    ("table", COUNTED), ("year", OF_YEAR), ("pair", RAW_OF_PAIR), ("pair", JUDGED_OF_PAIR),
)  # fmt: skip
BLOCKS: Mapping[Table, tuple[Block, ...]] = {
    "hexagons": (("table", H3 + PLACE), ("layer", HEXAGON_IN_LAYER), *MEASURES),
    "areas": (
        ("table", AREA + POPULATION),
        *MEASURES,
        ("year", CORRECTED_OF_YEAR),
        ("year", STATE_OF_YEAR),
        ("pair", CHANGE_OF_PAIR),
        ("pair", REFERENCE_OF_PAIR),
    ),
    "patches": (
        ("table", PATCH + PAIR_OF_ROW + PATCH_SIZE + ORIGIN + POINT + H3_OF_PATCH),
        ("layer", IN_LAYER),
    ),
    "transition_areas": (("table", AREA + PAIR_OF_ROW + ORIGIN + TRANSITION),),
    "transition_hexagons": (("table", H3 + PAIR_OF_ROW + ORIGIN + TRANSITION),),
}
TABLES: tuple[Table, ...] = tuple(BLOCKS)
TITLES: Mapping[Table, Text] = {
    "hexagons": {
        "en": "Soil sealing by H3 hexagon",
        "fr": "Imperméabilisation des sols par hexagone H3",
    },
    "areas": {
        "en": "Soil sealing by area",
        "fr": "Imperméabilisation des sols par zone",
    },
    "patches": {
        "en": "Patches of change, ranked for checking",
        "fr": "Taches d’évolution, classées pour vérification",
    },
    "transition_areas": {
        "en": "New sealing by former class and area",
        "fr": "Nouvelle imperméabilisation par classe d’origine et zone",
    },
    "transition_hexagons": {
        "en": "New sealing by former class and hexagon",
        "fr": "Nouvelle imperméabilisation par classe d’origine et hexagone",
    },
}


def columns_of(table: Table, spread: Spread) -> tuple[Column, ...]:
    """Return the columns of a table in a region of these years, pairs and layers of areas."""
    return tuple(
        column for per, columns in BLOCKS[table] for column in spread_out(columns, per, spread)
    )


def counted_columns(spread: Spread) -> tuple[Column, ...]:
    """Return the columns that were counted on the maps, before anything is judged."""
    blocks = (block for block in MEASURES if block[1] is not JUDGED_OF_PAIR)
    return tuple(column for per, columns in blocks for column in spread_out(columns, per, spread))


def columns_for(use: Use, spread: Spread) -> tuple[Column, ...]:
    """Return the columns of hexagons and areas for one use: of all years, each year, each pair.

    >>> names = [column.name for column in columns_for("shape", Spread((2018,), (), ()))]
    >>> names
    ['valid_m2', 'land_m2', 'valid_pixels', 'sealed_m2_2018']
    """
    found: list[Column] = []
    for kind in ("table", "year", "pair"):
        blocks = (columns for per, columns in MEASURES if per == kind)
        chosen = tuple(column for block in blocks for column in block if use in column.uses)
        found += spread_out(chosen, kind, spread)
    return tuple(found)


def names_for(use: Use, per: Per) -> tuple[str, ...]:
    """Return the names for one use without year and pair.

    >>> names_for("sum", "pair")
    ('new_sealed_m2', 'unsealed_m2', 'confirmed_m2')
    """
    blocks = (columns for kind, columns in MEASURES if kind == per)
    return tuple(bare(c) for block in blocks for c in block if use in c.uses)


def columns_by(per: Per) -> tuple[str, ...]:
    """Return the names of all columns of hexagons and areas without year and pair."""
    blocks = (*BLOCKS["hexagons"], *BLOCKS["areas"])
    return tuple(bare(column) for kind, columns in blocks for column in columns if kind == per)


def bare(column: Column) -> str:
    """Return a template's name without its year or pair: sealed_m2 of sealed_m2_{year}."""
    return column.name.partition("_{")[0]


def spread_of(region: Region) -> Spread:
    """Return what the templates of a region are filled with."""
    layers = tuple(area.layer for area in region.areas)
    return Spread(region.years, region.pairs, layers, region.product.is_density)


def tables_of(spread: Spread) -> tuple[Table, ...]:
    """Return the tables that a region of these years has: one year alone has no change."""
    return TABLES if spread.pairs else ("hexagons", "areas")
