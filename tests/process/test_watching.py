"""A child from its spawn to its end: every fact, in order, the exit last and at once."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import anyio
import pytest
from standins import GREETING, eventually, lives, no_descriptor_lost, program, watched

from ipc import work
from supervisor.process import child as child_module
from supervisor.process.child import Broke, Exited, Greeted, Said
from supervisor.process.ring import LogRing
from supervisor.process.spawn import ChildSpec, spawn

pytestmark = pytest.mark.anyio

HOLDER = """
import os, signal, subprocess, sys
held = [int(os.environ["ENGINEROOM_FD"])]
sleeper = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); signal.pause()"
grandchild = subprocess.Popen([sys.executable, "-c", sleeper], pass_fds=held, start_new_session={session})
print("grandchild", grandchild.pid, flush=True)
os.read(0, 1)
signal.pause()
"""


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


async def test_what_is_said_before_the_exit_comes_before_the_exit(tmp_path: Path) -> None:
    talker = GREETING + "greet()\nsay(*(work.Beat(n, 0) for n in range(20_000)))\nos._exit(7)"
    with no_descriptor_lost():
        async with watched(program(tmp_path, talker)) as this:
            assert await this.exited() == Exited(7, None, oom_killed=False, log_tail=())
    assert this.facts[0] == Greeted()
    assert this.facts[1:-1] == [Said(work.Beat(number, 0)) for number in range(20_000)]


async def test_last_words_on_both_pipes_are_in_the_tail(tmp_path: Path) -> None:
    text = "import os\nos.write(1, b'out\\n')\nos.write(2, b'no newline')\nos._exit(3)"
    async with watched(program(tmp_path, text)) as this:
        exited = await this.exited()
    assert (exited.code, exited.signal) == (3, None)
    assert sorted(exited.log_tail) == ["no newline", "out"]
    assert {line.stream: line.text for line in this.log.tail(9)} == {"stdout": "out", "stderr": "no newline"}


async def test_the_tail_is_this_process_own_and_bounded(tmp_path: Path) -> None:
    log = LogRing()
    log.append("stderr", ["of the one before"])
    child = spawn(program(tmp_path, "for n in range(500): print(n)"), "test:1", log)
    facts: list[child_module.Fact] = []
    with anyio.fail_after(20):
        await child.watch(facts.append)
    (exited,) = facts
    assert isinstance(exited, Exited)
    assert exited.log_tail == tuple(str(n) for n in range(450, 500))
    child = spawn(program(tmp_path, ""), "test:1", log)
    with anyio.fail_after(20):
        await child.watch(facts.append)
    assert facts[-1] == Exited(0, None, oom_killed=False, log_tail=())


async def test_a_flood_before_the_handshake_stops_nothing(tmp_path: Path) -> None:
    flood = GREETING + "os.write(2, b'0123456789abcdef' * 2**18)\nos.write(1, b'x' * 2**20)\ngreet()\nhear()"
    async with watched(program(tmp_path, flood)) as this:
        await this.until(Greeted)
        this.child.kill()
        assert sorted(text[:16] for text in (await this.exited()).log_tail) == ["0123456789abcdef", "x" * 16]


async def test_a_flood_leaves_the_loop_to_others(tmp_path: Path) -> None:
    async with watched(program(tmp_path, "import os\nwhile True: os.write(1, b'flood\\n' * 10_000)")) as this:
        await this.printed("flood")
        with anyio.fail_after(10):
            for _ in range(200):
                await anyio.sleep(0.001)
        this.child.kill()
        assert (await this.exited()).signal == signal.SIGKILL


async def test_odd_bytes_are_survived(tmp_path: Path) -> None:
    async with watched(program(tmp_path, r"import os; os.write(2, b'\xff\xc3\n' + b'bar\r' * 99 + b'end\n')")) as this:
        assert (await this.exited()).log_tail == ("\ufffd\ufffd", "end")


async def test_death_from_outside_is_an_exit_and_no_broken_link(tmp_path: Path) -> None:
    async with watched(program(tmp_path, GREETING + "greet()\nhear()")) as this:
        await this.until(Greeted)
        os.kill(this.child.pid, signal.SIGKILL)
        assert await this.exited() == Exited(None, signal.SIGKILL, oom_killed=False, log_tail=())
    assert this.facts == [Greeted(), Exited(None, signal.SIGKILL, oom_killed=False, log_tail=())]


async def test_the_exit_is_noticed_without_pidfd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    async with watched(program(tmp_path, GREETING + "greet()\nos._exit(4)")) as this:
        assert (await this.exited()).code == 4


@pytest.mark.parametrize("session", [False, True])
async def test_a_grandchild_that_holds_pipes_and_link_holds_up_nothing(tmp_path: Path, session: bool) -> None:
    async with watched(program(tmp_path, HOLDER.format(session=session))) as this:
        grandchild = int((await this.printed("grandchild")).split()[1])
        await this.printed("here")
        try:
            this.child.kill()
            with anyio.fail_after(5):
                exited = await this.until(Exited)
                await this.ended.wait()
            assert exited.signal == signal.SIGKILL
            if not session:  # one of the group goes with it, the other is for the sweep
                eventually(lambda: not lives(grandchild))
        finally:
            if lives(grandchild):
                os.kill(grandchild, signal.SIGKILL)


async def test_what_a_child_that_ended_by_itself_leaves_in_its_group_is_killed(tmp_path: Path) -> None:
    text = "import subprocess, sys\nprint(subprocess.Popen(['sleep', '60']).pid)"
    async with watched(program(tmp_path, text)) as this:
        exited = await this.exited()
    assert exited.code == 0
    eventually(lambda: not lives(int(exited.log_tail[0])))


async def test_a_cancelled_watch_leaves_no_process(tmp_path: Path) -> None:
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\nsignal.pause()"
    with no_descriptor_lost():
        async with watched(program(tmp_path, stubborn)) as this:
            await this.printed("up")
            this.child.terminate()
    assert not lives(this.child.pid)
    assert this.facts == []
    this.child.kill()  # of what is gone, nothing is signalled


async def test_garbage_breaks_the_link_and_not_the_watch(tmp_path: Path) -> None:
    text = GREETING + "greet()\nsay('no such message')\nsignal = __import__('signal')\nsignal.pause()"
    async with watched(program(tmp_path, text)) as this:
        broke = await this.until(Broke)
        assert broke.problem.title == "Protocol violation"
        assert lives(this.child.pid)
        this.child.terminate()
        assert (await this.exited()).signal == signal.SIGTERM
    assert [type(fact) for fact in this.facts] == [Greeted, Broke, Exited]


async def test_another_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    text = GREETING + "print(greet(work.VERSION + 1))\nsys.stdout.flush()\ntime.sleep(60)"
    async with watched(program(tmp_path, text)) as this:
        problem = (await this.until(Broke)).problem
        assert f"version {work.VERSION + 1}" in problem.detail
        assert f"version {work.VERSION}." in problem.detail
        await this.printed("refusal")


async def test_a_child_that_closes_its_link_and_lives_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "DYING_SECONDS", 0.1)
    async with watched(program(tmp_path, GREETING + "greet()\nsock.close()\ntime.sleep(60)")) as this:
        broke = await this.until(Broke)
        assert broke.problem.title == "Link ended"
        this.child.kill()
        await this.exited()


async def test_a_child_that_dies_in_the_midst_of_a_message_has_just_died(tmp_path: Path) -> None:
    text = GREETING + "greet()\nsock.sendall(b'\\0\\0\\1\\0half')\nos._exit(5)"
    async with watched(program(tmp_path, text)) as this:
        assert (await this.exited()).code == 5
    assert [type(fact) for fact in this.facts] == [Greeted, Exited]


async def test_what_cannot_be_sent_breaks_the_link(tmp_path: Path) -> None:
    async with watched(program(tmp_path, GREETING + "greet()\ntime.sleep(60)")) as this:
        await this.until(Greeted)
        this.child.send(work.Fly(1, (work.UnitOrder("job", 0, "x" * 17 * 2**20),), stream=False, deterministic=False))
        assert (await this.until(Broke)).problem.title == "Cannot be sent"


async def test_what_is_sent_before_the_handshake_waits_for_it(tmp_path: Path) -> None:
    text = GREETING + "came = greet()\nwhile b'leave' not in came: came += hear()\nprint('heard')"
    async with watched(program(tmp_path, text)) as this:
        this.child.send(work.Leave())
        assert (await this.exited()).log_tail == ("heard",)


async def test_stacks_are_dumped_even_of_a_stopped_process(tmp_path: Path) -> None:
    text = """
