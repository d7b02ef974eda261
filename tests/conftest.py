"""Options of the whole test suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--keep-golden", metavar="FOLDER", help="make today's screenshots the golden pictures"
    )
