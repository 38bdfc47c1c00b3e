"""The estimate against the library and against a real process; no number here is written down twice."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import llama_cpp
import psutil
import pytest
from flying_kit import Heard
from llm_files import Q4_0, Q8_0, Build, hollow
from llm_recorders import MINIATURE
from llm_spawned import GREEDY, flight, spawned

from engines.llm import told
from engines.llm.buffers import buffers_of
from engines.llm.context import Context
from engines.llm.estimate import (
    CACHE_ROUNDING_BYTES,
    CACHE_TYPES,
    CUDA_CONTEXT_BYTES,
    Buffers,
    cache_bytes,
    formula,
    gpu_bytes,
    need,
)
from engines.llm.files import ModelFile
from engines.llm.header import Header, read
from engines.llm.library import open_library
from engines.llm.rehearsal import Rehearsal
from engines.llm.settings import LlmSettings
from engines.llm.weights import Weights
from ipc.work import Landed, Load, Loaded

MIB = 2**20
HEADER = read(MINIATURE)
SHAPES: list[dict[str, Any]] = [
    {},
    {"n_ctx": 2048, "parallel": 8},
    {"n_ctx": 64},
    {"n_ctx": 300, "parallel": 3},
    {"n_ctx": 1000, "parallel": 7, "n_batch": 100},
    {"n_ctx": 512, "n_batch": 64},
    {"n_batch": 1},
    {"parallel": 64, "n_ctx": 256},
    {"n_batch": 16384, "parallel": 2},
    {"n_batch": 2048, "n_ubatch": 2048},
    {"n_batch": 2048, "n_ubatch": 96, "parallel": 3},
    {"flash_attn": "on"},
    {"flash_attn": "off"},
    {"flash_attn": "off", "n_batch": 40, "n_ctx": 700, "parallel": 2},
]
CACHES: list[dict[str, Any]] = [
    *({"type_k": kind, "type_v": kind} for kind in CACHE_TYPES),
    {"type_k": "q8_0", "flash_attn": "off", "parallel": 3, "n_ctx": 300},
    {"type_k": "q8_0", "type_v": "q4_0"},
    {"type_k": "f16", "type_v": "iq4_nl", "n_ctx": 1000},
]


# ── against the library ───────────────────────────────────────────────────────────────────────────────────


def test_weights_are_what_the_library_counts() -> None:
    weights = Weights(ModelFile(MINIATURE, HEADER), LlmSettings(), Heard())
    assert HEADER.weight_bytes == llama_cpp.llama_model_size(weights.pointer)
    weights.close()


@pytest.mark.parametrize("shape", [*SHAPES, *CACHES], ids=str)
def test_cache_and_buffers_are_what_a_real_context_takes(shape: dict[str, Any]) -> None:
    settings = LlmSettings(**shape)
    with buffers_of(MINIATURE, HEADER) as buffers:
        estimated = buffers(settings)
    weights = Weights(ModelFile(MINIATURE, HEADER), settings, Heard())
    with open_library().hearing() as heard:
        Context(weights, settings).close()
    weights.close()
    (cache,) = [match[1] for line in heard if (match := re.search(r"KV buffer size = +([\d.]+) MiB", line))]
    assert f"{sum(cache_bytes(HEADER, settings)) / MIB:.2f}" == cache
    assert estimated.compute == told.compute_bytes(heard)
    assert abs(estimated.cache - sum(cache_bytes(HEADER, settings))) < CACHE_ROUNDING_BYTES


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_without_the_library_the_formula_comes_close(shape: dict[str, Any]) -> None:
    settings = LlmSettings(**shape)
    with buffers_of(MINIATURE, HEADER) as buffers:
        assert formula(HEADER, settings).compute == pytest.approx(buffers(settings).compute, rel=0.02, abs=0.01 * MIB)


@pytest.mark.parametrize("shape", CACHES, ids=str)
def test_without_the_library_the_formula_is_near_for_every_cache(shape: dict[str, Any]) -> None:
    settings = LlmSettings(**shape)
    with buffers_of(MINIATURE, HEADER) as buffers:
        assert formula(HEADER, settings).compute == pytest.approx(buffers(settings).compute, rel=0.1)


@pytest.mark.parametrize(
    "build",
    [
        Build(),
        Build(cache_heads=(8,), vocabulary=128_000, feed_forward=14336),
        Build(blocks=80, embedding=8192, heads=64, cache_heads=(8,), feed_forward=28672),
    ],
    ids=["7B", "8B", "70B"],
)
@pytest.mark.parametrize(
    "shape", [{}, {"parallel": 8}, {"n_batch": 64}, {"flash_attn": "off"}, {"n_ubatch": 2048, "n_batch": 2048}], ids=str
)
def test_the_formula_comes_close_for_large_models(tmp_path: Path, build: Build, shape: dict[str, Any]) -> None:
    path, settings = hollow(tmp_path / "large.gguf", build, Q4_0), LlmSettings(**shape)
    header = read(path)
    rehearsal = Rehearsal(path, header)
    said, computed = rehearsal.buffers(settings), formula(header, settings)
    rehearsal.close()
    assert said is not None
    assert computed.compute == pytest.approx(said.compute, rel=0.02)
    assert computed.cache == pytest.approx(said.cache, abs=0.01 * MIB)


def test_a_file_that_the_library_refuses_is_estimated_by_formula(tmp_path: Path) -> None:
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(MINIATURE.read_bytes().replace(b"llama", b"odder"))
    header = read(odd)
    with buffers_of(odd, header) as buffers:
        assert buffers(LlmSettings()) == formula(header, LlmSettings())
    assert header.cached == HEADER.cached


@pytest.mark.parametrize(("knob", "counted"), [(0, 0), (3, 3 * MIB), (256, sum(cache_bytes(HEADER, LlmSettings())))])
def test_computed_prompts_count_up_to_the_size_of_the_context(knob: int, counted: int) -> None:
    without, with_it = (
        need(HEADER, settings, formula(HEADER, settings)).host_bytes
        for settings in (LlmSettings(prompt_cache=0), LlmSettings(prompt_cache=knob))
    )
    assert with_it - without == counted


async def test_the_host_s_memory_of_a_real_process(anyio_backend: str) -> None:
    settings = LlmSettings(n_ctx=2048, parallel=8, profile="cpu_fallback", prompt_cache=0)
    with buffers_of(MINIATURE, HEADER) as buffers:
        estimated = need(HEADER, settings, buffers(settings)).ram_bytes(0)
    async with spawned() as child:
        child.send(Load({**GREEDY, "n_ctx": 2048, "parallel": 8, "profile": "cpu_fallback", "prompt_cache": 0}))
        assert (await child.until(Loaded)).layers_on_gpu == 0
        child.send(flight(1, 8))
        await child.until(Landed)
        taken = psutil.Process(child.process.pid).memory_info().rss
    assert 0.7 * estimated < taken < 1.3 * estimated


# ── what lies where ───────────────────────────────────────────────────────────────────────────────────────


def needed(header: Header, **more: Any) -> tuple[int, int]:
    """Bytes on one GPU and in the host's memory, at the layers that the settings name."""
    settings = LlmSettings(**more)
    taken = need(header, settings, formula(header, settings))
    assert taken.on_gpu is not None
    return taken.gpu_bytes(taken.on_gpu), taken.ram_bytes(taken.on_gpu)


