"""Compare the sites that two versions of the code build from the same inputs, file by file.

    python tools/same_bytes.py REF [REF2]

REF and REF2 are commits; without REF2 the working tree is compared. Each version builds, through
its own command line, a simulated island with a forward year, the island's western and eastern half
without it, the merge of both halves, and a small region on a geographic grid. The forward year
needs torch and the shipped model; without torch it is left out, with a note.

Results of commits are kept in work/same_bytes, so that a second comparison builds one side only.
Exit code 0: every file has the same bytes; 1: some differ or a build failed.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio

ROOT = Path(__file__).parents[1]
# Every version builds at this one path, so that a path inside a published file is no difference.
FOLDER = ROOT / "work" / "same_bytes"
RUN = FOLDER / "run"
SHOWN = 12
WEIGHTS = ROOT / "ml" / "weights" / "clcplus-forward-b2"

ISLAND = """
[region]
id = "{id}"
title = {{ en = "Island", fr = "Île" }}
simulated = true
{window}
[simulation]
folder = "island"
size_km = [6, 6]
seed = 7
{epochs}
[hexagons]
finest = 9
coarsest = 6
[[areas]]
layer = "municipality"
path = "island/municipalities.gpkg"
id = "code"
name = "name"
population = {{ 2018 = "pop_2018", 2021 = "pop_2021" }}
[dataset]
split_by = "municipality"
"""
MAPPED = """
[[epoch]]
year = {year}
landcover = "island/clcplus_{year}.tif"
confidence = "island/confidence_{year}.tif"
"""
FORWARD = """
[[epoch]]
year = 2024
[epoch.forward]
imagery = "island/sentinel2_2024.tif"
calibration_imagery = "island/sentinel2_2021.tif"
calibrate_on = 2021
model = "{model}"
"""
GEOGRAPHIC = """
[region]
id = "geographic"
title = { en = "Geographic grid" }
[product]
name = "worldcover"
[[epoch]]
year = 2020
landcover = "before.tif"
[[epoch]]
year = 2021
landcover = "after.tif"
[hexagons]
finest = 9
coarsest = 7
"""


def main() -> int:
    """Build with both versions, print what differs and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("ref", help="commit to compare with")
    parser.add_argument("ref2", nargs="?", help="second commit [default: the working tree]")
    chosen = parser.parse_args()
    sites = [sums_of(chosen.ref), sums_of(chosen.ref2)]
    return compare(*sites)


