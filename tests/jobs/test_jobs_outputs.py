"""A folder of outputs, one for each input, and results that lie in files until they are cleared."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from job_site import Site, part_files, site

from engines.catalog import KINDS
from ipc import work
from ipc.errors import Problem, RequestFailed
from supervisor.jobs.errands import Errands
from supervisor.jobs.floor import EngineView
from supervisor.jobs.inputs import outputs_for

pytestmark = pytest.mark.anyio

ONE = EngineView("writer", 1, False, True, True, "")


async def folder_job(it: Site, **files: tuple[str, ...]) -> str:
    """A job of these sources that writes a file for each into `out/`."""
    inputs = tuple(it.write(f"{name}.jsonl", *lines) for name, lines in files.items())
    return (await it.submit(inputs=inputs, output=it.path("out/"))).id


def files_of(it: Site) -> list[str]:
    """Files of the last job's units."""
    number = it.row().id.rpartition("-")[2]
    return sorted(path.name for path in (it.folder / "state" / "units" / number).iterdir())


# ── a folder ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_input_has_its_output(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await folder_job(it, a=("a0", "a1", "a2"), b=(), c=("c0",))
        await it.finish(id_)
        assert it.answers("out/a.jsonl") == ["done a0", "done a1", "done a2"]
        assert it.answers("out/b.jsonl") == []
        assert it.answers("out/c.jsonl") == ["done c0"]
        assert it.row(id_).output == it.path("out/")
        assert part_files(tmp_path / "out") == []


