"""hexseal merge: two halves built apart and joined count what the whole counts."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from rasterfiles import NORTH, WEST
from sites import COLUMNS, REGION, ROWS, hexseal, write_region

from hexseal.build import BuildSettings, build_site
from hexseal.change.grading import FalseShare
from hexseal.change.maptests import Check, Verdict
from hexseal.change.stage import PairReport, Removed
from hexseal.errors import InputError
from hexseal.exchange.record import read_record
from hexseal.forward.report import ForwardReport
from hexseal.merge import MergedName
from hexseal.merge.combine import join_forward, join_references, join_reports, join_shapes
from hexseal.merge.stage import merge_sites
from hexseal.progress import Reporter
from hexseal.region.load import load_region
from hexseal.sample.stage import draw_sample, table_csv
from hexseal.statistics.reference import REGION as WHOLE
from hexseal.statistics.reference import Estimate, Reference, ReferenceChange
from hexseal.types import Pair
from hexseal.verify import verify_site

# The border runs through the town (columns 40 to 75) and through the western area.
CUT = WEST + 10.0 * 60
SOUTH, EAST = NORTH - 10.0 * ROWS, WEST + 10.0 * COLUMNS
COUNTED = (
    "valid_pixels, valid_m2, land_m2, sealed_pixels_2018, sealed_pixels_2021, sealed_m2_2021, "
    "new_sealed_pixels_2018_2021, unsealed_pixels_2018_2021, net_m2_2018_2021"
)


def write_part(folder: Path, key: str, window: tuple[float, ...] | None, extra: str = "") -> Path:
    """Write the toy region, or the part of it that a window holds."""
    text = REGION.replace('id = "toy"', f'id = "{key}"')
    if window:
        text = text.replace("[[epoch]]", f"window = {list(window)}\n[[epoch]]", 1)
    return write_region(folder, text + extra)


def built(folder: Path, key: str, window: tuple[float, ...] | None, extra: str = "") -> Path:
    region = write_part(folder / key, key, window, extra)
    build_site(region, BuildSettings(folder / f"{key}-site"), Reporter())
    return folder / f"{key}-site"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the sites of the whole, of both halves, and of the halves joined."""
    folder = tmp_path_factory.mktemp("merge")
    parts = {
        "whole": built(folder, "whole", None),
        "west": built(folder, "west", (WEST, SOUTH, CUT, NORTH)),
        "east": built(folder, "east", (CUT, SOUTH, EAST, NORTH)),
    }
    result = hexseal(
        "merge", parts["west"], parts["east"], "--out", folder / "both",
        "--id", "both", "--title", "Both halves", "--title", "fr=Les deux moitiés",
    )  # fmt: skip
    assert result.code == 0, result.err
    assert "2 sites, 2 areas, 1 patches across their borders" in result.out
    return parts | {"both": folder / "both"}


def test_a_region_without_a_listed_patch_is_built(sites: dict[str, Path]) -> None:
    patches = pq.read_table(sites["west"] / "data/merge/patches_2018_2021.parquet")
    assert (patches.num_rows, str(patches.schema.field("origin").type)) == (0, "string")


def rows(columns: str, site: Path, kind: str, keys: str) -> list[tuple]:
    files = str(site / f"data/{read_record(site).region}_{kind}.parquet")
    return duckdb.execute(
        f"SELECT {keys}, {columns} FROM read_parquet($1) ORDER BY {keys}", [files]
    ).fetchall()


@pytest.mark.parametrize("resolution", [7, 8, 9])
def test_every_cell_counts_what_the_whole_counts(sites: dict[str, Path], resolution: int) -> None:
    kind = f"hexagons_r{resolution}"
    whole, both = (rows(COUNTED, sites[name], kind, "h3_hex") for name in ("whole", "both"))
    assert both == whole
    assert sum(row[1] for row in both) == ROWS * COLUMNS - 100


def test_cells_at_the_border_come_from_both_parts(sites: dict[str, Path]) -> None:
    west, east = (
        rows("valid_pixels", sites[name], "hexagons_r9", "h3_hex") for name in ("west", "east")
    )
    shared = dict(west).keys() & dict(east).keys()
    both = dict(rows("valid_pixels", sites["both"], "hexagons_r9", "h3_hex"))
    assert len(shared) > 3
    for cell in shared:
        assert both[cell] == dict(west)[cell] + dict(east)[cell]


