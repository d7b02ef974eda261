"""The columns that areas have beyond those of hexagons, and how pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass

from hexseal.codebook.column import Column
from hexseal.codebook.words import (
    NO_ACCURACY,
    NO_GAIN,
    NO_POPULATION,
    NO_SAMPLE,
    NOT_JUDGED,
    NOTHING_SEALED,
    STEADY_POPULATION,
)

CORRECTED_OF_YEAR = (
    Column(
        "sealed_adjusted_m2_{year}", "DOUBLE",
        {"en": "Sealed area of {year} corrected for the errors of the map",
         "fr": "Surface imperméabilisée de {year} corrigée des erreurs de la carte"},
        "m2", 0, null=NO_ACCURACY, formula="sealed_m2_{year} * U / P",
    ),
    Column(
        "sealed_low_m2_{year}", "DOUBLE",
        {"en": "Lower end of its 95 % interval", "fr": "Borne inférieure de son intervalle à 95 %"},
        "m2", 0, null=NO_ACCURACY,
    ),
    Column(
        "sealed_high_m2_{year}", "DOUBLE",
        {"en": "Upper end of its 95 % interval", "fr": "Borne supérieure de son intervalle à 95 %"},
        "m2", 0, null=NO_ACCURACY,
    ),
)  # fmt: skip

STATE_OF_YEAR = (
    Column(
        "sealed_m2_per_inhabitant_{year}", "DOUBLE",
        {"en": "Sealed area per inhabitant in {year}",
         "fr": "Surface imperméabilisée par habitant en {year}"},
        "m2/inhabitant", 0, null=NO_POPULATION, formula="sealed_m2_{year} / inhabitants",
        sql="sealed_m2_{year} / inhabitants_{year}",
    ),
    Column(
        "index_{year}", "DOUBLE",
        {"en": "Index of sealed area: the first year's map is 100, later years follow the "
               "adjusted change",
         "fr": "Indice de la surface imperméabilisée : la carte de la première année vaut 100, "
               "les suivantes suivent l’évolution ajustée"},
        "first year = 100", null=NOTHING_SEALED,
        formula="100 * (1 + adjusted change since the first year / sealed area of that year)",
        sql="100.0 * (1 + {since_base} / nullif(sealed_m2_{base}, 0))",
    ),
)  # fmt: skip

CHANGE_OF_PAIR = (
    Column(
        "detection_limit_m2_{pair}", "DOUBLE",
        {"en": "Half the width of the interval: less net change would not stand out",
         "fr": "Moitié de la largeur de l’intervalle : une évolution moindre ne se verrait pas"},
        "m2", 0, null=NOT_JUDGED,
        formula="(adjusted_high_m2_{pair} - adjusted_low_m2_{pair}) / 2",
        sql="(adjusted_high_m2_{pair} - adjusted_low_m2_{pair}) / 2",
    ),
    Column(
        "adjusted_m2_per_year_{pair}", "DOUBLE",
        {"en": "Adjusted net change per year", "fr": "Évolution nette ajustée par an"},
        "m2/year", null=NOT_JUDGED, formula="adjusted_m2_{pair} / {span}",
        sql="adjusted_m2_{pair} / {span}",
    ),
    Column(
        "adjusted_pp_{pair}", "DOUBLE",
        {"en": "Adjusted net change in percentage points of land",
         "fr": "Évolution nette ajustée en points de pourcentage des terres"},
        "pp", null=NOT_JUDGED, formula="100 * adjusted_m2_{pair} / land_m2",
        sql="100.0 * adjusted_m2_{pair} / nullif(land_m2, 0)",
    ),
    Column(
        "relative_percent_{pair}", "DOUBLE",
        {"en": "Adjusted net change in percent of what was sealed in {first}",
         "fr": "Évolution nette ajustée en pourcentage de ce qui était imperméabilisé en {first}"},
        "%", null=NOTHING_SEALED, formula="100 * adjusted_m2_{pair} / sealed_m2_{first}",
        sql="100.0 * adjusted_m2_{pair} / nullif(sealed_m2_{first}, 0)",
    ),
    Column(
        "loss_gain_ratio_{pair}", "DOUBLE",
        {"en": "Raw losses for each raw gain: the closer to 1, the more is noise of the maps",
         "fr": "Pertes brutes par gain brut : plus c’est près de 1, plus c’est du bruit"},
        "1", 0, null=NO_GAIN, formula="unsealed_m2_{pair} / new_sealed_m2_{pair}",
        sql="unsealed_m2_{pair} / nullif(new_sealed_m2_{pair}, 0)",
    ),
    Column(
        "land_consumption_rate_{pair}", "DOUBLE",
        {"en": "LCR of SDG 11.3.1", "fr": "Taux de consommation des terres de l’ODD 11.3.1"},
        "1/year", null=NOTHING_SEALED, formula="adjusted_m2_{pair} / sealed_m2_{first} / {span}",
        sql="adjusted_m2_{pair} / nullif(sealed_m2_{first}, 0) / {span}",
    ),
    Column(
        "population_growth_rate_{pair}", "DOUBLE",
        {"en": "PGR of SDG 11.3.1", "fr": "Taux de croissance de la population de l’ODD 11.3.1"},
        "1/year", null=NO_POPULATION, formula="ln(P_{second} / P_{first}) / {span}",
        sql="growth_{pair}",
    ),
    Column(
        "lcrpgr_{pair}", "DOUBLE",
        {"en": "SDG 11.3.1: land consumption rate over population growth rate",
         "fr": "ODD 11.3.1 : taux de consommation des terres sur croissance de la population"},
        "1", null=STEADY_POPULATION,
        formula="land_consumption_rate_{pair} / population_growth_rate_{pair}",
        # The ratio means nothing where the population hardly changes.
        sql="CASE WHEN abs(growth_{pair}) >= 0.001 "
            "THEN land_consumption_rate_{pair} / growth_{pair} END",
    ),
)  # fmt: skip

# Figures of a reference sample besides the net, which is the adjusted one where there is a sample.
REFERENCE_OF_PAIR = (
    Column(
        "reference_gain_m2_{pair}", "DOUBLE",
        {"en": "New sealing, {first} to {second}, as estimated from the reference sample",
         "fr": "Nouvelle imperméabilisation, de {first} à {second}, estimée par l’échantillon de "
               "référence"},
        "m2", 0, null=NO_SAMPLE, sql="judged_{pair}.reference_gain_m2",
    ),
    Column(
        "reference_gain_low_m2_{pair}", "DOUBLE",
        {"en": "Lower end of its 95 % confidence interval",
         "fr": "Borne inférieure de son intervalle de confiance à 95 %"},
        "m2", 0, null=NO_SAMPLE, sql="judged_{pair}.reference_gain_low_m2",
    ),
    Column(
        "reference_gain_high_m2_{pair}", "DOUBLE",
        {"en": "Upper end of its 95 % confidence interval",
         "fr": "Borne supérieure de son intervalle de confiance à 95 %"},
        "m2", 0, null=NO_SAMPLE, sql="judged_{pair}.reference_gain_high_m2",
    ),
    Column(
        "reference_loss_m2_{pair}", "DOUBLE",
        {"en": "Unsealing, {first} to {second}, as estimated from the reference sample",
         "fr": "Désimperméabilisation, de {first} à {second}, estimée par l’échantillon de "
               "référence"},
        "m2", 0, null=NO_SAMPLE, sql="judged_{pair}.reference_loss_m2",
    ),
    Column(
        "reference_loss_low_m2_{pair}", "DOUBLE",
        {"en": "Lower end of its 95 % confidence interval",
         "fr": "Borne inférieure de son intervalle de confiance à 95 %"},
        "m2", 0, null=NO_SAMPLE, sql="judged_{pair}.reference_loss_low_m2",
    ),
    Column(
        "reference_loss_high_m2_{pair}", "DOUBLE",
        {"en": "Upper end of its 95 % confidence interval",
         "fr": "Borne supérieure de son intervalle de confiance à 95 %"},
        "m2", 0, null=NO_SAMPLE, sql="judged_{pair}.reference_loss_high_m2",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Indicator:
    """A row of the pages' tables: its text app.figure.LABEL and columns, ``{}`` the year or pair.

    Two columns are the ends of an interval. ``digits`` None means square metres, written as
    hectares; otherwise values are multiplied by ``scale``.
    """

    label: str
    columns: tuple[str, ...]
    digits: int | None = None
    scale: float = 1.0
    signed: bool = False


INDICATORS_OF_YEAR = (
    Indicator("corrected", ("sealed_adjusted_m2_{}",)),
    Indicator("corrected_interval", ("sealed_low_m2_{}", "sealed_high_m2_{}")),
    Indicator("per_inhabitant", ("sealed_m2_per_inhabitant_{}",), 0),
    Indicator("index", ("index_{}",), 1),
)
INDICATORS_OF_PAIR = (
    Indicator("relative", ("relative_percent_{}",), 2, signed=True),
    Indicator("per_year", ("adjusted_m2_per_year_{}",), signed=True),
    Indicator("detection_limit", ("detection_limit_m2_{}",)),
    Indicator("loss_gain", ("loss_gain_ratio_{}",), 2),
    Indicator("land_rate", ("land_consumption_rate_{}",), 2, 100.0, signed=True),
    Indicator("population_rate", ("population_growth_rate_{}",), 2, 100.0, signed=True),
    Indicator("land_per_population", ("lcrpgr_{}",), 2, signed=True),
)


def indicator_columns(years: Iterable[int], pairs: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of areas.parquet that the indicators need.

    >>> indicator_columns([2018], [])[-2:]
    ('sealed_m2_per_inhabitant_2018', 'index_2018')
    """
    of_years = (c.format(year) for year in years for i in INDICATORS_OF_YEAR for c in i.columns)
    of_pairs = (c.format(pair) for pair in pairs for i in INDICATORS_OF_PAIR for c in i.columns)
    return (*of_years, *of_pairs)
