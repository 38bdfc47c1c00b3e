"""The desk's process, spoken to as the supervisor does: plans, pulls, outputs and what can go wrong with them."""

from __future__ import annotations

import json
import os
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from spawned import Child, child, knobs

from engines.desk_role import PULL_LIMIT
from ipc import work

pytestmark = pytest.mark.anyio


def desk(folder: Path, kind: str = "fake") -> AbstractAsyncContextManager[Child]:
    return child(folder, module="engines.desk", kind=kind)


def row(index: int) -> work.ResultRow:
    result = {"answer": f"answer {index}", "tokens": 2, "prompt_tokens": 1, "finish": "stop"}
    return work.ResultRow(index, json.dumps({"prompt": "p", "id": f"u{index}"}), json.dumps(result))


async def serve(it: Child, indexes: list[int]) -> int:
    """Answers pulls from these results until no more follow; how many pulls it took."""
    for pulls in range(1, len(indexes) + 2):
        pull = await it.until(work.Pull)
        following = [index for index in indexes if index > pull.after]
        rows = tuple(row(index) for index in following[: pull.limit])
        last = len(rows) == len(following)
        it.send(work.Results(pull.task, rows, last))
        if last:
            return pulls
    raise AssertionError("the desk pulls without end")


async def test_greets_as_a_desk(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        assert (it.who.role, it.who.kind) == ("desk", "fake")
        await it.until(work.Beat)


async def test_plans_to_the_end_in_stretches(tmp_path: Path) -> None:
    source = tmp_path / "prompts.jsonl"
    source.write_text("".join(json.dumps({"id": f"p{n}", "prompt": f"{n}"}) + "\n" for n in range(25)))
    async with desk(tmp_path) as it:
        names: list[str | None] = []
        shares: list[float | None] = []
        cursor, end, stretches = "", False, 0
        while not end:
            it.send(work.Plan(stretches, str(source), cursor, 10, knobs({})))
            planned = await it.until(work.Planned)
            assert planned.task == stretches
            names += [unit.name for unit in planned.units]
            shares.append(planned.share)
            cursor, end = planned.cursor, planned.end
            stretches += 1
        assert names == [f"p{n}" for n in range(25)]
        assert stretches == 3
        assert shares == [280 / 730, 580 / 730, 1.0]


async def test_a_source_that_cannot_be_read_fails_the_task_alone(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Plan(1, str(tmp_path / "none.jsonl"), "", 10, knobs({})))
        failed = await it.until(work.TaskFailed)
        assert (failed.task, failed.retry) == (1, False)
        assert "none.jsonl" in failed.problem.detail
        (tmp_path / "some.jsonl").write_text('{"prompt": "a"}\n')
        it.send(work.Plan(2, str(tmp_path / "some.jsonl"), "", 10, knobs({})))
        assert len((await it.until(work.Planned)).units) == 1


@pytest.mark.parametrize("how", ["longer", "shorter", "another file", "touched"])
async def test_a_source_that_was_changed_is_read_no_further(tmp_path: Path, how: str) -> None:
    source = tmp_path / "prompts.jsonl"
    lines = "".join(json.dumps({"id": f"p{n}", "prompt": f"{n}"}) + "\n" for n in range(4))
    source.write_text(lines)
    async with desk(tmp_path) as it:
        it.send(work.Plan(1, str(source), "", 2, knobs({})))
        first = await it.until(work.Planned)
        it.send(work.Plan(2, str(source), first.cursor, 1, knobs({}), first.identity))
        second = await it.until(work.Planned)
        assert [unit.name for unit in second.units] == ["p2"]
        assert second.identity == first.identity
        match how:
            case "longer":
                source.write_text(lines + lines)
            case "shorter":
                source.write_text("")
            case "another file":
                (tmp_path / "new").write_text(lines)
                os.utime(tmp_path / "new", ns=(0, source.stat().st_mtime_ns))
                (tmp_path / "new").rename(source)
            case _:
                os.utime(source, ns=(0, 0))
        it.send(work.Plan(3, str(source), second.cursor, 1, knobs({}), second.identity))
        failed = await it.until(work.TaskFailed)
        assert (failed.problem.title, failed.retry) == ("Source changed", False)


async def test_settings_out_of_range_fail_the_task(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Plan(1, str(tmp_path), "", 10, {"parallel": -1}))
        assert (await it.until(work.TaskFailed)).problem.title == "Bad value"


@pytest.mark.parametrize("count", [0, 1, PULL_LIMIT, PULL_LIMIT + 1, 3 * PULL_LIMIT])
async def test_assembles_every_result_once_in_order(tmp_path: Path, count: int) -> None:
    part = tmp_path / ".out.jsonl.part"
    part.write_text("left by an assembly that was cut short\n" * 1000)
    async with desk(tmp_path) as it:
        it.send(work.Assemble(9, "j", str(part), knobs({})))
        pulls = await serve(it, [2 * n for n in range(count)])
        assembled = await it.until(work.Assembled)
        assert pulls == max(1, -(-count // PULL_LIMIT))
        assert assembled == work.Assembled(9, part.stat().st_size)
        lines = [json.loads(line) for line in part.read_text().splitlines()]
        assert [line["id"] for line in lines] == [f"u{2 * n}" for n in range(count)]
        assert all(list(line) == ["id", "answer", "tokens", "prompt_tokens", "finish"] for line in lines)


async def test_fewer_rows_than_asked_for_are_no_end(tmp_path: Path) -> None:
    part = tmp_path / "part"
    async with desk(tmp_path) as it:
        it.send(work.Assemble(1, "j", str(part), knobs({})))
        for index in range(3):
            assert (await it.until(work.Pull)).after == index - 1
            it.send(work.Results(1, (row(index),), last=index == 2))
        await it.until(work.Assembled)
        assert len(part.read_text().splitlines()) == 3


@pytest.mark.parametrize("target", ["missing/part", "/dev/full", "/proc/part"])
async def test_an_output_that_cannot_be_written_may_be_tried_again(tmp_path: Path, target: str) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Assemble(1, "j", str(tmp_path / target), knobs({})))
        if target == "/dev/full":
            await serve(it, list(range(10)))
        failed = await it.until(work.TaskFailed)
        assert (failed.task, failed.retry) == (1, True)
        assert str((tmp_path / target).parent) in failed.problem.detail
        (tmp_path / "missing").mkdir()
        it.send(work.Assemble(2, "j", str(tmp_path / "missing/part"), knobs({})))
        await serve(it, [0])
        assert (await it.until(work.Assembled)).task == 2


async def test_an_output_that_is_a_folder_is_not_tried_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Assemble(1, "j", str(tmp_path), knobs({})))
        assert not (await it.until(work.TaskFailed)).retry


async def test_a_late_answer_to_an_assembly_that_failed_is_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Assemble(1, "j", "/dev/full", knobs({})))
        await serve(it, [0])
        await it.until(work.TaskFailed)
        it.send(work.Results(1, (row(1),), last=True), work.Assemble(2, "j", str(tmp_path / "part"), knobs({})))
        await serve(it, [0])
        assert (await it.until(work.Assembled)).task == 2
        assert "u1" not in (tmp_path / "part").read_text()


