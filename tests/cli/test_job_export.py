"""`job export`: what is in the file, and what must not be."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from msgspec.structs import replace
from scripted_supervisor import DETAIL, ENGINES, JOB, KNOBS, UNIT, Script

from cli.archive import archive
from cli.export_private import scrubber
from engines.catalog import KINDS
from engines.settings import content_names
from ipc import control
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Happening, PoolRow, UnitProblem
from ipc.version import SOFTWARE

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]

HOME = "/home/ada/My Novel"
PROMPT = "What does Anna tell nobody?"
SECRETS = ("ada", "My Novel", "Anna", "drafts")


@pytest.fixture
def private(script: Script) -> Script:
    """A job whose paths, problems and logs tell what is only its owner's."""
    row = replace(
        JOB, inputs=(f"{HOME}/one.jsonl", f"{HOME}/drafts/*.jsonl"), output=f"{HOME}/out/", reason=f"{HOME}/out is full"
    )
    problems = (
        UnitProblem(
            f"{HOME}/drafts/two.jsonl line 3",
            "p003",
            Problem("Bad value", f"{HOME}/drafts/two.jsonl line 3: {PROMPT!r} is no text.", "Mend it."),
            (f'  File "{HOME}/lib/engine.py", line 12, in fly', f"ValueError: {PROMPT!r}"),
            index=2,
            state="failed",
        ),
    )
    settings = {"model": "/home/ada/My Models/big.gguf", "n_ctx": 4096}
    runs = tuple(replace(run, settings=settings) for run in DETAIL.runs)
    script.detail = replace(DETAIL, row=row, problems=problems, settings=settings, runs=runs)
    script.units = tuple(replace(UNIT, index=n, where=f"{HOME}/drafts/two.jsonl line {n}") for n in range(7))
    script.page_limit = 3
    script.happenings = (
        Happening(1, 1.0, "info", "box-1", "job-done", f"box-1 wrote {HOME}/out/one.jsonl"),
        Happening(2, 2.0, "info", "writer", "engine-ready", "writer is ready"),
        Happening(3, 3.0, "info", "voice", "engine-ready", "voice is ready"),
    )
    script.log = (
        "loading /home/ada/My Models/big.gguf: 29 layers",
        f'asked {{"id": "p003", "prompt": "{PROMPT}", "max_tokens": 64}}',
        f"cut off: '{PROMPT[:-3]}",
    )
    return script


def contents(path: Path) -> dict[str, str]:
    with tarfile.open(path, "r:gz") as tar:
        return {member.name: _text(tar, member) for member in tar.getmembers()}


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = tar.extractfile(member)
    assert file is not None
    return file.read().decode()


async def test_what_is_in_it(private: Script, run: Run, tmp_path: Path) -> None:
    ran = await run("job", "export", "box-1")
    target = tmp_path / "box-1.tar.gz"
    assert (ran.code, ran.out) == (0, f"{target}\n"), ran.err
    members = contents(target)
    assert sorted(members) == [
        "box-1/README.txt",
        "box-1/engines.json",
        "box-1/events.jsonl",
        "box-1/job.json",
        "box-1/knobs/scribe.json",
        "box-1/knobs/writer.json",
        "box-1/ledger.json",
        "box-1/logs/scribe.jsonl",
        "box-1/logs/writer.jsonl",
        "box-1/units.jsonl",
        "box-1/versions.json",
    ]
    read = {name.removeprefix("box-1/"): text for name, text in members.items()}
    assert [json.loads(line)["index"] for line in read["units.jsonl"].splitlines()] == list(range(7))
    assert [json.loads(line)["about"] for line in read["events.jsonl"].splitlines()] == ["box-1", "writer"]
    assert [one["name"] for one in json.loads(read["engines.json"])] == [row.name for row in ENGINES]
    assert json.loads(read["job.json"])["numbers"]["attempts"] == 4
    assert json.loads(read["knobs/writer.json"])[0]["name"] == "n_ctx"
    assert json.loads(read["ledger.json"])["host"]["threads"] == 16
    versions = json.loads(read["versions.json"])
    assert (versions["supervisor"]["version"], versions["client"]["version"]) == ("0.1.0", SOFTWARE)
    assert {"python", "platform"} <= versions["client"].keys()
    for name in read.keys() - {"README.txt"}:
        assert name.replace("writer", "ENGINE").replace("scribe", "ENGINE") in read["README.txt"]
    assert [one for one in private.asked if isinstance(one, control.Logs)] == [
        control.Logs("writer", 2000, False),
        control.Logs("scribe", 2000, False),
    ]


