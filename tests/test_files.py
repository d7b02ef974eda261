"""Files and sites appear whole or not at all, whatever happens on the way."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hexseal.errors import OutputError
from hexseal.storage.files import (
    SiteFolder,
    describe,
    ensure_compiler_cache,
    exchange,
    one_writer,
    only_one,
    sha256,
    whole_file,
    write_bytes,
)

EXCHANGES = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="tried on Linux's renameat2"
)


class Interrupted(BaseException):
    """Stands for Ctrl-C, which is no Exception either."""


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def stopped(path: Path, failure: BaseException) -> None:
    """Fail in the midst of writing."""
    with whole_file(path) as partial:
        partial.write_text("tw")
        raise failure


class TestWholeFile:
    def test_the_file_takes_its_name_when_all_went_well(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "a.txt"
        with whole_file(path) as partial:
            partial.write_text("one")
            assert not path.exists()
            assert partial.parent == path.parent
        assert path.read_text() == "one"
        assert names(tmp_path) == ["new", "new/a.txt"]

    @pytest.mark.parametrize("failure", [ValueError(), Interrupted()])
    def test_a_failure_leaves_the_previous_file(
        self, tmp_path: Path, failure: BaseException
    ) -> None:
        path = tmp_path / "a.txt"
        path.write_text("one")
        with pytest.raises(type(failure)):
            stopped(path, failure)
        assert path.read_text() == "one"
        assert names(tmp_path) == ["a.txt"]

    def test_a_failure_of_the_system_is_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        with pytest.raises(OutputError) as caught:
            stopped(path, OSError(errno.ENOSPC, "No space left on device"))
        assert str(caught.value) == (
            f"{path}: the disk is full; free some space and run the command again"
        )
        assert names(tmp_path) == []

    def test_a_file_in_the_way_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("a file")
        with pytest.raises(OutputError, match="cannot be written"), whole_file(tmp_path / "a/b"):
            pass
        assert names(tmp_path) == ["a"]

    def test_two_files_of_one_folder_do_not_meet(self, tmp_path: Path) -> None:
        with whole_file(tmp_path / "a") as first, whole_file(tmp_path / "b") as second:
            first.write_text("1")
            second.write_text("2")
        assert [(tmp_path / name).read_text() for name in "ab"] == ["1", "2"]

    @pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
    def test_missing_rights_are_named(self, number: int) -> None:
        said = str(describe(OSError(number, "no"), Path("/x/y")))
        assert said == "/x/y: no permission to write here; choose another folder"


def test_write_bytes_returns_the_length(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    assert write_bytes(path, b"") == 0
    assert write_bytes(path, b"abc") == 3
    assert path.read_bytes() == b"abc"
    assert names(tmp_path) == ["a.bin"]


def test_sha256_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    # The first test vector of FIPS 180-2.
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def built(tmp_path: Path) -> SiteFolder:
    """A published site of one page."""
    return publish(SiteFolder(tmp_path / "site"), "old")


def publish(folder: SiteFolder, text: str) -> SiteFolder:
    (folder.open() / "index.html").write_text(text)
    folder.publish()
    return folder


def page(folder: SiteFolder) -> str:
    return (folder.site / "index.html").read_text()


class TestSiteFolder:
    def test_publish_replaces_the_whole_site(self, built: SiteFolder, tmp_path: Path) -> None:
        (built.site / "left.html").write_text("from the previous build")
        publish(built, "new")
        assert names(tmp_path) == ["site", "site/.hexseal-site", "site/index.html"]
        assert page(built) == "new"

    def test_an_opened_site_stays_as_it_was(self, built: SiteFolder) -> None:
        (built.open() / "index.html").write_text("half")
        assert page(built) == "old"

    def test_discard_leaves_the_previous_site(self, built: SiteFolder, tmp_path: Path) -> None:
        (built.open() / "index.html").write_text("half")
        built.discard()
        assert names(tmp_path) == ["site", "site/.hexseal-site", "site/index.html"]
        assert page(built) == "old"
        built.discard()

    def test_an_opened_site_is_empty_whatever_was_staged(self, built: SiteFolder) -> None:
        (built.open() / "stale.html").write_text("of a build that was killed")
        assert names(built.open()) == [".hexseal-site"]

    def test_gitignore_is_kept(self, tmp_path: Path) -> None:
        folder = SiteFolder(tmp_path / "site")
        folder.site.mkdir()
        (folder.site / ".gitignore").write_text("*\n")
        publish(folder, "new")
        publish(folder, "newer")
        assert (folder.site / ".gitignore").read_text() == "*\n"

    def test_an_empty_folder_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "site").mkdir()
        assert page(publish(SiteFolder(tmp_path / "site"), "new")) == "new"

    def test_a_foreign_folder_is_refused(self, tmp_path: Path) -> None:
        site = tmp_path / "photos"
        site.mkdir()
        (site / "b.jpg").write_bytes(b"dear")
        (site / "a.jpg").write_bytes(b"dear")
        with pytest.raises(OutputError) as caught:
            SiteFolder(site).open()
        assert str(caught.value) == (
            f"{site}: holds files that hexseal did not write ('a.jpg'); "
            "choose an empty or new folder for --out"
        )
        assert names(tmp_path) == ["photos", "photos/a.jpg", "photos/b.jpg"]

    def test_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "site").write_text("a file")
        with pytest.raises(OutputError, match="is a file; choose a folder for --out"):
            SiteFolder(tmp_path / "site").open()

    def test_a_relative_folder_stays_where_it_was_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        folder = SiteFolder(Path("site"))
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        publish(folder, "new")
        assert (tmp_path / "site/index.html").read_text() == "new"

    @EXCHANGES
    def test_a_site_is_there_at_every_moment(self, built: SiteFolder) -> None:
        done, absent = threading.Event(), 0

        def look() -> None:
            nonlocal absent
            while not done.is_set():
                absent += not os.path.exists(built.site / "index.html")  # noqa: PTH110

        reader = threading.Thread(target=look)
        reader.start()
        for number in range(100):
            publish(built, str(number))
        done.set()
        reader.join()
        assert (absent, page(built)) == (0, "99")

    def test_a_link_to_the_site_stays_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        (tmp_path / "site").symlink_to(tmp_path / "disk")
        publish(publish(SiteFolder(tmp_path / "site"), "old"), "new")
        assert (tmp_path / "site").is_symlink()
        assert (tmp_path / "disk/index.html").read_text() == "new"


@EXCHANGES
def test_exchange_swaps_two_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"from-{name}").touch()
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path) == ["a", "a/from-b", "b", "b/from-a"]
    assert not exchange(tmp_path / "a", tmp_path / "missing")


class TestRecover:
    """What stands on the disk when a build is killed between two steps of publish."""

    def test_before_the_first_rename(self, built: SiteFolder, tmp_path: Path) -> None:
        (built.open() / "index.html").write_text("new")
        built.recover()
        assert page(built) == "old"
        assert names(tmp_path) == ["site", "site/.hexseal-site", "site/index.html"]

    def test_between_the_two_renames(self, built: SiteFolder, tmp_path: Path) -> None:
        (built.open() / "index.html").write_text("new")
        built.site.rename(built.previous)
        built.recover()
        assert page(built) == "old"
        assert names(tmp_path) == ["site", "site/.hexseal-site", "site/index.html"]

    def test_before_the_previous_site_is_cleared(self, built: SiteFolder, tmp_path: Path) -> None:
        (built.open() / "index.html").write_text("new")
        built.site.rename(built.previous)
        built.staging.rename(built.site)
        built.recover()
        assert page(built) == "new"
        assert names(tmp_path) == ["site", "site/.hexseal-site", "site/index.html"]

    def test_without_anything_to_recover(self, tmp_path: Path) -> None:
        SiteFolder(tmp_path / "site").recover()
        assert names(tmp_path) == []

    def test_publish_without_staging_brings_the_previous_site_back(
        self, built: SiteFolder, tmp_path: Path
    ) -> None:
        built.open()
        built.discard()
        with pytest.raises(OutputError, match="cannot be written"):
            built.publish()
        assert page(built) == "old"
        assert names(tmp_path) == ["site", "site/.hexseal-site", "site/index.html"]

    # The child kills itself at the n-th system call that publish makes to move or clear a folder.
    CHILD = """
