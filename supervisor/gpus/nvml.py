"""The driver's library (NVML): each call yields a value, "not told" or a failure, and never raises.

The only file that names pynvml. Every call may block for as long as the driver likes, so none is made on the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from supervisor.gpus.answers import Answer, Failure, NotSupported, lack

T = TypeVar("T")

_SENTENCES = {
    4: "The NVIDIA driver does not let this user in: /dev/nvidia* cannot be opened.",
    9: "The NVIDIA driver is installed, but its kernel module is not loaded.",
    12: "There is no NVIDIA driver: libnvidia-ml.so.1 was not found.",
    18: "The NVIDIA driver was updated while the old one runs: reload its kernel modules, or reboot.",
}


class Nvml:
    """The library, loaded and initialised; handles that it gives out are good in every thread."""

    def __init__(self, library: ModuleType) -> None:
        self.library: Any = library

    @classmethod
    def open(cls) -> Nvml | str:
        """The library, or one sentence saying why there is none. The first call can take 1.5 s."""
        import pynvml  # ~25 ms, and only wanted in the thread that looks for GPUs

        nvml = cls(pynvml)
        match nvml.initialise():
            case Failure(code=code, text=text):
                return _SENTENCES.get(code, f"The NVIDIA driver does not start: {text}.")
            case NotSupported():
                return _SENTENCES[4]
            case None:
                return nvml

    def initialise(self) -> Answer[None]:
        """Initialise the library; again after it said that it is not."""
        return self.ask(self.library.nvmlInit)

    def ask(self, function: Callable[..., T], *arguments: object) -> Answer[T]:
        """Call one function of the library."""
        try:
            return function(*arguments)
        except self.library.NVMLError as error:
            return lack(error.value, str(error))
        except ValueError as error:  # a text that is no UTF-8
            return Failure(999, str(error))

    def count(self) -> Answer[int]:
        """How many GPUs there are."""
        return self.ask(self.library.nvmlDeviceGetCount)

    def driver(self) -> str:
        """Its version, such as `580.65.06`; empty where it is not told."""
        answer: Answer[str] = self.ask(self.library.nvmlSystemGetDriverVersion)
        return answer if isinstance(answer, str) else ""

    def cuda(self) -> str:
        """The newest CUDA it can run, such as `13.0`; empty where it is not told."""
        answer: Answer[int] = self.ask(self.library.nvmlSystemGetCudaDriverVersion)
        return f"{answer // 1000}.{answer % 1000 // 10}" if isinstance(answer, int) else ""

    def handle(self, index: int, uuid: str) -> Answer[object]:
        """The handle of a GPU: by UUID once that is known, because indexes can shift."""
        if uuid:
            return self.ask(self.library.nvmlDeviceGetHandleByUUID, uuid)
        return self.ask(self.library.nvmlDeviceGetHandleByIndex, index)
