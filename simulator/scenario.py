"""Scenarios of simulated GPUs: TOML as people write it (docs/simulator.md), turned into the lines the library reads."""

from __future__ import annotations

import difflib
import math
import os
import re
import time
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from simulator.curves import ScenarioError, curve_words, number

__all__ = ["ScenarioError", "lines_of", "named", "publish"]

HERE = Path(__file__).parent
QUANTITIES = tuple(re.findall(r"X\((\w+)\)", (HERE / "source" / "scenario.h").read_text()))
"""Every number a GPU may have; the library's header is the list."""

ERRORS = {
    "uninitialized": 1, "invalid_argument": 2, "not_supported": 3, "no_permission": 4, "not_found": 6,
    "driver_not_loaded": 9, "timeout": 10, "irq_issue": 11, "function_not_found": 13, "corrupted_inforom": 14,
    "gpu_is_lost": 15, "reset_required": 16, "operating_system": 17, "lib_rm_version_mismatch": 18, "in_use": 19,
    "memory": 20, "no_data": 21, "unknown": 999,
}  # fmt: skip
REASONS = {
    "gpu_idle": 0x1, "applications_clocks": 0x2, "sw_power_cap": 0x4, "hw_slowdown": 0x8, "sync_boost": 0x10,
    "sw_thermal": 0x20, "hw_thermal": 0x40, "hw_power_brake": 0x80, "display_clock": 0x100,
}  # fmt: skip


class Window(Struct, forbid_unknown_fields=True, kw_only=True):
    """From second `from` until second `until`, again every `every` seconds."""

    since: float = field(default=0.0, name="from")
    until: float = math.inf
    every: float = 0.0

    def words(self) -> str:
        return f"{self.since!r} {self.until!r} {self.every!r}"


class Fault(Window, kw_only=True):
    """Calls whose name matches `call` fail with `error`."""

    error: str
    call: str = "*"


class Latency(Window, kw_only=True):
    """Calls whose name matches `call` take `seconds`, at most until the window ends."""

    seconds: float
    call: str = "*"


class Throttle(Window, kw_only=True):
    """The card slows its clocks for this reason."""

    reason: str


class Process(Window, kw_only=True):
    """Holds memory: by its pid (listed even though no such process lives), or by a pidfile (while it lives)."""

    memory: Any
    pid: int = 0
    pidfile: str = ""
    name: str = ""
    kind: Literal["compute", "graphics"] = "compute"
    stays: bool = False
    """Its bytes stay after its end: a leak."""
    mig: int = -1
    utilisation: Any = None


class Mig(Struct, forbid_unknown_fields=True, kw_only=True):
    """A part of a GPU."""

    memory: Any
    profile: str
    slices: int = 1
    uuid: str = ""


