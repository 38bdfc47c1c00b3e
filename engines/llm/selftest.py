"""The self-test of an `llm` environment: the miniature writes a token, and the library tells where its layers lie."""

from __future__ import annotations

import platform

from engines.environments.machine import this_machine
from engines.environments.record import SelfTest
from engines.environments.requirements import Device
from engines.llm.engine import LlmEngine
from engines.llm.native import foreign
from engines.llm.settings import LlmSettings

_X86 = ("x86_64", "AMD64", "i686")


def compute(device: Device) -> SelfTest:
    """Load with all layers on GPUs, or with none. Raises EngineRoomError where nothing can be loaded."""
    on_gpu = device == "cuda"
    engine = LlmEngine(_Unheard())
    model = engine.load(
        LlmSettings(profile="performance" if on_gpu else "cpu_fallback", n_ctx=512, n_batch=64, threads=1)
    )
    engine.close()
    return _said(model.layers or 0, model.layers_on_gpu or 0)


def _said(layers: int, on_gpu: int) -> SelfTest:
    from engines.llm.devices import gpu_names
    from engines.llm.library import open_library

    machine = this_machine()
    info = open_library().system_info()
    strange = foreign(info, machine.instructions, x86=platform.machine() in _X86)
    if on_gpu:
        where = f"{on_gpu} of {layers} layers on {', '.join(gpu_names()) or 'a GPU without a name'}"
        return SelfTest(True, "cuda", f"the miniature wrote a token with {where}", strange)
    return SelfTest(True, "cpu", f"the miniature wrote a token on the CPU ({machine.cpu}): {_used(info)}", strange)


def _used(system_info: str) -> str:
    """The instruction sets of the CPU's part, without the colons and bars: `SSE3 AVX2 FMA`."""
    cpu = system_info.partition("CPU :")[2].partition(" : ")[0]
    return " ".join(word for word, _, value in (part.partition(" = ") for part in _parts(cpu)) if value == "1")


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


class _Unheard:
    """A report that nobody reads."""

    def step(self) -> None: ...

    def tokens(self, count: int) -> None: ...

    def loading(self, fraction: float) -> None: ...

    def say(self, words: str) -> None: ...

    def cancelled(self) -> bool:
        return False
