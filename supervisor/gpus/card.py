"""One GPU's calls, each in the units of a `GpuReading`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ipc.snapshot import GpuProcess
from supervisor.gpus.answers import Answer, Failure, NotSupported, lack
from supervisor.gpus.nvml import Nvml
from supervisor.gpus.throttle import throttle_names

MEMORY_TEMPERATURE, PCIE_TX, PCIE_RX = 82, 197, 198
"""Fields. The PCIe counters are asked for here, because nvmlDeviceGetPcieThroughput blocks 20 ms a call."""


@dataclass(frozen=True, slots=True)
class Memory:
    """In bytes; `reserved` is what the driver keeps, and part of `used` where it is not told (None)."""

    total: int
    used: int
    reserved: int | None


class Card:
    """A handle and what can be asked of it. Every call may block, and none raises."""

    def __init__(self, nvml: Nvml, handle: object) -> None:
        self._ask = nvml.ask
        self._library = nvml.library
        self._handle = handle
        self._names: dict[int, str] = {}

    # ── what never changes ────────────────────────────────────────────────────────────────────────────────

    def uuid(self) -> Answer[str]:
        """Such as `GPU-2f4b…`."""
        return self._ask(self._library.nvmlDeviceGetUUID, self._handle)

    def name(self) -> Answer[str]:
        """Such as `NVIDIA H100 80GB HBM3`."""
        return self._ask(self._library.nvmlDeviceGetName, self._handle)

    def compute_capability(self) -> Answer[str]:
        """Such as `9.0`."""
        answer: Answer[tuple[int, int]] = self._ask(self._library.nvmlDeviceGetCudaComputeCapability, self._handle)
        return "{}.{}".format(*answer) if isinstance(answer, tuple) else answer

    # ── what changes slowly ───────────────────────────────────────────────────────────────────────────────

    def slowdown_celsius(self) -> Answer[float]:
        """Where it slows itself down."""
        library = self._library
        which = library.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN
        return _scaled(self._ask(library.nvmlDeviceGetTemperatureThreshold, self._handle, which))

    def power_limit_watts(self) -> Answer[float]:
        """The limit in force."""
        return _scaled(self._ask(self._library.nvmlDeviceGetEnforcedPowerLimit, self._handle), 1000)

    def fan_percent(self) -> Answer[float]:
        """What its fans are told to do."""
        return _scaled(self._ask(self._library.nvmlDeviceGetFanSpeed, self._handle))

    def ecc_uncorrected(self) -> Answer[int]:
        """Since the driver was loaded."""
        library = self._library
        kind, since = library.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, library.NVML_VOLATILE_ECC
        return self._ask(library.nvmlDeviceGetTotalEccErrors, self._handle, kind, since)

    def display_active(self) -> Answer[bool]:
        """Whether it drives a display."""
        answer: Answer[int] = self._ask(self._library.nvmlDeviceGetDisplayActive, self._handle)
        return bool(answer) if isinstance(answer, int) else answer

    def persistence(self) -> Answer[bool]:
        """Whether the driver keeps it ready while nobody uses it."""
        answer: Answer[int] = self._ask(self._library.nvmlDeviceGetPersistenceMode, self._handle)
        return bool(answer) if isinstance(answer, int) else answer

    def mig(self) -> Answer[tuple[str, ...]]:
        """The UUIDs of its MIG devices; none where MIG is off or unknown to it."""
        library = self._library
        mode: Answer[list[int]] = self._ask(library.nvmlDeviceGetMigMode, self._handle)
        if not isinstance(mode, list) or mode[0] != library.NVML_DEVICE_MIG_ENABLE:
            return mode if isinstance(mode, Failure) else ()
        most: Answer[int] = self._ask(library.nvmlDeviceGetMaxMigDeviceCount, self._handle)
        if not isinstance(most, int):
            return most
        found: list[str] = []
        for position in range(most):
            device = self._ask(library.nvmlDeviceGetMigDeviceHandleByIndex, self._handle, position)
            if not isinstance(device, NotSupported | Failure):  # most positions are empty
                uuid = self._ask(library.nvmlDeviceGetUUID, device)
                found += [uuid] if isinstance(uuid, str) else []
        return tuple(found)

    def fields(self, *wanted: int) -> tuple[Answer[float], ...]:
        """Values by field number, in one call."""
        values: Any = self._ask(self._library.nvmlDeviceGetFieldValues, self._handle, list(wanted))
        if isinstance(values, NotSupported | Failure):
            return tuple(values for _ in wanted)
        return tuple(_field(value) for value in values)

    # ── what changes all the time ─────────────────────────────────────────────────────────────────────────

    def memory(self) -> Answer[Memory]:
        """How full it is."""
        library = self._library
        told: Any = self._ask(library.nvmlDeviceGetMemoryInfo, self._handle, library.nvmlMemory_v2)
        if not isinstance(told, NotSupported | Failure):
            return Memory(told.total, told.used, told.reserved)
        if isinstance(told, NotSupported):  # an old driver: version 1 counts what is reserved as used
            told = self._ask(library.nvmlDeviceGetMemoryInfo, self._handle)
        return told if isinstance(told, NotSupported | Failure) else Memory(told.total, told.used, None)

    def utilisation(self) -> Answer[tuple[float, float]]:
        """Percent of the last moments in which it computed, and in which its memory was read or written."""
        told: Any = self._ask(self._library.nvmlDeviceGetUtilizationRates, self._handle)
        return told if isinstance(told, NotSupported | Failure) else (float(told.gpu), float(told.memory))

    def temperature_celsius(self) -> Answer[float]:
        """Of the chip."""
        library = self._library
        return _scaled(self._ask(library.nvmlDeviceGetTemperature, self._handle, library.NVML_TEMPERATURE_GPU))

    def power_watts(self) -> Answer[float]:
        """An average over a second on recent cards."""
        return _scaled(self._ask(self._library.nvmlDeviceGetPowerUsage, self._handle), 1000)

    def energy_joules(self) -> Answer[float]:
        """Since the driver was loaded."""
        return _scaled(self._ask(self._library.nvmlDeviceGetTotalEnergyConsumption, self._handle), 1000)

    def sm_clock_mhz(self) -> Answer[int]:
        """Of its multiprocessors."""
        return self._ask(self._library.nvmlDeviceGetClockInfo, self._handle, self._library.NVML_CLOCK_SM)

    def memory_clock_mhz(self) -> Answer[int]:
        """Of its memory."""
        return self._ask(self._library.nvmlDeviceGetClockInfo, self._handle, self._library.NVML_CLOCK_MEM)

    def throttle(self) -> Answer[tuple[str, ...]]:
        """Why its clocks are lower than they could be."""
        library = self._library
        mask: Answer[int] = self._ask(library.nvmlDeviceGetCurrentClocksEventReasons, self._handle)
        if isinstance(mask, NotSupported):  # its name before driver 535
            mask = self._ask(library.nvmlDeviceGetCurrentClocksThrottleReasons, self._handle)
        return throttle_names(mask) if isinstance(mask, int) else mask

    def processes(self) -> Answer[tuple[GpuProcess, ...]]:
        """Who computes or draws on it, by pid, with the driver's name for it; engines are for others to find."""
        compute: Any = self._ask(self._library.nvmlDeviceGetComputeRunningProcesses, self._handle)
        graphics: Any = self._ask(self._library.nvmlDeviceGetGraphicsRunningProcesses, self._handle)
        if isinstance(compute, Failure):
            return compute
        lists = [one for one in (compute, graphics) if not isinstance(one, NotSupported | Failure)]
        found = merged((each.pid, each.gpuInstanceId, each.usedGpuMemory) for one in lists for each in one)
        self._names = {pid: self._names[pid] if pid in self._names else self._name_of(pid) for pid in found}
        return tuple(GpuProcess(pid, self._names[pid], used, "") for pid, used in sorted(found.items()))

    def _name_of(self, pid: int) -> str:
        answer: Answer[str] = self._ask(self._library.nvmlSystemGetProcessName, pid)
        return PurePath(answer.split()[0]).name if isinstance(answer, str) and answer.strip() else ""


def merged(entries: Iterable[tuple[int, int, int | None]]) -> dict[int, int | None]:
    """Bytes by pid from (pid, MIG instance, bytes): one that computes and draws is told twice; instances add up."""
    instances: dict[tuple[int, int], int | None] = {}
    for pid, instance, used in entries:
        known = instances.get((pid, instance))
        instances[pid, instance] = known if used is None else max(known or 0, used)
    totals: dict[int, int | None] = {}
    for (pid, _), used in instances.items():
        known = totals.get(pid)
        totals[pid] = known if used is None else (known or 0) + used
    return totals


def _scaled(answer: Answer[int], divisor: int = 1) -> Answer[float]:
    return answer / divisor if isinstance(answer, int) else answer


def _field(value: Any) -> Answer[float]:
    if value.nvmlReturn:
        return lack(value.nvmlReturn, f"error {value.nvmlReturn}")
    names = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
    return float(getattr(value.value, names[value.valueType])) if value.valueType < len(names) else NotSupported()
