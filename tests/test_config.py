"""The region file: what it says, and the one line that each mistake gives."""

from datetime import date
from pathlib import Path

import pytest
from sites import SHIPPED_REGIONS

from hexseal.errors import RegionError
from hexseal.products import CLCPLUS, WORLDCOVER
from hexseal.region.load import Accuracy, Noise, Region, SealedAccuracy, load_region

KEYS = "see hexseal schema or docs/reference/region.md"
HEAD = '[region]\nid = "r"\n'
EPOCH = '[[epoch]]\nyear = 2018\nlandcover = "a.tif"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "r.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str) -> Region:
    return load_region(write(folder, text))


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(RegionError) as caught:
        load(folder, text)
    said = str(caught.value)
    assert "\n" not in said
    return said.removeprefix(f"{folder / 'r.toml'}: ")


def test_shortest_region(tmp_path: Path) -> None:
    region = load(tmp_path, HEAD + EPOCH)
    assert region.years == (2018,)
    assert region.pairs == ()
    assert region.product is CLCPLUS
    assert region.title == {"en": "r", "fr": "r"}
    assert list(region.hexagons.resolutions) == [5, 6, 7, 8, 9]
    assert region.epochs[0].landcover == str(tmp_path / "a.tif")
    assert region.window is None


def test_years_are_sorted_and_paired(tmp_path: Path) -> None:
    epochs = "".join(EPOCH.replace("2018", year) for year in ("2023", "2018", "2021"))
    region = load(tmp_path, HEAD + epochs)
    assert region.years == (2018, 2021, 2023)
    assert region.pairs == ((2018, 2021), (2021, 2023), (2018, 2023))


def test_paths_are_resolved_against_the_region_file(tmp_path: Path) -> None:
    text = HEAD + EPOCH.replace("a.tif", "../tiles/*.tif")
    assert load(tmp_path, text).epochs[0].landcover == str(tmp_path.parent / "tiles" / "*.tif")
    text = HEAD + EPOCH.replace("a.tif", "s3://bucket/a.tif")
    assert load(tmp_path, text).epochs[0].landcover == "s3://bucket/a.tif"


def test_nodata_of_a_named_product_may_be_replaced(tmp_path: Path) -> None:
    text = HEAD + EPOCH + "[product]\nnodata = [0, 253, 254, 255]\n"
    product = load(tmp_path, text).product
    assert product.nodata == {0, 253, 254, 255}
    assert (product.name, product.valid) == ("clcplus", CLCPLUS.valid)
    assert CLCPLUS.nodata == {253, 254, 255}


def test_worldcover(tmp_path: Path) -> None:
    assert load(tmp_path, HEAD + EPOCH + '[product]\nname = "worldcover"').product is WORLDCOVER


def test_custom_product(tmp_path: Path) -> None:
    text = '[product]\nname = "custom"\nsealed = [3]\nvalid = [1, 2, 3]\nwater = [2]\n'
    product = load(tmp_path, HEAD + EPOCH + text).product
    assert (product.sealed, product.water, product.nodata) == ({3}, {2}, {255})