def test_an_area_that_the_border_cuts_is_summed(sites: dict[str, Path]) -> None:
    names = "sealed_pixels_2018, new_sealed_pixels_2018_2021, valid_pixels"
    assert rows(names, sites["both"], "areas", "id") == [
        ("both", 600, 100, 17_900),
        ("e", 0, 0, 8_900),
        ("w", 600, 100, 9_000),
    ]


def test_the_joined_site_verifies_and_bears_its_titles(sites: dict[str, Path]) -> None:
    assert verify_site(sites["both"]).problems == ()
    assert "Both halves" in (sites["both"] / "index.html").read_text(encoding="utf-8")
    assert "Les deux moitiés" in (sites["both"] / "fr/index.html").read_text(encoding="utf-8")
    record = read_record(sites["both"])
    assert [window.region for window in record.windows] == ["west", "east"]
    report = json.loads((sites["both"] / "data/merge/evidence_2018_2021.json").read_bytes())
    assert (report["raw_gain"], report["raw_loss"]) == (100, 30)


def test_a_patch_that_the_border_cuts_is_one(sites: dict[str, Path], tmp_path: Path) -> None:
    # The new sealing of rows 50 to 70 is cut in the middle.
    middle = NORTH - 10.0 * 60
    halves = [
        built(tmp_path, "north", (WEST, middle, EAST, NORTH)),
        built(tmp_path, "south", (WEST, SOUTH, EAST, middle)),
    ]
    merge_sites(halves, MergedName("both"), BuildSettings(tmp_path / "both"), Reporter())
    assert verify_site(tmp_path / "both").problems == ()
    columns = "pixels, core_pixels, area_m2, origin, lon, lat, status, score, geometry"
    found, whole = (
        rows(columns, site, "patches", "rank") for site in (tmp_path / "both", sites["whole"])
    )
    assert found == whole
    assert [row[1] for row in found] == [100]


def test_a_site_without_a_record_of_its_border_is_said_so(
    sites: dict[str, Path], tmp_path: Path
) -> None:
    old = shutil.copytree(sites["east"], tmp_path / "old")
    record = json.loads((old / "data/merge/build.json").read_text())
    record["files"] = {k: v for k, v in record["files"].items() if not k.startswith("border_")}
    (old / "data/merge/build.json").write_text(json.dumps(record))
    lines: list[str] = []
    merge_sites(
        [sites["west"], old], MergedName("both"), BuildSettings(tmp_path / "both"),
        Reporter(lines.append),
    )  # fmt: skip
    (said,) = [line for line in lines if "stay in two" in line]
    assert f"{old}" in said
    assert f"{sites['west']}" not in said


def refusal(*sites: Path, out: Path) -> str:
    with pytest.raises(InputError) as refused:
        merge_sites(sites, MergedName(), BuildSettings(out), Reporter())
    assert not out.exists()
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_pixels_in_two_regions_are_refused(sites: dict[str, Path], tmp_path: Path) -> None:
    line = refusal(sites["whole"], sites["east"], out=tmp_path / "out")
    assert "(whole)" in line
    assert "(east)" in line
    assert "share 90 x 120 pixels" in line
    # A joined site counts the windows of its parts.
    assert "(west)" in refusal(sites["both"], sites["west"], out=tmp_path / "out")


def test_other_settings_are_refused_with_what_differs(
    sites: dict[str, Path], tmp_path: Path
) -> None:
    extra = "[noise]\nminimum_patch = 3\n"
    other = built(tmp_path, "other", (CUT, SOUTH, EAST, NORTH), extra)
    line = refusal(sites["west"], other, out=tmp_path / "out")
    assert "noise.minimum_patch is 1 in the first, 3 in the second" in line


def test_the_command_refuses_in_one_line(sites: dict[str, Path], tmp_path: Path) -> None:
    result = hexseal("merge", sites["west"], "--out", tmp_path / "out")
    assert result.code == 1
    assert result.err == "error: 1 site given: name at least two sites to join\n"


def test_what_is_no_site_or_a_damaged_one_is_refused(
    sites: dict[str, Path], tmp_path: Path
) -> None:
    assert "has no data/merge/build.json" in refusal(sites["west"], tmp_path, out=tmp_path / "out")
    copy = shutil.copytree(sites["east"], tmp_path / "east")
    with (copy / "data/merge/cells.parquet").open("ab") as stream:
        stream.write(b"x")
    line = refusal(sites["west"], copy, out=tmp_path / "out")
    assert "data/merge/cells.parquet: is not the file" in line
    assert [
        line for line in verify_site(copy).problems if "data/merge/cells.parquet: is not" in line
    ]


