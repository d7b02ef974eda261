"""A unit in plain words: every case of the sentence, and the cards of each basis."""

import json
from dataclasses import replace

import pytest
import shapely
from browser.made_site import made_judgement, made_region

from hexseal.frontend import TEMPLATE
from hexseal.pages.figures import AreaFigures, Place
from hexseal.pages.judgement import Judged, Note, read_judgement
from hexseal.pages.locales import load_locale
from hexseal.pages.nesting import area_parents, coarse_to_fine
from hexseal.pages.origins import Source, write_origin_files
from hexseal.pages.reading import Reader
from hexseal.pages.tables import Writer
from hexseal.region.load import Region
from hexseal.types import Pair

HA = 10_000.0
PAIR = Pair(2021, 2023)
ENGLISH = Writer(load_locale(TEMPLATE / "locales", "en"))
# The figures of the issue's own example.
EXAMPLE = {
    "valid_m2": 900 * HA, "land_m2": 800 * HA, "confirmed_m2_2021_2023": 35 * HA,
    "new_sealed_m2_2021_2023": 160 * HA, "unsealed_m2_2021_2023": 119 * HA,
    "adjusted_m2_2021_2023": 41 * HA, "adjusted_low_m2_2021_2023": 28 * HA,
    "adjusted_high_m2_2021_2023": 55 * HA,
}  # fmt: skip


@pytest.fixture
def region(tmp_path) -> Region:
    return made_region(tmp_path)


@pytest.fixture
def judged(tmp_path) -> Judged:
    """Return a judgement without warnings, whose last year was seen again."""
    (tmp_path / "judgement.json").write_text(json.dumps(made_judgement()))
    return replace(read_judgement(tmp_path / "judgement.json")["2021_2023"], provisional=False)


def unit(signal: str = "gain", **values: float | None) -> AreaFigures:
    grade = "inconclusive" if signal == "inconclusive" else "consistent"
    if grade == "inconclusive":
        values |= {name: None for name in EXAMPLE if name.startswith(("confirmed", "adjusted"))}
    return AreaFigures(
        "municipality", "1", "A", EXAMPLE | values, {"2021_2023": signal},
        grades={"2021_2023": grade},
    )  # fmt: skip


def say(judged: Judged, area: AreaFigures, basis: str = "adjusted") -> str:
    return Reader(ENGLISH, 0.1, (2021, 2023), "toy").sentence(area, PAIR, judged, basis)


def test_the_example_of_the_issue(judged: Judged) -> None:
    assert say(judged, unit()) == (
        "About 41.0 ha, net, were newly sealed between 2021 and 2023"
        " (noise interval 28.0 to 55.0 ha)."
        " The raw maps would say 160.0 ha new and 119.0 ha no longer sealed."
        " The interval holds if both maps err alike."
    )
    assert say(judged, unit(), "confirmed").startswith("About 35.0 ha were newly sealed")
    assert "at most about 10% may be false" in say(judged, unit(), "confirmed")
    assert say(judged, unit(), "raw") == (
        "Compared as they are, the maps of 2021 and 2023 show 160.0 ha new and 119.0 ha no longer"
        " sealed, noise included. Adjusted for noise, the net change is +41.0 ha"
        " (noise interval 28.0 to 55.0 ha)."
    )


def test_a_loss_names_its_size_without_a_sign(judged: Judged) -> None:
    lost = unit(
        "loss",
        adjusted_m2_2021_2023=-7.5 * HA,
        adjusted_low_m2_2021_2023=-9 * HA,
        adjusted_high_m2_2021_2023=-6 * HA,
    )
    words = say(judged, lost)
    assert words.startswith("About 7.50 ha, net, that were sealed in 2021 are no longer so in 2023")
    assert "noise interval: −9.00 to −6.00 ha" in words


@pytest.mark.parametrize(
    ("area", "basis", "start"),
    [
        (unit("within_noise"), "adjusted", "No change between 2021 and 2023 can be told"),
        (unit("no_data"), "adjusted", "There are no data here"),
        (unit("no_data"), "raw", "There are no data here"),
        (unit(land_m2=0.0), "confirmed", "There is only water here"),
        (unit(confirmed_m2_2021_2023=0.0), "confirmed", "No new sealing between 2021 and 2023"),
    ],
)
def test_what_cannot_be_told_says_so(
    judged: Judged, area: AreaFigures, basis: str, start: str
) -> None:
    assert say(judged, area, basis).startswith(start)


def test_a_provisional_year_says_so_where_there_are_data(judged: Judged) -> None:
    provisional = replace(judged, provisional=True)
    last = "2023 is provisional: no later map has confirmed it yet."
    assert say(provisional, unit()).endswith(last)
    assert last not in say(provisional, unit("no_data"))


