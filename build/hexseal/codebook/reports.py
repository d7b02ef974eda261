"""What the reporting tables hold, and what of their norms land cover can and cannot show.

Norms are named by article; nothing here claims that a table meets one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hexseal.codebook.column import Column, Per, Text
from hexseal.codebook.indicators import CHANGE_OF_PAIR, STATE_OF_YEAR
from hexseal.codebook.measures import JUDGED_OF_PAIR
from hexseal.codebook.tables import AREA, ORIGIN, PAIR_OF_ROW
from hexseal.codebook.words import NO_VALID, NOT_JUDGED, NOTHING_SEALED

Block = tuple[Per, tuple[Column, ...]]
GRADE_OF_PAIR = tuple(column for column in JUDGED_OF_PAIR if column.name.startswith("grade_"))

OTHER_ROW: Text = {
    "en": "the row of all former classes together",
    "fr": "la ligne de toutes les classes antérieures ensemble",
}
CLASS_ROW: Text = {
    "en": "a row of one former class, or the maps support no figure of change",
    "fr": "une ligne d’une seule classe antérieure, ou les cartes n’appuient aucun chiffre",
}


@dataclass(frozen=True, slots=True)
class Report:
    """A reporting table: its columns, and in both languages its title and notes.

    ``name`` is that of its SQL (report_NAME.sql) and file, ``short`` that of its sheet.
    ``consecutive``: it holds pairs of neighbouring years only, so that rows add up over time.
    """

    name: str
    short: Text
    title: Text
    notes: Mapping[str, tuple[str, ...]]
    blocks: tuple[Block, ...]
    needs_pairs: bool = False
    consecutive: bool = False


def _column(name: str, unit: str, en: str, fr: str, **bounds: object) -> Column:
    null = bounds.pop("null", NOT_JUDGED)
    return Column(name, "DOUBLE", {"en": en, "fr": fr}, unit, null=null, **bounds)  # type: ignore[arg-type]


SURFACE = (
    _column("surface_km2", "km2", "Mapped surface, water included: valid in every year",
            "Surface cartographiée, eau comprise : valide toutes les années", low=0, null=NO_VALID),
)  # fmt: skip
SEALED = (
    _column("sealed_km2_{year}", "km2", "Sealed area on the map of {year}",
            "Surface imperméabilisée sur la carte de {year}", low=0, null=NO_VALID),
    _column("sealed_percent_{year}", "%", "Sealed area of {year} in per cent of the surface",
            "Surface imperméabilisée de {year} en pourcentage de la surface", low=0, high=100,
            null=NO_VALID),
)  # fmt: skip
NET_KM2 = (
    _column("net_km2_{pair}", "km2", "Net change of sealed area, {first} to {second}, adjusted",
            "Évolution nette de la surface imperméabilisée, {first} à {second}, ajustée"),
    _column("net_low_km2_{pair}", "km2", "Lower end of its interval",
            "Borne inférieure de son intervalle"),
    _column("net_high_km2_{pair}", "km2", "Upper end of its interval",
            "Borne supérieure de son intervalle"),
    _column("net_km2_per_year_{pair}", "km2/year", "Net change per year",
            "Évolution nette par an"),
    _column("net_percent_per_year_{pair}", "%/year",
            "Net change per year in per cent of the surface",
            "Évolution nette par an en pourcentage de la surface"),
    _column("map_gain_km2_{pair}", "km2", "Sealed on the later map only; difference of two maps",
            "Imperméabilisé sur la seconde carte seulement ; différence de deux cartes", low=0,
            null=NO_VALID),
    _column("map_loss_km2_{pair}", "km2", "Sealed on the earlier map only; difference of two maps",
            "Imperméabilisé sur la première carte seulement ; différence de deux cartes", low=0,
            null=NO_VALID),
)  # fmt: skip
_RATES = {column.name: column for column in CHANGE_OF_PAIR}
SDG = (
    _RATES["land_consumption_rate_{pair}"],
    _column("land_consumption_rate_low_{pair}", "1/year", "Lower end of the interval of the rate",
            "Borne inférieure de l’intervalle du taux", null=NOTHING_SEALED),
    _column("land_consumption_rate_high_{pair}", "1/year", "Upper end of the interval of the rate",
            "Borne supérieure de l’intervalle du taux", null=NOTHING_SEALED),
    _RATES["population_growth_rate_{pair}"],
    _RATES["lcrpgr_{pair}"],
    *GRADE_OF_PAIR,
)  # fmt: skip
PER_INHABITANT = tuple(c for c in STATE_OF_YEAR if c.name.startswith("sealed_m2_per_inhabitant"))
FORMER = tuple(
    Column(c.name, c.type, c.text, c.unit, c.low, c.high, c.values, OTHER_ROW) for c in ORIGIN
)
COVER = (
    _column("map_gain_ha", "ha", "Newly sealed on the maps; difference of two maps",
            "Nouvellement imperméabilisé sur les cartes ; différence de deux cartes", low=0,
            null=NO_VALID),
    _column("map_gain_ha_per_year", "ha/year", "The same per year", "La même par an", low=0,
            null=NO_VALID),
    _column("map_gain_percent", "%", "The same in per cent of the surface",
            "La même en pourcentage de la surface", low=0, high=100, null=NO_VALID),
    _column("confirmed_ha", "ha", "Part of it in confirmed places",
            "Partie de celle-ci en lieux confirmés", low=0),
    _column("net_ha", "ha", "Net change of sealed area, adjusted",
            "Évolution nette de la surface imperméabilisée, ajustée", null=CLASS_ROW),
    _column("net_low_ha", "ha", "Lower end of its interval", "Borne inférieure de son intervalle",
            null=CLASS_ROW),
    _column("net_high_ha", "ha", "Upper end of its interval", "Borne supérieure de son intervalle",
            null=CLASS_ROW),
    _column("net_ha_per_year", "ha/year", "Net change per year", "Évolution nette par an",
            null=CLASS_ROW),
    _column("net_percent", "%", "Net change in per cent of the surface",
            "Évolution nette en pourcentage de la surface", null=CLASS_ROW),
)  # fmt: skip
GRADE = tuple(
    Column("grade", c.type,
           {"en": "Grade of the pair of years", "fr": "Niveau de la paire d’années"},
           values=c.values, null=c.null)
    for c in GRADE_OF_PAIR
)  # fmt: skip

REPORTS = (
    Report(
        "soil_directive",
        {"en": "Soil directive", "fr": "Directive sols"},
        {
            "en": "Soil sealing after Directive (EU) 2025/2360, Annex I, part D",
            "fr": "Imperméabilisation selon la directive (UE) 2025/2360, annexe I, partie D",
        },
        {
            "en": (
                "Sealed area in square kilometres and in per cent of the surface, for every unit. "
                "The surface is what the maps show as valid in every year, water included; where "
                "a unit is only partly mapped, it is smaller than the unit.",
                "The part also names soil removal and settlement area, and change between "
                "settlement and other land. Land cover shows none of these: parks and gardens are "
                "settlement but not sealed, roads in a forest are sealed but not settlement, and a "
                "removed soil may be bare ground. They have to come from other sources.",
                "The map shows pixels that are mostly sealed; it does not measure the sealed part "
                "of a pixel. This table makes no claim of legal conformity.",
            ),
            "fr": (
                "Surface imperméabilisée en kilomètres carrés et en pourcentage de la surface, "
                "pour chaque unité. La surface est ce que les cartes montrent comme valide toutes "
                "les années, eau comprise ; elle est plus petite que l’unité si celle-ci n’est "
                "cartographiée qu’en partie.",
                "La partie nomme aussi l’enlèvement des sols, la surface d’établissement humain et "
                "ses échanges avec les autres terres. L’occupation du sol n’en montre rien : parcs "
                "et jardins sont de l’établissement sans être imperméabilisés, une route en forêt "
                "est imperméabilisée sans en être, un sol enlevé peut être un sol nu. D’autres "
                "sources doivent les fournir.",
                "La carte montre les pixels imperméabilisés en majorité ; elle ne mesure pas la "
                "part imperméabilisée d’un pixel. Ce tableau ne prétend à aucune conformité "
                "légale.",
            ),
        },
        (
            ("table", AREA + SURFACE), ("year", SEALED), ("pair", NET_KM2 + GRADE_OF_PAIR),
        ),
    ),
    Report(
        "sdg_11_3_1",
        {"en": "SDG 11.3.1", "fr": "ODD 11.3.1"},
        {
            "en": "SDG indicator 11.3.1: land consumption rate and population growth rate",
            "fr": "Indicateur 11.3.1 des ODD : consommation des terres et croissance de la "
            "population",
        },
        {
            "en": (
                "Land consumption rate = (V2 - V1) / V1 / t, population growth rate = "
                "ln(P2 / P1) / t, t in years; their ratio is left out where the population changes "
                "by less than 0.1 % a year (UN-Habitat, metadata of indicator 11.3.1).",
                "The indicator asks for built-up area within cities as the degree of urbanisation "
                "draws them. Here V is the sealed area of each unit, and units are those of the "
                "region file.",
            ),
            "fr": (
                "Taux de consommation des terres = (V2 - V1) / V1 / t, taux de croissance de la "
                "population = ln(P2 / P1) / t, t en années ; leur rapport est omis si la "
                "population change de moins de 0,1 % par an (ONU-Habitat, métadonnées de "
                "l’indicateur 11.3.1).",
                "L’indicateur demande la surface bâtie des villes selon le degré d’urbanisation. "
                "Ici, V est la surface imperméabilisée de chaque unité, et les unités sont celles "
                "du fichier de région.",
            ),
        },
        (("table", AREA), ("year", PER_INHABITANT), ("pair", SDG)),
        needs_pairs=True,
    ),
    Report(
        "former_cover",
        {"en": "Former cover", "fr": "Occupation antérieure"},
        {
            "en": "New sealing by former class, in hectares and per cent, per period",
            "fr": "Nouvelle imperméabilisation par classe antérieure, en hectares et en "
            "pourcentage, par période",
        },
        {
            "en": (
                "Laid out like the French three-yearly report on land take: article R. 2231-1 of "
                "the general code of local authorities asks, in 1°, for the consumption of "
                "natural, agricultural and forest land in hectares, by kind where possible, and in "
                "per cent of the territory, and in 3° for the areas whose soils were made "
                "impermeable.",
                "Sealing (imperméabilisation) is a part of artificialisation only, and land cover "
                "is not the land-use nomenclature of article R. 101-1 of the urban planning code: "
                "these figures can illustrate 3°, they do not replace the observatory's data. No "
                "claim of legal conformity.",
                "Former classes add up to the difference of the maps (map_gain_ha), not to the "
                "net change: what two maps differ by in one class is mostly their errors.",
            ),
            "fr": (
                "Disposé comme le rapport triennal local : l’article R. 2231-1 du code général des "
                "collectivités territoriales demande, au 1°, « la consommation des espaces "
                "naturels, agricoles et forestiers, exprimée en nombre d’hectares, le cas échéant "
                "en la différenciant entre ces types d’espaces, et en pourcentage au regard de la "
                "superficie du territoire couvert » et, au 3°, « les surfaces dont les sols ont "
                "été rendus imperméables ».",
                "L’imperméabilisation n’est qu’une partie de l’artificialisation, et l’occupation "
                "du sol n’est pas la nomenclature de l’article R. 101-1 du code de l’urbanisme : "
                "ces chiffres peuvent éclairer le 3°, ils ne remplacent pas les données de "
                "l’observatoire. Aucune conformité légale n’est prétendue.",
                "La somme des classes antérieures est la différence des cartes (map_gain_ha), pas "
                "l’évolution nette : ce dont deux cartes diffèrent dans une classe est surtout "
                "leurs erreurs.",
            ),
        },
        (("table", AREA + PAIR_OF_ROW + FORMER + COVER + GRADE),),
        needs_pairs=True,
        consecutive=True,
    ),
)  # fmt: skip