import faulthandler, signal
faulthandler.register(signal.SIGUSR1)
def stuck_here():
    print("up", flush=True)
    while True: signal.pause()
stuck_here()
"""
    async with watched(program(tmp_path, text)) as this:
        await this.printed("up")
        os.kill(this.child.pid, signal.SIGSTOP)
        this.child.dump_stacks()
        assert "stuck_here" in await this.printed("stuck_here")
        assert lives(this.child.pid)


async def test_a_process_that_cannot_dump_its_stacks_is_spared(tmp_path: Path) -> None:
    text = "import signal\nprint('up', flush=True)\nsignal.sigwait([signal.SIGTERM])\nprint('spared')"
    async with watched(program(tmp_path, text)) as this:
        await this.printed("up")
        this.child.dump_stacks()
        this.child.terminate()
        assert await this.exited() in (
            Exited(0, None, oom_killed=False, log_tail=("up", "spared")),
            Exited(None, signal.SIGTERM, oom_killed=False, log_tail=("up",)),  # before it waited for it
        )


async def test_a_kernel_kill_for_memory_is_told_from_a_persons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("oom_kill 0\n")
    monkeypatch.setattr("supervisor.process.oom.oom_counter", lambda: counter)
    text = f"import os\nopen({str(counter)!r}, 'w').write('oom_kill 1\\n')\nos.kill(os.getpid(), 9)"
    async with watched(program(tmp_path, text)) as this:
        assert await this.exited() == Exited(None, 9, oom_killed=True, log_tail=())


async def test_a_real_engine_lives_and_leaves(tmp_path: Path) -> None:
    spec = ChildSpec("writer", "engines.child", ("fake",), {}, tmp_path, sys.executable)
    async with watched(spec) as this:
        await this.until(Greeted)
        this.child.send(work.Load({}))
        assert (await this.said(work.Loaded)).model == "fake"
        this.child.send(work.Leave())
        assert (await this.exited()).code == 0
