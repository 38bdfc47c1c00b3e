"""Results that are no short text: written whole or not at all, waiting for a full disk, and read back only if sound."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from small_disk import small_disk
from spawned import Child, child, fly, knobs, true

from engines.flight import AirborneFlight
from engines.resultfile import RESULT_BYTES
from engines.worker import Worker
from ipc import work

pytestmark = pytest.mark.anyio
MIB = 2**20
LONG = {"tokens_per_unit": 20_000, "seconds_per_unit": 0}


def desk(folder: Path) -> AbstractAsyncContextManager[Child]:
    return child(folder, module="engines.desk")


async def flown(fake: Child, *prompts: str, files: Path | None) -> list[work.FromChild]:
    return await fake.fly(fly(1, *({"prompt": prompt} for prompt in prompts), files=files))


# ── the engine writes ─────────────────────────────────────────────────────────────────────────────────────


async def test_data_goes_into_the_file_with_its_digest_and_the_text_stays_text(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"result_bytes": 100_000})
        for index, message in enumerate(await flown(fake, "a", "b", files=tmp_path)):
            assert isinstance(message, work.UnitDone)
            content = (tmp_path / f"u{index}").read_bytes()
            assert len(content) == message.file_bytes == 100_000
            assert hashlib.sha256(content).hexdigest() == message.digest
            assert json.loads(message.result)["tokens"] == 5
        once = (tmp_path / "u0").read_bytes()
        assert once != (tmp_path / "u1").read_bytes()
        await flown(fake, "a", files=tmp_path)
        assert (tmp_path / "u0").read_bytes() == once


async def test_a_long_text_goes_into_the_file(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load(LONG)
        (done,) = await flown(fake, "a", files=tmp_path)
        assert isinstance(done, work.UnitDone)
        content = (tmp_path / "u0").read_bytes()
        assert done.result == ""
        assert done.file_bytes == len(content) > RESULT_BYTES
        assert done.digest == hashlib.sha256(content).hexdigest()
        assert json.loads(content)["tokens"] == 20_000


async def test_a_short_text_leaves_no_file(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load()
        (done,) = await flown(fake, "a", files=tmp_path)
        assert isinstance(done, work.UnitDone)
        assert (done.digest, done.file_bytes) == ("", 0)
        assert not (tmp_path / "u0").exists()


async def test_a_long_text_beside_data_fails_the_unit_and_leaves_no_file(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({**LONG, "result_bytes": 10})
        (failed,) = await flown(fake, "a", files=tmp_path)
        assert isinstance(failed, work.UnitFailed)
        assert failed.problem.title == "Result too long"
        assert "beside a file" in failed.problem.detail
        assert failed.problem.hint
        assert not (tmp_path / "u0").exists()


async def test_where_no_file_may_be_written_the_answer_comes_without_its_padding(tmp_path: Path) -> None:
    async with child(tmp_path) as fake:
        await fake.load({"result_bytes": 10})
        (done,) = await flown(fake, "a", files=None)
        assert isinstance(done, work.UnitDone)
        assert (done.digest, done.file_bytes) == ("", 0)


async def test_data_that_may_go_nowhere_fails_the_unit() -> None:
    said: list[work.FromChild] = []
    worker = Worker(asyncio.get_running_loop(), said.append, lambda _: None)
    order = work.UnitOrder("", 0, "{}")
    flight = AirborneFlight(work.Fly(1, (order,), stream=False, deterministic=False), worker)
    flight.done(order, "{}", tokens=1, seconds=0.1, ttft_seconds=None, data=b"sound")
    flight.land()
    await true(lambda: len(said) == 2)
    failed, landed = said
    assert isinstance(failed, work.UnitFailed)
    assert failed.problem.title == "Result is a file"
    assert "Submit it as a job" in failed.problem.hint
    assert landed == work.Landed(1)


async def test_a_full_disk_holds_the_unit_until_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "results") as disk:
        async with child(tmp_path) as fake:
            await fake.load({"result_bytes": MIB // 2})
            disk.fill(free_bytes=MIB // 4)
            fake.send(fly(1, {"prompt": "a"}, files=disk.folder))
            await true(lambda: "a result waits for the disk" in fake.log())
            seen = (await fake.until(work.Beat)).progress
            while (await fake.until(work.Beat)).progress < seen + 12:  # three tries later
                pass
            await true(lambda: not (disk.folder / "u0").exists())
            assert fake.log().count("a result waits") == 1
            assert str(disk.folder / "u0") in fake.log()
            assert not any(isinstance(message, work.UnitDone | work.UnitFailed) for message in fake.heard)
            disk.free()
            await fake.until(work.Landed)
            (done,) = [message for message in fake.heard if isinstance(message, work.UnitDone)]
            assert done.digest == hashlib.sha256((disk.folder / "u0").read_bytes()).hexdigest()


@pytest.mark.parametrize("how", ["cancel", "leave"])
async def test_a_flight_that_waits_for_the_disk_can_be_ended_and_leaves_nothing(tmp_path: Path, how: str) -> None:
    with small_disk(tmp_path / "results") as disk:
        async with child(tmp_path) as fake:
            await fake.load({"result_bytes": MIB // 2})
            disk.fill(free_bytes=MIB // 4)
            fake.send(fly(1, {"prompt": "a"}, {"prompt": "b"}, files=disk.folder))
            await true(lambda: "a result waits for the disk" in fake.log())
            fake.send(work.CancelFlight(1) if how == "cancel" else work.Leave())
            await fake.until(work.Landed)
            assert not any(isinstance(message, work.UnitDone | work.UnitFailed) for message in fake.heard)
            assert not list(disk.folder.glob("u*"))
            if how == "leave":
                assert await fake.exit_code() == 0
                return
            disk.free()
            assert [type(message) for message in await flown(fake, "a", files=disk.folder)] == [work.UnitDone]


# ── the desk reads ────────────────────────────────────────────────────────────────────────────────────────


def row(file: Path, *, result: str = "", digest: str | None = None) -> work.ResultRow:
    """Unit 7, with that file."""
    said = hashlib.sha256(file.read_bytes()).hexdigest() if digest is None else digest
    return work.ResultRow(7, json.dumps({"prompt": "p", "id": "seven"}), result, str(file), said)


async def assembled(it: Child, part: Path, *rows: work.ResultRow) -> work.Assembled | work.TaskFailed:
    """What the desk makes of these results."""
    it.send(work.Assemble(1, "box-3", str(part), knobs({})))
    await it.until(work.Pull)
    it.send(work.Results(1, rows, last=True))
    while not isinstance(said := await it.until(object), work.Assembled | work.TaskFailed):
        pass
    return said


ANSWER = json.dumps({"answer": "yes", "tokens": 1, "prompt_tokens": 1, "finish": "stop"})


async def test_what_the_engine_wrote_is_in_the_output(tmp_path: Path) -> None:
    async with child(tmp_path) as fake, desk(tmp_path) as it:
        await fake.load(LONG)
        (done,) = await flown(fake, "p", files=tmp_path)
        assert isinstance(done, work.UnitDone)
        said = await assembled(it, tmp_path / "part", row(tmp_path / "u0", digest=done.digest))
        assert isinstance(said, work.Assembled)
        line = json.loads((tmp_path / "part").read_text())
        assert list(line) == ["id", "answer", "tokens", "prompt_tokens", "finish"]
        assert len(line["answer"].split()) == 20_000


async def test_a_file_beside_a_text_is_told_in_the_output(tmp_path: Path) -> None:
    (tmp_path / "u7").write_bytes(b"sound")
    async with desk(tmp_path) as it:
        assert isinstance(await assembled(it, tmp_path / "part", row(tmp_path / "u7", result=ANSWER)), work.Assembled)
        assert json.loads((tmp_path / "part").read_text())["bytes"] == 5


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_flip, "is not what was written"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "is not what was written"),
        (lambda file: file.write_bytes(file.read_bytes() + b" "), "is not what was written"),
        (Path.unlink, "is missing"),
    ],
    ids=["flipped", "cut", "longer", "missing"],
)
@pytest.mark.parametrize("result", ["", ANSWER], ids=["text", "data"])
async def test_a_damaged_file_is_named_and_never_used(
    tmp_path: Path, damage: Callable[[Path], object], words: str, result: str
) -> None:
    file = tmp_path / "u7"
    file.write_text(ANSWER)
    sound = row(file, result=result)
    async with desk(tmp_path) as it:
        damage(file)
        failed = await assembled(it, tmp_path / "part", sound)
        assert isinstance(failed, work.TaskFailed)
        assert not failed.retry
        assert failed.problem.title == "Result damaged"
        assert f"unit 7 {words}" in failed.problem.detail
        assert str(file) in failed.problem.detail
        assert "engineroom job redo box-3 '#7'" in failed.problem.hint
        file.write_text(ANSWER)
        assert isinstance(await assembled(it, tmp_path / "part", sound), work.Assembled)


async def test_a_file_that_was_never_vouched_for_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "u7").write_text(ANSWER)
    async with desk(tmp_path) as it:
        failed = await assembled(it, tmp_path / "part", row(tmp_path / "u7", digest=""))
        assert isinstance(failed, work.TaskFailed)
        assert failed.problem.title == "Result damaged"


async def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        failed = await assembled(it, tmp_path / "part", row(tmp_path, digest="0"))
        assert isinstance(failed, work.TaskFailed)
        assert failed.problem.title == "Result unreadable"
        assert "Is a directory" in failed.problem.detail


def peak_bytes(pid: int) -> int:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    (high,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(high.split()[1]) * 1024


async def test_a_huge_file_is_never_in_memory_and_each_piece_is_a_step(tmp_path: Path) -> None:
    file = tmp_path / "u7"
    with file.open("w+b") as huge:
        huge.truncate(256 * MIB)
        digest = hashlib.file_digest(huge, "sha256").hexdigest()
    async with desk(tmp_path) as it:
        said = await assembled(it, tmp_path / "part", row(file, result=ANSWER, digest=digest))
        assert isinstance(said, work.Assembled)
        assert json.loads((tmp_path / "part").read_text())["bytes"] == 256 * MIB
        assert peak_bytes(it.process.pid) < 128 * MIB
        while (await it.until(work.Beat)).progress < 256:
            pass
