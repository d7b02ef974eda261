"""Units run on processes and on a Dask cluster: order, failures, lost workers, resuming."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hexseal.errors import InputError, OutputError, ToolError, UnitError
from hexseal.execution import (
    Execution,
    Executor,
    UnitStore,
    completed,
    open_executor,
)

CLUSTER = pytest.param("local", marks=pytest.mark.slow)


@dataclass(frozen=True)
class Square:
    """A unit that squares its number; the folder holds what the attempts leave."""

    number: int
    folder: Path

    @property
    def name(self) -> str:
        return f"unit{self.number}"


def squared(unit: Square) -> int:
    return unit.number**2


def later_first(unit: Square) -> int:
    time.sleep(0.02 * (6 - unit.number))
    return unit.number**2


def tried(unit: Square) -> int:
    """Note an attempt; return how many there were."""
    for attempt in range(1, 99):
        try:
            (unit.folder / f"{unit.name}-{attempt}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return attempt
    raise AssertionError


def passing_fault(unit: Square) -> int:
    if unit.number == 2 and tried(unit) == 1:
        raise OSError(5, "Input/output error")
    return unit.number**2


def lasting_fault(unit: Square) -> int:
    if unit.number in (2, 3):
        tried(unit)
        raise InputError(f"map_{unit.number}.tif: class 77 is unknown; name it")
    return unit.number**2


def bug(unit: Square) -> int:
    return {1: 1}[unit.number]


def killed_once(unit: Square) -> int:
    if unit.number == 3 and tried(unit) == 1:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return unit.number**2


def killed_always(unit: Square) -> int:
    if unit.number == 3:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return unit.number**2


def warmed(marker: str, unit: Square) -> str:
    return os.environ.get(marker, "cold")


def warm() -> None:
    os.environ["HEXSEAL_TEST_WARM"] = os.environ.get("HEXSEAL_TEST_WARM", "") + "w"


def units(folder: Path, count: int = 6) -> list[Square]:
    return [Square(number, folder) for number in range(1, count + 1)]


@pytest.fixture(scope="module", params=[None, CLUSTER])
def executor(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Executor]:
    execution = Execution(workers=2, cluster=request.param)
    with open_executor(execution, tmp_path_factory.mktemp("work")) as found:
        yield found


def test_outcomes_come_in_order(executor: Executor, tmp_path: Path) -> None:
    found = list(executor.run(later_first, units(tmp_path), ordered=True))
    assert [outcome.value for outcome in found] == [1, 4, 9, 16, 25, 36]
    assert [outcome.unit.number for outcome in found] == [1, 2, 3, 4, 5, 6]


def test_outcomes_come_as_completed(executor: Executor, tmp_path: Path) -> None:
    found = list(executor.run(later_first, units(tmp_path)))
    assert {outcome.unit.number: outcome.value for outcome in found} == {
        1: 1, 2: 4, 3: 9, 4: 16, 5: 25, 6: 36,
    }  # fmt: skip


def test_a_fault_that_passes_is_repeated(executor: Executor, tmp_path: Path) -> None:
    found = list(executor.run(passing_fault, units(tmp_path), ordered=True))
    assert [outcome.value for outcome in found] == [1, 4, 9, 16, 25, 36]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_unit_that_cannot_be_computed_is_named_and_the_rest_goes_on(
    executor: Executor, tmp_path: Path
) -> None:
    values: list[int | None] = []
    found = executor.run(lasting_fault, units(tmp_path), ordered=True)
    with pytest.raises(UnitError) as caught:
        values.extend(outcome.value for outcome in completed(found, what="count"))
    assert values == [1, 16, 25, 36]
    assert str(caught.value) == (
        "count: 2 of 6 units failed: unit2 and 1 more: map_2.tif: class 77 is unknown; name it; "
        "run the build again, what is done is kept"
    )
    # Repeating would not help: each was tried once.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["unit2-1", "unit3-1"]


def test_a_bug_is_named_too(executor: Executor, tmp_path: Path) -> None:
    found = list(executor.run(bug, units(tmp_path, 2), ordered=True))
    assert [outcome.reason for outcome in found] == ["", "KeyError: 2"]


def test_a_killed_worker_costs_its_unit_only(executor: Executor, tmp_path: Path) -> None:
    found = list(executor.run(killed_once, units(tmp_path), ordered=True))
    assert [outcome.value for outcome in found] == [1, 4, 9, 16, 25, 36]


def test_a_unit_that_always_kills_its_worker_is_named(executor: Executor, tmp_path: Path) -> None:
    found = list(executor.run(killed_always, units(tmp_path), ordered=True))
    assert [outcome.value for outcome in found] == [1, 4, None, 16, 25, 36]
    assert "too little memory" in found[2].reason


def test_each_process_warms_up_once(executor: Executor, tmp_path: Path) -> None:
    function = partial(warmed, "HEXSEAL_TEST_WARM")
    found = executor.run(function, units(tmp_path), warm=warm)
    assert {outcome.value for outcome in found} == {"w"}


def test_one_unit_runs_in_this_process(tmp_path: Path) -> None:
    with open_executor(Execution(workers=2), tmp_path) as executor:
        (outcome,) = executor.run(process_number, units(tmp_path, 1))
        assert outcome.value == os.getpid()
        found = executor.run(process_number, units(tmp_path, 2))
        assert os.getpid() not in {outcome.value for outcome in found}


def process_number(unit: Square) -> int:
    return os.getpid()


def test_the_error_of_a_single_unit_is_raised_as_it_is(tmp_path: Path) -> None:
    with (
        open_executor(Execution(workers=2), tmp_path) as executor,
        pytest.raises(InputError, match=r"^map_2.tif: class 77"),
    ):
        list(completed(executor.run(lasting_fault, [Square(2, tmp_path)]), what="count"))


def test_a_run_that_is_left_ends_its_units(tmp_path: Path) -> None:
    with open_executor(Execution(workers=2), tmp_path) as executor:
        for outcome in executor.run(sleeps_after_the_first, units(tmp_path)):
            assert outcome.value == 1
            break
        started = time.monotonic()
        assert [o.value for o in executor.run(squared, units(tmp_path, 2), ordered=True)] == [1, 4]
    assert time.monotonic() - started < 55


def sleeps_after_the_first(unit: Square) -> int:
    if unit.number > 1:
        time.sleep(60)
    return unit.number


PROGRAM = """
    import sys, time
    from pathlib import Path
    from hexseal.cli import console
    from hexseal.execution import Execution, open_executor
    import click
    sys.path.insert(0, sys.argv.pop())
    from test_execution import announced, units

    def work():
        folder = Path(sys.argv[-1])
        with open_executor(Execution(workers=2), folder) as executor:
            list(executor.run(announced, units(folder)))

    sys.argv, folder = sys.argv[:1], sys.argv[-1]
    command = click.Command("work", callback=lambda: work())
    sys.argv.append(folder)
    command.params.append(click.Argument(["folder"], expose_value=False))
    console.run(command, interrupted="stopped")
