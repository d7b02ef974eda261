"""The columns that hexagons and areas share: what was counted, and what was judged of it."""

from enum import StrEnum

from hexseal.codebook.column import Column
from hexseal.codebook.words import NO_VALID, NO_VALID_OR_LAND, NOT_JUDGED


class Signal(StrEnum):
    """Whether a net change stands out; a tile carries the place of a signal in this order."""

    NO_DATA = "no_data"
    WITHIN_NOISE = "within_noise"
    GAIN = "gain"
    LOSS = "loss"
    INCONCLUSIVE = "inconclusive"


SIGNALS = tuple(signal.value for signal in Signal)
GRADES = ("reference", "consistent", "inconclusive")

COUNTED = (
    Column(
        "valid_m2", "DOUBLE",
        {"en": "Area of the pixels that have a valid class in every year",
         "fr": "Surface des pixels qui ont une classe valide pour toutes les années"},
        "m2", 0, null=NO_VALID,
        sql="valid_cm2 / 1e4",
        uses=("tile", "sum", "shape"),
        of_densities={
            "en": "Area of the pixels that have a density in every year",
            "fr": "Surface des pixels qui ont une densité pour toutes les années",
        },
    ),
    Column(
        "land_m2", "DOUBLE",
        {"en": "Valid area that is not water in at least one of the years: the denominator of "
               "shares, the same in all years",
         "fr": "Surface valide qui n’est pas de l’eau au moins une des années : le dénominateur "
               "des parts, le même toutes les années"},
        "m2", 0, null=NO_VALID,
        sql="land_cm2 / 1e4",
        uses=("tile", "sum", "shape"),
        of_densities={
            "en": "The same as valid_m2, since densities do not mark water: the denominator of "
                  "shares",
            "fr": "La même que valid_m2, car les densités ne marquent pas l’eau : le dénominateur "
                  "des parts",
        },
    ),
    Column(
        "valid_pixels", "BIGINT",
        {"en": "Number of pixels with a valid class in every year",
         "fr": "Nombre de pixels avec une classe valide pour toutes les années"},
        "pixels", 0, null=NO_VALID,
        uses=("shape",),
    ),
)  # fmt: skip

OF_YEAR = (
    Column(
        "sealed_pixels_{year}", "BIGINT",
        {"en": "Number of sealed pixels on the map of {year}",
         "fr": "Nombre de pixels imperméabilisés sur la carte de {year}"},
        "pixels", 0, null=NO_VALID,
        of_densities={
            "en": "Number of pixels with a density above 0 in {year}; the sealed area is their "
                  "density, not their number",
            "fr": "Nombre de pixels de densité supérieure à 0 en {year} ; la surface "
                  "imperméabilisée est leur densité, pas leur nombre",
        },
    ),
    Column(
        "sealed_m2_{year}", "DOUBLE",
        {"en": "Sealed area on the map of {year}",
         "fr": "Surface imperméabilisée sur la carte de {year}"},
        "m2", 0, null=NO_VALID,
        sql="sealed_cm2_{year} / {m2}",
        uses=("tile", "sum", "shape"),
        of_densities={
            "en": "Sealed area in {year}: sum over pixels of density / 100 times pixel area",
            "fr": "Surface imperméabilisée en {year} : somme sur les pixels de la densité / 100 "
                  "fois la surface du pixel",
        },
    ),
    Column(
        "sealed_share_{year}", "DOUBLE",
        {"en": "Sealed share of land in {year}; to combine cells, divide sums of m2, never "
               "average shares",
         "fr": "Part imperméabilisée des terres en {year} ; pour réunir des cellules, diviser "
               "les sommes de m2, ne jamais faire la moyenne des parts"},
        "1", 0, 1, null=NO_VALID_OR_LAND, formula="sealed_m2_{year} / land_m2",
        sql="sealed_cm2_{year} / nullif(land_cm2, 0)::DOUBLE{percent}",
    ),
    Column(
        "source_{year}", "VARCHAR",
        {"en": "Product and version of {year}, or the model that made the map",
         "fr": "Produit et version de {year}, ou modèle qui a fait la carte"},
        sql="$sources['{year}']",
    ),
)  # fmt: skip

