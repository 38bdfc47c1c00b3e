"""`jobs` and the verbs of `job` against a scripted supervisor: what they ask, what they print, how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio
import pytest
from msgspec.structs import replace
from scripted_supervisor import CLEARED, DETAIL, JOB, UNIT, Script

from cli import job_problems, job_runs
from ipc import control
from ipc.errors import Problem
from ipc.snapshot import JobChanged, JobDetail, JobGone, RunRow, UnitProblem

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]

SHOWN = """\
box-1 done with problems 2/3 · 1 set aside
  kind       llm on writer
  inputs     /in.jsonl
  output     /out.jsonl
  priority   5
  submitted  DATE
  finished   —
  tokens     0, 210 tok/s of one unit
  unit time  p50 2.1 s, p95 4.0 s
  TTFT       p50 50 ms, p95 90 ms
  energy     —
  attempts   4
  results    0 B
  settings   n_ctx=4096, deterministic=true
  runs
    RUN  ENGINE  SINCE                UNITS  SETTINGS THAT DIFFER
      0  writer  DATE      1  parallel=4
      1  scribe  DATE      1  parallel=2
  ✕ /in.jsonl, line 2 (p002): Bad line
    It is no JSON. Mend it.
"""


async def test_jobs(script: Script, run: Run) -> None:
    (row,) = json.loads((await run("jobs", "--json")).out)
    assert (row["id"], row["state"], row["units_total"], row["units_expected"]) == ("box-1", "running", None, None)
    script.jobs = (
        JOB,
        replace(
            JOB, id="box-2", priority=9, units_expected=9900, units_done=1388, rtf=0.04, audio_seconds=9.0,
            eta_seconds=6420.0, eta_spread_seconds=540.0, joules=12.5,
        ),
    )  # fmt: skip
    heads, first, second = (await run("jobs")).out.splitlines()
    assert heads.split()[:6] == ["JOB", "KIND", "ENGINE", "STATE", "PRI", "DONE"]
    assert re.split("  +", first) == ["box-1", "llm", "writer", "running", "5", "0/—", "0", "—", "—", "/out.jsonl"]
    said = "box-2,llm,writer,running,9,1388/~9900,0,RTF 0.04,01:47:00 ±9 min,/out.jsonl"
    assert re.split("  +", second) == said.split(",")
    shape = json.loads((await run("jobs", "--json")).out)[1]
    assert [shape[name] for name in ("units_expected", "rtf", "eta_spread_seconds", "joules")] == [
        9900,
        0.04,
        540.0,
        12.5,
    ]


async def test_job_show(script: Script, run: Run) -> None:
    ran = await run("job", "show", "box-1")
    assert (ran.code, script.asked) == (0, [control.ShowJob("box-1")])
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE", ran.out) == SHOWN
    shape = json.loads((await run("job", "show", "box-1", "--json")).out)
    assert (shape["state"], shape["units_failed"]) == ("done with problems", 1)
    assert (shape["problems"][0]["problem"]["title"], shape["problems"][0]["index"]) == ("Bad line", 1)
    assert (shape["numbers"]["ttft_p95_seconds"], shape["numbers"]["unit_p50_seconds"]) == (0.09, 2.1)
    assert shape["settings"] == {"n_ctx": 4096, "deterministic": True}
    assert [one["engine"] for one in shape["runs"]] == ["writer", "scribe"]


async def test_job_show_of_a_job_with_audio_that_waited_for_others(script: Script, run: Run) -> None:
    row = replace(
        JOB, after=("box-7", "box-8"), audio_seconds=720.0, rtf=0.04, joules=12_400.0, result_bytes=2**20,
        inputs=tuple(f"/talks/{n}.wav" for n in range(7)),
    )  # fmt: skip
    script.detail = replace(DETAIL, row=row, runs=(), problems=())
    lines = (await run("job", "show", "box-1")).out.splitlines()
    assert {
        "  after      box-7, box-8",
        "  tokens     0",
        "  audio      12:00, RTF 0.04",
        "  energy     12.4 kJ, 17 J for each second of audio",
        "  results    1.0 MiB on the box, until `engineroom job clear`",
        "             …and 2 more",
    } <= set(lines)
    assert [line for line in lines if "/talks/" in line] == [
        "  inputs     /talks/0.wav",
        *(f"             /talks/{n}.wav" for n in range(1, 5)),
    ]


async def test_job_show_of_a_job_that_tells_how_sure_it_is_and_has_settings_of_its_own(
    script: Script, run: Run
) -> None:
    script.detail = replace(DETAIL, row=replace(JOB, confidence=-0.314), own={"language": "fr", "formats": "srt"})
    lines = (await run("job", "show", "box-1")).out.splitlines()
    assert lines[0] == "box-1 running 0/— · — · confidence −0.31 · — left"
    assert "  confidence −0.31, the mean log probability of a token" in lines
    assert "  its own    language=fr, formats=srt" in lines
    shape = json.loads((await run("job", "show", "box-1", "--json")).out)
    assert (shape["confidence"], shape["own"]) == (-0.314, {"language": "fr", "formats": "srt"})


async def test_job_units_have_a_column_for_how_sure_they_are_where_one_tells_it(script: Script, run: Run) -> None:
    assert "CONFIDENCE" not in (await run("job", "units", "box-1")).out
    script.units = (replace(UNIT, confidence=-0.2), replace(UNIT, index=1))
    heads, first, second = (await run("job", "units", "box-1")).out.splitlines()
    assert (heads.split()[-1], first.split()[-1], second.split()[-1]) == ("CONFIDENCE", "−0.20", "—")
    assert json.loads((await run("job", "units", "box-1", "--json")).out.splitlines()[0])["confidence"] == -0.2


async def test_job_show_tells_ten_problems_and_how_many_more(script: Script, run: Run) -> None:
    script.detail = _with_problems(47)
    lines = (await run("job", "show", "box-1")).out.splitlines()
    assert sum(line.startswith("  ✕ ") for line in lines) == 10
    assert lines[-1] == "  …and 37 more: engineroom job problems box-1"
    script.detail = _with_problems(10)
    assert " more:" not in (await run("job", "show", "box-1")).out


async def test_many_settings_are_folded(script: Script, run: Run) -> None:
    script.detail = replace(DETAIL, settings={f"setting_{n}": n for n in range(30)})
    lines = (await run("job", "show", "box-1")).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "setting_0=0, setting_1=1" in lines[13]
    assert lines[14].startswith("             setting_")


@pytest.mark.parametrize(
    ("runs", "differ"),
    [
        ([], []),
        ([{"n_ctx": 1, "seed": 0}], [{}]),
        ([{"n_ctx": 1, "seed": 0}, {"n_ctx": 2, "seed": 0}], [{"n_ctx": 1}, {"n_ctx": 2}]),
        ([{"a": 1}, {"a": 1}, {"a": None}], [{"a": 1}, {"a": 1}, {"a": None}]),
        ([{"a": 1, "b": 2}, {"a": 1}], [{"b": 2}, {}]),
    ],
)
def test_which_settings_differ_between_runs(runs: list[dict[str, Any]], differ: list[dict[str, Any]]) -> None:
    rows = [RunRow(number, "writer", 1.0, settings, 1) for number, settings in enumerate(runs)]
    assert job_runs.differing(rows) == differ


@pytest.mark.parametrize(
    ("what", "command"),
    [
        ("pause", control.PauseJob),
        ("resume", control.ResumeJob),
        ("cancel", control.CancelJob),
        ("release", control.ReleaseJob),
    ],
)
async def test_steering_jobs(script: Script, run: Run, what: str, command: Callable[[str], control.Command]) -> None:
    ran = await run("job", what, "box-1", "box-2", "box-1")
    assert (ran.code, script.asked) == (0, [command("box-1"), command("box-2")])
    assert [line.split()[0] for line in ran.out.splitlines()] == ["box-1", "box-2"]
    lines = (await run("job", what, "box-1", "box-2", "--json")).out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["box-1", "box-2"]


async def test_an_error_for_one_job_stops_no_other(script: Script, run: Run) -> None:
    script.unknown = frozenset({"box-8", "box-9"})
    ran = await run("job", "pause", "box-9", "box-1", "box-8", "box-2")
    assert ran.code == 1
    assert [line.split()[:2] for line in ran.out.splitlines()] == [["box-1", "paused"], ["box-2", "paused"]]
    assert ran.err.splitlines()[::2] == [
        "engineroom: Unknown job: There is no job box-9.",
        "engineroom: Unknown job: There is no job box-8.",
    ]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["retry", "box-1"], control.RetryJob("box-1")),
        (["retry", "box-1", "p001", "#12"], control.RetryJob("box-1", ("p001", "#12"))),
        (["retry", "box-1", "--json", "p001"], control.RetryJob("box-1", ("p001",))),
        (["redo", "box-1", "#0"], control.RedoUnits("box-1", ("#0",))),
        (["priority", "box-1", "9"], control.PrioritizeJob("box-1", 9)),
        (["move", "box-1", "scribe"], control.MoveJob("box-1", "scribe")),
        (["move", "box-1", "any"], control.MoveJob("box-1", "")),
    ],
)
async def test_changing_one_job(script: Script, run: Run, arguments: list[str], command: control.Command) -> None:
    ran = await run("job", *arguments)
    assert (ran.code, ran.err, script.asked) == (0, "", [command])
    script.unknown = frozenset({"box-1"})
    refused = await run("job", *arguments)
    assert (refused.code, refused.out) == (1, "")
    assert "There is no job box-1." in refused.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["redo", "box-1"], "UNIT"),
        (["priority", "box-1", "0"], "invalid choice: 0"),
        (["priority", "box-1", "high"], "invalid int value: 'high'"),
        (["units", "box-1", "--state", "faild"], "Did you mean 'failed'?"),
        (["puase", "box-1"], "Did you mean 'pause'?"),
        ([], "WHAT"),
        (["wait"], "ID"),
    ],
)
async def test_what_makes_no_sense(script: Script, run: Run, arguments: list[str], says: str) -> None:
    ran = await run("job", *arguments)
    assert (ran.code, ran.out, script.asked) == (2, "", [])
    assert says in ran.err


async def test_flags_stand_anywhere(script: Script, run: Run) -> None:
    for arguments in (
        ["--json", "job", "show", "box-1"],
        ["job", "--json", "show", "box-1"],
        ["job", "show", "--state", str(script.state), "box-1", "--json"],
        ["--state", str(script.state), "job", "show", "box-1", "--json"],
    ):
        assert json.loads((await run(*arguments)).out)["id"] == "box-1"


async def test_job_wait(script: Script, run: Run) -> None:
    ran = await run("job", "wait", "box-1")
    assert (ran.code, ran.out) == (0, "box-1 done 3/3\n")
    assert json.loads((await run("job", "wait", "box-1", "--json")).out)["state"] == "done"


@pytest.mark.parametrize(
    ("endings", "code"),
    [
        ({}, 0),
        ({"box-2": "done with problems"}, 4),
        ({"box-2": "done with problems", "box-3": "cancelled"}, 5),
    ],
)
async def test_the_worst_of_several_jobs_counts(script: Script, run: Run, endings: Any, code: int) -> None:
    script.jobs = tuple(replace(JOB, id=f"box-{n}") for n in (1, 2, 3))
    script.endings = endings
    ran = await run("job", "wait", "box-3", "box-1", "box-2", "--json")
    assert ran.code == code
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [row["id"] for row in rows] == ["box-3", "box-1", "box-2"]
    assert [row["state"] for row in rows] == [endings.get(row["id"], "done") for row in rows]


async def test_one_that_has_ended_may_be_cleared_while_others_are_waited_for(script: Script, run: Run) -> None:
    script.jobs = (replace(JOB, id="box-1"), replace(JOB, id="box-2"))
    script.news = (JobChanged(replace(JOB, state="done")), JobGone("box-1"))
    assert (await run("job", "wait", "box-1", "box-2")).code == 0


async def test_waiting_goes_on_through_a_lost_connection(script: Script, run: Run) -> None:
    script.cuts = 2
    ran = await run("job", "wait", "box-1")
    assert (ran.code, script.cuts) == (0, 0)


async def test_waiting_for_a_job_that_is_gone(script: Script, run: Run) -> None:
    ran = await run("job", "wait", "box-1", "box-99")
    assert ran.code == 1
    assert "no longer knows box-99" in ran.err


async def test_job_problems(script: Script, run: Run) -> None:
    ran = await run("job", "problems", "box-1")
    assert (ran.code, script.asked) == (0, [control.ShowJob("box-1")])
    assert ran.out.splitlines() == [
        "UNIT     WHERE              STATE   WHAT",
        "#1 p002  /in.jsonl, line 2  failed  Bad line",
        "  It is no JSON.",
        "  → Mend it.",
    ]
    assert (await run("job", "problems", "box-1", "--log")).out.splitlines()[-1] == "  │ Traceback"
    assert json.loads((await run("job", "problems", "box-1", "--json")).out) == [
        {
            "index": 1,
            "unit": "p002",
            "where": "/in.jsonl, line 2",
            "state": "failed",
            "problem": {"title": "Bad line", "detail": "It is no JSON.", "hint": "Mend it."},
            "log_tail": ["Traceback"],
        }
    ]
    script.detail = replace(DETAIL, problems=())
    none = await run("job", "problems", "box-1")
    assert (none.code, none.out, none.err) == (0, "", "box-1 has no problems\n")


def test_problems_fit_80_columns() -> None:
    problem = Problem("Out of memory", "It needs more than there is. " * 9, "Halve it. " * 20)
    where = f"{'a-long-folder/' * 9}prompts.jsonl line 1234567"
    unit = UnitProblem(where, "a-unit-with-a-long-name", problem, (), index=1234567, state="quarantined")
    piece = UnitProblem("in.jsonl line 2", None, Problem("Line too long", "It is.", ""), ())
    lines = list(job_problems.page([unit, piece], with_logs=False))
    assert max(map(len, lines)) <= 80
    assert "pts.jsonl line 1234567  quarantined  Out of memory" in lines[1]
    assert lines[-2:] == [f"{'—':<16}  {'in.jsonl line 2':<24}  —            Line too long", "  It is."]


async def test_job_units(script: Script, run: Run) -> None:
    ran = await run("job", "units", "box-1")
    assert (ran.code, script.asked) == (0, [control.ShowUnits("box-1")])
    assert [re.split("  +", line.strip()) for line in ran.out.splitlines()] == [
        ["#", "UNIT", "WHERE", "STATE", "TRY", "RUN", "TOKENS", "TIME", "SPEED", "ENERGY"],
        ["0", "p001", "….jsonl line 1", "done", "1", "0", "105", "2.1 s", "50 tok/s", "33 J"],
        ["1", "p002", "….jsonl line 2", "failed", "3", "—", "—", "—", "—", "—"],
        ["2", "—", "….jsonl line 1", "done", "1", "0", "105", "2.1 s", "—", "33 J"],
    ]
    assert max(map(len, ran.out.splitlines())) <= 80


async def test_units_of_a_state(script: Script, run: Run) -> None:
    ran = await run("job", "units", "box-1", "--state", "failed", "--state", "quarantined", "--json")
    assert script.asked == [control.ShowUnits("box-1", states=("failed", "quarantined"))]
    (row,) = map(json.loads, ran.out.splitlines())
    assert (row["index"], row["name"], row["tokens"], row["attempts"]) == (1, "p002", None, 3)


async def test_units_come_page_by_page(script: Script, run: Run) -> None:
    script.units = tuple(replace(UNIT, index=n, name=f"p{n}") for n in range(95, 195))
    script.page_limit = 30
    lines = (await run("job", "units", "box-1", "--json")).out.splitlines()
    assert [json.loads(line)["index"] for line in lines] == list(range(95, 195))
    after = [one.after for one in script.asked if isinstance(one, control.ShowUnits)]
    assert after == [-1, 124, 154, 184]
    table = (await run("job", "units", "box-1")).out.splitlines()
    assert len(table) == 101
    assert [int(line.split()[0]) for line in table[1:]] == list(range(95, 195))


async def test_a_job_with_no_unit_yet(script: Script, run: Run) -> None:
    script.units = ()
    assert (await run("job", "units", "box-1", "--json")).out == ""
    assert len((await run("job", "units", "box-1")).out.splitlines()) == 1


async def test_job_clear(script: Script, run: Run) -> None:
    ran = await run("job", "clear")
    assert (ran.code, ran.out, ran.err) == (0, "box-1 is cleared\n3.0 MiB freed\n", "")
    assert script.asked == [control.ClearJobs()]
    await run("job", "clear", "--force", "box-1", "box-2")
    assert script.asked[-1] == control.ClearJobs(("box-1", "box-2"), force=True)
    script.cleared = control.Cleared((), 0, ())
    assert (await run("job", "clear")).out == "nothing was cleared\n"


async def test_a_named_job_that_stays(script: Script, run: Run) -> None:
    why = Problem("Last copy", "/out.jsonl is gone, so box-2 holds the only results.", "Say --force.")
    script.cleared = replace(CLEARED, kept=(("box-2", why),))
    ran = await run("job", "clear", "box-1", "box-2")
    assert (ran.code, ran.out) == (1, "box-1 is cleared\n3.0 MiB freed\n")
    assert ran.err.splitlines() == [f"box-2 stays: Last copy: {why.detail}", "  Say --force."]
    shape = await run("job", "clear", "box-1", "box-2", "--json")
    assert shape.code == 1
    assert json.loads(shape.out) == {
        "ids": ["box-1"],
        "freed_bytes": 3 * 2**20,
        "kept": [{"id": "box-2", "problem": {"title": "Last copy", "detail": why.detail, "hint": "Say --force."}}],
    }
    assert (await run("job", "clear")).code == 0, "none was named"


@pytest.mark.parametrize(
    "verb",
    [
        ["show", "x"],
        ["wait", "x"],
        ["pause", "x"],
        ["retry", "x"],
        ["problems", "x"],
        ["units", "x"],
        ["clear"],
        ["export", "x"],
    ],
)
async def test_with_no_supervisor_it_says_so(
    run: Run, state: anyio.Path, verb: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.waiting.AWAY_SECONDS", 0.0)
    ran = await run("job", *verb)
    assert (ran.code, ran.out) == (3, "")
    assert str(state) in ran.err
    assert not await anyio.Path(state).exists()


def _with_problems(count: int) -> JobDetail:
    (one,) = DETAIL.problems
    return replace(DETAIL, problems=tuple(replace(one, index=n) for n in range(count)))