def test_balanced_puts_35_of_43_layers_on_the_gpu(tmp_path: Path) -> None:
    header = read(hollow(tmp_path / "deep.gguf", Build(blocks=42), Q8_0))
    taken = need(header, LlmSettings(profile="balanced"), formula(header, LlmSettings()))
    assert len(taken.layers) == 43
    assert taken.on_gpu == 35
    assert taken.gpu_bytes(35) == sum(taken.layers[8:]) + taken.per_gpu_bytes
    assert need(header, LlmSettings(profile="dynamic"), formula(header, LlmSettings())).on_gpu is None


def test_all_weights_and_caches_are_somewhere(tmp_path: Path) -> None:
    header = read(hollow(tmp_path / "large.gguf", Build(), Q8_0))
    settings = LlmSettings(parallel=2)
    buffers = formula(header, settings)
    taken = need(header, settings, buffers)
    assert sum(taken.layers) + header.input_bytes == header.weight_bytes + buffers.cache
    assert taken.per_gpu_bytes == buffers.compute + CUDA_CONTEXT_BYTES


def test_some_layers_on_the_gpu_leave_room_for_those_passing_through(tmp_path: Path) -> None:
    header = read(hollow(tmp_path / "large.gguf", Build(), Q8_0))
    whole, some, none = (need(header, LlmSettings(n_gpu_layers=n), Buffers(0, 0)) for n in (33, 32, 0))
    assert some.per_gpu_bytes - whole.per_gpu_bytes == header.largest_bytes
    assert none.gpu_bytes(0) == 0


