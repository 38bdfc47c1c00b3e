"""Environments made for real: whole or not there, compiled once for each kind of box, and what goes wrong is said."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import msgspec
import pytest
from env_kit import CRASHES_IN_ITS_TEST, MACHINE, Workplace, fill_index

from cli.environments import testing
from cli.environments.lock import is_locked, locked
from cli.environments.make import Making, lock_of, sync
from cli.environments.program import Programs
from engines.environments.record import RECORD, Environment, SelfTest, Stored, python_of, read_record, stored
from engines.environments.requirements import Requirements
from ipc.errors import Problem, RequestFailed

SYNC = """
import sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from env_kit import Workplace
from cli.environments.make import sync
place = Workplace(Path(sys.argv[1]), Path(sys.argv[2]))
try:
    print(sync(place.making(sys.stderr)).name)
except KeyboardInterrupt:
    sys.exit(130)
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_index(tmp_path_factory.mktemp("packages") / "index")


@pytest.fixture
def place(tmp_path: Path, index: Path) -> Workplace:
    return Workplace(tmp_path, index)


@pytest.fixture
def elsewhere(place: Workplace) -> Iterator[subprocess.Popen[str]]:
    """A sync in a process of its own that is being held while it compiles."""
    held = place.folder / "held"
    held.touch()
    command = [sys.executable, "-c", SYNC, str(place.folder), str(place.index), str(ROOT), str(ROOT / "tests" / "cli")]
    with subprocess.Popen(
        command, env={**place.environ(), "TINY_HELD": str(held)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    ) as process:  # fmt: skip
        place.await_compiled()
        yield process
        held.unlink(missing_ok=True)
        process.kill()


def refusal(making: Making, *, rebuild: bool = False) -> Problem:
    with pytest.raises(RequestFailed) as refused:
        sync(making, rebuild=rebuild)
    return refused.value.problem


def left(place: Workplace) -> list[str]:
    """Folders of environments that are there."""
    return [one.name for one in stored(place.environments)]


def test_it_is_made_step_by_step_and_tested_in_a_process_of_its_own(place: Workplace) -> None:
    told = io.StringIO()
    made = sync(place.making(told, whole=True)).environment
    assert made is not None
    assert (made.test.ok, made.test.device, made.kind) == (True, "cpu", "fake")
    assert re.fullmatch(r"compiled here in \d+ s", made.origin)
    assert made.made_seconds > 0
    assert sync(place.making(io.StringIO(), whole=True)).environment == msgspec.structs.replace(made, tested_unix=ANY)
    assert len(place.compiled()) == 1, "what is whole is tested again, and not made again"
    lines = told.getvalue().splitlines()
    assert lines[0].startswith("making fake-cpu-")
    assert "installing packages [1/7] anyio" in lines
    assert "compiling tiny [3/3]" in lines
    assert lines[-1] == "self-test"
    (one,) = stored(place.environments)
    assert not (one.folder / "work").exists(), "what was only needed for making it is gone"


def test_what_was_compiled_serves_the_next_environment_of_the_same_box_only(place: Workplace) -> None:
    sync(place.making(io.StringIO()))
    other = place.making(io.StringIO())
    same_box = replace(other, requirements=replace(other.requirements, wheels=("idna==3.20",)))
    again = sync(same_box).environment
    assert again is not None
    assert again.origin == "compiled before"
    assert len(place.compiled()) == 1
    fails = {"TINY_FAILS": "a.cpp: error: as it must"}  # that it is compiled at all is asked
    newer = place.making(io.StringIO(), replace(MACHINE, instructions=("avx", "avx2", "avx512f")))
    refusal(replace(newer, environ=place.environ(**fails)))
    assert len(place.compiled()) == 2
    refusal(replace(same_box, environ=place.environ(**fails)), rebuild=True)
    assert len(place.compiled()) == 3


def test_the_ordinary_cache_of_pip_serves_a_cpu_if_what_lies_there_works_and_never_a_gpu(place: Workplace) -> None:
    place.wheel_by_hand()
    assert len(place.compiled()) == 1
    for_cpu = sync(place.making(io.StringIO(), whole=True)).environment
    assert for_cpu is not None
    assert for_cpu.origin == "from pip's cache, compiled for a CPU like this one"
    assert len(place.compiled()) == 1

    making = place.making(io.StringIO(), replace(MACHINE, capabilities=("8.6", "9.0")), CUDACXX=sys.executable)
    for_gpu = sync(replace(making, requirements=replace(making.requirements, device="cuda"))).environment
    assert for_gpu is not None
    assert place.compiled()[1:] == ["-DGGML_NATIVE=on -DGGML_CUDA=on -DCMAKE_CUDA_ARCHITECTURES=86;90"]
    assert for_gpu.capabilities == ("8.6", "9.0")


def test_a_wheel_of_pips_cache_that_crashes_here_is_compiled_anew(place: Workplace) -> None:
    place.wheel_by_hand(TINY_PTH=CRASHES_IN_ITS_TEST)
    made = sync(place.making(io.StringIO(), whole=True)).environment
    assert made is not None
    assert made.origin.startswith("compiled here")
    assert made.test.ok


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("kill -ILL $$", "its process used an instruction that this CPU lacks and said nothing"),
        ("echo no luck; exit 3", "its process ended with 3 and said nothing; its last word: no luck"),
        ("sleep 600", "its process was killed, after 0.2 s at the latest, and said nothing"),
    ],
)
def test_one_that_crashes_or_hangs_in_its_test_has_failed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str, said: str
) -> None:
    monkeypatch.setattr(testing, "LIMIT_SECONDS", 0.2)
    path = python_of(tmp_path / "environment")
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{python}\n")
    path.chmod(0o755)
    with (tmp_path / "log").open("w") as log, locked(tmp_path / "lock", print) as descriptor:
        test = testing.self_test(tmp_path / "environment", "fake", "cpu", Programs(os.environ, log, descriptor))
    assert (test.ok, test.device, test.text) == (False, "", said)


