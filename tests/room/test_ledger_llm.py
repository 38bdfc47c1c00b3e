"""The ledger with real language models: the miniature on simulated boxes, through the real supervisor."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import llama_cpp
import pytest
from ledger_kit import GIB, MIB, Box, card, open_box
from room_kit import wait_for

from engines.llm.appraise import appraise
from engines.llm.files import chosen
from engines.llm.library import open_library
from engines.llm.settings import LlmSettings

RESERVE = 256 * MIB
"""What the ledger keeps free on each GPU."""
TOO_OLD = "its build needs compute capability 5.0; too old for it: GPU 1 (Card 4G, 3.5)."
Q4_0, Q8_0 = 2, 7
"""Values of `general.file_type`."""


def writer(name: str = "writer", **settings: str | int) -> str:
    """The table of a language model; the miniature, unless `model` says another."""
    return "\n".join([f"[engine.{name}]", 'kind = "llm"', *(f"{key} = {value!r}" for key, value in settings.items())])


def takes(**settings: Any) -> int:
    """Bytes on one GPU, with as many layers there as the settings ask for."""
    need = appraise(LlmSettings(**settings)).options[0].need
    assert need.on_gpu is not None
    return need.gpu_bytes(need.on_gpu)


def room_for(count: int) -> float:
    """GiB of a card on which new claims may take so many bytes."""
    return (count + RESERVE) / GIB


def share(box: Box, index: int) -> dict[str, Any]:
    """What the ledger says of the writer on that GPU; empty where it has nothing there."""
    return next((one for one in box.book(index)["shares"] if one["engine"] == "writer"), {})


def await_measured(box: Box, index: int, count: int) -> dict[str, Any]:
    """The writer's share, once card and ledger say that it holds so many bytes there and nowhere else."""

    def agree() -> dict[str, Any] | None:
        one = share(box, index)
        return one if one.get("measured_bytes") == count and box.held("writer") == {index: count} else None

    return wait_for(agree, f"{count} bytes on GPU {index}")


def await_footprint(box: Box, count: int) -> None:
    """Wait until a load of so many bytes was learned on the bigger card."""

    def learned() -> bool:
        rows = box.room.json("footprints")
        return any((row["gpu"], row["peak_bytes"]) == ("Card 4G", count) for row in rows)

    wait_for(learned, f"{count} bytes are learned")


