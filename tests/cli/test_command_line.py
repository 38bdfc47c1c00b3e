"""The command line itself: what it refuses, configuration verbs, completion, pipe, and the process's own edges."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.to_thread
import pytest
from anyio.streams.stapled import StapledByteStream
from scripted_supervisor import Script

from cli.parser import build_parser
from cli.verbs import VERBS
from config.json_schema import json_schema
from ipc import control
from ipc.client import Client, expect
from ipc.version import SOFTWARE

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["strat", "writer"], "Did you mean 'start'?"),
        (["config", "shwo"], "Did you mean 'show'?"),
        (["submit", "llm", "a"], "-o/--output"),
        (["--job", "llm:a:b"], "--record FILE"),
        (["--record", "r", "--job", "llm:a"], "KIND:INPUT:OUTPUT"),
        (["--record", "r", "--for", "5 potatoes"], "'potatoes' is no unit of time"),
        (["--record", "r", "ps"], "without a verb"),
    ],
)
async def test_wrong_arguments(run: Run, arguments: list[str], says: str) -> None:
    ran = await run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


async def test_flags_stand_before_or_after_the_verb(script: Script, run: Run, tmp_path: Path) -> None:
    for arguments in (["--json", "ps"], ["ps", "--json"], ["--state", str(script.state), "ps", "--json"]):
        assert isinstance(json.loads((await run(*arguments)).out), list)
    elsewhere = await run("--state", str(script.state), "ps", "--state", str(tmp_path / "other"))
    assert elsewhere.code == 3
    assert "other" in elsewhere.err


async def test_version(run: Run) -> None:
    assert (await run("--version")).out == f"Engine Room {SOFTWARE}\n"


async def test_no_terminal_no_dashboard(run_process: Run) -> None:
    ran = await run_process()
    assert (ran.code, ran.out) == (1, "")
    assert "--record" in ran.err


async def test_host_excludes_files_here(run: Run) -> None:
    ran = await run("ps", "--host", "ada@box", "--state", "x")
    assert ran.code == 2
    assert "ENGINEROOM_STATE" in ran.err
    relative = await run("submit", "llm", "a.jsonl", "-o", "/b", "--host", "ada@box")
    assert relative.code == 1
    assert "'a.jsonl' would be a path on ada@box" in relative.err


async def test_config_check_and_show(run: Run, tmp_path: Path) -> None:
    assert "miniature" in (await run("config", "check")).out
    file = tmp_path / "engineroom.toml"
    file.write_text('[engine.writer]\nkind = "llm"\nn_ctx = 512\n')
    assert (await run("config", "check")).out == f"{file} is good; engines: writer (llm)\n"
    (engine,) = json.loads((await run("config", "show", "--json")).out)["engines"]
    assert engine["settings"]["n_ctx"] == {
        "value": 512,
        "layer": "file",
        "where": f"{file}, line 3, [engine.writer]",
    }
    assert re.search(r"writer +n_ctx +512 +file +\S+engineroom.toml, line 3", (await run("config", "show")).out)
    file.write_text('[engine.writer]\nkind = "llm"\nn_ctxx = 512\n')
    ran = await run("config", "check")
    assert ran.code == 2
    assert "Did you mean 'n_ctx'?" in ran.err


async def test_config_tells_of_pools(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "engineroom.toml"
    engines = "".join(f'[engine.{name}]\nkind = "fake"\n' for name in ("small", "large"))
    pool = '[pool.ears]\nroute = "small < 30s < large"\nbudget = "12GiB"\n[pool.ears.languages]\nfr = "large"\n'
    file.write_text(engines + pool)
    assert (await run("config", "check")).out.endswith("engines: small (fake), large (fake); pools: ears (fake)\n")
    told = (await run("config", "show")).out
    assert re.search(r"POOL +LANGUAGE +ROUTE +BUDGET\near", told)
    assert re.search(r"ears +any +small < 30 s < large +12.0 GiB", told)
    assert re.search(r"ears +fr +large", told)
    assert json.loads((await run("config", "show", "--json")).out)["pools"] == [
        {
            "name": "ears",
            "kind": "fake",
            "route": "small < 30 s < large",
            "languages": {"fr": "large"},
            "budget_bytes": 12 * 2**30,
        }
    ]


async def test_config_schema(run: Run) -> None:
    assert json.loads((await run("config", "schema")).out) == json_schema()


async def test_doctor(script: Script, run: Run) -> None:
    findings = {one["what"]: one for one in json.loads((await run("doctor", "--json")).out)}
    assert findings["supervisor"]["verdict"] == "ok"
    assert findings["state folder"]["verdict"] == "ok"
    assert findings["socket"]["verdict"] == "ok"
    assert "uvloop" in findings
    assert {one["verdict"] for one in findings.values()} <= {"ok", "warn"}


async def test_doctor_finds_what_is_wrong(run: Run, tmp_path: Path) -> None:
    (tmp_path / "engineroom.toml").write_text('[engine.writer]\nkind = "llm"\npython = "/nowhere/python"\n')
    assert re.search(r"^bad +engine writer: .*/nowhere/python", (await run("doctor")).out, re.MULTILINE)
    (tmp_path / "engineroom.toml").write_text("[")
    long = tmp_path / ("x" * 110)
    ran = await run("doctor", "--state", str(long))
    assert ran.code == 1
    assert re.search(r"^bad +socket: .*ENGINEROOM_STATE", ran.out, re.MULTILINE)
    assert re.search(r"^bad +configuration: .*engineroom.toml", ran.out, re.MULTILINE)
    assert re.search(r"^warn +supervisor: ", ran.out, re.MULTILINE)


async def test_pipe_carries_the_protocol(script: Script) -> None:
    """A client over `engineroom pipe`, as ssh would run it."""
    command = [sys.executable, str(ROOT / "engineroom.py"), "pipe"]
    with anyio.fail_after(20):
        async with await anyio.open_process(command) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            async with Client(StapledByteStream(process.stdin, process.stdout)) as client:
                rows = expect(await client.ask(control.Ps()), control.Engines).rows
            await process.wait()
    assert [row.name for row in rows] == ["writer", "ear", "scribe", "vectors"]


async def test_pipe_with_no_supervisor(run_process: Run) -> None:
    ran = await run_process("pipe")
    assert ran.code == 3
    assert "engineroom up" in ran.err


async def test_a_reader_that_leaves_is_no_error(script: Script, state: Path) -> None:
    def piped() -> tuple[int, bytes]:
        command = [sys.executable, str(ROOT / "engineroom.py"), "logs", "writer", "-n", "20000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            return process.wait(20), process.stderr.read()

    code, err = await anyio.to_thread.run_sync(piped)
    assert (code, err) == (141, b"")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
async def test_completion_is_a_script_that_shell_reads(run: Run, shell: str) -> None:
    ran = await run("completion", shell)
    assert ran.code == 0
    assert "restart" in ran.out
    if shell == "bash":
        await anyio.run_process(["bash", "-n"], input=ran.out.encode())


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("job re", "resume release retry redo"),
        ("job units box-1 --state q", "quarantined"),
        ("submit llm pro", "prompts.jsonl"),
        ("job export box-1 -o pro", "prompts.jsonl"),
    ],
)
async def test_completion_knows_the_verbs_below_a_verb(run: Run, tmp_path: Path, typed: str, offered: str) -> None:
    (tmp_path / "prompts.jsonl").touch()
    script = (await run("completion", "bash")).out
    asking = f"COMP_WORDS=(engineroom {typed}); COMP_CWORD=$(({len(typed.split())})); _shtab_engineroom"
    done = await anyio.run_process(
        ["bash"], input=f'{script}\n{asking}; echo "${{COMPREPLY[*]}}"'.encode(), cwd=tmp_path
    )
    assert done.stdout.decode() == f"{offered}\n"


async def test_importing_the_module_is_cheap_and_puts_us_first(tmp_path: Path) -> None:
    """Another distribution's `supervisor` on the path does not shadow ours; no Textual, no model library."""
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "__init__.py").write_text("raise RuntimeError('the wrong cli')")
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import engineroom; "
        "assert 'ipc.client' not in sys.modules; sys.argv = ['engineroom', 'config', 'check']; "
        "assert engineroom.main() == 0; "
        "bad = {'textual', 'llama_cpp', 'supervisor', 'tui'} & set(sys.modules); assert not bad, bad"
    )
    await anyio.run_process([sys.executable, "-c", program])


def test_every_verb_has_help() -> None:
    assert all(verb.help for verb in VERBS)
    names = [verb.name for verb in VERBS]
    assert len(names) == len(set(names))
    assert set(names) <= set(re.findall(r"[\w-]+", build_parser().format_help()))