def changed_shapes(site: Path, target: Path, **values: object) -> Path:
    """Copy a site with other facts in the first row of its areas; ``drop`` removes the row."""
    copy = shutil.copytree(site, target)
    path = copy / "data/merge/zone_shapes.parquet"
    table = pq.read_table(path)
    found = table.to_pylist()
    found[0].update(values)
    pq.write_table(table.from_pylist(found[1:] if "drop" in values else found, table.schema), path)
    return copy


def test_one_id_for_two_areas_is_refused(sites: dict[str, Path], tmp_path: Path) -> None:
    other = changed_shapes(sites["west"], tmp_path / "other", name="Elsewhere")
    records = {site: read_record(site) for site in (sites["west"], other)}
    with pytest.raises(InputError, match=r"half/w has name 'West <b>half</b>' in .*'Elsewhere'"):
        join_shapes(records)


def test_an_area_that_one_file_lacks_is_refused(sites: dict[str, Path], tmp_path: Path) -> None:
    other = changed_shapes(sites["east"], tmp_path / "other", drop=True)
    records = {site: read_record(site) for site in (sites["west"], other)}
    with pytest.raises(InputError, match=r"half/w of .* reaches into the region of .*other"):
        join_shapes(records)


def check(verdict: Verdict, losses: float) -> Check:
    return Check("decoys", "losses", losses, 60.0, "least", verdict)


def test_reports_are_summed_and_ratios_weighted_by_losses() -> None:
    removed = {"three_dates": Removed(10, 5), "minimum_patch": Removed(2, 1)}
    one = PairReport(
        first=2018, second=2021, raw_gain=100, raw_loss=50, removed=removed, confirmed=35,
        confirmed_patches=3, gain_patches=20, loss_patches=10, threshold=7.5, decoy_ratio=1.0,
        provisional=False, has_confidence=False, uses_confidence=False, patch_design=2.0,
        grade="consistent", checks=(check("pass", 70.0),), tail=None,
        false=FalseShare(0.05, 0.12, 0.04, 0.10), variance=9.0, confirmed_design=0.2,
        confirmed_whole=35, candidates=0, fields=1,
    )  # fmt: skip
    other = PairReport(
        first=2018, second=2021, raw_gain=300, raw_loss=115, removed=removed, confirmed=100,
        confirmed_patches=7, gain_patches=90, loss_patches=30, threshold=6.0, decoy_ratio=2.0,
        provisional=False, has_confidence=False, uses_confidence=False, patch_design=5.0,
        grade="inconclusive", checks=(check("fail", 30.0),), tail=None, false=None, variance=16.0,
        confirmed_design=0.5, confirmed_whole=100, candidates=4, fields=0,
    )  # fmt: skip
    found = join_reports([one, other])
    assert (found.raw_gain, found.raw_loss, found.confirmed) == (400, 165, 135)
    assert found.removed["three_dates"] == Removed(20, 10)
    assert (found.decoy_ratio, found.threshold) == (1.75, 6.0)
    # One inconclusive region makes all inconclusive, by the check that failed there.
    assert (found.grade, found.reasons) == ("inconclusive", ("decoys.losses",))
    assert (found.variance, found.candidates, found.fields) == (25.0, 4, 1)
    assert found.confirmed_design == pytest.approx((0.2 * 35 + 0.5 * 100) / 135)
    assert found.false == one.false
    # Pixels of patches that were not confirmed: 100 + 50 - 15 - 35 = 100 and 300 in the other.
    assert found.patch_design == pytest.approx((2.0 * 100 + 5.0 * 300) / 400)


def test_forward_years_are_pooled_as_strata() -> None:
    one = ForwardReport(
        year=2024, calibrate_on=2021, key="k", model="m", checksum="c", both=60, model_only=40,
        map_only=20, neither=880, users_se=0.03, producers_se=0.02, gain=5, loss=1,
        disagreeing=2, uncovered=0, drift_sd=0.05, codes=(1, 2), classes=((60, 20), (40, 880)),
        warnings=("dark",),
    )  # fmt: skip
    other = replace(one, both=140, model_only=160, users_se=0.01, warnings=("dark", "far"))
    found = join_forward([one, other])
    assert (found.both, found.model_only, found.users) == (200, 200, 0.5)
    # Weights are the model's sealed pixels, 100 and 300: sqrt(0.0075^2 + 0.0075^2).
    assert found.users_se == pytest.approx(0.0075 * 2**0.5)
    assert found.classes == ((120, 40), (80, 1760))
    assert found.warnings == ("dark", "far")


