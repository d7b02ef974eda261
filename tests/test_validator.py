"""Every kind of page of a site is valid HTML, by the Nu validator where its jar is there.

It is not among the packages of a clone (32 MB): `npm install --no-save vnu-jar` in any folder, then
VNU_JAR=FOLDER/node_modules/vnu-jar/build/dist/vnu.jar names it. Java 11 or later runs it.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hexseal.frontend import TEMPLATE

JAR = Path(
    os.environ.get("VNU_JAR", TEMPLATE / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar")
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not JAR.is_file(), reason="vnu.jar is not there (set VNU_JAR)"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
]


@pytest.mark.parametrize("site", ["made", "toy"])
def test_every_page_is_valid(site: str, request: pytest.FixtureRequest) -> None:
    built = request.getfixturevalue(site)
    folder = built / "site" if site == "toy" else built.folder
    pages = sorted(str(path) for path in folder.rglob("*.html"))
    assert len(pages) > 10
    command = ["java", "-Xss8m", "-jar", str(JAR), "--errors-only", "--stdout", *pages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == []
    assert done.returncode == 0, done.stderr