def test_no_gain_is_claimed_where_years_do_not_compare(judged: Judged) -> None:
    doubtful = replace(judged, notes=tuple(replace(note, severe=True) for note in judged.notes))
    assert say(doubtful, unit()).startswith("The maps of 2021 and 2023 do not compare")
    assert "takes that certainty away" in say(doubtful, unit(), "confirmed")


def test_an_inconclusive_pair_has_reasons_instead_of_figures(judged: Judged) -> None:
    tail = Note("cut_tail", True, {"value": 4.2, "threshold": 3.5})
    failed = replace(judged, grade="inconclusive", notes=(tail,))
    area = unit("inconclusive")
    expected = (
        "The maps of 2021 and 2023 cannot support a figure of change here (larger losses are"
        " missing). Compared as they are, they show 160.0 ha new and 119.0 ha no longer sealed;"
        " that cannot be read as change on the ground. A reference sample gives a figure:"
        " hexseal sample plan toy.toml"
    )
    assert {say(failed, area, basis) for basis in ("adjusted", "confirmed", "raw")} <= {
        expected, say(failed, area, "raw"),
    }  # fmt: skip
    assert say(failed, area) == expected
    for reading in Reader(ENGLISH, 0.1, (2021, 2023), "toy").readings(area, PAIR, failed):
        assert [card.value for card in reading.cards] == ["inconclusive", "160.0", "119.0"]
        assert reading.cards[0].details == ("larger losses are missing",)
    # The maps pass as a whole, but not in this place.
    assert "(a test of the maps fails in this place)" in say(judged, area)


def test_cards_of_each_basis(judged: Judged) -> None:
    area = unit(sealed_m2_per_inhabitant_2021=512.4, sealed_m2_per_inhabitant_2023=None)
    adjusted, confirmed, raw = Reader(ENGLISH, 0.1, (2021, 2023), "toy").readings(
        area, PAIR, judged
    )
    assert [(card.value, card.unit) for card in adjusted.cards] == [
        ("35.0", "ha"), ("119.0", "ha"), ("+41.0", "ha"), ("512", "m²"),
    ]  # fmt: skip
    assert adjusted.cards[2].details == ("noise interval: 28.0 to 55.0 ha", "raw maps: +41.0 ha")
    assert adjusted.cards[3].label == "Sealed per inhabitant, 2021"
    assert confirmed.cards == adjusted.cards
    assert [card.value for card in raw.cards[:3]] == ["160.0", "119.0", "+41.0"]
    assert raw.cards[0].details == ("confirmed: 35.0 ha",)
    assert len(Reader(ENGLISH, 0.1, (), "toy").readings(area, PAIR, judged)[0].cards) == 3


def square(layer: str, name: str, west: float, size: float) -> tuple[AreaFigures, bytes]:
    box = shapely.box(west, 0, west + size, size)
    place = Place(box.bounds, (west + size / 2, size / 2))
    return AreaFigures(layer, name, name, {"valid_m2": size**2}, {}, place), shapely.to_wkb(box)


def test_areas_lie_in_the_smallest_of_the_next_layer_that_holds_them() -> None:
    drawn = [
        square("commune", "c1", 1, 1), square("commune", "c2", 11, 1),
        square("commune", "c3", 90, 1), square("province", "p", 0, 10),
        square("country", "big", -50, 100), square("country", "small", -5, 40),
    ]  # fmt: skip
    areas = [area for area, _ in drawn]
    shapes = {(area.layer, area.id): shape for area, shape in drawn}
    assert coarse_to_fine(areas) == ["country", "province", "commune"]
    assert area_parents(areas, shapes) == {
        ("province", "p"): ("country", "small"),
        ("commune", "c1"): ("province", "p"),
        # In no province: the country stands in for it.
        ("commune", "c2"): ("country", "small"),
    }
    assert area_parents([], {}) == {}


def test_origin_scripts_are_by_layer_and_by_coarsest_cell(tmp_path, region: Region) -> None:
    areas = {("municipality", "7"): {Pair(2018, 2021): (Source(9, 300.4, 100.0),)}}
    # A cell of resolution 7 within the cell of resolution 6 that names the file.
    cell = 0x87195DA49FFFFFF
    hexagons = {cell: {Pair(2018, 2021): (Source(6, 200.0, 0.0),)}}
    parents = [0x86195DA4FFFFFFF, 0x861958D27FFFFFF]
    folder = write_origin_files(tmp_path, region, areas, hexagons, parents)
    names = sorted(path.name for path in (tmp_path / folder).iterdir())
    assert names == ["861958d27ffffff.js", "86195da4fffffff.js", "layer-0.js"]
    assert (tmp_path / folder / "layer-0.js").read_text() == (
        '(globalThis.hexsealOrigins??={})["layer-0"]={"2018-2021":{"7":[[9,300,100]]}};\n'
    )
    assert write_origin_files(tmp_path / "again", region, areas, hexagons, parents) == folder
