"""What clients submit: jobs that come after others, inputs that others will write, and files that come in pieces."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import anyio
import pytest
from job_site import Site, site

from ipc import control, work
from ipc.errors import RequestFailed
from supervisor.jobs.floor import EngineView
from supervisor.jobs.submitting import PIECE_BYTES, STALE_SECONDS

pytestmark = pytest.mark.anyio

WRITER = EngineView("writer", 2, False, True, True, "")


# ── after others ──────────────────────────────────────────────────────────────────────────────────────────


async def chain(it: Site) -> tuple[str, str]:
    """A job, and another that comes after it and reads what it writes."""
    first = (await it.submit(2)).id
    second = await it.submit(inputs=(), after=(first,), output=it.path("second.jsonl"))
    return first, second.id


async def test_a_job_reads_what_the_one_before_it_writes(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first, second = await chain(it)
        row = it.row(second)
        assert (row.state, row.reason, row.after) == ("queued", f"after {first}", (first,))
        assert row.inputs == (str(it.output),)
        await it.finish(first)
        await it.finish(second)
        assert it.answers("second.jsonl") == ["done done line 0", "done done line 1"]


async def test_nothing_of_a_job_begins_before_the_one_it_waits_for_ends(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first, second = await chain(it)
        await it.plan()
        await it.fly()
        await it.asked(work.Assemble)
        await it.until(lambda: it.row(first).state == "assembling")
        it.second()
        assert len(it.floor.desk_messages) == 2, "the first was planned, and is being written"
        assert it.row(second).reason == f"after {first}"


async def test_the_outputs_of_all_that_come_before_are_the_inputs(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        inputs = (it.write("a.jsonl", "a"), it.write("b.jsonl", "b"))
        folder = (await it.submit(inputs=inputs, output=it.path("out/"))).id
        file = (await it.submit(1)).id
        row = await it.submit(inputs=(), after=(folder, file), output=it.path("all.jsonl"))
        assert row.inputs == (it.path("out/a.jsonl"), it.path("out/b.jsonl"), str(it.output))
        await it.finish(row.id)
        assert it.answers("all.jsonl") == ["done done a", "done done b", "done done line 0"]


async def test_inputs_that_are_named_are_read_though_it_comes_after_another(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first = (await it.submit(1)).id
        own = it.write("own.jsonl", "own")
        row = await it.submit(inputs=(own,), after=(first,), output=it.path("second.jsonl"))
        assert (row.inputs, row.reason) == ((own,), f"after {first}")
        await it.finish(row.id)
        assert it.flown() == [["line 0"], ["own"]]


async def test_an_input_that_another_job_will_write_makes_that_one_come_first(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first = (await it.submit(1)).id
        row = await it.submit(inputs=(str(it.output),), output=it.path("second.jsonl"), priority=9)
        assert (row.after, row.state) == ((first,), "queued")
        await it.finish(row.id)
        assert it.answers("second.jsonl") == ["done done line 0"]


@pytest.mark.parametrize("ending", ["failed", "was cancelled"])
async def test_a_job_is_held_while_the_one_before_it_ended_badly(tmp_path: Path, ending: str) -> None:
    async with site(tmp_path) as it:
        first, second = await chain(it)
        if ending == "failed":
            (tmp_path / "in.jsonl").unlink()
            await it.finish(first, "failed")
        else:
            await it.cancel(first)
        assert await it.held(second) == f"after {first}, which {ending}: retry that, or release this"
        it.write("in.jsonl", "line 0")
        await it.retry(first)
        await it.finish(second)
        assert it.answers("second.jsonl") == ["done done line 0"]


async def test_a_job_is_held_where_the_one_before_it_had_ended_badly_already(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first = (await it.submit(1)).id
        await it.cancel(first)
        own = it.write("own.jsonl", "own")
        second = await it.submit(inputs=(own,), after=(first,), output=it.path("second.jsonl"))
        assert second.reason == f"after {first}, which was cancelled: retry that, or release this"
        await it.retry(first)
        await it.finish(second.id)


async def test_problems_in_the_one_before_it_hold_up_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"line 0"}
        first, second = await chain(it)
        await it.finish(first, "done with problems")
        await it.finish(second)
        assert it.answers("second.jsonl") == ["done done line 1"]


async def test_a_job_after_one_that_is_done_waits_for_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first = (await it.submit(1)).id
        await it.finish(first)
        row = await it.submit(inputs=(), after=(first,), output=it.path("second.jsonl"))
        assert (row.after, row.inputs) == ((), (str(it.output),))
        await it.finish(row.id)


async def test_a_job_that_has_begun_does_not_wait_again_for_one_that_is_retried(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.bad = {"line 0"}
        first, second = await chain(it)
        await it.finish(first, "done with problems")
        await it.live(lambda: len(it.floor.flown) == 2)
        it.floor.change("writer", free=False)
        await it.retry(first)
        assert it.row(second).state == "running"
        it.floor.change("writer", free=True)
        await it.finish(second)


async def test_who_waits_for_whom_survives_the_supervisor(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first, second = await chain(it)
        await it.cancel(first)
    async with site(tmp_path) as it:
        assert it.row(second).reason == f"after {first}, which was cancelled: retry that, or release this"
        await it.retry(first)
        await it.finish(second)


async def test_a_job_that_is_released_waits_no_longer(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        first = (await it.submit(1)).id
        await it.cancel(first)
        own = it.write("own.jsonl", "own")
        second = (await it.submit(inputs=(own,), output=it.path("second.jsonl"), after=(first,))).id
        assert it.row(second).after == (first,)
        row = await it.foreman.steer(control.ReleaseJob(second))
        assert (row.after, row.reason) == ((), "")
        await it.finish(second)
        assert it.row(first).state == "cancelled"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"inputs": (), "after": ()}, "at least one input"),
        ({"after": ("box-7",)}, "There is no job 'box-7' to wait for."),
        ({"inputs": ("relative",)}, "'relative' is no absolute path"),
        ({"inputs": ("/nowhere/at/all",)}, "is no file that can be read"),
        ({"priority": 0}, "0 is no priority"),
        ({"priority": 10}, "10 is no priority"),
        ({"engine": "talker"}, "talker does not do fake work"),
        ({"output": "/"}, "is a folder"),
        ({"output": "/nowhere/at/all/"}, "No such file or directory"),
        ({"output": "/proc/out/"}, "No such file or directory"),
    ],
)
async def test_what_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    talker = EngineView("talker", 2, False, True, True, "")
    async with site(tmp_path, WRITER, talker) as it:
        it.floor.kinds["talker"] = "llm"
        with pytest.raises(RequestFailed, match=sentence):
            await it.submit(1, **changes)
        assert it.foreman.rows() == ()


async def test_an_engine_in_the_place_of_a_kind_is_told_where_it_belongs(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        with pytest.raises(RequestFailed) as raised:
            await it.submit(kind="writer")
        assert raised.value.problem.hint == "writer does fake: submit fake … --engine writer."
        with pytest.raises(RequestFailed) as raised:
            await it.submit(kind="ttts")
        assert "Did you mean 'tts'?" in raised.value.problem.hint


async def test_two_at_the_same_moment_are_two_jobs_or_one_and_a_refusal(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        refused: list[RequestFailed] = []

        async def submit(output: str) -> None:
            try:
                await it.submit(1, output=it.path(output))
            except RequestFailed as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for name in ("a.jsonl", "b.jsonl", "b.jsonl"):
                tasks.start_soon(submit, name)
        assert sorted(row.output for row in it.foreman.rows()) == [it.path("a.jsonl"), it.path("b.jsonl")]
        assert len({row.id for row in it.foreman.rows()}) == 2
        assert re.search("is going to write .*b.jsonl", str(refused[0]))


async def test_a_job_says_under_which_settings_it_was_submitted(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        it.floor.configure("writer", batch_size=3)
        id_ = (await it.submit(1)).id
        it.floor.configure("writer", batch_size=1)
        assert (await it.foreman.detail(id_)).settings["batch_size"] == 3


# ── in pieces ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_input_that_comes_through_a_pipe_is_kept_in_pieces(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        keep = it.foreman.submitting.keep
        path = await keep(control.Spool("", "../my prompts.jsonl", b'{"prompt": "on'))
        assert await keep(control.Spool(path, "", b'e"}\n{"prompt": "two"}\n')) == path
        file = tmp_path / "state" / "spool" / Path(path).name
        assert str(file) == path
        assert file.name.endswith("-.._my_prompts.jsonl")
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        id_ = (await it.submit(inputs=(path,))).id
        await it.finish(id_)
        assert it.answers() == ["done one", "done two"]


@pytest.mark.parametrize("path", ["/etc/passwd", "{state}/jobs.sqlite", "{state}/spool/../jobs.sqlite", "relative"])
async def test_pieces_go_nowhere_else(tmp_path: Path, path: str) -> None:
    async with site(tmp_path) as it:
        await it.foreman.submitting.keep(control.Spool("", "x", b""))
        with pytest.raises(RequestFailed, match="is no spooled file"):
            await it.foreman.submitting.keep(control.Spool(path.format(state=tmp_path / "state"), "", b"x"))


async def test_a_piece_that_is_too_long_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        await it.foreman.submitting.keep(control.Spool("", "x", bytes(PIECE_BYTES)))
        with pytest.raises(RequestFailed, match="over 1,048,576 bytes"):
            await it.foreman.submitting.keep(control.Spool("", "x", bytes(PIECE_BYTES + 1)))


async def test_what_a_client_left_behind_is_swept_once_it_is_old(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        keep = it.foreman.submitting.keep
        left, fresh, used = [await keep(control.Spool("", "x.jsonl", b'{"prompt": "x"}\n')) for _ in range(3)]
        unix = os.stat(left).st_mtime + STALE_SECONDS + 1
        os.utime(fresh, (unix, unix))
        await it.submit(inputs=(used,))
        await it.foreman.submitting.sweep(unix)
        kept = {str(path) for path in (tmp_path / "state" / "spool").iterdir()}
        assert kept == {fresh, used}