"""


def announced(unit: Square) -> int:
    """Leave the number of the process, then take longer than the test."""
    (unit.folder / f"pid-{os.getpid()}").touch()
    time.sleep(300)
    return 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_command(wish: signal.Signals, tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path), here],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(list(tmp_path.glob("pid-*"))) == 2)
    process.send_signal(wish)
    _, err = process.communicate(timeout=120)
    if wish != signal.SIGKILL:
        assert (process.returncode, err.strip()) == (130, "error: stopped")
    pids = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
    wait_for(lambda: not any(map(is_alive, pids)))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    # Ended, though nobody has asked for its exit code yet.
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_for(condition: object, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_script_without_a_main_guard_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            from pathlib import Path
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from hexseal.execution import Execution, open_executor
            from test_execution import squared, units
            print("started")
            with open_executor(Execution(workers=2), Path({str(tmp_path)!r})) as executor:
                found = executor.run(squared, units(Path()), ordered=True)
                print([outcome.value for outcome in found])
            """
        )
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.stdout == "started\n[1, 4, 9, 16, 25, 36]\n", done.stderr


@pytest.mark.slow
def test_workers_that_do_not_see_the_work_folder_are_refused(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    from hexseal.execution.cluster import _check_workers  # noqa: PLC0415

    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            local_directory=str(tmp_path),
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        # As a folder of another machine: what the client writes there is not what workers read.
        gone = tmp_path / "gone"
        with pytest.raises(OutputError, match="does not see this folder; share it under the same"):
            _check_workers(cast(Any, Elsewhere(client, gone)), gone / "marker")


class Elsewhere:
    """A client whose workers see an empty folder where the work folder should be."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.client, self.folder = client, folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def run(self, function: object, marker: Path, version: str, *, on_error: str) -> Any:
        marker.unlink()
        return self.client.run(function, marker, version, on_error=on_error)


@pytest.mark.slow
def test_no_scheduler_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("hexseal.execution.cluster.CONNECT_S", 1)
    with (
        pytest.raises(ToolError, match=r"tcp://127.0.0.1:1: no Dask scheduler answers"),
        open_executor(Execution(cluster="tcp://127.0.0.1:1"), tmp_path),
    ):
        pass


TABLE = pa.table({"h3": pa.array([1, 2], pa.uint64()), "pixels": [10, 20]})


def test_a_finished_unit_is_kept(tmp_path: Path) -> None:
    store = UnitStore(tmp_path / "units", "a" * 64)
    assert list(store.missing(["E44N36", "E45N36"])) == ["E44N36", "E45N36"]
    store.write("E44N36", {"cells": TABLE}, {"pixels": 30})
    assert list(store.missing(["E44N36", "E45N36"])) == ["E45N36"]
    assert pq.read_table(store.table("E44N36", "cells")).equals(TABLE)
    assert store.facts("E44N36") == {"pixels": 30}


def test_other_facts_are_another_unit(tmp_path: Path) -> None:
    UnitStore(tmp_path, "a" * 64).write("E44N36", {"cells": TABLE})
    other = UnitStore(tmp_path, "b" * 64)
    assert not other.is_finished("E44N36")
    other.prune(["E44N36"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "facts"])
def test_a_damaged_unit_counts_as_missing(tmp_path: Path, damage: str) -> None:
    store = UnitStore(tmp_path, "a" * 64)
    store.write("E44N36", {"cells": TABLE})
    file = store.table("E44N36", "cells")
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-20])
    elif damage == "changed":
        file.write_bytes(content[:10] + bytes([content[10] ^ 1]) + content[11:])
    elif damage == "gone":
        file.unlink()
    else:
        (file.parent / "unit.json").write_text("{}")
    assert not store.is_finished("E44N36")
    store.write("E44N36", {"cells": TABLE})
    assert store.is_finished("E44N36")
    assert store.table("E44N36", "cells").read_bytes() == content


def test_a_unit_that_fails_while_it_is_written_leaves_nothing(tmp_path: Path) -> None:
    store = UnitStore(tmp_path, "a" * 64)
    with pytest.raises(TypeError):
        store.write("E44N36", {"cells": TABLE}, {"bad": object()})
    assert list(tmp_path.iterdir()) == []
