"""What the build hands to the page so that it can answer areas of the reader's own."""

import base64
import json
from pathlib import Path

import pytest
from browser.made_site import MadeSite

from hexseal.datasets.partitions import script_of, write_scripts
from hexseal.errors import InputError
from hexseal.manifest import Partition, PartitionTree
from hexseal.pages.figures import read_areas
from hexseal.pages.noise import read_noise


def tree_of(site: Path, size: int) -> PartitionTree:
    path = "data/x_by_parent/parent=85/part-0.parquet"
    (site / path).parent.mkdir(parents=True)
    (site / path).write_bytes(b"PAR1")
    return PartitionTree("data/x_by_parent", "part-0.parquet", 5,
                         (Partition("85", path, 1, size, ""),))  # fmt: skip


@pytest.mark.parametrize(
    ("standalone", "size", "written"),
    [("auto", 4, True), ("auto", 64_000_001, False), ("always", 64_000_001, True),
     ("never", 4, False)],
)  # fmt: skip
def test_scripts_follow_the_rule_of_the_tiles(
    tmp_path: Path, standalone, size: int, written: bool
) -> None:
    tree = write_scripts(tree_of(tmp_path, size), tmp_path, standalone)
    assert tree.scripts == ("assets/partitions" if written else None)
    assert (tmp_path / "assets/partitions/85.js").is_file() == written


def test_a_script_carries_the_bytes_of_its_partition(made: MadeSite) -> None:
    scripts = sorted((made.folder / "assets/partitions").glob("*.js"))
    assert len(scripts) == 19
    for script in scripts:
        (parquet,) = made.folder.glob(f"data/*_by_parent/parent={script.stem}/part-0.parquet")
        encoded = script.read_text().split('"]="')[1].removesuffix('";\n')
        assert base64.b64decode(encoded) == parquet.read_bytes()
        assert script.read_bytes() == script_of(script.stem, parquet.read_bytes())


def test_noise_is_told_by_size_and_by_ratios_of_the_region(made: MadeSite) -> None:
    areas = read_areas(made.work / "areas.parquet", made.region, None)
    noise = read_noise(made.work / "judgement.json", made.region, areas[0])["2018_2021"]
    # Of made_judgement: 12 000 of 12 000 gains and 3 000 of 3 000 losses are left by the filters.
    assert (noise.slope, noise.slope_sd, noise.confirmed_design) == (0.92, 0.05, 0.3)
    assert (noise.gain_kept, noise.loss_kept, noise.confirmed_whole) == (1.0, 1.0, 1.0)
    # 600 of 12 000 gained pixels lie in whole fields; 12 000 - 6 000 - 600 - 3 000 are unexplained.
    assert (noise.field_gain, noise.excess, noise.edges) == (0.05, 2_400.0, 100_000.0)
    assert not noise.is_inconclusive
    assert [(level.pixels, level.design) for level in noise.levels] == [
        (7_300.0, 2.5), (4_600_000.0, 2.5)
    ]  # fmt: skip
    sealed = areas[0].m2("sealed_m2_2018")
    assert sealed is not None
    assert noise.sealed_before == pytest.approx(sealed / 100)
    assert noise.edges_before == pytest.approx(50_000 / (sealed / 100))


def test_a_judgement_of_an_older_build_is_refused(made: MadeSite, tmp_path: Path) -> None:
    facts = json.loads((made.work / "judgement.json").read_text())
    for found in facts["pairs"].values():
        del found["whole"]
    path = tmp_path / "judgement.json"
    path.write_text(json.dumps(facts))
    areas = read_areas(made.work / "areas.parquet", made.region, None)
    with pytest.raises(InputError, match=r"judgement\.json: is missing or broken .*--fresh"):
        read_noise(path, made.region, areas[0])
