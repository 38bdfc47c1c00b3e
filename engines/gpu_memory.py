"""Where this process was placed, and, on a simulated box, the memory it holds there.

On a real GPU the model library takes the memory and the driver counts it; nothing is to be done here. On a simulated
box (docs/simulator.md) nothing is really on a GPU: what would be taken is checked against what the simulated GPU has
left and published, so that load, unload, leak and out-of-memory play out as they would.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from engines.contract import OutOfMemory
from ipc.errors import Problem

PLACEMENT = "ENGINEROOM_PLACEMENT"
ACCOUNTS = "ENGINEROOM_GPU_ACCOUNTS"
_REREAD_SECONDS = 0.025
"""The simulated driver looks at the accounts anew after 20 ms."""


class Placed(Struct, frozen=True, array_like=True):
    """One GPU that this process may use, and its share of what the model puts on GPUs, 0..1."""

    uuid: str
    share: float


def placement() -> tuple[Placed, ...]:
    """The GPUs that the supervisor chose for this process; none for the CPU."""
    return msgspec.json.decode(os.environ.get(PLACEMENT, "[]"), type=tuple[Placed, ...])


def publish(folder: Path, pid: int, bytes_by_uuid: Mapping[str, int], *, graphics: bool = False, stays: bool) -> None:
    """Write the account of one process, replaced in one stroke; `stays` makes it outlive the process: a leak."""
    kind = " graphics" if graphics else ""
    lines = [f"{uuid} {held}{kind}" for uuid, held in bytes_by_uuid.items()]
    part = folder / f".{pid}"
    part.write_text("".join(f"{line}\n" for line in [*lines, *(["stays"] if stays else [])]))
    part.replace(folder / str(pid))


class Card(Struct, frozen=True):
    """A GPU of this box; `capability` is its compute capability, such as `9.0`."""

    name: str
    capability: str


def cards() -> tuple[Card, ...]:
    """Every GPU that the driver tells, also on a simulated box; none without a driver. Blocks while that thinks."""
    import pynvml

    found: list[Card] = []
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        for index in range(pynvml.nvmlDeviceGetCount()):
            with suppress(pynvml.NVMLError):  # one that is lost
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
                found.append(Card(str(pynvml.nvmlDeviceGetName(handle)), f"{major}.{minor}"))
    return tuple(found)


class GpuMemory:
    """What this process holds on its GPUs, where that is simulated; elsewhere every call does nothing."""

    def __init__(self) -> None:
        folder = os.environ.get(ACCOUNTS)
        self._placed = placement()
        self._folder = Path(folder) if folder and self._placed else None
        self._held = 0

    @property
    def simulated(self) -> bool:
        """Whether the GPUs are played."""
        return self._folder is not None

    def hold(self, count: int, *, stays: bool = False) -> None:
        """Hold so many bytes from now on, over all GPUs together, instead of what was held before.

        `stays`: they outlive the process, as when a driver does not give them back.

        Raises:
            OutOfMemory: a GPU has not that much left; what was held before stays.
        """
        if self._folder is None or count == self._held:
            return
        with _locked(self._folder / ".lock"):
            time.sleep(_REREAD_SECONDS)
            for placed in self._placed:
                more = round((count - self._held) * placed.share)
                free = _free_bytes(placed.uuid)
                if more > free:
                    raise OutOfMemory(
                        Problem(
                            "Out of memory",
                            f"CUDA out of memory: tried to take {more / 2**30:.2f} GiB on {placed.uuid}, which has"
                            f" {free / 2**30:.2f} GiB left.",
                            "Use smaller settings, or unload another engine.",
                        )
                    )
            self._held = count
            held = {one.uuid: round(count * one.share) for one in self._placed}
            publish(self._folder, os.getpid(), held, stays=stays)
            time.sleep(_REREAD_SECONDS)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time: two that look at once would both find the same room."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _free_bytes(uuid: str) -> int:
    import pynvml  # the simulated one, found by LD_LIBRARY_PATH

    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
    try:
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle, pynvml.nvmlMemory_v2).free)
    except pynvml.NVMLError_NotSupported:  # a board that shares the host's memory
        return int(psutil.virtual_memory().available)
