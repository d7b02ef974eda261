"""Patches that the border of two regions cuts are those of the whole region once joined."""

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from noisymaps import draw_maps
from rasterfiles import NORTH, WEST, write_areas, write_tif

from hexseal.change.border import BorderPatches, Judge
from hexseal.change.stage import judge_region, read_report
from hexseal.change.states import State
from hexseal.change.survey import count_region
from hexseal.exchange.record import CountedWindow
from hexseal.execution import Execution
from hexseal.merge.combine import join_reports
from hexseal.merge.patches import JoinedPatches, SitePatches, join_patches
from hexseal.raster.grid import Box
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region, load_region
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Pair

ROWS, COLUMNS = 400, 420
# Buildings of 6 x 6 pixels lie at rows 160 and columns 154, among others: see draw_maps.
ROW, COLUMN = 163, 157
PAIR = Pair(2018, 2021)
TEXT = """
[region]
id = "toy"
{window}
[[epoch]]
year = 2018
landcover = "a.tif"
{before}
[[epoch]]
year = 2021
landcover = "b.tif"
{after}
[[areas]]
layer = "half"
path = "halves.gpkg"
id = "code"
name = "code"
[hexagons]
finest = 9
coarsest = 8
[noise]
decoy_ratio = 1
{noise}
"""
WHOLE = (0, ROWS, 0, COLUMNS)
CUTS = {
    "west and east": [(0, ROWS, 0, COLUMN), (0, ROWS, COLUMN, COLUMNS)],
    "north and south": [(0, ROW, 0, COLUMNS), (ROW, ROWS, 0, COLUMNS)],
    "quarters": [
        (0, ROW, 0, COLUMN),
        (0, ROW, COLUMN, COLUMNS),
        (ROW, ROWS, 0, COLUMN),
        (ROW, ROWS, COLUMN, COLUMNS),
    ],
}
Built = tuple[Region, Path]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joined")
    for name, band in draw_maps(ROWS, COLUMNS).items():
        write_tif(folder / f"{name}.tif", band.astype(np.uint8))
    middle, south = WEST + 5.0 * COLUMNS, NORTH - 10.0 * ROWS
    halves = [
        shapely.box(WEST, south, middle, NORTH),
        shapely.box(middle, south, WEST + 10.0 * COLUMNS, NORTH),
    ]
    write_areas(folder / "halves.gpkg", halves, code=["w", "e"])
    return folder


def judged(
    home: Path, part: tuple[int, int, int, int], *, confidence: bool = False, noise: str = ""
) -> Built:
    """Judge the window (first row, end, first column, end) of the region."""
    top, bottom, left, right = part
    west, north = WEST + 10 * left, NORTH - 10 * top
    window = Box(west, NORTH - 10 * bottom, WEST + 10 * right, north)
    name = "-".join(map(str, (*part, confidence, len(noise))))
    layers = [f'confidence = "{name}.tif"' if confidence else "" for name in ("ca", "cb")]
    path = home / f"{name}.toml"
    path.write_text(
        TEXT.format(window=f"window = {list(window)}", before=layers[0], after=layers[1],
                    noise=noise)
    )  # fmt: skip
    region, work = load_region(path), home / name
    if not work.is_dir():
        work.mkdir()
        count_region(region, work, execution=Execution(1))
        judge_region(region, work, execution=Execution(1))
    return region, work


def site_of(built: Built) -> SitePatches:
    region, work = built
    folder = WorkFolder(work)
    return SitePatches(
        (CountedWindow(region.id, region_grid(region)[0]),),
        BorderPatches.read(folder, PAIR),
        pq.read_table(folder.patches(PAIR)),
        read_report(work, PAIR),
    )


def joined(whole: Built, sites: list[SitePatches]) -> JoinedPatches:
    region, work = whole
    shapes = pq.read_table(WorkFolder(work).zone_shapes)
    count_region(region, work, execution=Execution(1))
    return join_patches(region, PAIR, sites, join_reports([site.report for site in sites]), shapes)


