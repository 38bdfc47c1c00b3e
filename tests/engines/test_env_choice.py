"""Which environment an engine runs in, and what makes an environment another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from engines.environments.choose import choose, misfit
from engines.environments.key import build_key, name_of
from engines.environments.machine import Machine, read_cpu, this_machine
from engines.environments.record import RECORD, Environment, SelfTest, Stored, read_record, stored
from engines.environments.requirements import Device, Requirements

CPU_BOX = Machine("cpython 3.11", "linux-x86_64", "A CPU", ("avx", "avx2"))
GPU_BOX = replace(CPU_BOX, capabilities=("9.0",))
NOW: dict[Device, str] = {"cpu": "c", "cuda": "g"}
MADE = Environment(
    kind="llm",
    device="cpu",
    requirements="c",
    build="b",
    instructions=("avx", "avx2"),
    capabilities=(),
    platform="linux-x86_64",
    python="cpython 3.11",
    origin="compiled here",
    made_unix=1.0,
    made_seconds=1.0,
    tested_unix=1.0,
    test=SelfTest(True, "cpu", "it computes"),
)
ON_GPU = msgspec.structs.replace(
    MADE, device="cuda", requirements="g", capabilities=("9.0",), test=SelfTest(True, "cuda", "it computes")
)


def changed(made: Environment, **changes: object) -> Environment:
    return msgspec.structs.replace(made, **changes)


def kept(**environments: Environment | None) -> list[Stored]:
    return [Stored(Path("/data") / name, environment) for name, environment in environments.items()]


@pytest.mark.parametrize(
    ("machine", "on_gpu", "name"),
    [(GPU_BOX, True, "cuda"), (GPU_BOX, False, "cpu"), (CPU_BOX, True, "cpu"), (CPU_BOX, False, "cpu")],
)
def test_one_for_the_gpu_where_there_is_one_and_the_engine_may_use_it(
    machine: Machine, on_gpu: bool, name: str
) -> None:
    found = choose(kept(cpu=MADE, cuda=ON_GPU), "llm", NOW, machine, on_gpu=on_gpu)
    assert found is not None
    assert found.name == name


def test_what_there_is_serves_where_nothing_better_is() -> None:
    only_cuda = choose(kept(cuda=ON_GPU), "llm", NOW, GPU_BOX, on_gpu=False)
    only_cpu = choose(kept(cpu=MADE), "llm", NOW, GPU_BOX, on_gpu=True)
    assert (only_cuda is not None, only_cpu is not None) == (True, True)
    assert choose(kept(cuda=ON_GPU), "llm", NOW, CPU_BOX, on_gpu=True) is None, "its libraries need the driver"


def test_the_newest_that_fits() -> None:
    newer, newest = changed(MADE, made_unix=2.0), changed(MADE, made_unix=3.0, requirements="other")
    found = choose(kept(a=MADE, b=newer, c=newest, d=None), "llm", NOW, CPU_BOX, on_gpu=True)
    assert found is not None
    assert found.name == "b"
    assert choose(kept(a=MADE), "embed", NOW, CPU_BOX, on_gpu=True) is None
    assert choose([], "llm", NOW, CPU_BOX, on_gpu=True) is None


@pytest.mark.parametrize(
    ("made", "machine", "why"),
    [
        (MADE, CPU_BOX, ""),
        (changed(MADE, test=SelfTest(False, "", "crashed")), CPU_BOX, "self-test failed"),
        (changed(MADE, requirements="g"), CPU_BOX, "made from other requirements"),
        (changed(MADE, device="cuda", requirements="x"), GPU_BOX, "made from other requirements"),
        (ON_GPU, CPU_BOX, "no GPU here"),
        (MADE, replace(CPU_BOX, instructions=("avx",)), "built for another CPU"),
        (MADE, replace(CPU_BOX, instructions=("avx", "avx2", "avx512f")), ""),
        (changed(MADE, build=""), replace(CPU_BOX, instructions=()), ""),
        (MADE, replace(CPU_BOX, python="cpython 3.13"), ""),
        (MADE, replace(CPU_BOX, platform="linux-aarch64"), "made for linux-x86_64"),
        (ON_GPU, replace(GPU_BOX, capabilities=("8.6",)), "built for newer GPUs"),
        (ON_GPU, replace(GPU_BOX, capabilities=("8.6", "12.0")), ""),
        (changed(ON_GPU, build=""), replace(GPU_BOX, capabilities=("7.5",)), ""),
    ],
)
def test_what_fits_this_box(made: Environment, machine: Machine, why: str) -> None:
    assert misfit(made, NOW, machine) == why


LLAMA: dict[Device, Requirements] = {
    "cpu": Requirements("llm", "cpu", ("numpy==2",), ("llama==1",), ("cmake==4",)),
    "cuda": Requirements("llm", "cuda", ("numpy==2",), ("llama==1",), ("cmake==4",)),
}


def test_what_is_compiled_is_known_by_all_that_decides_what_comes_out() -> None:
    boxes = (
        GPU_BOX,
        replace(GPU_BOX, instructions=("avx",)),
        replace(GPU_BOX, python="cpython 3.12"),
        replace(GPU_BOX, platform="linux-aarch64"),
        replace(GPU_BOX, capabilities=("8.0", "9.0")),
    )
    assert len({build_key(LLAMA["cuda"], box) for box in boxes}) == 5
    assert len({build_key(LLAMA["cpu"], box) for box in boxes}) == 4, "GPUs do not matter to a build for the CPU"
    assert build_key(LLAMA["cpu"], GPU_BOX) != build_key(LLAMA["cuda"], GPU_BOX)
    other_numpy = replace(LLAMA["cpu"], wheels=("numpy==3",))
    assert build_key(other_numpy, GPU_BOX) == build_key(LLAMA["cpu"], GPU_BOX)
    assert name_of(other_numpy, GPU_BOX) != name_of(LLAMA["cpu"], GPU_BOX)


def test_what_is_published_as_it_is_does_not_depend_on_the_cpu() -> None:
    embed = Requirements("embed", "cuda", ("onnxruntime-gpu==1",))
    other = replace(GPU_BOX, instructions=(), capabilities=("8.0",))
    assert build_key(embed, GPU_BOX) == ""
    assert name_of(embed, GPU_BOX) == name_of(embed, other)
    assert name_of(embed, GPU_BOX) != name_of(embed, replace(GPU_BOX, python="cpython 3.12"))
    assert name_of(embed, GPU_BOX).startswith("embed-cuda-")


def test_of_a_cpu_only_what_compilers_use_counts() -> None:
    before = "processor : 0\nmodel name : A CPU\nflags : fpu sse4_2 avx2 avx512f nopl\nprocessor : 1\nflags : fpu\n"
    after = before.replace("nopl", "nopl overflow_recov user_shstk")
    assert read_cpu(before) == ("A CPU", ("avx2", "avx512f", "sse4_2"))
    assert read_cpu(after) == read_cpu(before), "a new kernel is no new CPU"
    assert read_cpu("Features : fp asimd sve\n") == ("", ("asimd", "fp", "sve"))
    assert this_machine(("9.0", "12.0", "", "9.0")).capabilities == ("9.0", "12.0")


def test_a_folder_is_whole_when_its_record_is_and_its_python_runs(tmp_path: Path) -> None:
    whole, torn, bare = (tmp_path / name for name in ("a", "b", "c"))
    for folder in (whole, torn, bare):
        (folder / "bin").mkdir(parents=True)
    (tmp_path / "a.log").touch()
    for folder in (whole, torn):
        (folder / "bin" / "python").symlink_to("/bin/sh")
        (folder / RECORD).write_bytes(msgspec.json.encode(MADE))
    (torn / RECORD).write_bytes(msgspec.json.encode(MADE)[:40])
    assert [(one.name, one.environment) for one in stored(tmp_path)] == [("a", MADE), ("b", None), ("c", None)]
    (whole / "bin" / "python").unlink()
    (whole / "bin" / "python").symlink_to("/nowhere/python3.11")
    assert read_record(whole) is None
    assert stored(tmp_path / "nothing") == ()
