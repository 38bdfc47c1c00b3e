"""The pure parts of GPU readings: answers, rounds, counters, processes, ages and news."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ipc.snapshot import GpuBook, GpuProcess, GpuReading, Share
from supervisor.gpus.answers import Failure, NotSupported, lack
from supervisor.gpus.card import merged
from supervisor.gpus.counter import Counter
from supervisor.gpus.fleet import STALE_SECONDS, aged
from supervisor.gpus.news import news
from supervisor.gpus.owners import gpus_of
from supervisor.gpus.recorded import gpu_header, gpu_ticks
from supervisor.gpus.round import CardLost, Round
from supervisor.gpus.sampler import blank
from supervisor.gpus.throttle import throttle_names

GPU = replace(blank(0, 100.0), uuid="GPU-0", name="H100", temperature_celsius=61.0)
LOST = replace(GPU, stale=True, problem="It is lost: GPU is lost.")
CLAIMED = (("writer", 30), ("ear", 0))
UNKNOWN, IS_LOST = Failure(999, "Unknown Error"), Failure(15, "GPU is lost")


@pytest.mark.parametrize("code", [3, 4, 13, 21, 25, 27])
def test_what_a_card_does_not_tell_is_no_failure(code: int) -> None:
    assert lack(code, "words") == NotSupported()


@pytest.mark.parametrize(("code", "lost"), [(1, True), (9, True), (15, True), (16, True), (28, True), (2, False),
                                            (10, False), (999, False)])  # fmt: skip
def test_which_failures_say_that_the_card_is_lost(code: int, lost: bool) -> None:
    failure = lack(code, "words")
    assert isinstance(failure, Failure)
    assert failure.lost is lost


def test_a_round_keeps_values_and_names_the_first_failure() -> None:
    told = Round()
    assert told.take("power", 300.0) == 300.0
    assert told.take("fan", NotSupported()) is None
    assert told.problem() == ""
    assert told.take("temperature", UNKNOWN) is None
    assert told.take("clock", Failure(10, "Timeout")) is None
    assert told.problem() == "Its temperature cannot be read: Unknown Error."
    told.check()


def test_zero_and_nothing_are_told_values() -> None:
    told = Round()
    assert told.take("power", 0.0) == 0.0
    assert told.take("processes", ()) == ()
    told.take("temperature", UNKNOWN)
    told.check()


def test_a_round_ends_where_the_card_is_lost() -> None:
    with pytest.raises(CardLost) as lost:
        Round().take("power", IS_LOST)
    assert lost.value.failure == IS_LOST


def test_a_round_of_nothing_but_failures_is_a_lost_card() -> None:
    told = Round()
    told.take("power", UNKNOWN)
    told.take("fan", NotSupported())
    with pytest.raises(CardLost):
        told.check()


def test_a_card_that_tells_nothing_but_does_not_fail_is_there() -> None:
    told = Round()
    told.take("power", NotSupported())
    told.check()


def test_a_counter_gives_a_rate() -> None:
    counter = Counter()
    assert counter.per_second(1000.0, 10.0) is None
    assert counter.per_second(6000.0, 15.0) == 1000.0
    assert counter.per_second(6000.0, 16.0) == 0.0


def test_a_counter_that_began_anew_or_was_not_told_has_no_rate() -> None:
    counter = Counter()
    counter.per_second(1000.0, 10.0)
    assert counter.per_second(10.0, 15.0) is None
    assert counter.per_second(20.0, 20.0) == 2.0
    assert counter.per_second(None, 25.0) is None
    assert counter.per_second(30.0, 30.0) is None


def test_throttle_reasons_have_names() -> None:
    assert throttle_names(0) == ()
    assert throttle_names(0x1 | 0x2 | 0x100) == ()
    assert throttle_names(0x4 | 0x40) == ("power cap", "hardware thermal slowdown")


def test_a_process_that_computes_and_draws_counts_once() -> None:
    whole = 0xFFFFFFFF
    entries = [(7, whole, 500), (9, whole, None), (7, whole, 500), (3, whole, 1)]
    assert merged(entries) == {3: 1, 7: 500, 9: None}


def test_a_process_on_two_mig_instances_adds_up() -> None:
    assert merged([(7, 1, 500), (7, 2, 300), (7, 2, None)]) == {7: 800}


def test_a_reading_becomes_stale_and_says_why() -> None:
    assert aged(GPU, STALE_SECONDS) is GPU
    old = aged(GPU, 4.0)
    assert (old.stale, old.problem, old.temperature_celsius) == (True, "Its driver has not answered for 4 s.", 61.0)
    assert aged(LOST, 100.0) is LOST


def test_what_happened_to_the_gpus_is_told_once() -> None:
    other = replace(GPU, index=1)
    assert list(news((), (GPU,))) == []
    ((severity, about, word, text),) = news((GPU, other), (LOST, other))
    assert (severity, about, word) == ("error", "gpu 0", "gpu-lost")
    assert text == "GPU 0 (H100) gives no readings. It is lost: GPU is lost."
    assert list(news((LOST,), (LOST,))) == []
    assert [each[2] for each in news((LOST, other), (GPU, other))] == ["gpu-back"]
    assert [each[2] for each in news((), (replace(LOST, name=""),))] == ["gpu-lost"]


def held_by(index: int, *engines: str) -> GpuReading:
    return replace(GPU, index=index, processes=tuple(GpuProcess(n, "", 1, name) for n, name in enumerate(engines)))


def test_the_gpus_of_an_engine_are_where_its_processes_are() -> None:
    fleet = (held_by(0, "writer", ""), held_by(1, "ear"), held_by(2, "writer", "writer"))
    assert gpus_of("writer", fleet) == (0, 2)
    assert gpus_of("voice", fleet) == ()


def test_a_recording_knows_every_gpu_by_its_uuid() -> None:
    (header,) = gpu_header((GPU,))
    assert isinstance(header, dict)
    assert (header["index"], header["uuid"], header["memory_total_bytes"]) == (0, "GPU-0", None)
    tick = gpu_ticks((held_by(3, "writer"),), ())["3"]
    assert isinstance(tick, dict)
    assert (tick["uuid"], tick["temperature_celsius"], tick["power_watts"]) == ("GPU-0", 61.0, None)
    assert tick["processes"] == [{"pid": 0, "name": "", "engine": "writer", "role": "", "used_bytes": 1}]
    assert "free_bytes" not in tick


def test_a_recording_holds_what_the_ledger_says_of_each_gpu() -> None:
    shares = tuple(Share(name, None, claimed, estimated=True, by_difference=False) for name, claimed in CLAIMED)
    shares += (Share("ear", 2, 9, estimated=True, by_difference=False, role="successor"),)
    book = GpuBook(3, "GPU-0", 100, 10, shares, (), 5, 2, "pid 7 kept it", 43, "high", "heat: 92 °C", 2, 5)
    ticks = gpu_ticks((held_by(1), held_by(3, "writer")), (book,))
    tick = ticks["3"]
    assert isinstance(tick, dict)
    assert (tick["free_bytes"], tick["withheld_bytes"], tick["claimed_bytes"]) == (43, 2, {"writer": 30, "ear": 9})
    assert (tick["pressure"], tick["hold"]) == ("high", "heat: 92 °C")