async def test_an_output_is_written_as_soon_as_its_input_is_done(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = await folder_job(it, a=("a0",), b=("b0", "b1"))
        await it.plan()
        await it.fly()
        await it.plan()
        await it.assemble()
        await it.until(lambda: (tmp_path / "out" / "a.jsonl").exists())
        assert it.row(id_).state == "running"
        assert not (tmp_path / "out" / "b.jsonl").exists()
        await it.finish(id_)
        assert it.answers("out/b.jsonl") == ["done b0", "done b1"]


async def test_only_the_output_of_the_unit_is_written_again(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await folder_job(it, a=("a0",), b=("b0",), c=("c0",))
        await it.finish(id_)
        before = {name: (tmp_path / "out" / name).stat().st_ino for name in ("a.jsonl", "c.jsonl")}
        it.word = "new"
        await it.redo(id_, "b0")
        await it.finish(id_)
        assert it.answers("out/b.jsonl") == ["new b0"]
        assert before == {name: (tmp_path / "out" / name).stat().st_ino for name in before}


async def test_an_input_that_cannot_be_read_has_no_output(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = await folder_job(it, a=("a0",), b=("b0",))
        (tmp_path / "b.jsonl").unlink()
        await it.finish(id_, "done with problems")
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.jsonl"]
        it.write("b.jsonl", "b0")
        await it.retry(id_)
        await it.finish(id_)
        assert it.answers("out/b.jsonl") == ["done b0"]


async def test_outputs_go_on_after_a_restart(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = await folder_job(it, a=("a0",), b=("b0",))
        await it.live((tmp_path / "out" / "a.jsonl").exists)
    written = (tmp_path / "out" / "a.jsonl").stat().st_ino
    async with site(tmp_path, ONE) as it:
        await it.finish(id_)
        assert it.answers("out/b.jsonl") == ["done b0"]
        assert (tmp_path / "out" / "a.jsonl").stat().st_ino == written, "it was in its place already"


async def test_a_file_of_somebody_elses_in_the_folder_holds_the_job(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = await folder_job(it, a=("a0",), b=("b0",))
        (tmp_path / "out" / "b.jsonl").write_text("precious")
        assert await it.held(id_) == f"{it.path('out/b.jsonl')} was made or changed by somebody else"
        assert (tmp_path / "out" / "b.jsonl").read_text() == "precious"
        assert it.answers("out/a.jsonl") == ["done a0"]


async def test_an_output_that_can_never_be_written_ends_the_job_and_its_flights(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as it:
        id_ = await folder_job(it, a=("a0",), b=("b0", "b1"))
        await it.plan()
        await it.fly()
        await it.plan()
        order = await it.asked(work.Assemble)
        engine, message = await it.flight()
        damaged = Problem("Result damaged", "The file of unit 0 is missing.", "Do it again.")
        it.say(work.TaskFailed(order.task, damaged, retry=False))
        await it.until(lambda: it.row().state == "failed")
        assert it.row().reason == "The file of unit 0 is missing"
        assert it.floor.cancelled == [(engine, message.flight)]
        await it.redo(id_, "a0")
        it.word = "late"
        it.do(engine, message)
        it.land(engine, message)
        it.word = "new"
        await it.finish(id_)
        assert it.answers("out/a.jsonl") == ["new a0"]
        assert it.answers("out/b.jsonl") == ["new b0", "new b1"]
        assert it.row(id_).units_done == 3, "what came of the flight that was in the air counts for nothing"


async def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        inputs = (it.write("a/in.jsonl", "a"), it.write("b/in.jsonl", "b"))
        with pytest.raises(RequestFailed, match=re.escape(f"would both write {it.path('out/in.jsonl')}")):
            await it.submit(inputs=inputs, output=it.path("out/"))
        assert it.foreman.rows() == ()


async def test_a_folder_that_holds_one_of_the_outputs_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.write("out/b.jsonl", "precious")
        with pytest.raises(RequestFailed, match=re.escape(f"{it.path('out/b.jsonl')} is there already")):
            await folder_job(it, a=("a0",), b=("b0",))


def test_an_output_has_the_suffix_of_its_kind() -> None:
    assert outputs_for(("/x/a.txt", "/y/b.c.jsonl"), "/out/", KINDS["fake"]) == ("/out/a.jsonl", "/out/b.c.jsonl")


def test_a_name_that_says_no_form_of_sound_is_refused_before_hours_of_work() -> None:
    for known in ("book.m4b", "book.MP3", "a.b.wav"):
        assert outputs_for(("/x/a.txt",), f"/out/{known}", KINDS["tts"]) == (f"/out/{known}",)
    for unknown in ("book", "book.ogg", ".m4b", "book.m4b.txt"):
        with pytest.raises(RequestFailed, match=r"ends in \.m4b, .* or \.wav"):
            outputs_for(("/x/a.txt",), f"/out/{unknown}", KINDS["tts"])
    assert outputs_for(("/x/a.txt",), "/out/", KINDS["tts"]) == ("/out/a.m4b",)


# ── results in files ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_long_result_lies_in_a_file_until_its_output_is_written(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.in_files = True
        id_ = (await it.submit(2)).id
        await it.plan()
        message = await it.fly()
        await it.until(lambda: it.row().units_done == 2)
        flight = message.flight
        assert [order.file for order in message.units] == [
            it.path(f"state/units/1/{order.index}-{flight}") for order in message.units
        ]
        assert files_of(it) == [f"0-{flight}", f"1-{flight}"]
        kept = it.stored("SELECT file, length(digest), result FROM units ORDER BY idx")
        assert kept == [(f"0-{flight}", 64, ""), (f"1-{flight}", 64, "")]
        order = await it.asked(work.Assemble)
        rows = await it.pull(order)
        assert [Path(row.file).name for row in rows] == files_of(it)
        assert [len(row.digest) for row in rows] == [64, 64]
        sizes = [(tmp_path / "state" / "units" / "1" / name).stat().st_size for name in files_of(it)]
        assert it.row(id_).result_bytes == sum(sizes)


async def test_outputs_are_made_of_what_the_files_hold(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.in_files = True
        id_ = (await it.submit(5)).id
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(5)]
        assert len(files_of(it)) == 5, "they stay until the job is cleared"


async def test_files_that_no_unit_counts_on_are_swept(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.in_files = True
        id_ = (await it.submit(2)).id
        await it.plan()
        engine, message = await it.flight()
        for order in message.units:
            it.done(message.flight, order)
        it.lose(engine, message, "outside")
        await it.finish(id_)
        last = it.floor.flown[-1][1].flight
        await it.until(lambda: files_of(it) == [f"0-{last}", f"1-{last}"])


async def test_what_somebody_put_among_the_results_is_left_alone(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.in_files = True
        id_ = (await it.submit(1)).id
        await it.plan()
        engine, message = await it.flight()
        it.done(message.flight, message.units[0])
        it.lose(engine, message, "outside")
        for name in ("notes-of-mine", "0-9000", "2024-"):
            (tmp_path / "state" / "units" / "1" / name).touch()
        await it.finish(id_)
        last = it.floor.flown[-1][1].flight
        await it.until(lambda: files_of(it) == sorted([f"0-{last}", "0-9000", "2024-", "notes-of-mine"]))


async def test_a_redo_leaves_the_file_that_counts(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.in_files = True
        id_ = (await it.submit(2)).id
        await it.finish(id_)
        first = it.floor.flown[-1][1].flight
        it.bad = {"line 0"}
        await it.redo(id_, "line 0", "line 1")
        await it.finish(id_)
        second = it.floor.flown[-1][1].flight
        await it.until(lambda: files_of(it) == [f"0-{first}", f"1-{second}"])
        assert it.answers() == ["done line 0", "done line 1"]


async def test_a_result_that_was_damaged_is_never_taken_for_good(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.in_files = True
        id_ = (await it.submit(2)).id
        await it.plan()
        message = await it.fly()
        file = tmp_path / "state" / "units" / "1" / f"1-{message.flight}"
        file.write_text(file.read_text().replace("done", "DONE"))
        await it.finish(id_, "failed")
        assert it.row(id_).reason == f"The file of unit 1 is not what was written: {file}"
        assert not it.output.exists()
        await it.redo(id_, "#1")
        await it.finish(id_)
        assert it.answers() == ["done line 0", "done line 1"]


async def test_no_flight_has_the_number_of_an_earlier_one(tmp_path: Path) -> None:
    numbers: list[int] = []
    for _ in range(3):
        async with site(tmp_path, ONE) as it:
            if not it.foreman.rows():
                await it.submit(4)
                await it.plan()
            engine, message = await it.flight()
            numbers.append(message.flight)
            it.do(engine, message)
            it.land(engine, message)
            done = len(numbers)
            await it.until(lambda: it.row().units_done == done)  # noqa: B023 (it is awaited within the turn)
    assert numbers == sorted(set(numbers))


async def test_numbers_of_flights_are_not_used_again_after_their_job_was_cleared(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        id_ = (await it.submit(2)).id
        await it.finish(id_)
        last = it.floor.flown[-1][1].flight
        assert (await it.clear(id_)).ids == (id_,)
    async with site(tmp_path) as it:
        await it.submit(1, output=it.path("other.jsonl"))
        await it.plan()
        assert (await it.fly()).flight > last


async def test_tidying_that_comes_late_spares_the_part_file_of_a_job_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_sweep, swept = threading.Event(), threading.Event()
    sweep = Errands._sweep

    def late(*arguments: Any) -> None:
        assert may_sweep.wait(10)
        sweep(*arguments)
        swept.set()

    monkeypatch.setattr(Errands, "_sweep", late)
    async with site(tmp_path) as it:
        row = await it.submit(1)
        await it.finish(row.id)
        await it.redo(row.id, "#0")
        await it.fly()
        order = await it.asked(work.Assemble)
        part = touched(order.part)
        may_sweep.set()
        await it.until(swept.is_set)
        assert part.exists()
        await it.write_part(order)
        await it.finish(row.id)


def touched(path: str) -> Path:
    Path(path).touch()
    return Path(path)