SAME = (
    "direction, pixels, core_pixels, area_m2, origin_class, origin, lon, lat, h3_hex, area_half, "
    "score, geometry"
)


def facts(listing: pa.Table, columns: str = SAME) -> list[tuple]:
    return duckdb.sql(
        f"SELECT {columns} FROM listing WHERE direction = 'gain' ORDER BY ALL"
    ).fetchall()


def by_state(paths: list[Path], more: pa.Table | None = None) -> dict[int, int]:
    """Return the pixels in each state of evidence of several regions, with corrections."""
    tables = [pq.read_table(path, columns=["state", "pixels"]) for path in paths]
    if more is not None:
        tables.append(more.select(["state", "pixels"]))
    found = pa.concat_tables(tables).group_by("state").aggregate([("pixels", "sum")]).to_pylist()
    return {row["state"]: row["pixels_sum"] for row in found if row["pixels_sum"]}


@pytest.mark.parametrize("cut", CUTS)
def test_joined_patches_are_those_of_the_whole(home: Path, cut: str) -> None:
    whole = judged(home, WHOLE)
    parts = [judged(home, part) for part in CUTS[cut]]
    found = joined(whole, [site_of(part) for part in parts])
    expected = pq.read_table(WorkFolder(whole[1]).patches(PAIR))
    # All gains are listed, since they are fewer than 1 000; outlines and scores included.
    assert facts(found.listing) == facts(expected)
    assert found.joined >= 4
    ranks, scores = (found.listing[name].to_pylist() for name in ("rank", "score"))
    assert ranks == list(range(1, len(ranks) + 1))
    assert scores == sorted(scores, reverse=True)
    apart = sum(site_of(part).listing.num_rows for part in parts)
    assert found.listing.num_rows < apart
    # Buildings that the border cuts are confirmed as wholes.
    whole_confirmed = [row for row in facts(expected, "confirmed, pixels, geometry") if row[0]]
    confirmed = [row for row in facts(found.listing, "confirmed, pixels, geometry") if row[0]]
    large = [row for row in whole_confirmed if row[1] >= 30]
    assert len(large) >= 10
    assert set(large) <= set(confirmed)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("noise", ["", "minimum_patch = 20"])
def test_counts_and_reports_stay_the_sum_of_the_patches(home: Path, cut: str, noise: str) -> None:
    whole = judged(home, WHOLE, noise=noise)
    parts = [judged(home, part, noise=noise) for part in CUTS[cut]]
    found = joined(whole, [site_of(part) for part in parts])
    report, before = found.report, join_reports([site_of(part).report for part in parts])
    assert (report.raw_gain, report.raw_loss) == (before.raw_gain, before.raw_loss)
    for unit, more in zip(("cells", "zones"), found.corrections, strict=True):
        paths = [WorkFolder(work).evidence(PAIR, unit) for _, work in parts]
        states = by_state(paths, more)
        assert states[State.CONFIRMED] == report.confirmed
        assert states[State.CONFIRMED] + states[State.CONFIRMED_EDGE] == report.confirmed_whole
        small = report.removed["minimum_patch"]
        assert states.get(State.GAIN_SMALL, 0) == small.gain
        assert states.get(State.LOSS_SMALL, 0) == small.loss
        assert sum(states.values()) == sum(by_state(paths).values())
        assert more["area_cm2"].to_numpy().sum() == 0
    rows = facts(found.listing, "pixels, confirmed")
    assert sum(pixels for pixels, confirmed in rows if confirmed) == report.confirmed_whole
    assert sum(confirmed for _, confirmed in rows) == report.confirmed_patches
    expected = read_report(whole[1], PAIR)
    # What is small and how many patches there are does not depend on who judged.
    assert report.removed["minimum_patch"] == expected.removed["minimum_patch"]
    assert report.gain_patches == expected.gain_patches
    assert report.loss_patches == expected.loss_patches
    if noise:
        assert expected.removed["minimum_patch"].gain < before.removed["minimum_patch"].gain


