"""A whole job of the fake kind through its real children: its output, however many lines a unit has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from spawned import Child, child, knobs

from ipc import work
from ipc.snapshot import Scalar

pytestmark = pytest.mark.anyio


async def planned(desk: Child, source: Path, cursor: str, settings: dict[str, Scalar]) -> work.Planned:
    desk.send(work.Plan(1, str(source), cursor, 4, settings))
    return await desk.until(work.Planned)


async def job(folder: Path, source: Path, output: Path, batch_sizes: Sequence[int], **more: Scalar) -> int:
    """Makes `output` of `source`, each stretch with the next of the batch sizes; how many units that took."""
    files = folder / "files"
    files.mkdir(exist_ok=True)
    rows: list[work.ResultRow] = []
    async with child(folder, module="engines.desk") as desk, child(folder) as engine:
        await engine.load({**more, "seconds_per_unit": 0})
        cursor, end, stretch = "", False, 0
        while not end:
            batch_size = batch_sizes[min(stretch, len(batch_sizes) - 1)]
            answer = await planned(desk, source, cursor, knobs({"batch_size": batch_size}))
            cursor, end, stretch = answer.cursor, answer.end, stretch + 1
            first = len(rows)
            orders = tuple(
                work.UnitOrder("j", first + n, unit.payload, str(files / f"{first + n}"))
                for n, unit in enumerate(answer.units)
            )
            said = await engine.fly(work.Fly(stretch, orders, stream=False, deterministic=False))
            done = {message.index: message for message in said if isinstance(message, work.UnitDone)}
            rows += [
                work.ResultRow(
                    order.index,
                    order.payload,
                    done[order.index].result,
                    order.file if done[order.index].digest else "",
                    done[order.index].digest,
                )
                for order in orders
            ]
        desk.send(work.Assemble(2, "j", str(output), knobs({})))
        pull = await desk.until(work.Pull)
        desk.send(work.Results(pull.task, tuple(rows), last=True))
        await desk.until(work.Assembled)
    return len(rows)


@pytest.mark.parametrize("more", [{}, {"result_bytes": 5000}, {"tokens_per_unit": 5000}], ids=["text", "data", "long"])
async def test_the_output_is_the_same_whatever_the_batch_size_was(tmp_path: Path, more: dict[str, Scalar]) -> None:
    source = tmp_path / "in.jsonl"
    lines = [json.dumps({"prompt": f"prompt {n}"}) if n % 5 else "junk" for n in range(40)]
    source.write_text("\n".join(lines))
    assert await job(tmp_path, source, tmp_path / "one", [1], **more) == 32
    assert await job(tmp_path, source, tmp_path / "seven", [7], **more) == 5
    assert 5 < await job(tmp_path, source, tmp_path / "changed", [2, 1, 5], **more) < 32
    once = (tmp_path / "one").read_text()
    assert [json.loads(line)["id"] for line in once.splitlines()] == [str(n + 1) for n in range(40) if n % 5]
    assert all(json.loads(line).get("bytes") == more.get("result_bytes") for line in once.splitlines())
    assert once == (tmp_path / "seven").read_text() == (tmp_path / "changed").read_text()


async def test_the_output_of_one_job_is_the_source_of_the_next(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"prompt": f"prompt {n}", "id": f"p{n}"}) + "\n" for n in range(9)))
    await job(tmp_path, source, tmp_path / "first", [2], result_bytes=10)
    await job(tmp_path, tmp_path / "first", tmp_path / "second", [3])
    first = [json.loads(line) for line in (tmp_path / "first").read_text().splitlines()]
    second = [json.loads(line) for line in (tmp_path / "second").read_text().splitlines()]
    assert [line["id"] for line in second] == [f"p{n}" for n in range(9)]
    assert [line["prompt_tokens"] for line in second] == [line["tokens"] for line in first]
    assert second != first
