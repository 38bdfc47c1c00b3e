"""CPU threads are given out like memory: an engine that leaves their number open gets what is free."""

from __future__ import annotations

import pytest
from memory_box import host

from engines.appraisal import Appraisal, Need, Option
from engines.llm.settings import LlmSettings
from engines.settings import EngineSettings
from engines.stt.settings import SttSettings
from engines.tts.settings import TtsSettings
from ipc.snapshot import Scalar
from supervisor.memory.decide import Case, Grant, Rooms, decide
from supervisor.memory.footprints import Key
from supervisor.memory.pressure import Thresholds


class Nothing:
    """Nothing was learned yet."""

    def peak_bytes(self, key: Key) -> int | None:
        return None

    def ran_out(self, key: Key) -> bool:
        return False


OPTION = Option({}, "", "m", "m", None, None, Need((1,), 0, 0, 1))


def claim(settings: EngineSettings, free: int, fair: int) -> tuple[int, dict[str, Scalar]]:
    appraisal = Appraisal((OPTION,), (), "", 1, "", "")
    case = Case("one", "x", settings, appraisal, by_work=False, bound=None, unsuited={})
    granted = decide(case, Rooms((), host(), (), free, fair, Thresholds()), Nothing())
    assert isinstance(granted, Grant)
    return granted.claim.threads, granted.claim.chosen


@pytest.mark.parametrize(
    ("settings", "threads", "chosen"),
    [
        (LlmSettings(gpu="cpu"), 6, {"threads": 6}),
        (LlmSettings(gpu="cpu", threads=2), 2, {"threads": 2}),
        (SttSettings(gpu="cpu"), 6, {"cpu_threads": 6}),
        (SttSettings(gpu="cpu", num_workers=3), 6, {"cpu_threads": 2}),
        (SttSettings(gpu="cpu", num_workers=8), 6, {"cpu_threads": 1}),
        (SttSettings(gpu="cpu", num_workers=3, cpu_threads=4), 12, {"cpu_threads": 4}),
        (SttSettings(gpu="cpu", deterministic=True), 0, {}),
        (TtsSettings(gpu="cpu"), 0, {}),
    ],
)
def test_what_is_claimed_and_what_each_stream_gets(
    settings: EngineSettings, threads: int, chosen: dict[str, Scalar]
) -> None:
    claimed, told = claim(settings, free=6, fair=3)
    assert claimed == threads
    assert {name: told[name] for name in ("threads", "cpu_threads") if name in told} == chosen


def test_where_none_is_free_each_gets_its_share() -> None:
    assert claim(SttSettings(gpu="cpu"), free=-2, fair=3)[0] == 3
