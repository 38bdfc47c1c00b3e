"""`ledger` and `footprints` against a scripted supervisor: what they print, and what is not known."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from msgspec.structs import replace
from scripted_supervisor import LEDGER, Script

from cli import ledger_words
from ipc import control
from ipc.snapshot import NO_LEDGER, Ledger, Share, Stranger

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]

GPU_0 = """\
GPU 0: 80.0 GiB · pressure medium · 2 of 5 residents
  held · heat: 92 °C, resumes at 82
  1.0 GiB is withheld: pid 4412 kept it after ear was unloaded.
  WHO                                      HOLDS  MEASURED   CLAIMED
  reserve                                1.5 GiB
  writer                                ~9.0 GiB   7.0 GiB  ~9.0 GiB
  voice                                 ~3.0 GiB  ~3.0 GiB   2.0 GiB
  ear                                          —         —       0 B
  others                                 6.0 GiB
  · blender, pid 4411                    5.0 GiB
  · pid 4412, not to be seen from here         —
  · withheld                             1.0 GiB
  free for new claims                   60.5 GiB
"""


async def test_a_gpu_in_the_ledger(script: Script, run: Run) -> None:
    ran = await run("ledger")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(GPU_0)
    assert script.asked == [control.ShowLedger()]


async def test_what_a_silent_gpu_holds_is_unknown(script: Script, run: Run) -> None:
    block = _block((await run("ledger")).out, "GPU 1: — · pressure low · 0 of 5 residents")
    assert [line.split() for line in block[1:]] == [
        ["reserve", "0", "B"],
        ["others", "—"],
        ["free", "for", "new", "claims", "—"],
    ]


async def test_the_host_in_the_ledger(script: Script, run: Run) -> None:
    out = (await run("ledger")).out
    ram = _block(out, "RAM: 64.0 GiB · pressure critical")
    assert [re.split("  +", line.strip()) for line in ram[1:]] == [
        ["reserve", "1.0 GiB"],
        ["writer", "1.0 GiB", "1.0 GiB", "1.0 GiB"],
        ["others", "65.0 GiB"],
        ["free for new claims", "-3.0 GiB"],
    ]
    threads = _block(out, "CPU threads: 16")
    assert [re.split("  +", line.strip()) for line in threads[1:]] == [
        ["writer", "8"],
        ["voice", "2"],
        ["free for new claims", "6"],
    ]


async def test_alarms_come_with_the_way_out(script: Script, run: Run) -> None:
    out = (await run("ledger")).out
    head, *rest = out.splitlines()[-4:]
    assert re.fullmatch(r"▲ voice · thrash · since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", head)
    assert rest == [
        "  voice was loaded 4 times in 10 minutes, each time for less than a minute of",
        "  work.",
        "  Pin it (set voice pinned=true), or raise its min_residency.",
    ]
    script.ledger = replace(LEDGER, alarms=())
    assert (await run("ledger")).out.endswith("\nNo alarms.\n")


async def test_before_the_first_look(script: Script, run: Run) -> None:
    script.ledger = NO_LEDGER
    assert (await run("ledger")).out == "RAM: —\n  Nobody has looked at the host yet.\n\nNo alarms.\n"
    assert json.loads((await run("ledger", "--json")).out) == {"gpus": [], "host": None, "alarms": []}


def test_the_widest_ledger_has_80_columns() -> None:
    long, much = "an-engine-with-" + "a-long-" * 10 + "name", 1023 * 2**40 + 2**39
    first, host, (alarm,) = LEDGER.gpus[0], LEDGER.host, LEDGER.alarms
    assert host is not None
    wide = Ledger(
        gpus=(
            replace(
                first,
                total_bytes=much,
                shares=(Share(long, much, much, estimated=True, by_difference=True),),
                strangers=(Stranger(4194304, long, much),),
                withheld_why=f"it is so because of /{'x' * 100} and not-on-gpu. " * 3,
                hold=f"memory: {long}",
            ),
        ),
        host=replace(host, free_bytes=-much),
        alarms=(replace(alarm, text="word " * 60, help="y" * 90),),
    )
    lines = list(ledger_words.page(wide))
    assert [line for line in lines if len(line) > 80] == []
    (share,) = (line for line in lines if line.startswith("  an-engine"))
    assert share.count("~1023.5 TiB") == 3
    assert "a-long-a…  " in share


def test_a_share_of_an_engines_other_process_says_so() -> None:
    book = replace(
        LEDGER.gpus[0], shares=(Share("ears", 1, 2, estimated=False, by_difference=False, role="successor"),)
    )
    assert any(line.startswith("  ears' successor ") for line in ledger_words.page(replace(LEDGER, gpus=(book,))))


async def test_the_ledger_as_json(script: Script, run: Run) -> None:
    shape = json.loads((await run("ledger", "--json")).out)
    first, second = shape["gpus"]
    assert first["shares"][0] == {
        "engine": "writer",
        "role": "",
        "measured_bytes": 7 * 2**30,
        "claimed_bytes": 9 * 2**30,
        "estimated": True,
        "by_difference": False,
    }
    assert first["shares"][2]["measured_bytes"] is None
    assert first["strangers"][1] == {"pid": 4412, "name": "", "used_bytes": None}
    assert (first["withheld_bytes"], first["free_bytes"], first["hold"]) == (
        2**30,
        121 * 2**29,
        "heat: 92 °C, resumes at 82",
    )
    assert (second["total_bytes"], second["others_bytes"], second["free_bytes"]) == (None, None, None)
    assert (shape["host"]["free_bytes"], shape["host"]["threads_claimed"]) == (-3 * 2**30, {"writer": 8, "voice": 2})
    assert (shape["alarms"][0]["word"], shape["alarms"][0]["since_unix"]) == ("thrash", 1.0)


async def test_footprints(script: Script, run: Run) -> None:
    ran = await run("footprints")
    assert (ran.code, script.asked) == (0, [control.Footprints()])
    first, second = ran.out.split("\n\n")
    assert [re.split("  +", line.strip())[:4] for line in first.splitlines()] == [
        ["llm · Miniature 7B · Q4_K_M · n_ctx=4096 parallel=8"],
        ["WHERE", "PEAK", "LOAD TIME", "LOADS"],
        ["NVIDIA H100 80GB HBM3", "6.0 GiB", "4.2 s", "12"],
        ["RAM", "1.0 GiB", "4.2 s", "12"],
    ]
    assert second.splitlines()[0] == "stt · small · —"
    assert [line for line in ran.out.splitlines() if len(line) > 80] == []


async def test_footprints_as_json(script: Script, run: Run) -> None:
    rows = json.loads((await run("footprints", "--json")).out)
    assert [(row["model"], row["gpu"], row["peak_bytes"]) for row in rows] == [
        ("Miniature 7B", "NVIDIA H100 80GB HBM3", 6 * 2**30),
        ("small", "", 2**29),
        ("Miniature 7B", "", 2**30),
    ]
    assert (rows[1]["quantization"], rows[0]["loads"]) == (None, 12)


async def test_without_footprints(script: Script, run: Run) -> None:
    script.footprints = ()
    assert (await run("footprints")).out == "Nothing was measured yet: no model was loaded here.\n"
    assert (await run("footprints", "--json")).out == "[]\n"


def _block(out: str, head: str) -> list[str]:
    """The lines below `head` up to the next empty one; the first names the columns."""
    lines = out.split(f"{head}\n", 1)[1].splitlines()
    block = lines[: lines.index("")]
    assert block[0].split() == ["WHO", "HOLDS", "MEASURED", "CLAIMED"]
    return block
