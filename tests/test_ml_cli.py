"""The command line of hexseal-ml: help with examples, one-line errors, all in the guide."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlmodels import reflectance, save_tiny, write_image

from hexseal_ml.cli import cli, main

ROOT = Path(__file__).parents[1]
VERBS = ("train", "evaluate", "predict")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_that_is_there(verb: str) -> None:
    done = CliRunner().invoke(cli, [verb, "--help"])
    assert done.exit_code == 0
    example = re.search(rf"Example:\s+hexseal-ml {verb}\s+(.+)", done.output, re.DOTALL)
    assert example is not None
    text = re.sub(r"-\s+", "-", example.group(1))
    for named in re.findall(r"ml/(?:configs|weights)/[\w.-]+", text):
        assert (ROOT / named).exists(), named


@pytest.mark.parametrize("verb", VERBS)
def test_the_guide_names_every_verb(verb: str) -> None:
    assert f"hexseal-ml {verb}" in (ROOT / "docs/how-to/years-from-images.md").read_text()


def test_a_failure_is_one_line_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["predict", "a.tif", "--model", str(tmp_path / "none"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["hexseal-ml", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert "no such model folder" in err


def test_predict_says_what_it_made_and_what_it_kept(tmp_path: Path) -> None:
    image = write_image(tmp_path / "lommel.tif", reflectance(40, 50))
    model = save_tiny(tmp_path / "model")
    command = ["predict", image, "--model", str(model), "--out", str(tmp_path / "out")]
    first = CliRunner().invoke(cli, command)
    assert first.exit_code == 0, first.output
    assert re.search(r"lommel_landcover\.tif: [\d.]+% Sealed \([\d.]+ s\)", first.output)
    second = CliRunner().invoke(cli, command)
    assert "made before from the same image and model" in second.output
