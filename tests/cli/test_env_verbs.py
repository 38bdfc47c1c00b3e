"""`env` as a user types it: an environment really made, listed, used, and taken away; and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import msgspec
import pytest
from env_kit import as_index, fill_index, offline

from cli import env_json
from cli.env_sync import failed
from cli.environments.standing import standing_of
from engines.environments.machine import this_machine
from engines.environments.present import digests_of
from engines.environments.record import RECORD, WITHOUT_CUDA, Environment, SelfTest, Stored, python_of, stored

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]

MADE = Environment(
    kind="fake", device="cpu", requirements=digests_of("fake")["cpu"], build="", instructions=(), capabilities=(),
    platform=this_machine().platform, python="cpython 3.11", origin="", made_unix=1.0,
    made_seconds=2.0, tested_unix=3.0, test=SelfTest(True, "cpu", "the runtime starts"),
)  # fmt: skip
CONFIGURED = '[engine.one]\nkind = "fake"\n[engine.two]\nkind = "llm"\ngpu = "cpu"\n'


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where they lie; two engines are configured."""
    monkeypatch.setenv("ENGINEROOM_DATA", str(tmp_path / "data"))
    (tmp_path / "engineroom.toml").write_text(CONFIGURED)
    monkeypatch.setenv("ENGINEROOM_CONFIG", str(tmp_path / "engineroom.toml"))
    return tmp_path / "data" / "environments"


def keep(environments: Path, name: str, made: Environment | None) -> Path:
    """A folder as a sync leaves it, with an interpreter that only sleeps; without a record where none was `made`."""
    python = python_of(environments / name)
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/sleep")
    if made is not None:
        (environments / name / RECORD).write_bytes(msgspec.json.encode(made))
    return python


async def test_a_real_one_is_made_listed_used_and_taken_away(
    run: Run, environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in offline(fill_index(tmp_path / "index")).items():
        monkeypatch.setenv(name, value)
    ran = await run("env", "sync", "fake")
    assert ran.code == 0, ran.err
    (one,) = stored(environments)
    assert ran.out == f"{one.name} is ready: {one.folder}\nself-test: the runtime starts\n"
    assert "installing packages [7/7] uvloop" in ran.err
    assert "one will run in it from the next start on" in ran.err
    listed = (await run("env", "list")).out.splitlines()
    assert listed[0].split() == ["NAME", "STATE", "SIZE", "MADE", "ENGINES"]
    assert listed[1].startswith(f"{one.name}  current")
    assert listed[1].endswith("one")
    again = await run("env", "sync", "fake", "--json")
    assert json.loads(again.out)["test"] == {"ok": True, "device": "cpu", "text": "the runtime starts", "foreign": None}
    async with await anyio.open_process([one.python, "-c", "input()"]) as process:
        for words in (("remove", one.name), ("sync", "fake", "--rebuild")):
            refused = await run("env", *words)
            assert refused.code == 1
            assert f"In use: {one.name} is used by the process {process.pid}" in refused.err
        process.kill()
    removed = await run("env", "remove", one.name)
    assert removed.out.startswith(f"{one.name} is removed; ")
    assert os.listdir(environments) == []


async def test_packages_come_from_the_indexes_that_are_told_and_from_those_that_pip_is_set_to(
    run: Run, environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = fill_index(tmp_path / "wheels")
    index = as_index(wheels, tmp_path / "index", "anyio", "idna", "msgspec", "nvidia-ml-py", "psutil")
    extra = as_index(wheels, tmp_path / "extra", "uvloop")
    third = as_index(wheels, tmp_path / "third", "typing-extensions")
    for name, value in offline(wheels).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "file:///nowhere")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", third)
    assert "Not offered" in (await run("env", "sync", "fake", "--index", index)).err
    ran = await run("env", "sync", "fake", "--index", index, "--extra-index", extra)
    assert ran.code == 0, ran.err
    (one,) = stored(environments)
    log = (environments / f"{one.name}.log").read_text()
    assert f"Looking in indexes: {index}, {third}, {extra}\n" in log
    assert not [line for line in log.splitlines() if line.startswith("$ ") and "index-url" in line], "all can read it"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sync", "lm"), "Unknown kind: There is no engine kind 'lm' that has an environment.\n  Did you mean 'llm'?"),
        (("sync", "fake", "--device", "cuda"), "No such device: Engines of kind fake do not compute on cuda."),
        (("sync", "llm", "--device", "cuda"), "No GPU: No NVIDIA GPU answers here"),
        (("sync", "fake", "--extra-index", "pytorch"), "No such index: 'pytorch' is no URL of a package index."),
        (("sync", "fake", "--index", ""), "No such index: '' is no URL of a package index."),
        (("sync", "fake", "--index", "ada:pass@word@box/simple"), "No such index: 'box/simple' is no URL of a"),
        (("sync", "fake", "--index", "https://box/ simple"), "No such index: 'https://box/ simple' is no URL of a"),
        (("remove", "fake-cpu-1"), "Unknown environment: There is no environment 'fake-cpu-1' in "),
        (("list", "--host", "user@box"), "Not over ssh: Environments are made on their own box.\n  Run it there: ssh"),
    ],
)
async def test_what_is_refused(run: Run, environments: Path, words: tuple[str, ...], says: str) -> None:
    ran = await run("env", *words)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err