def submit(box: Box, units: int) -> str:
    """A job of so many short answers; its id."""
    source = box.room.work / "questions.jsonl"
    source.write_text("".join(f'{{"prompt": "What is {n}?", "max_tokens": 4}}\n' for n in range(units)))
    return box.room.submit("llm", str(source), "-o", f"{source}.out", "--engine", "writer")


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the miniature as it is (q16), at q8 and at q4."""
    folder = tmp_path_factory.mktemp("levels")
    whole = chosen(LlmSettings()).path
    shutil.copy(whole, folder / "miniature-F16.gguf")
    open_library()
    for name, file_type in (("Q8_0", Q8_0), ("Q4_0", Q4_0)):
        parameters = llama_cpp.llama_model_quantize_default_params()
        parameters.ftype, parameters.nthread = file_type, 1
        target = folder / f"miniature-{name}.gguf"
        assert llama_cpp.llama_model_quantize(str(whole).encode(), str(target).encode(), parameters) == 0
    return folder


def test_a_model_goes_where_most_is_free_and_holds_what_it_claims_with_all_layers_there() -> None:
    with open_box(writer(profile="dynamic"), card(0, 2), card(1, 4)) as box:
        room = box.room
        room.run("start", "writer")
        assert "GPU 1, the most free memory" in box.told("engine-placed")[0]
        row = room.engine("writer")
        assert (row["gpus"], row["quantization"], row["chosen"]) == ([1], "F16", "5 of 5 layers")
        room.run("set", "writer", "profile=performance")
        claimed = await_measured(box, 1, takes())
        assert (claimed["claimed_bytes"], claimed["estimated"]) == (takes(), True)
        assert share(box, 0) == {}

        await_footprint(box, takes())
        room.run("restart", "writer")
        claimed = await_measured(box, 1, takes())
        assert (claimed["claimed_bytes"], claimed["estimated"]) == (takes(), False)
        box.await_job(submit(box, 8), "done")
        assert room.json("ledger")["alarms"] == []


def test_the_profile_changes_while_it_runs_and_the_bytes_follow() -> None:
    most = takes(profile="balanced")
    with open_box(writer(), card(0, 4)) as box:
        room = box.room
        room.run("start", "writer")
        await_measured(box, 0, takes())
        pid = room.engine("writer")["pid"]

        assert room.json("set", "writer", "profile=balanced")["more_bytes"] == most - takes()
        assert await_measured(box, 0, most)["claimed_bytes"] == most
        price = room.json("set", "writer", "profile=cpu_fallback")
        assert price["more_bytes"] == -most
        assert "frees ~0.5 GiB, needs ~" in price["text"]
        assert price["text"].endswith("of the host's memory")
        assert await_measured(box, 0, 0)["claimed_bytes"] == 0
        assert box.book(0)["free_bytes"] == 4 * GIB - RESERVE
        box.await_job(submit(box, 4), "done")
        assert room.json("set", "writer", "profile=performance")["more_bytes"] == takes()
        assert await_measured(box, 0, takes())["claimed_bytes"] == takes()
        room.run("set", "writer", "profile=dynamic")
        await_measured(box, 0, takes())
        row = room.engine("writer")
        assert (row["chosen"], row["pid"]) == ("5 of 5 layers", pid)


def test_a_longer_context_says_its_price_first_and_grows_the_claim() -> None:
    short, long, many = takes(n_ctx=512), takes(n_ctx=2048), takes(n_ctx=2048, parallel=64)
    with open_box(writer(n_ctx=512), card(0, room_for(many - MIB))) as box:
        room = box.room
        room.run("start", "writer")
        await_measured(box, 0, short)
        price = room.json("set", "writer", "n_ctx=2048", "--dry-run")
        assert (price["applied"], price["more_bytes"]) == (False, long - short)
        assert "the context is rebuilt, weights stay, needs ~4 MiB more" in price["text"]
        assert await_measured(box, 0, short)["claimed_bytes"] == short
        room.run("set", "writer", "n_ctx=2048")
        assert await_measured(box, 0, long)["claimed_bytes"] == long

        assert "there is no room" in room.json("set", "writer", "parallel=64", "--dry-run")["text"]
        said = room.run("set", "writer", "parallel=64", code=1).stderr
        assert "GPU 0 has" in said
        assert room.engine("writer")["parallel"] == 1
        assert await_measured(box, 0, long)["claimed_bytes"] == long


def test_of_a_folder_the_best_level_that_fits_is_taken(levels: Path) -> None:
    best, next_ = takes(model=str(levels)), takes(model=str(levels), quantization="q8")
    room_between = (best + next_) // 2
    config = writer(model=str(levels)) + f"\n[memory]\nreserve = {9 * GIB - room_between}\n"
    with open_box(config, card(0, 9)) as box:
        price = box.room.json("load", "writer", "--dry-run")["text"]
        assert "as q8" in price
        box.room.run("start", "writer")
        row = box.room.engine("writer")
        assert (row["quantization"], row["chosen"]) == ("Q8_0", "q8")
        assert ", as q8" in box.told("engine-placed")[0]
        await_measured(box, 0, next_)
        price = box.room.json("set", "writer", "quantization=q4")
        assert price["more_bytes"] < 0
        await_measured(box, 0, takes(model=str(levels), quantization="q4"))
        assert box.room.engine("writer")["quantization"] == "Q4_0"


def test_work_for_a_gpu_that_is_too_small_takes_the_rung_that_fits() -> None:
    fits = takes(n_ctx=1024, n_batch=64)
    with open_box(writer(parallel=4), card(0, room_for(fits))) as box:
        assert (
            "It would fit with parallel 1 · n_batch 64 · n_ctx 1024" in box.room.run("start", "writer", code=1).stderr
        )
        box.await_job(submit(box, 8), "done")
        assert "parallel 1 · n_batch 64 · n_ctx 1024" in box.told("engine-placed")[0]
        await_measured(box, 0, fits)
        assert not box.told("stepped-down")


def test_memory_that_somebody_else_takes_meanwhile_steps_down_and_the_job_is_done(tmp_path: Path) -> None:
    """A stranger comes after the decision, just before the load: only the engine itself can notice."""
    asked, fits = takes(parallel=64), takes(parallel=16)
    late = tmp_path / "late"
    late.write_text(
        f"""#!/bin/sh
        case "$*" in *engines.child*) echo "GPU-0 {asked - fits}" > "$ENGINEROOM_GPU_ACCOUNTS/{os.getpid()}" ;; esac
        exec {shlex.quote(sys.executable)} "$@"
        """
    )
    late.chmod(0o755)
    config = writer(parallel=64, python=str(late)) + "\n[memory]\nreserve = 0\n"
    with open_box(config, card(0, (asked + MIB) / GIB)) as box:
        row = box.await_job(submit(box, 64), "done")
        assert row["units_done"] == 64
        assert "goes on with parallel = 32" in box.told("stepped-down")[0]
        assert f"({os.getpid()}) " in box.told("memory-strangers")[0]
        assert box.room.engine("writer")["parallel"] == 16
        await_measured(box, 0, fits)


def test_doctor_names_what_a_build_cannot_use_and_a_model_that_is_not_there() -> None:
    config = "\n".join(
        [
            writer(),
            writer("lost", model="/nowhere/seven.gguf"),
            writer("told", gpu="cpu"),
            '[engine.plain]\nkind = "fake"\nwhy_no_gpu = "it was built for the CPU"\n',
        ]
    )
    with open_box(config, card(0, 4, persistence=1), card(1, 4, capability="3.5", persistence=0)) as box:
        findings = json.loads(box.room.run("doctor", "--json", code=1).stdout)
        found = {one["what"]: (one["verdict"], one["text"]) for one in findings}
        assert found["engine writer"] == ("warn", TOO_OLD)
        assert found["engine lost"][0] == "bad"
        assert "/nowhere/seven.gguf" in found["engine lost"][1]
        assert found["engine told"][0] == "ok"
        assert found["engine plain"] == (
            "warn",
            "its build uses no GPU although one is there: it was built for the CPU.",
        )
        assert found["persistence mode"][1].startswith("off on GPU 1:")
        assert box.room.json("ps")[0]["state"] == "stopped", "nothing was started for it"


def test_a_level_without_a_file_is_priced_before_it_is_made_and_not_again_after() -> None:
    with open_box(writer(quantization="q4"), card(0, 4)) as box:
        room = box.room
        room.run("up")
        assert "makes Q4_K_M first (~2.2 MiB on the disk), needs ~" in room.json("load", "writer", "--dry-run")["text"]
        room.run("start", "writer")
        assert room.engine("writer")["quantization"] == "Q4_K_M"
        price = room.json("set", "writer", "quantization=q8", "--dry-run")["text"]
        assert "quantization q4 → q8: " in price
        assert "makes Q8_0 first (~3.7 MiB on the disk), needs ~" in price
        room.run("unload", "writer")
        assert "makes" not in room.json("load", "writer", "--dry-run")["text"]