class Gpu(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a GPU has beside its numbers."""

    name: str
    capability: str
    uuid: str = ""
    bus: str = ""
    serial: str = ""
    lacks: list[str] = []
    process: list[Process] = []
    mig: list[Mig] = []
    fault: list[Fault] = []
    latency: list[Latency] = []
    throttle: list[Throttle] = []


class Box(Struct, forbid_unknown_fields=True, kw_only=True):
    """What all GPUs share."""

    driver: str = "570.86.15"
    cuda: str = "12.8"
    accounts: str = ""
    """Folder where processes publish what they hold."""
    clock: float | None = None
    """Second at which time stands still."""
    fault: list[Fault] = []
    latency: list[Latency] = []
    gpu: list[dict[str, Any]] = []


def named(name: str) -> Path:
    """The file of a scenario: a path, or the name of one that comes with the simulator.

    Raises:
        ScenarioError
    """
    ours = {path.stem: path for path in sorted((HERE / "scenarios").glob("*.toml"))}
    if name in ours:
        return ours[name]
    if Path(name).is_file():
        return Path(name)
    raise ScenarioError(f"there is no scenario {name}: a file, or one of {', '.join(ours)}")


def publish(
    source: Path | str | Mapping[str, Any],
    target: Path,
    *,
    start_unix: float | None = None,
    accounts: Path | None = None,
) -> None:
    """Write a scenario (a file, TOML text, or its table) for the library to read, in one stroke.

    Time 0 of its curves is `start_unix`, or now. `accounts` is the folder where processes publish what they hold.

    Raises:
        ScenarioError
    """
    table = source if isinstance(source, Mapping) else _table(source)
    beside = source.parent if isinstance(source, Path) else target.parent
    lines = lines_of(
        table, start_unix=time.time() if start_unix is None else start_unix, beside=beside, accounts=accounts
    )
    part = target.with_name(f".{target.name}.{os.getpid()}.{time.monotonic_ns()}")
    part.write_text(lines)
    part.replace(target)


def _table(source: Path | str) -> dict[str, Any]:
    try:
        return tomllib.loads(source if isinstance(source, str) else source.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise ScenarioError(f"{source if isinstance(source, Path) else 'the scenario'}: {error}") from error


def lines_of(table: Mapping[str, Any], *, start_unix: float, beside: Path, accounts: Path | None = None) -> str:
    """The library's lines for a scenario's table; relative paths in it are beside `beside`.

    Raises:
        ScenarioError
    """
    box = _convert(table, Box, "the scenario")
    folder = accounts or (beside / box.accounts if box.accounts else None)
    lines = ["engineroom-nvml 1", f"driver {box.driver}", f"cuda {_cuda(box.cuda)}", f"start {start_unix!r}"]
    lines += [f"stopped {box.clock!r}"] if box.clock is not None else []
    lines += [f"folder {folder.resolve()}"] if folder else []
    lines += _windows(box.fault, box.latency, "the scenario")
    for index, gpu in enumerate(box.gpu):
        lines += _gpu_lines(gpu, index, beside)
    text = "\n".join([*lines, "end", ""])
    if text.count("\n") != len(lines) + 1:
        raise ScenarioError("names in a scenario are of one line")
    return text


def _convert(table: Mapping[str, Any], into: type[Any], where: str) -> Any:
    try:
        return msgspec.convert(table, into)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{where}: {error}") from error


def _cuda(version: str) -> int:
    major, _, minor = version.partition(".")
    if not major.isdigit() or not minor.isdigit():
        raise ScenarioError(f"cuda: {version!r} is no version such as 12.8")
    return int(major) * 1000 + int(minor) * 10


def _gpu_lines(table: Mapping[str, Any], index: int, beside: Path) -> Iterator[str]:
    where = f"gpu {index}"
    merged = {**_model(table["model"], where), **table} if "model" in table else dict(table)
    merged.pop("model", None)
    values = {name: merged.pop(name) for name in QUANTITIES if name in merged}
    for unknown in set(merged) - set(Gpu.__struct_fields__):
        near = difflib.get_close_matches(unknown, [*QUANTITIES, *Gpu.__struct_fields__], 1)
        raise ScenarioError(f"{where}: no GPU has {unknown}{f'; do you mean {near[0]}?' if near else ''}")
    gpu: Gpu = _convert(merged, Gpu, where)
    major, _, minor = gpu.capability.partition(".")
    if not major.isdigit() or not minor.isdigit():
        raise ScenarioError(f"{where}: {gpu.capability!r} is no compute capability such as 9.0")
    yield from ("gpu", f"name {gpu.name}", f"uuid {gpu.uuid or _uuid('GPU', gpu.name, index)}")
    yield from (f"bus {gpu.bus or f'00000000:{index + 1:02X}:00.0'}", f"capability {major} {minor}")
    if gpu.serial:
        yield f"serial {gpu.serial}"
    for name, value in values.items():
        yield f"value {name} {curve_words(value, f'{where}, {name}')}"
    yield from _windows(
        [*gpu.fault, *(Fault(call=call, error="not_supported") for call in gpu.lacks)], gpu.latency, where
    )
    for throttle in gpu.throttle:
        yield f"window throttle {throttle.words()} {_among(REASONS, throttle.reason, where)} -"
    for number_of, part in enumerate(gpu.mig):
        part_uuid = part.uuid or _uuid("MIG", gpu.name, index * 16 + number_of)
        name = f"{gpu.name} MIG {part.profile}"
        yield f"mig {number_of + 1} 0 {number(part.memory, where)!r} {part.slices} {part_uuid} {name}"
    for process in gpu.process:
        yield from _process_lines(process, where, beside)


def _process_lines(process: Process, where: str, beside: Path) -> Iterator[str]:
    if bool(process.pid) == bool(process.pidfile):
        raise ScenarioError(f"{where}: a process has either a pid or a pidfile")
    flags = f"{int(process.kind == 'graphics')} {int(process.stays)} {process.mig}"
    yield f"process {process.pid} {flags} {process.words()} {curve_words(process.memory, f'{where}, process')}"
    if process.pidfile:
        yield f"pidfile {(beside / process.pidfile).resolve()}"
    if process.name:
        yield f"label {process.name}"
    if process.utilisation is not None:
        yield f"busy {curve_words(process.utilisation, f'{where}, process')}"


def _windows(faults: list[Fault], latencies: list[Latency], where: str) -> list[str]:
    return [f"window fault {f.words()} {_among(ERRORS, f.error, where)} {f.call}" for f in faults] + [
        f"window latency {late.words()} {late.seconds!r} {late.call}" for late in latencies
    ]


def _among(known: Mapping[str, int], name: str, where: str) -> int:
    if name not in known:
        raise ScenarioError(f"{where}: {name!r} is none of {', '.join(known)}")
    return known[name]


def _model(name: str, where: str) -> dict[str, Any]:
    models = _table(HERE / "models.toml")
    if name not in models:
        raise ScenarioError(f"{where}: there is no model {name!r}: {', '.join(models)}")
    model: dict[str, Any] = models[name]
    return model


def _uuid(kind: str, name: str, index: int) -> str:
    return f"{kind}-{uuid.uuid5(uuid.NAMESPACE_OID, f'{name} {index}')}"