async def test_the_list_says_how_each_stands_and_why(run: Run, environments: Path) -> None:
    assert "There is none in " in (await run("env", "list")).out
    keep(environments, "begun", None)
    keep(environments, "usable", MADE)
    keep(environments, "old", msgspec.structs.replace(MADE, requirements="other"))
    keep(environments, "broken", msgspec.structs.replace(MADE, test=SelfTest(False, "", "it cannot compute")))
    rows = {row["name"]: row for row in json.loads((await run("env", "list", "--json")).out)}
    assert {name: (row["state"], row["engines"]) for name, row in rows.items()} == {
        "begun": ("unfinished", []),
        "broken": ("failed", []),
        "old": ("stale", []),
        "usable": ("usable", ["one"]),
    }
    assert rows["old"]["why"] == "made from other requirements"
    assert all(row["size_bytes"] > 0 for name, row in rows.items() if name != "begun")
    text = (await run("env", "list")).out
    assert "stale: made from other requirements" in text
    assert "self-test: it cannot compute" in text
    assert max(map(len, text.splitlines())) <= 80


async def test_a_configuration_that_is_no_good_hides_no_environment(
    run: Run, environments: Path, tmp_path: Path
) -> None:
    keep(environments, "usable", MADE)
    (tmp_path / "engineroom.toml").write_text("[engine.one]\nkind = 'none'\n")
    ran = await run("env", "list")
    assert (ran.code, "usable" in ran.out, "kind" in ran.err) == (0, True, True)


async def test_doctor_says_what_each_engine_runs_in(
    run: Run, environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(environments, "usable", MADE)
    third = "[engine.three]\nkind = 'fake'\npython = '/nowhere/python'\n"
    (tmp_path / "engineroom.toml").write_text(CONFIGURED + third)
    found = {one["what"]: one for one in json.loads((await run("doctor", "--json")).out)}
    assert found["one runs in"]["text"] == "usable; its self-test: the runtime starts"
    assert (found["two runs in"]["verdict"], found["two runs in"]["text"]) == ("ok", "the supervisor's own Python")
    assert found["engine three"]["verdict"] == "bad"


async def test_doctor_names_the_way_out_where_the_library_is_missing(
    run: Run, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.environment_findings._LIBRARY", {"llm": "no_such_library"})
    keep(environments, "old", msgspec.structs.replace(MADE, kind="llm", requirements="other"))
    found = {one["what"]: one for one in json.loads((await run("doctor", "--json")).out)}["two runs in"]
    assert (found["verdict"], found["hint"]) == ("warn", "engineroom env sync llm")
    assert "has no no_such_library: it will not load. old is stale: made from other requirements." in found["text"]


def test_every_field_of_json_is_documented(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    told = standing_of(Stored(tmp_path, MADE), (), this_machine(), ())
    shape = env_json.environment(told)
    assert isinstance(shape, dict)
    assert isinstance(shape["test"], dict)
    assert [name for name in (*shape, *shape["test"]) if f"`{name}`" not in text] == []
    unfinished = env_json.environment(standing_of(Stored(tmp_path, None), (), this_machine(), ()))
    assert isinstance(unfinished, dict)
    assert set(unfinished) == set(shape)


def test_a_torch_without_cuda_is_not_blamed_on_the_driver(tmp_path: Path) -> None:
    def hint(text: str) -> str:
        made = msgspec.structs.replace(MADE, kind="tts", device="cuda", test=SelfTest(False, "cpu", text))
        return failed(Stored(tmp_path / "tts-cuda-1", made)).hint

    assert "nvidia-smi" in hint("it wrote a token on the CPU: this torch is for CUDA 13.0, and no GPU answers")
    wrong = hint(f"it wrote a token on the CPU: {WITHOUT_CUDA}")
    assert "nvidia-smi" not in wrong
    assert "`engineroom env sync tts --rebuild`" in wrong
