"""What `doctor` finds about each engine's build: whether it can load at all, and which GPUs here it can use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import anyio

from cli.finding import Finding
from ipc.client import Client, expect
from ipc.control import BuildList, Builds
from ipc.errors import ConnectionFailed, RequestFailed
from ipc.snapshot import Build, EngineRow, GpuReading, Snapshot
from ipc.states import Ready

LIMIT_SECONDS = 30.0
"""The supervisor gives itself 20."""


async def ask(client: Client) -> tuple[Build, ...]:
    """Every engine's build, as far as the supervisor tells in time; none where it cannot, as before an update."""
    with anyio.move_on_after(LIMIT_SECONDS), suppress(RequestFailed, ConnectionFailed):
        return expect(await client.ask(Builds()), BuildList).rows
    return ()


def findings(whole: Snapshot, builds: Sequence[Build]) -> Iterator[Finding]:
    """One an engine, in the order of the engines; then those of whom nothing is known."""
    build_of = {one.engine: one for one in builds}
    gpus = [one for one in whole.gpus if not one.stale]
    for row in whole.engines:
        if row.name in build_of:
            yield _of_engine(row, build_of[row.name], gpus)
    if unknown := [row.name for row in whole.engines if row.name not in build_of]:
        text = f"the supervisor could not look at them in time: {', '.join(unknown)}."
        yield Finding("builds", "warn", text, "Their models may be on a slow disk; run `engineroom doctor` again.")


def leaves_open(build: Build) -> bool:
    """Whether it does not tell which GPUs it can use."""
    return not build.least_capability


def explains_cpu(build: Build) -> bool:
    """Whether it says why its engine is on the CPU although a GPU is there."""
    return bool(build.why_no_gpu) or not build.wants_gpu


def _of_engine(row: EngineRow, build: Build, gpus: Sequence[GpuReading]) -> Finding:
    what = f"engine {row.name}"
    if build.problem is not None:
        # What is loaded goes on working; the next load meets it.
        loaded = isinstance(row.state, Ready)
        return Finding(what, "warn" if loaded else "bad", build.problem.detail, build.problem.hint)
    if not gpus or not build.wants_gpu:
        return Finding(what, "ok", "what it would load is there")
    if build.why_no_gpu:
        text = f"its build uses no GPU although one is there: {build.why_no_gpu.rstrip('.')}."
        hint = 'Install a build for this GPU into its environment, or set gpu = "cpu" if that is meant.'
        return Finding(what, "warn", text, hint)
    if not build.least_capability:
        return Finding(what, "ok", "what it would load is there; its build does not tell which GPUs it can use")
    if old := [one for one in gpus if _older(one.compute_capability, build.least_capability)]:
        names = ", ".join(f"GPU {one.index} ({one.name}, {one.compute_capability})" for one in old)
        text = f"its build needs compute capability {build.least_capability}; too old for it: {names}."
        hint = "Install a build that also has code for older GPUs, or leave those to other engines."
        return Finding(what, "warn", text, hint)
    return Finding(
        what, "ok", f"its build can use every GPU here (compute capability {build.least_capability} or later)"
    )


def _older(capability: str, least: str) -> bool:
    return bool(capability) and _number(capability) < _number(least)


def _number(capability: str) -> tuple[int, ...]:
    return tuple(map(int, capability.split(".")))