async def test_what_must_not_be_in_it(private: Script, run: Run, tmp_path: Path) -> None:
    ran = await run("job", "export", "box-1")
    whole = "\n".join(contents(tmp_path / "box-1.tar.gz").values())
    assert [secret for secret in SECRETS if secret in whole] == []
    for kept in (
        '"inputs": ["one.jsonl", "*.jsonl"]',
        '"output": "out"',
        "two.jsonl line 3",
        "out is full",
        "'…' is no text.",
        'File \\"engine.py\\", line 12, in fly',
        '"model": "big.gguf"',
        "loading big.gguf: 29 layers",
        'asked {\\"id\\": \\"p003\\", \\"prompt\\": \\"…\\", \\"max_tokens\\": 64}',
        "cut off: '…'",
        "box-1 wrote one.jsonl",
    ):
        assert kept in whole, kept
    for said in (ran.err, whole):
        assert "Prompts, answers and results are not in it." in said
        assert "only the last component" in said


async def test_words_that_settings_hold_are_not_in_it_wherever_they_are_told(
    private: Script, run: Run, tmp_path: Path
) -> None:
    words, heard = "Anna tells nobody.\nNot even Ada.", "Anna, Vronsky"
    settings = {"prompt": words, "hotwords": "", "system_prompt": words, "language": "fr"}
    own = {"hotwords": heard, "prompt": "Karenina", "task": "translate", "phantoms": f"{HOME}/never heard.txt"}
    runs = tuple(replace(run, settings=settings) for run in DETAIL.runs)
    private.detail = replace(private.detail, settings=settings, own=own, runs=runs)
    private.knobs = tuple(replace(KNOBS[0], name=name, value="Oblonsky", default="") for name in settings)
    private.log = ("hotwords Anna, Vronsky and Karenina", "Oblonsky", "Not even Ada.", "said Karenina's", "well")
    await run("job", "export", "box-1")
    members = contents(tmp_path / "box-1.tar.gz")
    whole = "\n".join(members.values())
    assert [one for one in ("Anna", "Vronsky", "Karenina", "Oblonsky", "nobody", "Ada.", "ada") if one in whole] == []
    job = json.loads(members["box-1/job.json"])
    assert job["own"] == {"hotwords": "…", "prompt": "…", "task": "translate", "phantoms": "never heard.txt"}
    assert job["settings"] == {"prompt": "…", "hotwords": "", "system_prompt": "…", "language": "fr"}
    assert job["runs"][0]["settings"] == job["settings"]
    knobs = {one["name"]: (one["value"], one["default"]) for one in json.loads(members["box-1/knobs/writer.json"])}
    assert knobs == dict.fromkeys(["prompt", "hotwords", "system_prompt"], ("…", "")) | {"language": ("…", "")}
    assert [json.loads(line)["text"] for line in members["box-1/logs/writer.jsonl"].splitlines()] == [
        "hotwords … and …",
        "…",
        "…",
        "said …'s",
        "well",
    ]


@pytest.mark.parametrize(
    ("kind", "names"),
    [("stt", {"prompt", "hotwords"}), ("llm", {"system_prompt", "chat_template"}), ("tts", set()), ("embed", set())],
)
def test_which_settings_hold_words(kind: str, names: set[str]) -> None:
    assert content_names(KINDS[kind].settings) == names


async def test_with_content_paths_and_quotes_stay(private: Script, run: Run, tmp_path: Path) -> None:
    ran = await run("job", "export", "box-1", "-o", "all.tgz", "--with-content")
    whole = "\n".join(contents(tmp_path / "all.tgz").values())
    assert [secret for secret in SECRETS if secret not in whole] == []
    assert "--with-content" in ran.err
    assert "only the last component" not in ran.err + whole


async def test_an_engine_that_is_gone_is_named(private: Script, run: Run, tmp_path: Path) -> None:
    private.fails = control.ShowKnobs
    ran = await run("job", "export", "box-1", "-o", str(tmp_path))
    assert ran.code == 0
    members = contents(tmp_path / "box-1.tar.gz")
    assert not any("knobs/" in name or "logs/" in name for name in members)
    for said in (ran.err, members["box-1/README.txt"]):
        assert "Could not be had: scribe: There is no engine 'writter'." in said


async def test_of_a_job_that_nobody_has_begun(private: Script, run: Run, tmp_path: Path) -> None:
    row = replace(private.detail.row, engine="ear, vectors")
    private.detail = replace(private.detail, row=row, runs=())
    await run("job", "export", "box-1")
    members = contents(tmp_path / "box-1.tar.gz")
    assert {"box-1/logs/ear.jsonl", "box-1/logs/vectors.jsonl"} <= members.keys()


async def test_of_a_job_of_a_pool_that_nobody_has_begun(private: Script, run: Run, tmp_path: Path) -> None:
    private.pools = (PoolRow("ears", "stt", "ear < 30 s < vectors", {}, ("ear", "vectors"), (), 0, 0),)
    private.detail = replace(private.detail, row=replace(private.detail.row, engine="ears"), runs=())
    await run("job", "export", "box-1")
    logs = {name for name in contents(tmp_path / "box-1.tar.gz") if "logs/" in name}
    assert logs == {"box-1/logs/ear.jsonl", "box-1/logs/vectors.jsonl"}