def test_a_table_used_twice_lies_twice_only_with_a_gpu() -> None:
    on_gpu, in_ram = needed(HEADER)
    on_none, all_in_ram = needed(HEADER, n_gpu_layers=0)
    assert on_none == 0
    untied = replace(HEADER, tied=False)
    assert needed(untied) == (on_gpu - HEADER.table_bytes, in_ram)
    assert needed(untied, n_gpu_layers=0) == (0, all_in_ram)


def test_a_cache_that_only_the_library_can_tell_is_spread_over_the_blocks() -> None:
    plain = need(HEADER, LlmSettings(), formula(HEADER, LlmSettings()))
    half = formula(HEADER, LlmSettings()).cache // 2
    smaller = need(HEADER, LlmSettings(), Buffers(0, half))
    assert sum(plain.layers) - sum(smaller.layers) == half
    stateful = need(replace(HEADER, cached_keys=(0,) * 4, cached_values=(0,) * 4), LlmSettings(), Buffers(0, 4 * MIB))
    assert stateful.layers[:4] == tuple(size + MIB for size in HEADER.block_bytes)


def test_adapters_lie_where_the_weights_do() -> None:
    plain, more = (need(HEADER, LlmSettings(), Buffers(0, 0, adapters)) for adapters in (0, 4 * MIB))
    added = [after - before for before, after in zip(plain.layers, more.layers, strict=True)]
    assert added[-1] == 0
    assert all(size == pytest.approx(MIB, abs=4) for size in added[:-1])
    assert (more.per_gpu_bytes, more.host_bytes) == (plain.per_gpu_bytes, plain.host_bytes)


def test_each_further_gpu_takes_its_own_buffers() -> None:
    taken = need(HEADER, LlmSettings(), Buffers(MIB, 0))
    assert gpu_bytes(taken, 3) - gpu_bytes(taken, 1) == 2 * taken.per_gpu_bytes
    assert gpu_bytes(need(HEADER, LlmSettings(n_gpu_layers=0), Buffers(MIB, 0)), 2) == 0
    assert gpu_bytes(need(HEADER, LlmSettings(profile="dynamic"), Buffers(MIB, 0)), 1) >= gpu_bytes(taken, 1)


# ── words of the library ──────────────────────────────────────────────────────────────────────────────────


def test_layers_on_the_gpu_are_those_last_told() -> None:
    log = ["load_tensors: offloading 28 repeating layers to GPU\n", "load_tensors: offloaded 29/33 layers to GPU\n"]
    assert told.layers_on_gpu(log) == 29
    assert told.layers_on_gpu(log[:1]) is None


@pytest.mark.parametrize(
    ("info", "capability"),
    [
        ("CUDA : ARCHS = 500,610,700,750,800 | USE_GRAPHS = 1 | PEER_MAX_BATCH_SIZE = 128 | CPU : SSE3 = 1 | ", "5.0"),
        ("CUDA : ARCHS = 890 | CPU : SSE3 = 1 | ", "8.9"),
        ("CUDA : FORCE_MMQ = 1 | ARCHS = 1200,1000 | ", "10.0"),
        ("CUDA : USE_GRAPHS = 1 | CPU : ARCHS = 900 | ", ""),
        ("CPU : SSE3 = 1 | AVX2 = 1 | ", ""),
        ("", ""),
    ],
)
def test_the_least_capability_is_the_oldest_architecture_built_for(info: str, capability: str) -> None:
    assert told.least_capability(info) == capability


@pytest.mark.parametrize(
    ("info", "gpu"),
    [
        ("CUDA : USE_GRAPHS = 1 | CPU : SSE3 = 1 | ", True),
        ("ROCm : NO_VMM = 1 | CPU : SSE3 = 1 | ", True),
        ("CPU : SSE3 = 1 | AVX2 = 1 | ", False),
        ("", False),
    ],
)
def test_a_build_for_gpus_says_so_where_none_is_in_sight(info: str, gpu: bool) -> None:
    assert told.built_for_gpu(info) is gpu
