"""The bad habits, as knobs."""

from __future__ import annotations

from typing import Annotated

from engines.settings import EngineSettings, knob


class FakeSettings(EngineSettings, frozen=True, kw_only=True):
    """Each habit is off by default; a unit's payload may also carry a habit of its own (see `engines.fake.engine`)."""

    seconds_per_unit: Annotated[float, knob("seconds", "flight", "how long one unit takes", ge=0, le=3600)] = 0.01
    tokens_per_unit: Annotated[int, knob("tokens", "flight", "pieces of text a unit produces", ge=1, le=100000)] = 5
    load_seconds: Annotated[float, knob("seconds", "model", "how long a load takes", ge=0, le=3600)] = 0.0
    load_bytes: Annotated[int, knob("bytes", "model", "memory that a load really takes", ge=0, le=1073741824)] = 0
    leak_bytes: Annotated[int, knob("bytes", "model", "memory that an unload leaves behind", ge=0, le=1073741824)] = 0
    fail_load: Annotated[str, knob("", "model", "refuse to load with this sentence")] = ""
    units_that_fit: Annotated[
        int, knob("units", "model", "run out of memory when parallel is above this; 0 means any fit", ge=0, le=64)
    ] = 0
    fail_apply: Annotated[str, knob("", "model", "refuse to apply any change to this knob, with this sentence")] = ""
    start_seconds: Annotated[float, knob("seconds", "process", "silence before the handshake", ge=0, le=3600)] = 0.0
    stderr_bytes: Annotated[
        int, knob("bytes", "process", "written to stderr before the handshake", ge=0, le=104857600)
    ] = 0
    crash_at_start: Annotated[bool, knob("", "process", "exit 1 before the handshake")] = False
    crash_after: Annotated[
        int, knob("units", "process", "exit 1 after this many units; 0 means never", ge=0, le=1000000)
    ] = 0
    ignore_term: Annotated[bool, knob("", "process", "ignore SIGTERM, and the wish to leave")] = False
    fork_child: Annotated[bool, knob("", "process", "start a grandchild that ignores SIGTERM and SIGHUP")] = False
    silent: Annotated[bool, knob("", "process", "never say a word after exec")] = False