def test_reference_period(tmp_path: Path) -> None:
    text = HEAD + EPOCH + 'reference_period = ["2017-07-01", 2019-06-30]\n'
    assert load(tmp_path, text).epochs[0].reference_period == (date(2017, 7, 1), date(2019, 6, 30))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "[[epoch]] is missing: name at least one year and its raster"),
        (EPOCH, "[region] id is missing"),
        (
            HEAD.replace('"r"', '"../r"') + EPOCH,
            "[region] id = '../r': use lower-case letters, digits, '-' and '_' "
            "(it becomes part of file names)",
        ),
        (HEAD + 'colour = "red"\n' + EPOCH,
         f"[region] colour is not a key that hexseal knows; {KEYS}"),
        (HEAD + "[extra]\n" + EPOCH, f"[extra] is not a key that hexseal knows; {KEYS}"),
        (HEAD + EPOCH.replace("2018", '"2018"'),
         "[epoch 1] year = '2018' is a text, not a whole number"),
        (HEAD + EPOCH.replace("2018", "true"),
         "[epoch 1] year = True is a true or false, not a whole number"),
        (HEAD + EPOCH.replace("2018", "18"), "[epoch 1] year = 18 is not a year"),
        (HEAD + EPOCH.replace('"a.tif"', '" "'), "[epoch 1] landcover is empty"),
        (HEAD + EPOCH + EPOCH, "[[epoch]] year = 2018 is given twice: each year once"),
        (HEAD + '[epoch]\nyear = 2018', "[epoch] = {'year': 2018} is a table, not a list"),
        (HEAD + "window = [1, 2, 3]\n" + EPOCH,
         "[region] window = [1, 2, 3] is not a list of 4 numbers"),
        (HEAD + "window = [0, 0, nan, 1]\n" + EPOCH,
         "[region] window = [0, 0, nan, 1] is not a list of 4 numbers"),
        (HEAD + "window = [5, 0, 1, 1]\n" + EPOCH,
         "[region] window = [5.0, 0.0, 1.0, 1.0]: give xmin, ymin, xmax, ymax"),
        (HEAD + EPOCH + '[product]\nname = "corine"',
         "[product] name = 'corine' is not one of clcplus, worldcover, imperviousness, custom"),
        (HEAD + EPOCH + "[product]\nnodata = [1, 254]",
         "[product] [1] stand in both valid and nodata: choose one"),
        (HEAD + EPOCH + '[product]\nnodata = ["x"]',
         "[product] nodata = ['x'] is not a list of whole numbers"),
        (HEAD + EPOCH + "[product]\nsealed = [1]",
         f"[product] sealed is not a key that hexseal knows; {KEYS}"),
        (HEAD + EPOCH + '[product]\nname = "custom"\nvalid = [1]', "[product] sealed is missing"),
        (HEAD + EPOCH + '[product]\nname = "custom"\nvalid = [1, 300]\nsealed = [1]',
         "[product] valid holds [300]: codes are 0 to 255"),
        (HEAD + EPOCH + "[hexagons]\nfinest = 16",
         "[hexagons] finest = 16: H3 resolutions are 0 to 15"),
        (HEAD + EPOCH + "[hexagons]\nfinest = 5\ncoarsest = 9",
         "[hexagons] coarsest = 9 is finer than finest = 5: "
         "the finest resolution has the higher number"),
        (HEAD + EPOCH + '[site]\nlanguages = ["de"]',
         "[site] languages = ['de']: choose among en, fr, each once"),
        (HEAD + EPOCH + 'reference_period = ["2019", "2018"]\n',
         "[epoch 1] reference_period = ['2019', '2018']: give two dates as YYYY-MM-DD"),
        (HEAD + EPOCH + 'reference_period = ["2019-01-01", "2018-01-01"]\n',
         "[epoch 1] reference_period = ['2019-01-01', '2018-01-01'] ends before it starts"),
        (HEAD + EPOCH + '[[areas]]\nlayer = "town"\nid = "a"\nname = "b"',
         "[areas 1] path is missing"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text) == said


