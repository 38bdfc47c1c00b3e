"""`models`: as a user runs it, with the real process behind it and the miniature as the model."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pexpect
import pytest

from cli import models_words
from cli.models_remove import meant, refuse_used
from ipc.errors import Problem, RequestFailed
from ipc.models import ModelRow, Quality

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
Run: TypeAlias = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).parents[2]
MINIATURE = ROOT / "engines" / "llm" / "miniature" / "miniature-f16.gguf"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the miniature and one that was cut off; nothing else is known on this box."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(MINIATURE, folder / "mine.gguf")
    (folder / "cut.gguf").write_bytes(MINIATURE.read_bytes()[:5_000_000])
    return folder


def there(path: str | Path) -> bool:
    return os.path.exists(path)


def damage(path: str) -> None:
    with open(path, "r+b") as file:
        file.seek(1_000_000)
        file.write(b"\xff" * 100_000)


def config(state: Path, model: Path, quantization: str) -> None:
    (state.parent / "engineroom.toml").write_text(
        f'[engine.small]\nkind = "llm"\nmodel = "{model}"\nquantization = "{quantization}"\n'
    )


async def test_scan_says_what_to_write_and_what_is_broken(run: Run, models: Path) -> None:
    ran = await run("models", "scan", "models")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "Folders",
        "  ✕ cut.gguf: Model truncated",
        f"      {models}/cut.gguf ends after 5.0 of 7.4 MB.",
        "  Engine Room miniature · q16 (F16) · 7.1 MiB",
        f'    model = "{models}/mine.gguf"',
    ]
    listed = await run("models", "list")
    assert f"      {models}/mine.gguf" in listed.out.splitlines()
    nowhere = await run("models", "scan", "/nowhere")
    assert "/nowhere is no folder" in nowhere.out


async def test_a_level_is_made_listed_verified_and_removed(run: Run, state: Path, models: Path) -> None:
    mine = models / "mine.gguf"
    made = await run("models", "quantize", "models/mine.gguf", "q4", "--json")
    assert made.code == 0
    assert "q4 50 %" in made.err.splitlines()
    row = json.loads(made.out)
    assert (row["level"], row["origin"], row["made_of"]) == ("q4", "made here", str(mine))
    again = await run("models", "quantize", str(mine), "q4")
    assert "It is there already." in again.err
    assert "ppl 6.29 → 6.49 (+3 %)" in again.out

    listed = (await run("models", "list")).out.splitlines()
    (line,) = (line for line in listed if "  Q4_K_M  " in line)
    assert re.fullmatch(r"  q4   Q4_K_M  2\.3 MiB  ppl 6\.29 → 6\.\d\d \(\+3 %\)  made here", line)
    assert f"      made of {mine}" in listed

    verified = await run("models", "verify")
    assert verified.code == 0
    assert verified.out.count("ok   Engine Room miniature") == 2  # what was made, and the one that is shipped
    damage(row["path"])
    broken = await run("models", "verify", row["path"])
    assert broken.code == 1
    assert "holds what is no number" in broken.out

    config(state, mine, "q4")
    refused = await run("models", "remove", str(mine), "--yes")
    assert (refused.code, "small is configured to use" in refused.err) == (1, True)
    gone = await run("models", "remove", str(mine), "q4", "--yes", "--force", "--json")
    assert json.loads(gone.out) == [{"path": row["path"], "freed_bytes": pytest.approx(2_391_800, rel=0.01)}]
    assert not there(row["path"])
    assert there(mine)


async def test_what_cannot_be_made_is_said(run: Run, models: Path) -> None:
    unknown = await run("models", "quantize", "nobody", "q4")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("engineroom: Unknown model: Nothing here is called 'nobody'.")
    finer = await run("models", "quantize", "miniature", "q16")
    assert "It is there already." in finer.err
    cut = await run("models", "quantize", str(models / "cut.gguf"), "q4")
    assert (cut.code, "Model truncated" in cut.err) == (1, True)
    assert (await run("models", "quantize", "miniature", "q32")).code == 2
    away = await run("--host", "box", "models", "list")
    assert (away.code, "ssh box engineroom models" in away.err) == (1, True)


async def test_remove_asks_on_a_terminal(run: Run, models: Path, state: Path) -> None:
    row = json.loads((await run("models", "quantize", str(models / "mine.gguf"), "q8", "--json")).out)
    unasked = await run("models", "remove", str(models / "mine.gguf"))
    assert (unasked.code, "--yes" in unasked.err) == (1, True)
    for answer, stays in (("", True), ("y", False)):
        terminal = on_a_terminal("models", "remove", row["path"])
        terminal.expect_exact("Remove? [y/N] ")
        terminal.sendline(answer)
        terminal.expect(pexpect.EOF)
        assert there(row["path"]) is stays


def on_a_terminal(*arguments: str) -> pexpect.spawn[bytes]:
    return pexpect.spawn(sys.executable, [str(ROOT / "engineroom.py"), *arguments], timeout=20)


async def test_the_interpreter_of_the_engine_is_the_one_that_looks(run: Run, models: Path, state: Path) -> None:
    (state.parent / "engineroom.toml").write_text('[engine.w]\nkind = "llm"\npython = "/nowhere/bin/python"\n')
    ran = await run("models", "list")
    assert (ran.code, "Not started: /nowhere/bin/python" in ran.err) == (1, True)


# ── words and decisions ───────────────────────────────────────────────────────────────────────────────────


def row(path: str, **more: Any) -> ModelRow:
    return ModelRow(**{"path": path, "origin": "made here", "name": "Mini", "level": "q4", "bytes": 2**20, **more})


def test_quality_in_words() -> None:
    assert models_words.quality(Quality(6.31, 6.58, 255)) == "ppl 6.31 → 6.58 (+4 %)"
    assert models_words.quality(Quality(6.31, 6.30, 255)) == "ppl 6.31 → 6.30 (±0 %)"
    assert models_words.quality(Quality(6.31, 6.00, 255)) == "ppl 6.31 → 6.00 (-5 %)"
    assert models_words.quality(None) == "—"


def test_the_finest_comes_first_and_what_is_broken_last() -> None:
    rows = [
        row("/b", problem=Problem("Model missing", "/b does not exist.", ""), engines=("small",)),
        row("/4"),
        row("/16", level="q16", origin="Ollama", label="mini:1b"),
        row("/8", level="q8", name="Another", engines=("w", "x"), origin="configured"),
    ]
    assert list(models_words.page(rows)) == [
        "Another",
        "  q8   —  1.0 MiB  —  used by w, x",
        "      /8",
        "",
        "Mini",
        "  q16  —  1.0 MiB  —  Ollama mini:1b",
        "      /16",
        "  q4   —  1.0 MiB  —  made here",
        "      /4",
        "",
        "  ✕ Mini (small): Model missing",
        "      /b does not exist.",
    ]


def test_a_path_in_the_configuration_is_escaped() -> None:
    assert models_words.toml_text('/a "b"\\c') == '"/a \\"b\\"\\\\c"'


def test_only_what_was_made_here_is_meant() -> None:
    mine, other = row("/c/4", made_of="/m"), row("/c/8", made_of="/m", level="q8")
    source, shipped = row("/m", origin="folder", level="q16"), row("/s", origin="shipped", name="Small")
    of_shipped = row("/c/s", made_of="/s", name="Small")
    rows = [mine, other, source, shipped, of_shipped]
    assert meant(rows, "mini", None) == meant(rows, "/m", None) == [mine, other]
    assert meant(rows, "/m", "q8") == [other]
    assert meant(rows, "/c/4", None) == [mine]
    assert meant(rows, "miniature", None) == [of_shipped]
    for name, level, title in (("/m", "q16", "Not made here"), ("else", None, "Unknown model")):
        with pytest.raises(RequestFailed, match=title):
            meant(rows, name, level)
    with pytest.raises(RequestFailed, match="writer is configured to use Mini at q4"):
        refuse_used([other, row("/c", engines=("writer",))])
