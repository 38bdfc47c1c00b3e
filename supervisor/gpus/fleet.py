"""All GPUs of the box: finds them, keeps a sampler for each, and gives the loop their latest readings."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from msgspec.structs import replace

from ipc.snapshot import GpuFleet, GpuProcess, GpuReading
from supervisor.gpus.nvml import Nvml
from supervisor.gpus.owners import Owners
from supervisor.gpus.sampler import Pace, Sampler

STALE_SECONDS = 3.0
NO_GPU = "The NVIDIA driver sees no GPU."


class Fleet:
    """`readings` and `about` never block; the driver is asked in threads only."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._over = threading.Event()
        self._owners = Owners()
        self._samplers: tuple[Sampler, ...] = ()
        self._about = GpuFleet("", "", "The NVIDIA driver is being asked; it has not answered yet.")
        self._looked = False

    def start(self) -> None:
        """Begin to look for GPUs."""
        threading.Thread(target=self._scout, name="gpu-scout", daemon=True).start()

    def close(self) -> None:
        """Let the threads end; waits for none of them."""
        self._over.set()
        for sampler in self._samplers:
            sampler.close()

    def about(self) -> GpuFleet:
        """The driver, or why there is none."""
        return self._about

    def settled(self) -> bool:
        """Whether the driver and every GPU that it sees have answered at least once."""
        return self._looked and all(sampler.answered for sampler in self._samplers)

    def hurry(self, until: float) -> None:
        """Ask every GPU at once, and often until that moment on the monotonic clock: memory is to come back."""
        for sampler in self._samplers:
            sampler.hurry(until)

    def readings(self, engines: Mapping[int, str], monotonic: float) -> tuple[GpuReading, ...]:
        """Every GPU's latest reading; `engines` gives the names of ours by pid. Call it on the loop."""
        latest = [aged(one.latest.reading, monotonic - one.latest.monotonic) for one in self._samplers]
        owners = self._owners.of({one.pid for reading in latest for one in reading.processes}, engines)
        return tuple(
            replace(
                reading,
                processes=tuple(
                    GpuProcess(one.pid, owners[one.pid].name or one.name, one.used_bytes, owners[one.pid].engine)
                    for one in reading.processes
                ),
            )
            for reading in latest
        )

    def _scout(self) -> None:
        nvml: Nvml | None = None
        while not self._over.is_set():
            if nvml is None:
                opened = Nvml.open()
                if isinstance(opened, str):
                    self._about = GpuFleet("", "", opened)
                else:
                    nvml = opened
            if nvml is not None:
                self._look(nvml)
            self._looked = True
            self._over.wait(self._pace.look_again_seconds)

    def _look(self, nvml: Nvml) -> None:
        count = nvml.count()
        if isinstance(count, int):
            for index in range(len(self._samplers), count):
                sampler = Sampler(nvml, index, self._pace)
                sampler.start()
                self._samplers = (*self._samplers, sampler)
        # A driver that stops answering leaves its GPUs on screen: their own readings say that they are lost.
        self._about = GpuFleet(nvml.driver(), nvml.cuda(), "" if self._samplers else NO_GPU)


def aged(reading: GpuReading, seconds: float) -> GpuReading:
    """The reading, marked stale when its card has not answered for so many seconds."""
    if reading.stale or seconds <= STALE_SECONDS:
        return reading
    return replace(reading, stale=True, problem=f"Its driver has not answered for {seconds:.0f} s.")
