"""The lock files: exact versions, hashes of all of them, and all that pyproject.toml names."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)==(\S+)")
# Built for CPU or CUDA under one version: see the head of requirements.hashes.
WITHOUT_HASHES = {"torch"}


def pinned(name: str) -> dict[str, str]:
    """Return versions by normalised name (PEP 503)."""
    found = PINNED.findall((ROOT / name).read_text(encoding="utf-8"))
    return {normalised(package): version for package, version in found}


def normalised(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_the_hashes_are_those_of_the_lock() -> None:
    lock = {k: v for k, v in pinned("requirements.lock").items() if k not in WITHOUT_HASHES}
    assert pinned("requirements.hashes") == lock, "run just hashes"
    text = (ROOT / "requirements.hashes").read_text(encoding="utf-8")
    for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


def test_the_lock_holds_every_package_that_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"]]
    wanted += [line for name, lines in extras.items() if name != "bench" for line in lines]
    names = {normalised(re.split(r"[><=~ \[]", line)[0]) for line in wanted}
    assert names - set(pinned("requirements.lock")) == set()


def test_no_lock_names_a_host() -> None:
    for name in ("requirements.lock", "requirements.hashes", "requirements-bench.lock"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")
