"""How an engine's process ends: asked, told, of its own fault, of a unit's, or because the supervisor is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import msgspec
import psutil
import pytest
from anyio.abc import UNIXSocketStream
from spawned import DEADLINE_SECONDS, ROOT, Child, child, ended, fly, knobs, start, true

from ipc import work
from ipc.errors import ConnectionFailed
from ipc.frames import frame
from ipc.handshake import admit, hello
from ipc.snapshot import Scalar

pytestmark = pytest.mark.anyio


async def _quiet(fake: Child, seconds: float) -> bool:
    """Whether nothing comes for so long."""
    with anyio.move_on_after(seconds):
        await fake.link.receive()
        return False
    return True


# ── asked and told ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["leave", "term"])
@pytest.mark.parametrize("doing", ["nothing", "ready", "loading", "flying"])
async def test_leaves_in_order_whatever_it_does(tmp_path: Path, how: str, doing: str) -> None:
    async with child(tmp_path) as fake:
        if doing in ("ready", "flying"):
            await fake.load({"tokens_per_unit": 1000})
        if doing == "loading":
            fake.send(work.Load(knobs({"load_seconds": 600})))
            await fake.until(work.LoadProgress)
        if doing == "flying":
            fake.send(fly(1, {"prompt": "a", "habit": "slow:600"}, stream=True), fly(2, {"prompt": "b"}))
            await fake.until(work.Piece)
        asked = time.monotonic()
        if how == "leave":
            fake.send(work.Leave())
        else:
            fake.signal(signal.SIGTERM)
        if doing == "flying":
            assert {(await fake.until(work.Landed)).flight, (await fake.until(work.Landed)).flight} == {1, 2}
        assert await fake.exit_code() == (0 if how == "leave" else 128 + signal.SIGTERM)
        assert time.monotonic() - asked < 1
        assert not any(isinstance(message, work.Dying | work.UnitDone) for message in fake.heard)
        assert fake.log() == ""


async def test_term_leaves_a_stuck_model_behind_and_shows_where_it_stuck(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(fly(1, {"prompt": "a", "habit": "hang"}))
        await fake.stuck_in("forever")
        fake.signal(signal.SIGTERM)
        shown = fake.log().count("in forever")
        assert await fake.exit_code() == -signal.SIGTERM
        assert fake.log().count("in forever") > shown


async def test_interrupt_of_a_terminal_is_not_for_it(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        fake.signal(signal.SIGINT)
        await fake.load()


# ── of its own fault ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("habit", "code"), [("crash", 1), ("exit0", 0), ("segfault", -signal.SIGSEGV)], ids=["crash", "exit0", "segfault"]
)
async def test_a_unit_that_kills_at_once(tmp_path: Path, habit: str, code: int) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(fly(1, {"prompt": "a"}, {"prompt": "b", "habit": habit}))
        with pytest.raises(anyio.EndOfStream):
            await fake.until(work.Landed)
        assert await fake.exit_code() == code
        if habit == "segfault":
            assert "Segmentation fault" in fake.log()
            assert "in_a_unit" in fake.log()


async def test_out_of_memory_in_a_flight_is_said_before_the_end(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(fly(1, {"prompt": "a", "habit": "oom"}))
        dying = await fake.until(work.Dying)
        assert dying.out_of_memory
        assert dying.problem.title == "Out of memory"
        assert await fake.exit_code() == 70
        assert not any(isinstance(message, work.Landed) for message in fake.heard)


async def test_what_was_done_before_the_end_is_said_before_the_end(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(fly(1, {"prompt": "a"}), fly(2, {"prompt": "b", "habit": "oom"}))
        await fake.until(work.Dying)
        assert [type(message) for message in fake.heard[-3:]] == [work.UnitDone, work.Landed, work.Dying]


async def test_dies_after_so_many_units(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"crash_after": 3})
        assert len(await fake.fly(fly(1, {"prompt": "a"}, {"prompt": "b"}))) == 2
        fake.send(fly(2, {"prompt": "c"}))
        assert await fake.exit_code() == 1
        assert "crash_after" in fake.log()


async def test_an_unexpected_error_is_said_and_its_traceback_logged(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        fake.send(fly(1, {"prompt": "a"}))  # with no model loaded
        dying = await fake.until(work.Dying)
        assert not dying.out_of_memory
        assert "no model is loaded" in dying.problem.detail
        assert await fake.exit_code() == 1
        assert "Traceback" in fake.log()


async def test_a_desk_s_word_ends_an_engine_loudly(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        fake.send(work.Plan(1, "/nowhere", "", 1, {}))
        assert "Plan" in (await fake.until(work.Dying)).problem.detail
        assert await fake.exit_code() == 1


async def test_garbage_ends_an_engine_loudly(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process, ours = start("engines.child", "fake", {}, log)
    async with await UNIXSocketStream.from_socket(ours) as stream:
        await admit(stream, hello("supervisor", work.VERSION), deadline=DEADLINE_SECONDS)
        await stream.send(frame(msgspec.msgpack.encode(["no-such-word", 1])))
        assert await ended(process) == 1
        assert "no-such-word" in (tmp_path / "log").read_text()


async def test_a_stranger_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process, ours = start("engines.child", "fake", {}, log)
    async with await UNIXSocketStream.from_socket(ours) as stream:
        await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert await ended(process) == 1
        said = (tmp_path / "log").read_text()
        assert said.startswith("Message too long")
        assert "Traceback" not in said


async def test_another_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process, ours = start("engines.child", "fake", {}, log)
    async with await UNIXSocketStream.from_socket(ours) as stream:
        with pytest.raises(ConnectionFailed):
            await admit(stream, hello("supervisor", 999), deadline=DEADLINE_SECONDS)
        assert await ended(process) == 1
        assert "Another version" in (tmp_path / "log").read_text()


# ── stuck ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_hanging_model_beats_without_progress_and_shows_its_stack(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(fly(1, {"prompt": "a", "habit": "hang"}))
        before = await fake.until(work.Beat)
        while (beat := await fake.until(work.Beat)).progress != before.progress:
            before = beat
        assert (await fake.until(work.Beat)).progress == beat.progress
        await fake.stuck_in("forever")
        assert fake.process.poll() is None


async def test_a_model_that_holds_the_interpreter_stops_the_beats(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        fake.send(fly(1, {"prompt": "a", "habit": "hold_gil"}, stream=True))
        while not await _quiet(fake, 1.5):  # three beats long; what it said before may never have left
            pass
        await fake.stuck_in("in_a_unit")
        fake.signal(signal.SIGKILL)
        assert await fake.exit_code() == -signal.SIGKILL


async def test_one_that_ignores_all_wishes_needs_the_kill(tmp_path: Path) -> None:
    async with child(tmp_path, {"ignore_term": True}) as fake:
        await fake.load({"ignore_term": True})
        fake.send(work.Unload())
        await fake.until(work.Unloaded)
        fake.send(work.Leave())
        fake.signal(signal.SIGTERM)
        with pytest.raises(TimeoutError), anyio.fail_after(2.5):
            await fake.exit_code()
        assert fake.process.poll() is None


# ── the supervisor is gone ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("habit", [None, "slow:600", "hang"])
async def test_the_end_of_the_link_is_its_end(tmp_path: Path, habit: str | None) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"tokens_per_unit": 1000})
        if habit is not None:
            fake.send(fly(1, {"prompt": "a", "habit": habit}, stream=True))
            await fake.until(work.Piece)
        await fake.stream.aclose()
        began = time.monotonic()
        assert await fake.exit_code() == 71
        assert time.monotonic() - began < 0.5


async def test_a_parent_that_is_gone_already_is_noticed(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process, ours = start("engines.child", "fake", {}, log, parent=1)
    with ours:
        assert await ended(process) == 71


_PARENT = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
from spawned import start
process, ours = start("engines.child", "fake", {settings!r}, sys.stderr.buffer)
print(process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("settings", [{}, {"silent": True, "ignore_term": True}], ids=["ready", "silent"])
async def test_the_kill_of_its_parent_kills_it(tmp_path: Path, settings: dict[str, Scalar]) -> None:
    script = _PARENT.format(tests=str(Path(__file__).parent), root=str(ROOT), settings=settings)
    with (tmp_path / "log").open("wb") as log:
        parent = subprocess.Popen(  # noqa: ASYNC220 (an interpreter that must not be tidied up by the loop)
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    with parent:
        assert parent.stdout is not None
        pid = int(await anyio.to_thread.run_sync(parent.stdout.readline))
        grandchild = psutil.Process(pid)
        await true(lambda: _has_death_signal(pid))
        watch = os.pidfd_open(pid)
        grandchild.suspend()  # a stopped process could not notice an end of its link
        parent.kill()
        with anyio.fail_after(DEADLINE_SECONDS):
            await anyio.wait_readable(watch)
        os.close(watch)


def _has_death_signal(pid: int) -> bool:
    """The link's descriptor is not inheritable any more: the bootstrap's last step."""
    descriptors = Path(f"/proc/{pid}/fdinfo")
    environment = dict(
        entry.split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in entry
    )
    flags = (descriptors / environment["ENGINEROOM_FD"]).read_text()
    return bool(int(flags.split("flags:")[1].split()[0], 8) & os.O_CLOEXEC)


# ── at its start ──────────────────────────────────────────────────────────────────────────────────────────


async def test_not_spawned_by_a_supervisor_is_a_sentence() -> None:
    done = await anyio.run_process([sys.executable, "-m", "engines.child", "fake"], cwd=ROOT, check=False)
    assert done.returncode == 2
    assert b"spawned by the supervisor" in done.stderr


_PRINTS_IN_C = """
import ctypes, os, sys
os.environ.update(ENGINEROOM_PARENT=str(os.getppid()), ENGINEROOM_FD="2")
from engines.bootstrap import begin
begin()
print("python says \\udcff")
ctypes.CDLL(None).puts(b"c says")
os._exit(0)
"""


async def test_what_was_printed_is_not_lost_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    done = await anyio.run_process([sys.executable, "-c", _PRINTS_IN_C, "fake"], cwd=ROOT)
    assert done.stdout.splitlines() == [rb"python says \udcff", b"c says"]


async def test_crash_at_start(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process, ours = start("engines.child", "fake", {"crash_at_start": True, "stderr_bytes": 300_000}, log)
    with ours:
        assert await ended(process) == 1
    assert (tmp_path / "log").stat().st_size > 300_000


async def test_a_slow_start_is_silence_then_a_handshake(tmp_path: Path) -> None:
    began = time.monotonic()
    async with child(tmp_path, {"start_seconds": 1}) as fake:
        assert time.monotonic() - began > 1
        await fake.load()


async def test_a_grandchild_lives_on_and_knows_the_instance_but_not_the_link(tmp_path: Path) -> None:
    async with child(tmp_path, {"fork_child": True}) as fake:
        (grandchild,) = psutil.Process(fake.process.pid).children()
        try:
            fake.send(work.Leave())
            assert await fake.exit_code() == 0
            assert grandchild.is_running()
            environment = grandchild.environ()
            assert environment["ENGINEROOM_INSTANCE"] == "test:1"
            assert "ENGINEROOM_FD" not in environment
            assert "ENGINEROOM_PARENT" not in environment
            assert not any("socket" in link for link in _descriptors(grandchild.pid))
        finally:
            grandchild.kill()


def _descriptors(pid: int) -> list[str]:
    return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
