"""The command line itself: what it prints without working, and how fast it can be."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from hexseal import __version__
from hexseal.cli.main import cli

HEAVY = ("duckdb", "numba", "numpy", "pyarrow", "pyogrio", "rasterio", "scipy", "shapely", "torch")

PROGRAM = """
import json, os, sys
from contextlib import suppress
from hexseal.cli.main import cli, main

for words in (["--version"], ["--help"], *([name, "--help"] for name in cli.commands)):
    sys.argv = ["hexseal", *words]
    with suppress(SystemExit):
        main()
os.environ.update(_HEXSEAL_COMPLETE="bash_complete", COMP_WORDS="hexseal bui", COMP_CWORD="1")
sys.argv = ["hexseal"]
with suppress(SystemExit):
    main()
print()
print(json.dumps(sorted(sys.modules)))
"""


def test_help_version_and_completion_import_no_stage() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    *text, modules = done.stdout.strip().splitlines()
    assert f"hexseal, version {__version__}" in text
    assert "plain,build" in text
    loaded = {name.partition(".")[0] for name in json.loads(modules)}
    assert loaded.isdisjoint(HEAVY), loaded.intersection(HEAVY)


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert f"Example: hexseal {name}" in result.output


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_option_has_help(name: str) -> None:
    options = [p for p in cli.commands[name].params if isinstance(p, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(cli, ["bake"])
    assert result.exit_code == 2
    assert "No such command 'bake'" in result.output
