"""The columns that areas have beyond those of hexagons."""

from hexseal.codebook.column import Column
from hexseal.codebook.words import (
    NO_ACCURACY,
    NO_GAIN,
    NO_POPULATION,
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
    ),
    Column(
        "index_{year}", "DOUBLE",
        {"en": "Index of sealed area: the first year's map is 100, later years follow the "
               "adjusted change",
         "fr": "Indice de la surface imperméabilisée : la carte de la première année vaut 100, "
               "les suivantes suivent l’évolution ajustée"},
        "first year = 100", null=NOTHING_SEALED,
        formula="100 * (1 + adjusted change since the first year / sealed area of that year)",
    ),
)  # fmt: skip

CHANGE_OF_PAIR = (
    Column(
        "detection_limit_m2_{pair}", "DOUBLE",
        {"en": "Half the width of the interval: less net change would not stand out",
         "fr": "Moitié de la largeur de l’intervalle : une évolution moindre ne se verrait pas"},
        "m2", 0, null=NOT_JUDGED,
        formula="(adjusted_high_m2_{pair} - adjusted_low_m2_{pair}) / 2",
    ),
    Column(
        "adjusted_m2_per_year_{pair}", "DOUBLE",
        {"en": "Adjusted net change per year", "fr": "Évolution nette ajustée par an"},
        "m2/year", null=NOT_JUDGED, formula="adjusted_m2_{pair} / {span}",
    ),
    Column(
        "adjusted_pp_{pair}", "DOUBLE",
        {"en": "Adjusted net change in percentage points of land",
         "fr": "Évolution nette ajustée en points de pourcentage des terres"},
        "pp", null=NOT_JUDGED, formula="100 * adjusted_m2_{pair} / land_m2",
    ),
    Column(
        "relative_percent_{pair}", "DOUBLE",
        {"en": "Adjusted net change in percent of what was sealed in {first}",
         "fr": "Évolution nette ajustée en pourcentage de ce qui était imperméabilisé en {first}"},
        "%", null=NOTHING_SEALED, formula="100 * adjusted_m2_{pair} / sealed_m2_{first}",
    ),
    Column(
        "loss_gain_ratio_{pair}", "DOUBLE",
        {"en": "Raw losses for each raw gain: the closer to 1, the more is noise of the maps",
         "fr": "Pertes brutes par gain brut : plus c’est près de 1, plus c’est du bruit"},
        "1", 0, null=NO_GAIN, formula="unsealed_m2_{pair} / new_sealed_m2_{pair}",
    ),
    Column(
        "land_consumption_rate_{pair}", "DOUBLE",
        {"en": "LCR of SDG 11.3.1", "fr": "Taux de consommation des terres de l’ODD 11.3.1"},
        "1/year", null=NOTHING_SEALED, formula="adjusted_m2_{pair} / sealed_m2_{first} / {span}",
    ),
    Column(
        "population_growth_rate_{pair}", "DOUBLE",
        {"en": "PGR of SDG 11.3.1", "fr": "Taux de croissance de la population de l’ODD 11.3.1"},
        "1/year", null=NO_POPULATION, formula="ln(P_{second} / P_{first}) / {span}",
    ),
    Column(
        "lcrpgr_{pair}", "DOUBLE",
        {"en": "SDG 11.3.1: land consumption rate over population growth rate",
         "fr": "ODD 11.3.1 : taux de consommation des terres sur croissance de la population"},
        "1", null=STEADY_POPULATION,
        formula="land_consumption_rate_{pair} / population_growth_rate_{pair}",
    ),
)  # fmt: skip