def test_samples_of_parts_are_summed_where_every_part_has_one() -> None:
    def change(value: float, half: float) -> ReferenceChange:
        ends = Estimate(value, value - half, value + half)
        return ReferenceChange(40, ends, ends, Estimate(0.0, 0.0, 1.0))

    pair = Pair(2018, 2021)
    west = Reference(pair, {WHOLE: change(100, 3), ("half", "w"): change(90, 3)}, 2, True, 1)
    east = Reference(pair, {WHOLE: change(50, 4), ("half", "e"): change(50, 4)}, 3, True, 0)
    areas = {"west": {("half", "w"), ("half", "cut")}, "east": {("half", "e"), ("half", "cut")}}
    both = join_references({"west": west, "east": east}, areas)
    assert both is not None
    assert both.changes[WHOLE].net == Estimate(150, 145, 155)
    assert (both.changes[WHOLE].units, both.interpreters, both.unknown) == (80, 2, 1)
    assert set(both.changes) == {WHOLE, ("half", "w"), ("half", "e")}
    # Errors of labels that nobody settled may all go one way.
    unsettled = join_references({"west": replace(west, settled=False), "east": east}, areas)
    assert unsettled is not None
    assert unsettled.changes[WHOLE].net == Estimate(150, 143, 157)
    alone = join_references({"west": west, "east": None}, areas)
    assert alone is not None
    assert (set(alone.changes), alone.without) == ({("half", "w")}, ("east",))
    assert alone.facts() is None
    other = join_references({"west": west, "east": replace(east, pair=Pair(2018, 2024))}, areas)
    assert other is not None
    assert other.without == ("east",)
    assert join_references({"west": None, "east": None}, areas) is None


def labelled(folder: Path, key: str, window: tuple[float, ...]) -> Path:
    """Build a half with a sample whose labels say what the maps say."""
    region = load_region(write_part(folder / key, key, window))
    sample = draw_sample(region)
    columns = sample.columns()
    blocks = sample.blocks
    for column, count in zip(sample.shares, (blocks.before, blocks.after), strict=True):
        columns[column] = (count / blocks.valid).tolist()
    (folder / key / "labels.csv").write_text(table_csv(columns))
    extra = '[accuracy]\nsample = "labels.csv"\n'
    build_site(
        write_part(folder / key, key, window, extra), BuildSettings(folder / f"{key}-site"),
        Reporter(),
    )  # fmt: skip
    return folder / f"{key}-site"


@pytest.mark.slow  # The quick tier sums samples of parts in the test above.
def test_joined_sites_carry_their_samples(sites: dict[str, Path], tmp_path: Path) -> None:
    west = labelled(tmp_path, "west", (WEST, SOUTH, CUT, NORTH))
    east = labelled(tmp_path, "east", (CUT, SOUTH, EAST, NORTH))
    both = tmp_path / "both"
    lines: list[str] = []
    merge_sites([west, east], MergedName("both"), BuildSettings(both), Reporter(lines.append))
    columns = "grade_2018_2021, adjusted_m2_2018_2021, reference_gain_m2_2018_2021"
    # 100 pixels became sealed and 30 no longer are; see tests/sites.py.
    assert rows(columns, both, "areas", "id")[0] == ("both", "reference", 7_000.0, 10_000.0)
    table = (both / "data/both_reference_sample.csv").read_text().splitlines()
    assert table[0].startswith("region,unit,stratum,")
    assert {line.split(",")[0] for line in table[1:]} == {"west", "east"}
    assert verify_site(both).problems == ()
    part = tmp_path / "part"
    merge_sites(
        [west, sites["east"]], MergedName("part"), BuildSettings(part), Reporter(lines.append)
    )
    graded = dict(row[:2] for row in rows(columns, part, "areas", "id"))
    assert graded["part"] != "reference"
    judged = json.loads((tmp_path / "work/part/judgement.json").read_text())
    (note,) = [note for note in judged["notes"] if note["kind"] == "partial_sample"]
    assert note["values"]["regions"] == "east"
    assert any("east: no labelled sample" in line for line in lines)
    assert "sample was made for a part" in (part / "index.html").read_text()
