"""Settings that cannot work, said before anything is loaded or given up; nothing here needs the library."""

from __future__ import annotations

from engines.contract import CannotLoad
from engines.llm.lora import lora_files
from engines.llm.settings import UNQUANTIZED, LlmSettings
from engines.llm.split import shares
from ipc.errors import Problem


def check(settings: LlmSettings) -> None:
    """Whether they go together, and the files of adapters are there.

    Raises:
        CannotLoad
    """
    shares(settings)
    lora_files(settings)
    if settings.type_v not in UNQUANTIZED and settings.flash_attn == "off":
        raise CannotLoad(
            Problem(
                "Flash attention needed",
                f"Values kept as {settings.type_v} need flash attention, and it is off.",
                "Set `flash_attn` to `auto` or `on`, or `type_v` to `f16`.",
            )
        )