RAW_OF_PAIR = (
    Column(
        "new_sealed_pixels_{pair}", "BIGINT",
        {"en": "Pixels sealed in {second} but not in {first}; raw, errors of the maps included",
         "fr": "Pixels imperméabilisés en {second} mais pas en {first} ; brut, erreurs des cartes "
               "comprises"},
        "pixels", 0, null=NO_VALID,
        of_densities={
            "en": "Pixels whose density rises from {first} to {second}, by however little; raw",
            "fr": "Pixels dont la densité augmente de {first} à {second}, si peu que ce soit ; "
                  "brut",
        },
    ),
    Column(
        "unsealed_pixels_{pair}", "BIGINT",
        {"en": "Pixels sealed in {first} but not in {second}; raw, errors of the maps included",
         "fr": "Pixels imperméabilisés en {first} mais pas en {second} ; brut, erreurs des cartes "
               "comprises"},
        "pixels", 0, null=NO_VALID,
        of_densities={
            "en": "Pixels whose density falls from {first} to {second}, by however little; raw",
            "fr": "Pixels dont la densité baisse de {first} à {second}, si peu que ce soit ; brut",
        },
    ),
    Column(
        "new_sealed_m2_{pair}", "DOUBLE",
        {"en": "Area sealed in {second} but not in {first}; raw",
         "fr": "Surface imperméabilisée en {second} mais pas en {first} ; brut"},
        "m2", 0, null=NO_VALID,
        sql="new_sealed_cm2_{pair} / {m2}",
        uses=("tile", "sum", "shape"),
        of_densities={
            "en": "Sum of all rises of density from {first} to {second}, times pixel area; raw",
            "fr": "Somme de toutes les hausses de densité de {first} à {second}, fois la surface "
                  "du pixel ; brut",
        },
    ),
    Column(
        "unsealed_m2_{pair}", "DOUBLE",
        {"en": "Area sealed in {first} but not in {second}; raw",
         "fr": "Surface imperméabilisée en {first} mais pas en {second} ; brut"},
        "m2", 0, null=NO_VALID,
        sql="unsealed_cm2_{pair} / {m2}",
        uses=("tile", "sum", "shape"),
        of_densities={
            "en": "Sum of all falls of density from {first} to {second}, times pixel area; raw",
            "fr": "Somme de toutes les baisses de densité de {first} à {second}, fois la surface "
                  "du pixel ; brut",
        },
    ),
    Column(
        "net_m2_{pair}", "DOUBLE",
        {"en": "Net change of sealed area, {first} to {second}; raw",
         "fr": "Évolution nette de la surface imperméabilisée, de {first} à {second} ; brut"},
        "m2", null=NO_VALID, formula="new_sealed_m2_{pair} - unsealed_m2_{pair}",
        sql="(new_sealed_cm2_{pair} - unsealed_cm2_{pair}) / {m2}",
    ),
    Column(
        "net_pp_per_year_{pair}", "DOUBLE",
        {"en": "Net change in percentage points of land per year; raw",
         "fr": "Évolution nette en points de pourcentage des terres par an ; brut"},
        "pp/year", -100, 100, null=NO_VALID_OR_LAND,
        formula="100 * net_m2_{pair} / land_m2 / {span}",
        sql="100.0 * (new_sealed_cm2_{pair} - unsealed_cm2_{pair}) / nullif(land_cm2, 0) / {span}"
        "{percent}",
    ),
)  # fmt: skip

JUDGED_OF_PAIR = (
    Column(
        "grade_{pair}", "VARCHAR",
        {"en": "What supports the figures: a reference sample, maps that pass every test, or "
               "nothing (inconclusive)",
         "fr": "Ce qui étaye les chiffres : un échantillon de référence, des cartes qui passent "
               "tous les tests, ou rien (inconclusive)"},
        values=GRADES, null=NO_VALID,
        sql="judged_{pair}.grade",
    ),
    Column(
        "confirmed_m2_{pair}", "DOUBLE",
        {"en": "New sealed area in patches that stand out from the maps' errors at the region's "
               "false discovery rate; secure pixels only: a careful lower figure, not the net",
         "fr": "Nouvelle surface imperméabilisée dans les taches qui se détachent des erreurs "
               "des cartes, au taux de fausses découvertes de la région ; pixels sûrs seulement : "
               "un minimum prudent, pas le solde"},
        "m2", 0, null=NOT_JUDGED,
        sql="judged_{pair}.confirmed_cm2 / 1e4",
        uses=("tile", "sum", "shape"),
    ),
    Column(
        "adjusted_m2_{pair}", "DOUBLE",
        {"en": "Net change, {first} to {second}, adjusted for the errors of the maps",
         "fr": "Évolution nette, de {first} à {second}, ajustée des erreurs des cartes"},
        "m2", null=NOT_JUDGED, formula="METHODOLOGY.md, adjusted change",
        sql="judged_{pair}.adjusted_m2",
        uses=("tile", "shape"),
    ),
    Column(
        "adjusted_low_m2_{pair}", "DOUBLE",
        {"en": "Lower end of the interval of the adjusted net change: a noise interval, or a 95 % "
               "confidence interval where the grade is reference",
         "fr": "Borne inférieure de l’intervalle de l’évolution nette ajustée : intervalle de "
               "bruit, ou de confiance à 95 % si le grade est reference"},
        "m2", null=NOT_JUDGED,
        sql="judged_{pair}.low_m2",
        uses=("tile",),
    ),
    Column(
        "adjusted_high_m2_{pair}", "DOUBLE",
        {"en": "Upper end of that interval", "fr": "Borne supérieure de cet intervalle"},
        "m2", null=NOT_JUDGED,
        sql="judged_{pair}.high_m2",
        uses=("tile",),
    ),
    Column(
        "q_value_{pair}", "DOUBLE",
        {"en": "Share of false calls among all units of this size with at least this much "
               "evidence of change",
         "fr": "Part de faux signaux parmi les unités de cette taille dont l’évolution est au "
               "moins aussi nette"},
        "1", 0, 1, null=NOT_JUDGED,
        sql="judged_{pair}.q_value",
    ),
    Column(
        "signal_{pair}", "VARCHAR",
        {"en": "Whether the interval of the net change lies above 0 (gain), below (loss) or holds "
               "it (within_noise); inconclusive where there is none",
         "fr": "Si l’intervalle de l’évolution nette est au-dessus de 0 (gain), au-dessous (loss) "
               "ou le contient (within_noise) ; inconclusive s’il n’y en a pas"},
        values=("gain", "loss", "within_noise", "no_data", "inconclusive"), null=NO_VALID,
        sql="judged_{pair}.signal",
        uses=("tile",),
    ),
)  # fmt: skip
