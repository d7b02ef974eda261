"""The situations of ../shared/cases come out right; skipped where the folder is absent."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "try_cases.py"
SPEC = importlib.util.spec_from_file_location("try_cases", TOOL)
assert SPEC is not None
assert SPEC.loader is not None
try_cases = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(try_cases)
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not try_cases.CASES.is_dir(), reason=f"{try_cases.CASES} is absent"),
]


def test_all_twenty_are_listed() -> None:
    folders = {path.name[:2] for path in try_cases.CASES.iterdir() if path.is_dir()}
    assert folders == set(try_cases.ALL)


@pytest.mark.parametrize("number", sorted(try_cases.ALL))
def test_a_case_comes_out_right(number: str) -> None:
    try_cases.ALL[number]()