@pytest.mark.parametrize("indexes", [(0, 0), (1, 0), ()], ids=["twice", "backwards", "none"])
async def test_results_that_would_spoil_the_output_end_it_loudly(tmp_path: Path, indexes: tuple[int, ...]) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Assemble(1, "j", str(tmp_path / "part"), knobs({})))
        await it.until(work.Pull)
        it.send(work.Results(1, tuple(row(index) for index in indexes), last=False))
        assert (await it.until(work.Dying)).problem.title == "Protocol violation"
        assert await it.exit_code() == 1


async def test_leaves_in_the_midst_of_an_assembly(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Assemble(1, "j", str(tmp_path / "part"), knobs({})))
        await it.until(work.Pull)
        asked = time.monotonic()
        it.send(work.Leave())
        assert await it.exit_code() == 0
        assert time.monotonic() - asked < 1
        assert it.log() == ""


async def test_the_end_of_the_link_is_its_end_in_the_midst_of_an_assembly(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Assemble(1, "j", str(tmp_path / "part"), knobs({})))
        await it.until(work.Pull)
        await it.stream.aclose()
        assert await it.exit_code() == 71


async def test_an_engine_s_word_ends_a_desk_loudly(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Load({}))
        assert "Load" in (await it.until(work.Dying)).problem.detail
        assert await it.exit_code() == 1


async def test_progress_shows_in_its_beats(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.send(work.Assemble(1, "j", os.devnull, knobs({})))
        await serve(it, list(range(10)))
        while (await it.until(work.Beat)).progress < 10:
            pass