def sums_of(ref: str | None) -> dict[str, dict[str, str]]:
    """Return the SHA-256 of each file of each site that a version builds; None: working tree."""
    if ref is None:
        return built(ROOT)
    commit = git("rev-parse", "--verify", f"{ref}^{{commit}}")
    # The forward year is made with this checkout's model, whatever the commit.
    made_with = (Path(__file__), WEIGHTS / "config.json", *sorted(WEIGHTS.glob("*.safetensors")))
    own = hashlib.sha256(b"".join(path.read_bytes() for path in made_with)).hexdigest()[:12]
    kept = FOLDER / f"{commit}-{own}.json"
    if not kept.is_file():
        with checked_out(commit) as tree:
            sums = built(tree)
        kept.write_text(json.dumps(sums), encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8"))


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Yield a work tree of a commit, with this checkout's node_modules; remove it on exit."""
    tree = FOLDER / "tree"
    FOLDER.mkdir(parents=True, exist_ok=True)
    git("worktree", "prune")
    git("worktree", "add", "--detach", "--force", str(tree), commit)
    try:
        modules = Path("site_template", "node_modules")
        if (ROOT / modules).is_dir():
            shutil.copytree(ROOT / modules, tree / modules, symlinks=True, copy_function=os.link)
        yield tree
    finally:
        git("worktree", "remove", "--force", str(tree))


def built(tree: Path) -> dict[str, dict[str, str]]:
    """Build every region with the code of a work tree; return file sums by site."""
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    hexseal(tree, "simulate", RUN / "island", "--size-km", "6", "6", "--seed", "7")
    for path in (RUN / "island").iterdir():
        os.utime(path, (0, 1_000_000_000))
    sums = {}
    for name, write in regions().items():
        hexseal(tree, "build", write(), "--out", RUN / f"{name}-site")
        sums[name] = file_sums(RUN / f"{name}-site")
    hexseal(tree, "merge", RUN / "west-site", RUN / "east-site", "--id", "merged",
            "--title", "Merged", "--title", "fr=Réunis", "--out", RUN / "merged-site")  # fmt: skip
    return {**sums, "merged": file_sums(RUN / "merged-site")}


def file_sums(site: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder by its path within it."""
    return {
        str(path.relative_to(site)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def regions() -> dict[str, Callable[[], Path]]:
    """Return, by name, functions that write a region file and return its path."""
    parts = {
        "west": lambda: write_island("west", west_half=True),
        "east": lambda: write_island("east", west_half=False),
        "geographic": write_geographic,
    }
    if importlib.util.find_spec("torch") is None:
        print("note: torch is missing, so no forward year is compared")
        return {"island": lambda: write_island("island"), **parts}
    return {"island": lambda: write_island("island", forward=True), **parts}


def write_island(name: str, *, forward: bool = False, west_half: bool | None = None) -> Path:
    """Write the region file of the island or of one half of it; return its path."""
    epochs = "".join(MAPPED.format(year=year) for year in (2018, 2021))
    if forward:
        epochs += FORWARD.format(model=WEIGHTS)
    window = "" if west_half is None else f"window = {half(west=west_half)}"
    region = RUN / f"{name}.toml"
    region.write_text(ISLAND.format(id=name, window=window, epochs=epochs), encoding="utf-8")
    return region


def half(*, west: bool) -> list[float]:
    """Return xmin, ymin, xmax, ymax of one half of the island that was built before."""
    with rasterio.open(RUN / "island" / "clcplus_2021.tif") as file:
        left, bottom, right, top = file.bounds
    middle = left + 3000.0
    return [left, bottom, middle, top] if west else [middle, bottom, right, top]


def write_geographic() -> Path:
    """Write two years of 300 x 240 pixels of 1/12000 degree and their region file."""
    draw = np.random.default_rng(1)
    before = np.full((240, 300), 30, np.uint8)
    before[:30] = 80
    before[100:140, 100:180] = 50
    before[draw.random(before.shape) < 0.02] = 50
    after = before.copy()
    after[100:140, 180:200] = 50
    after[draw.random(before.shape) < 0.01] = 30
    for name, codes in (("before", before), ("after", after)):
        with rasterio.open(
            RUN / f"{name}.tif", "w", driver="GTiff", count=1, dtype="uint8", width=300, height=240,
            crs="EPSG:4326", transform=rasterio.Affine(1 / 12000, 0, 6.5, 0, -1 / 12000, 0.3),
        ) as file:  # fmt: skip
            file.write(codes, 1)
    region = RUN / "geographic.toml"
    region.write_text(GEOGRAPHIC, encoding="utf-8")
    return region


def hexseal(tree: Path, *arguments: object) -> None:
    """Run a version's command line; end the comparison with its message where it fails."""
    path = os.pathsep.join(str(tree / name) for name in ("build", "ml"))
    done = subprocess.run(
        [sys.executable, "-m", "hexseal", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path}, cwd=RUN, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{tree}: hexseal {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")


def git(*arguments: str) -> str:
    """Run git in this repository and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def compare(first: dict[str, dict[str, str]], second: dict[str, dict[str, str]]) -> int:
    """Print a row for each site and the files that differ; return 1 where some do."""
    print(f"{'site':<12}{'files':>7}{'same':>7}{'differ':>8}{'only in one':>13}")
    worst = 0
    for name in first:
        one, other = first[name], second[name]
        both = one.keys() & other.keys()
        differ = sorted(path for path in both if one[path] != other[path])
        alone = sorted(one.keys() ^ other.keys())
        print(f"{name:<12}{len(one | other):>7}{len(both) - len(differ):>7}"
              f"{len(differ):>8}{len(alone):>13}")  # fmt: skip
        for mark, paths in (("differs", differ), ("only in one", alone)):
            print("".join(f"    {mark}: {path}\n" for path in paths[:SHOWN]), end="")
            if len(paths) > SHOWN:
                print(f"    and {len(paths) - SHOWN} more")
        worst |= bool(differ or alone)
    print("some bytes differ" if worst else "same bytes")
    return worst


if __name__ == "__main__":
    sys.exit(main())