async def test_a_file_that_is_there_stays_as_it_is(private: Script, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "mine.tar.gz"
    target.write_text("mine")
    ran = await run("job", "export", "box-1", "-o", "mine.tar.gz")
    assert (ran.code, ran.out, private.asked) == (1, "", [])
    assert f"{target} is there already" in ran.err
    assert (target.read_text(), sorted(os.listdir(tmp_path))) == ("mine", ["mine.tar.gz", "state"])


async def test_a_job_that_is_not_there_leaves_no_file(private: Script, run: Run, tmp_path: Path) -> None:
    private.unknown = frozenset({"box-1"})
    ran = await run("job", "export", "box-1")
    assert (ran.code, ran.out, os.listdir(tmp_path)) == (1, "", ["state"])
    assert "There is no job box-1." in ran.err


async def test_a_folder_that_is_not_there(private: Script, run: Run, tmp_path: Path) -> None:
    ran = await run("job", "export", "box-1", "-o", "no/where.tar.gz")
    assert (ran.code, ran.out) == (1, "")
    assert "No such file or directory" in ran.err
    assert "-o FILE" in ran.err


def test_an_archive_never_takes_the_place_of_a_file_that_came_meanwhile(tmp_path: Path) -> None:
    target = tmp_path / "a.tar.gz"

    def write() -> None:
        with archive(target, "a") as into:
            with into.member("one") as add:
                add("1")
            assert not target.exists(), "it is not whole yet"
            target.write_text("quicker")

    with pytest.raises(RequestFailed, match="is there already"):
        write()
    assert (target.read_text(), os.listdir(tmp_path)) == ("quicker", ["a.tar.gz"])


def test_a_long_member_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.archive.IN_MEMORY_BYTES", 10)
    with archive(tmp_path / "a.tar.gz", "a") as into, into.member("one") as add:
        for n in range(1000):
            add(f"{n} é\n")
    assert contents(tmp_path / "a.tar.gz") == {"a/one": "".join(f"{n} é\n" for n in range(1000))}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("opened /data/ada/x.gguf: ok", "opened x.gguf: ok"),
        ("opened /srv/My Novel/x.jsonl", "opened x.jsonl"),
        ("opened /srv/My Novel/sub/x.jsonl, then", "opened x.jsonl, then"),
        ("in /srv/My Novel: full", "in My Novel: full"),
        ("in /srv/My Novels", "in My Novels"),
        ("at ~/x/y.txt (12)", "at y.txt (12)"),
        ("file:///data/ada/x.wav", "file://x.wav"),
        ("see https://host/ada/x", "see https://host/ada/x"),
        ("3.1/7.4 MB at 12 tok/s", "3.1/7.4 MB at 12 tok/s"),
        ("a / b", "a / b"),
        ("setting 'n_ctx' and \"gpu-1.x\"", "setting 'n_ctx' and \"gpu-1.x\""),
        ("got 'two words'", "got '…'"),
        ("got b'two words' and f\"a b\"", "got '…' and \"…\""),
        ("got 'it's two' now", "got '…' now"),
        ("it's fine and don't worry", "it's fine and don't worry"),
        (r'got "a \"b\" c" d', 'got "…" d'),
        ('cut "a b c', 'cut "…"'),
        ("cut 'a b \\", "cut '…'"),
        ("“a b” and `c d`", "“…” and `…`"),
        ("say `engineroom job show x`", "say `engineroom job show x`"),
        ('"a b"c', '"…"c'),
        ("two 'a b'\nlines 'c d'", "two '…'\nlines '…'"),
    ],
)
def test_what_is_left_of_a_text(text: str, left: str) -> None:
    scrub = scrubber(["/srv/My Novel/x.jsonl", "/"])
    assert scrub(text) == left
    assert scrub({"text": [text], "n": 1, "none": None}) == {"text": [left], "n": 1, "none": None}


@pytest.mark.parametrize(
    ("document", "left"),
    [
        ({"where": "drafts of/two.jsonl line 3"}, {"where": "two.jsonl line 3"}),
        ({"settings": {"model": "/x y/z.gguf", "n": 4}}, {"settings": {"model": "z.gguf", "n": 4}}),
        ({"name": "model", "value": "~/a b/z.gguf"}, {"name": "model", "value": "z.gguf"}),
        ({"inputs": ["/a b/c/", "/"], "output": "/a b/"}, {"inputs": ["c", "/"], "output": "a b"}),
        ({"name": "a b/c", "unit": "a b/c"}, {"name": "c", "unit": "c"}),
    ],
)
def test_what_is_left_of_a_field(document: Any, left: Any) -> None:
    assert scrubber([])(document) == left
