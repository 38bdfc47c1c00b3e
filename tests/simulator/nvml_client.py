"""A program that makes NVML calls through the real nvidia-ml-py: JSON lines `[call, argument…]` in, answers out.

An argument `"@2"` is the handle of GPU 2, `"@2.1"` of its second MIG device.
Answers are `{"value": …}` or `{"error": number}`.
The call `storm` makes many calls from many threads and answers how many ended in which error.
"""

from __future__ import annotations

import ctypes
import json
import sys
import threading
import time
from collections import Counter
from typing import Any

import pynvml


def _plain(value: Any) -> Any:
    if isinstance(value, ctypes.Array | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, ctypes.Structure):
        return {name: _plain(getattr(value, name)) for name, *_ in value._fields_}
    if isinstance(value, ctypes.Union):
        return value.ullVal
    if isinstance(value, pynvml.nvmlFriendlyObject):
        return vars(value)
    return value.decode() if isinstance(value, bytes) else value


class Client:
    """Keeps its handles, as a program that runs for days does."""

    def __init__(self) -> None:
        self._handles: dict[str, Any] = {}

    def answer(self, call: str, *arguments: Any) -> Any:
        """Make one call."""
        if call == "storm":
            return self._storm(*arguments)
        if call == "slowest":
            return self._slowest(*arguments)
        given = [self._handle(word) if isinstance(word, str) and word.startswith("@") else word for word in arguments]
        value = getattr(pynvml, call)(*given)
        return None if isinstance(value, pynvml.c_nvmlDevice_t) else _plain(value)

    def _handle(self, word: str) -> Any:
        if word not in self._handles:
            gpu, _, mig = word[1:].partition(".")
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(gpu))
            self._handles[word] = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, int(mig)) if mig else handle
        return self._handles[word]

    def _storm(self, threads: int, seconds: float, gpus: int) -> dict[str, int]:
        seen: Counter[str] = Counter()
        handles = [self._handle(f"@{index}") for index in range(gpus)]
        until = time.monotonic() + seconds

        calls = (
            pynvml.nvmlDeviceGetName,
            pynvml.nvmlDeviceGetMemoryInfo,
            pynvml.nvmlDeviceGetPowerUsage,
            pynvml.nvmlDeviceGetComputeRunningProcesses,
            pynvml.nvmlDeviceGetTotalEnergyConsumption,
        )

        def one(handle: Any) -> None:
            mine: Counter[str] = Counter()
            while time.monotonic() < until:
                for ask in calls:
                    try:
                        ask(handle)
                        mine["ok"] += 1
                    except pynvml.NVMLError as error:
                        mine[str(error.value)] += 1
            seen.update(mine)

        workers = [threading.Thread(target=one, args=(handles[index % gpus],)) for index in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return dict(seen)

    def _slowest(self, gpus: int) -> list[float]:
        """Seconds that one temperature takes on each GPU, all asked at the same time."""
        took = [0.0] * gpus
        handles = [self._handle(f"@{index}") for index in range(gpus)]

        def one(index: int) -> None:
            start = time.monotonic()
            pynvml.nvmlDeviceGetTemperature(handles[index], 0)
            took[index] = time.monotonic() - start

        workers = [threading.Thread(target=one, args=(index,)) for index in range(gpus)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return took


def main() -> None:
    """Answer until there is nothing more to read."""
    client = Client()
    for line in sys.stdin:
        try:
            said = {"value": client.answer(*json.loads(line))}
        except pynvml.NVMLError as error:
            said = {"error": error.value}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
