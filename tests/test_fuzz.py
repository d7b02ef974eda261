"""Damaged inputs end in one line: short versions of tools/fuzz_inputs.py, and kinds seen before."""

from pathlib import Path

import pytest
from sites import tool

from hexseal.cli import console
from hexseal.cli.main import cli
from hexseal.errors import HexsealError, RegionError
from hexseal.region.load import load_region


@pytest.mark.parametrize(("kind", "count"), [("regions", 60), ("files", 12), ("replies", 8)])
def test_whatever_is_damaged_ends_in_one_line(kind: str, count: int) -> None:
    counts = tool("fuzz_inputs").fuzz(kind, count, 20_261_130)
    assert sum(counts.values()) == count
    assert not [found for found in counts if "FAILED" in str(found)]


HEAD = '[region]\nid = "a"\n[[epoch]]\nyear = 2018\nlandcover = "a.tif"\n'
AREAS = HEAD + '[[areas]]\nlayer = "x"\npath = "x.gpkg"\nid = "i"\nname = "n"\n'
REFUSED = {
    "NUL in a path": (HEAD.replace("a.tif", "a\\u0000.tif"), "holds a control character"),
    "overlong path": (HEAD.replace("a.tif", "a/" * 3000), "is longer than a path may be"),
    "overlong name": (HEAD.replace("a.tif", "a" * 300), "is longer than a path may be"),
    "long id": (HEAD.replace('"a"', f'"{"a" * 61}"'), "has 61 characters"),
    "long layer": (AREAS.replace('"x"', f'"{"x" * 200}"', 1), "has 200 characters"),
    "empty population": (AREAS + 'population = ""\n', "population is empty"),
    "empty column of a year": (AREAS + 'population = { 2018 = "" }\n', "name a column for each"),
    "year of other digits": (AREAS + 'population = { "²⁰¹⁸" = "p" }\n', "name a column for each"),
    "deep lists": (HEAD + f"x = {'[' * 3000}{']' * 3000}\n", "nested too deeply"),
    "endless number": (HEAD + f"x = {'9' * 5000}\n", "a number too long"),
    "address without end": (HEAD.replace("a.tif", "http://[::1/a.tif"), "is not an address"),
    "contact": (HEAD + '[dataset]\ncontact = "me"\n', "give an e-mail address"),
    "contact with a header": (HEAD + '[dataset]\ncontact = "a@b.org?cc=c@d.org"\n', "e-mail"),
    "address with a user": (
        HEAD + '[dataset]\naddress = "https://me:word@example.org/"\n', "address of the site's",
    ),
    "address with a query": (
        HEAD + '[dataset]\naddress = "https://example.org/?a=1"\n', "address of the site's",
    ),
    "address with a wrong port": (
        HEAD + '[dataset]\naddress = "https://example.org:99999/"\n', "address of the site's",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_keys_that_cannot_be_are_refused(tmp_path: Path, name: str) -> None:
    text, words = REFUSED[name]
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    with pytest.raises(RegionError) as failed:
        load_region(tmp_path / "r.toml")
    assert words in str(failed.value)


@pytest.mark.parametrize("path", ["a" * 300, "a/" * 3000, "a\0b"])
def test_region_files_that_no_disk_can_hold(path: str) -> None:
    with pytest.raises(RegionError, match="cannot be read"):
        load_region(Path(path))


@pytest.mark.parametrize(
    "failure",
    [
        HexsealError(f"start {'x ' * 4000} end"),
        RecursionError(),
        OSError(36, "File name too long", "y" * 5000),
    ],
)
def test_the_command_line_prints_one_line_of_at_most_300(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(**_: object) -> None:
        raise failure

    monkeypatch.setattr(cli, "main", fail)
    with pytest.raises(SystemExit) as ended:
        console.run(cli, interrupted="")
    line = capsys.readouterr().err
    assert ended.value.code == 1
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    assert len(line) <= 301