def test_confidence_is_added_up_and_what_is_joined_can_be_joined_again(home: Path) -> None:
    whole = judged(home, WHOLE, confidence=True)
    parts = [site_of(judged(home, part, confidence=True)) for part in CUTS["quarters"]]
    north, south = joined(whole, parts[:2]), joined(whole, parts[2:])
    halves = [
        SitePatches(
            tuple(window for part in some for window in part.windows),
            half.border, half.listing, half.report,
        )
        for half, some in ((north, parts[:2]), (south, parts[2:]))
    ]  # fmt: skip
    twice, once = joined(whole, halves), joined(whole, parts)
    columns = f"{SAME.replace('score, ', '')}, confirmed, q_value, round(confidence, 9)"
    assert facts(twice.listing, columns) == facts(once.listing, columns)
    assert twice.joined > 0
    assert twice.report.confirmed == once.report.confirmed
    assert twice.report.variance == pytest.approx(once.report.variance)
    assert twice.report.patch_design == pytest.approx(once.report.patch_design)
    assert twice.border.table.num_rows == once.border.table.num_rows
    expected = pq.read_table(WorkFolder(whole[1]).patches(PAIR))
    same = f"{SAME.replace('score, ', '')}, round(confidence, 9)"
    assert facts(once.listing, same) == facts(expected, same)


def test_a_site_without_a_record_of_its_border_keeps_its_patches(home: Path) -> None:
    whole = judged(home, WHOLE)
    west, east = (site_of(judged(home, part)) for part in CUTS["west and east"])
    found = joined(whole, [replace(west, border=None), east])
    assert found.joined == 0
    assert found.listing.num_rows == west.listing.num_rows + east.listing.num_rows
    assert all(rows.num_rows == 0 for rows in found.corrections)
    assert [judge.window for judge in found.border.judges] == [1]


def test_what_no_region_confirmed_needs_the_strictest(home: Path) -> None:
    whole = judged(home, WHOLE)
    west, east = (site_of(judged(home, part)) for part in CUTS["west and east"])

    def with_threshold(
        site: SitePatches, threshold: float | None, *, confirmed: bool
    ) -> SitePatches:
        """Return a site whose border patches are all confirmed, or none, by another threshold."""
        assert site.border is not None
        judge = replace(site.border.judges[0], threshold=threshold)
        table = site.border.table
        gain = table["gain"].to_numpy() > 0
        states = np.where(gain, State.CONFIRMED if confirmed else State.GAIN, State.LOSS)
        at = table.schema.get_field_index("state")
        table = table.set_column(at, table.schema.field(at), pa.array(states.astype(np.uint8)))
        return replace(site, border=BorderPatches(table, site.border.counts, (judge,)))

    def pixels(*sites: SitePatches) -> list[int]:
        """Return the sizes of the confirmed patches that are made of several."""
        alone = {row[0] for site in sites for row in facts(site.listing, "geometry")}
        rows = facts(joined(whole, list(sites)).listing, "pixels, confirmed, geometry")
        return [size for size, confirmed, shape in rows if confirmed and shape not in alone]

    low, high = (
        with_threshold(west, 3.0, confirmed=False),
        with_threshold(east, 1000.0, confirmed=False),
    )
    none = with_threshold(east, None, confirmed=False)
    assert pixels(low, with_threshold(east, 3.0, confirmed=False))
    assert len(pixels(low, high)) < len(pixels(low, with_threshold(east, 3.0, confirmed=False)))
    assert not pixels(low, none)
    # What one region confirmed stays, and its continuation with it.
    assert pixels(with_threshold(west, 3.0, confirmed=True), none)


def test_rates_fall_with_the_score() -> None:
    judge = Judge(0, "consistent", False, 8.0, None, (5.0, 8.0), (0.3, 0.1))
    assert [judge.rate(score) for score in (4.9, 5.0, 7.9, 8.0)] == [1.0, 0.3, 0.3, 0.1]