import os, signal, shutil, sys
from pathlib import Path
from hexseal.storage import files
from hexseal.storage.files import SiteFolder
left = int(sys.argv[2])
if sys.argv[3] == "renames":
    files.exchange = lambda first, second: False
def step(event, arguments):
    global left
    if event in ("os.rename", "shutil.rmtree"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
folder = SiteFolder(Path(sys.argv[1]))
(folder.open() / "index.html").write_text("new")
sys.addaudithook(step)
folder.publish()
"""

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
    @pytest.mark.parametrize(
        ("way", "steps", "seen", "recovered"),
        [
            ("renames", 0, "old", "old"),
            ("renames", 1, None, "old"),
            ("renames", 2, "new", "new"),
            pytest.param("exchange", 0, "new", "new", marks=EXCHANGES),
        ],
    )
    def test_killed_between_steps(
        self,
        built: SiteFolder,
        tmp_path: Path,
        way: str,
        steps: int,
        seen: str | None,
        recovered: str,
    ) -> None:
        command = [sys.executable, "-c", self.CHILD, str(built.site), str(steps), way]
        done = subprocess.run(command, check=False, timeout=60)
        assert done.returncode == -signal.SIGKILL
        assert (page(built) if built.site.exists() else None) == seen
        built.recover()
        assert page(built) == recovered
        assert names(tmp_path) == ["site", "site/.hexseal-site", "site/index.html"]
        assert page(publish(built, "newest")) == "newest"


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from hexseal.storage.files import only_one\n"
        "with only_one(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        waiting = threading.Thread(target=lambda: only_one(lock).__enter__(), daemon=True)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        holder.kill()
    waiting.join(20)
    assert not waiting.is_alive()


def test_a_second_writer_is_refused_at_once(tmp_path: Path) -> None:
    with one_writer(tmp_path / "new" / "lock", "site"):
        with pytest.raises(OutputError) as caught, one_writer(tmp_path / "new" / "lock", "site"):
            pass
        assert str(caught.value) == (
            "site: another build is running here; wait for it, or choose another --out"
        )
    with one_writer(tmp_path / "new" / "lock", "site"):
        pass


def test_compiled_functions_get_a_folder_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "given")
    ensure_compiler_cache(tmp_path / "package")
    assert os.environ["NUMBA_CACHE_DIR"] == "given"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    ensure_compiler_cache(tmp_path)
    assert "NUMBA_CACHE_DIR" not in os.environ
    ensure_compiler_cache(tmp_path / "package")
    assert os.access(os.environ["NUMBA_CACHE_DIR"], os.W_OK)