def test_one_that_works_stays_as_it_is_when_only_memory_was_short(place: Workplace) -> None:
    making = replace(place.making(io.StringIO()), requirements=Requirements("fake", "cpu", (), ()))
    sync(making)
    record = making.folder / RECORD
    well = msgspec.json.decode(record.read_bytes(), type=Environment)
    well = msgspec.structs.replace(well, test=SelfTest(True, "cpu", "it computes"))
    record.write_bytes(msgspec.json.encode(well))
    python = python_of(making.folder)
    python.unlink()
    short = msgspec.json.encode(SelfTest(False, "", "there was no memory for it", later=True)).decode()
    python.write_text(f"#!/bin/sh\necho '{short}'\n")
    python.chmod(0o755)
    assert refusal(making).title == "No memory now"
    assert read_record(making.folder) == well


def test_a_failed_compile_says_so_and_leaves_nothing(place: Workplace) -> None:
    problem = refusal(place.making(io.StringIO(), TINY_FAILS="tiny.cpp:3:1: error: expected ';' before '}'"))
    assert problem.title == "Not compiled"
    assert "tiny.cpp:3:1: error: expected ';'" in problem.detail
    log = Path(problem.hint.rpartition(" ")[2].rstrip("."))
    assert "[3/3] Building" in log.read_text()
    assert left(place) == []


def test_a_package_that_is_not_to_be_had_is_named(place: Workplace) -> None:
    making = place.making(io.StringIO())
    strange = replace(making.requirements, wheels=("nobody-has-this==1",), built=())
    problem = refusal(replace(making, requirements=strange))
    assert (problem.title, "nobody-has-this==1" in problem.detail) == ("Not offered", True)
    assert left(place) == []


def test_a_package_without_what_it_needs_is_no_environment(place: Workplace) -> None:
    making = place.making(io.StringIO())
    bare = replace(making, requirements=replace(making.requirements, wheels=("anyio==4.16.0",)))
    problem = refusal(bare)
    assert problem.title == "Environment not made"
    assert "anyio 4.16.0 requires" in problem.detail
    (one,) = stored(place.environments)
    assert one.environment is None
    assert [file.name for file in one.folder.rglob("*")] == ["built", "tiny-1-py3-none-any.whl"], "it may serve again"


def test_without_a_network_it_says_so(place: Workplace) -> None:
    nowhere = {
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
    }
    making = replace(place.making(io.StringIO(), whole=True), environ=place.environ(**nowhere))
    problem = refusal(making)
    assert (problem.title, "--index URL" in problem.hint) == ("No package index", True)
    assert left(place) == []


def test_a_folder_that_cannot_be_written_is_named(place: Workplace) -> None:
    place.environments.write_text("")
    problem = refusal(place.making(io.StringIO()))
    assert (problem.title, "ENGINEROOM_DATA" in problem.hint) == ("Folder unusable", True)
    assert str(place.environments) in problem.detail


def test_kill_9_in_the_middle_leaves_what_nobody_takes_for_whole(
    place: Workplace, elsewhere: subprocess.Popen[str]
) -> None:
    elsewhere.kill()
    elsewhere.wait()
    (one,) = stored(place.environments)
    assert one.environment is None
    assert is_locked(lock_of(one.folder)), "what it had started holds the lock until it has ended, too"
    (one.folder / "half").touch()
    (place.folder / "held").unlink()
    waited: list[str] = []
    made = sync(replace(place.making(io.StringIO()), waits=waited.append))
    assert waited == [str(elsewhere.pid)]
    assert made.name == one.name
    assert made.environment is not None
    assert not (one.folder / "half").exists()


def test_ctrl_c_ends_all_that_was_begun_and_clears_it(place: Workplace, elsewhere: subprocess.Popen[str]) -> None:
    elsewhere.send_signal(signal.SIGINT)
    assert elsewhere.wait(30) == 130
    assert left(place) == []
    making = place.making(io.StringIO())
    assert not is_locked(lock_of(making.folder))


def test_of_two_at_once_the_second_waits_and_finds_it_made(place: Workplace, elsewhere: subprocess.Popen[str]) -> None:
    waited = threading.Event()
    making = replace(place.making(io.StringIO()), waits=lambda pid: waited.set())
    found: list[Stored] = []
    second = threading.Thread(target=lambda: found.append(sync(making)))
    second.start()
    assert waited.wait(30)
    (place.folder / "held").unlink()
    second.join(60)
    assert elsewhere.wait(60) == 0
    assert found[0].environment is not None
    assert len(place.compiled()) == 1


def test_passwords_of_indexes_go_to_no_log(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log, locked(tmp_path / "lock", print) as descriptor:
        ran = Programs(os.environ, log, descriptor).run(["echo", "https://ada:sec@ret@index.example/simple"])
    assert ran.lines == ("https://****@index.example/simple",)
    assert (tmp_path / "log").read_text() == (
        "$ echo https://****@index.example/simple\nhttps://****@index.example/simple\n"
    )


def test_a_package_whose_own_pins_are_knowingly_not_kept_is_one(place: Workplace) -> None:
    making = place.making(io.StringIO())
    bare = replace(making.requirements, wheels=("anyio==4.16.0",), built=(), unkept=("anyio",))
    assert sync(replace(making, requirements=bare)).environment is not None
    assert "anyio 4.16.0 requires idna, which is not installed." in making_log(making, bare)


def making_log(making: Making, requirements: Requirements) -> str:
    return replace(making, requirements=requirements).log.read_text()
