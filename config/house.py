"""The tables of a configuration that concern the whole house: `[supervisor]`, `[memory]`, `[heat]` and `[jobs]`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


def _amount(unit: str, description: str, *, ge: float | None = None, le: float | None = None) -> Meta:
    return Meta(ge=ge, le=le, description=description, extra_json_schema={"unit": unit})


class SupervisorSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[supervisor]` table."""

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="what goes to supervisor.log in the state folder"),
    ] = "info"
    record: Annotated[
        str, Meta(description="path of a recording begun with the supervisor and appended to; empty means none")
    ] = ""


class MemorySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[memory]` table."""

    reserve: Annotated[int, _amount("bytes", "kept free on each GPU for surprises", ge=0)] = 256 * 2**20
    host_reserve: Annotated[int, _amount("bytes", "kept free of the host's memory", ge=0)] = 512 * 2**20
    residents: Annotated[
        int, Meta(ge=0, le=64, description="engines with a model on one GPU at most; 0 means as its size suggests")
    ] = 0
    medium: Annotated[float, Meta(ge=0, le=1, description="share in use from which pressure is medium")] = 0.50
    high: Annotated[float, Meta(ge=0, le=1, description="share from which an idle engine is unloaded")] = 0.75
    critical: Annotated[
        float, Meta(ge=0, le=1, description="share from which all idle engines are unloaded and nothing is loaded")
    ] = 0.90
    return_limit: Annotated[
        float, _amount("seconds", "how long unloaded memory may take to come back before we look who holds it", ge=0.5)
    ] = 5.0


class HeatSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[heat]` table; degrees Celsius."""

    warn: Annotated[float, Meta(ge=0, le=150, description="warn from here on, °C")] = 80.0
    hold: Annotated[
        float,
        Meta(ge=0, le=150, description="begin no flight from here on, °C; 0 means 3 below the card's own slowdown"),
    ] = 0.0
    resume_below: Annotated[float, Meta(ge=1, le=50, description="go on when so many °C below `hold`")] = 10.0


class JobSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[jobs]` table."""

    keep_for: Annotated[
        float,
        _amount("seconds", "finished jobs whose output is in its place are cleared after this; 0 means never", ge=0),
    ] = 30 * 86400.0
    keep_bytes: Annotated[
        int, _amount("bytes", "results of finished jobs kept at most, the oldest are cleared first; 0 means all", ge=0)
    ] = 20 * 2**30
    patience: Annotated[
        float,
        _amount("seconds", "how long an engine waits for the memory of one that has work of its own", ge=0, le=86400),
    ] = 300.0
