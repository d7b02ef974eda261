"""A small region with hand-made rasters, and the command line as a function."""

import hashlib
import importlib.util
import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
import shapely
from rasterfiles import NORTH, WEST, write_areas, write_tif

from hexseal.cli.main import main

ROWS, COLUMNS = 120, 150
# The region files of the repository; others in regions/ are a user's own.
SHIPPED_REGIONS = tuple(
    Path(__file__).parents[1] / "regions" / f"{name}.toml"
    for name in ("corine-vaud", "esch", "ojcow", "sample", "sao-tome")
)

REGION = """
[region]
id = "toy"
title = {{ en = "Toy region", fr = "Région jouet" }}
[[epoch]]
year = 2018
landcover = "{before}"
[[epoch]]
year = 2021
landcover = "{after}"
[hexagons]
finest = 9
coarsest = 7
[[areas]]
layer = "half"
path = "{areas}"
id = "code"
name = "name"
[dataset]
split_by = "half"
"""


@dataclass(frozen=True)
class Result:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def hexseal(*arguments: object, **environment: str) -> Result:
    """Run the command line in this process, as ``hexseal`` does: exit code and both outputs."""
    words = ["hexseal", *map(str, arguments)]
    kept = {wish: signal.getsignal(wish) for wish in (signal.SIGINT, signal.SIGTERM)}
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", words),
        patch.dict(os.environ, environment),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            for wish, handler in kept.items():
                signal.signal(wish, handler)
    assert isinstance(code, int)
    return Result(code, out.getvalue(), err.getvalue())


def hexseal_process(*arguments: object, **environment: str) -> Result:
    """Run the command line in a process of its own, which also shows what libraries print."""
    done = subprocess.run(
        [sys.executable, "-m", "hexseal", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=240,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def two_years() -> tuple[np.ndarray, np.ndarray]:
    """Grass with a lake; a town of 20 x 30 pixels that grows by 5 columns and loses one row."""
    before = np.full((ROWS, COLUMNS), 6, np.uint8)
    before[:10, :] = 10
    before[50:70, 40:70] = 1
    after = before.copy()
    after[50:70, 70:75] = 1
    after[50, 40:70] = 6
    after[110:, 140:] = 254
    return before, after


def write_region(folder: Path, text: str = REGION) -> Path:
    """Write the rasters, the areas (west and east half) and the region file."""
    folder.mkdir(parents=True, exist_ok=True)
    before, after = two_years()
    middle, south = WEST + 10.0 * COLUMNS / 2.0, NORTH - 10.0 * ROWS
    halves = [
        shapely.box(WEST, south, middle, NORTH),
        shapely.box(middle, south, WEST + 10.0 * COLUMNS, NORTH),
    ]
    areas = folder / "areas.gpkg"
    write_areas(areas, halves, code=["w", "e"], name=["West <b>half</b>", "Est é"])
    region = folder / "toy.toml"
    region.write_text(
        text.format(
            before=write_tif(folder / "a.tif", before),
            after=write_tif(folder / "b.tif", after),
            areas=areas,
        ),
        encoding="utf-8",
    )
    return region


def build_toy(folder: Path) -> Path:
    """Build the toy region: inputs/, site/ and work/ in ``folder``."""
    result = hexseal("build", write_region(folder / "inputs"), "--out", folder / "site")
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1].startswith("done in ")
    return folder


def tree(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def real_sao_tome(folder: Path) -> Path:
    """Write regions/sao-tome.toml with the tiles of ../shared in place of what fetch makes."""
    root = Path(__file__).parents[1]
    text = (root / "regions/sao-tome.toml").read_text(encoding="utf-8")
    tiles = root.parent / "shared/data/worldcover-sao-tome"
    for year, version in ((2020, "v100"), (2021, "v200")):
        tile = tiles / f"ESA_WorldCover_10m_{year}_{version}_N00E006_Map.tif"
        text = text.replace(f"../inputs/sao-tome/worldcover_{year}.tif", str(tile))
    # The tiles are 3 degrees wide; what is fetched is cut to the box.
    text = text.replace("[product]", "window = [6.4, 0.0, 6.8, 0.45]\n[product]", 1)
    path = folder / "sao-tome.toml"
    path.write_text(text, encoding="utf-8")
    return path


def tool(name: str) -> ModuleType:
    """Import a program of tools/."""
    path = Path(__file__).parents[1] / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
