"""Judges that did not grow up with hexseal: each is skipped, with its reason, where it is missing.

pip install 'hexseal[judges]' brings frictionless, mlcroissant and jsonstat-validator; pystac stands
in test_publishing, and datacite (with DataCite's schema) has to be installed by itself. The Nu
validator needs Java and vnu.jar: npm install --no-save vnu-jar in site_template. cffconvert cannot
be installed beside Python 3.11, so CITATION.cff is checked by the schema of the Citation File
Format that `hexseal verify` uses.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from browser.made_site import MadeSite

JAR = Path(__file__).parents[1] / "site_template/node_modules/vnu-jar/build/dist/vnu.jar"


def test_frictionless_takes_the_data_package(made: MadeSite) -> None:
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.Package.validate_descriptor(str(made.folder / "data/datapackage.json"))
    assert report.valid, [error.message for error in report.errors][:3]


def test_mlcroissant_takes_the_croissant_document(made: MadeSite) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=str(made.folder / "data/croissant.json"))
    assert dataset.metadata.ctx.issues.errors == set()
    assert dataset.metadata.distribution


@pytest.mark.parametrize("name", ["jsonstat_areas.json", "jsonstat_change.json"])
def test_the_validator_of_json_stat_takes_the_areas(made: MadeSite, name: str) -> None:
    jsonstat_validator = pytest.importorskip("jsonstat_validator")
    document = json.loads((made.folder / "data" / name).read_text(encoding="utf-8"))
    assert jsonstat_validator.validate_jsonstat(document) is True


def test_the_schema_of_datacite_takes_the_record(made: MadeSite) -> None:
    schema45 = pytest.importorskip("datacite.schema45")
    schema45.validate(json.loads((made.folder / "data/datacite.json").read_text(encoding="utf-8")))


@pytest.mark.skipif(shutil.which("java") is None, reason="the Nu validator needs Java")
@pytest.mark.skipif(not JAR.is_file(), reason="npm install --no-save vnu-jar in site_template")
def test_the_nu_validator_finds_no_error_in_the_pages(made: MadeSite) -> None:
    pages = [made.folder / name for name in ("index.html", "data.html", "fr/methodology.html")]
    done = subprocess.run(
        ["java", "-jar", JAR, "--errors-only", *pages],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