def test_missing_region_file(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(RegionError) as caught:
        load_region(path)
    assert str(caught.value) == (
        f"{path}: no such region file; write one with hexseal init, or an example with "
        "hexseal simulate FOLDER (hexseal schema lists the keys)"
    )


def test_broken_toml(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[region").startswith("not valid TOML: Expected ']'")


@pytest.mark.parametrize("path", SHIPPED_REGIONS, ids=lambda path: path.stem)
def test_shipped_regions_load(path: Path) -> None:
    region = load_region(path)
    assert region.id
    assert all(epoch.source for epoch in region.epochs)


LATER = '[[epoch]]\nyear = 2021\nlandcover = "b.tif"\n'


def test_noise_and_accuracy_have_defaults(tmp_path: Path) -> None:
    region = load(tmp_path, HEAD + EPOCH)
    assert region.noise == Noise(True, 0, True, 0, 1, 0.10, "auto")
    assert region.accuracy == Accuracy()


def test_noise_and_accuracy(tmp_path: Path) -> None:
    text = HEAD + EPOCH + LATER + "[noise]\nconfidence = 50\nlevel = 0.05\ndecoy_ratio = 2\n"
    text += "[accuracy.2018]\nusers = 0.9\nproducers = 0.8\n"
    text += "[accuracy.2021]\nusers = 1\nproducers = 0.85\nusers_se = 0.01\n"
    region = load(tmp_path, text)
    assert (region.noise.confidence, region.noise.level, region.noise.decoy_ratio) == (50, 0.05, 2)
    assert region.accuracy.years == {
        # Errors that are not given are those of 100 points: the root of p (1 - p) / 100.
        2018: SealedAccuracy(0.9, 0.8, 0.03, 0.04, se_assumed=True),
        2021: SealedAccuracy(1.0, 0.85, 0.01, 0.0357, se_assumed=True),
    }


def test_a_reference_sample_lies_beside_the_region_file(tmp_path: Path) -> None:
    region = load(tmp_path, HEAD + EPOCH + '[accuracy]\npoints = "p.csv"\ncrs = "EPSG:3035"\n')
    assert region.accuracy == Accuracy({}, str(tmp_path / "p.csv"), "EPSG:3035")


def test_populations_by_year(tmp_path: Path) -> None:
    area = '[[areas]]\nlayer = "town"\npath = "t.gpkg"\nid = "i"\nname = "n"\npopulation = '
    region = load(tmp_path, HEAD + EPOCH + area + '{ 2021 = "p21", 2018 = "p18" }\n')
    assert region.areas[0].populations == {2018: "p18", 2021: "p21"}
    assert region.areas[0].population is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[noise]\nconfidence = 101\n",
            "[noise] confidence = 101: give a whole number from 0 to 100",
        ),
        ("[noise]\nminimum_patch = 0\n", "[noise] minimum_patch = 0: give a whole number from 1"),
        ("[noise]\nlevel = 1.0\n", "[noise] level = 1.0: give a share between 0 and 1"),
        ("[noise]\ndecoy_ratio = 0.5\n", "[noise] decoy_ratio = 0.5: give 1"),
        ('[noise]\ndecoy_ratio = "none"\n', "[noise] decoy_ratio = 'none' is a text, not a number"),
        ("[noise]\nsieve = 3\n", "[noise] sieve is not a key that hexseal knows"),
        (
            "[accuracy.2018]\nusers = 0.9\nproducers = 0.8\n",
            "[accuracy.2021] is missing: give figures of every year or none",
        ),
        ("[accuracy.2018]\nusers = 86\nproducers = 0.8\n", "[accuracy] users = 86.0: give a share"),
        ("[accuracy.2018]\nusers = 0.9\n", "[accuracy.2018] producers is missing"),
        ("[accuracy.2019]\nusers = 0.9\n", "[accuracy] 2019 is not a key that hexseal knows"),
        (
            '[accuracy]\npoints = "p.csv"\n[accuracy.2018]\nusers = 0.9\nproducers = 0.8\n',
            "[accuracy] has both points and figures of years: give one of the two",
        ),
        (
            '[[areas]]\nlayer = "t"\npath = "t.gpkg"\nid = "i"\nname = "n"\n'
            'population = { now = "p" }\n',
            "[areas 1] population.now = 'p': name a column for each year",
        ),
    ],
)
def test_mistakes_in_how_change_is_judged(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, HEAD + EPOCH + LATER + text).startswith(said)


def test_the_layer_of_the_whole_region_cannot_be_given_twice(tmp_path: Path) -> None:
    # Its rows would stand twice in every table of areas.
    path = tmp_path / "a.toml"
    path.write_text(
        '[region]\nid = "a"\n[[epoch]]\nyear = 2018\nlandcover = "a.tif"\n'
        '[[areas]]\nlayer = "region"\npath = "a.gpkg"\nid = "i"\nname = "n"\n'
    )
    with pytest.raises(RegionError, match="what the row of the whole region is called"):
        load_region(path)
