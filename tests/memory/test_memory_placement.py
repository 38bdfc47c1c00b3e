"""Where a load goes on one GPU or on the CPU, and why it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from memory_box import GIB, ask, gib, gpu, host, on, placed, refused

from engines.appraisal import Level
from supervisor.memory.fleet import GpuRoom
from supervisor.memory.placement import Ask, Placement, place

MIXED = (
    gpu(0, 4.1, 79.6, name="NVIDIA H100 80GB HBM3", capability="9.0"),  # nearly full
    gpu(1, 23, name="NVIDIA RTX 3090", pressure="critical"),
    gpu(2, 22, name="NVIDIA RTX 4090", capability="8.9", display=True),
    gpu(3, 15, 16, name="Tesla T4", capability="7.5"),
    gpu(4, 23.5, name="Tesla P40", capability="6.1"),  # too old
    gpu(5, 40, 48, name="NVIDIA L40S", capability="8.9", mig=("MIG-1",)),
    gpu(6, 23, name="NVIDIA RTX 3090", silent="its driver does not answer"),
    gpu(7, 12, 12, name="NVIDIA RTX 3060", residents=5),
)


def test_of_eight_mixed_gpus_the_one_that_suits_with_the_most_free_memory() -> None:
    placement = placed(place(ask(10, least="7.0"), MIXED, host()))
    assert (on(placement), placement.words) == (
        {"GPU-3": 10 * GIB},
        "GPU 3, the most free memory without a display",
    )


def test_one_with_a_display_only_where_no_other_has_room() -> None:
    placement = placed(place(ask(18, least="7.0"), MIXED, host()))
    assert (on(placement), placement.words) == (
        {"GPU-2": 18 * GIB},
        "GPU 2, though a display is on it, because no other has room",
    )


def test_where_every_gpu_has_a_display_that_is_no_reason() -> None:
    placement = placed(place(ask(3), [gpu(0, 9, display=True), gpu(1, 8, display=True)], host()))
    assert placement.words == "GPU 0, the most free memory"


def test_one_that_can_be_used_among_others() -> None:
    placement = placed(place(ask(3), [gpu(0, 9), gpu(1, 20, silent="lost")], host()))
    assert placement.words == "GPU 0, the only one that can be used"


def test_a_refusal_tells_of_each_gpu_why_not() -> None:
    refusal = refused(place(ask(24, least="7.0"), MIXED, host()))
    assert refusal.title == "Not enough GPU memory"
    assert refusal.reason == (
        "llm needs ~24.0 GiB: GPU 2 has 22.0 GiB free, GPU 3 has 15.0 GiB free, GPU 0 has 4.1 GiB free,"
        " GPU 1 is under critical memory pressure, GPU 4 is too old (compute capability 6.1, this build needs 7.0),"
        " GPU 5 is divided, so name one of its MIG devices (MIG-1),"
        " GPU 6 gives no readings (its driver does not answer) and GPU 7 already has 5 of 5 engines."
    )
    assert not refusal.impossible


def test_ties_go_by_index() -> None:
    assert list(on(placed(place(ask(3), [gpu(2, 9), gpu(0, 9), gpu(1, 9)], host())))) == ["GPU-0"]


@pytest.mark.parametrize(
    ("capability", "least", "suits"),
    [
        ("10.0", "9.0", True),
        ("9.0", "10.0", False),
        ("7.5", "7.5", True),
        ("7.0", "7.5", False),
        ("", "9.0", True),
        ("5.2", "", True),
    ],
)
def test_capabilities_compare_as_numbers(capability: str, least: str, suits: bool) -> None:
    answer = place(ask(3, least=least), [gpu(0, 9, capability=capability)], host())
    if suits:
        placed(answer)
    else:
        assert refused(answer).impossible


def test_a_gpu_that_its_build_was_found_not_to_suit_is_left_out() -> None:
    unsuited = {"GPU-0": "no kernel image"}
    assert list(on(placed(place(ask(3, unsuited=unsuited), [gpu(0, 20), gpu(1, 9)], host())))) == ["GPU-1"]
    refusal = refused(place(ask(3, unsuited=unsuited), [gpu(0, 20)], host()))
    assert (refusal.title, refusal.impossible) == ("No GPU suits it", True)
    assert refusal.reason == "GPU 0 cannot be used: no kernel image."


@pytest.mark.parametrize(
    ("room", "reason"),
    [
        (gpu(0, 20, silent="lost"), "GPU 0 gives no readings (lost)."),
        (gpu(0, 0, 0), "GPU 0 does not tell its memory."),
        (gpu(0, 20, pressure="critical"), "GPU 0 is under critical memory pressure."),
        (gpu(0, 20, residents=3, limit=3), "GPU 0 already has 3 of 3 engines."),
    ],
)
def test_what_passes_is_no_impossibility_and_the_cpu_is_no_way_out(room: GpuRoom, reason: str) -> None:
    for to in ("auto", "0"):
        refusal = refused(place(ask(3, to=to), [room], host()))
        assert (refusal.title, refusal.reason, refusal.impossible) == ("No GPU takes it now", reason, False)


def test_high_pressure_refuses_nothing() -> None:
    placed(place(ask(3), [gpu(0, 4, pressure="high")], host()))


def test_a_refusal_names_the_gpu_that_would_do() -> None:
    box = [gpu(0, 20), gpu(1, 3.1)]
    refusal = refused(place(ask(17.96, to="1"), box, host()))
    assert refusal.reason == "GPU 1 has 3.1 GiB free, llm needs ~18.0 GiB."
    assert refusal.help == "Set `gpu = 0`."
    refusal = refused(place(ask(21, to="1"), box, host()))
    assert refusal.help == "Use smaller settings or `gpu = cpu`."


def test_numbers_never_read_as_if_it_fitted() -> None:
    refusal = refused(place(ask(4.02), [gpu(0, 4.01)], host()))
    assert refusal.reason == "GPU 0 has 4.0 GiB free, llm needs ~4.1 GiB."
    refusal = refused(place(ask(0.05), [gpu(0, -1)], host()))
    assert refusal.reason == "GPU 0 has 0 MiB free, llm needs ~51 MiB."


@pytest.mark.parametrize(("size", "impossible"), [(23.9, False), (24.1, True)])
def test_larger_than_the_largest_gpu_is_impossible(size: float, impossible: bool) -> None:
    refusal = refused(place(ask(size), [gpu(0, 3), gpu(1, 2, 12)], host()))
    assert refusal.impossible == impossible
    assert refusal.reason == (
        "llm needs ~24.1 GiB: GPU 0 has 24.0 GiB in all and GPU 1 has 12.0 GiB in all."
        if impossible
        else "llm needs ~23.9 GiB: GPU 0 has 3.0 GiB free and GPU 1 has 2.0 GiB free."
    )


def test_too_large_for_a_gpu_that_is_closed_now_is_told_as_too_large() -> None:
    refusal = refused(place(ask(30), [gpu(0, 1, pressure="critical")], host()))
    assert (refusal.title, refusal.impossible) == ("Not enough GPU memory", True)
    assert refusal.reason == "GPU 0 has 24.0 GiB in all, llm needs ~30.0 GiB."
    assert refusal.help == "Choose a smaller model or quantization, or set `gpu = cpu`."


def test_a_silent_gpu_may_yet_turn_out_large_enough() -> None:
    refusal = refused(place(ask(30), [gpu(0, 3), gpu(1, 0, 0, silent="lost")], host()))
    assert not refusal.impossible


@pytest.mark.parametrize(
    ("level", "total", "fits"),
    [("q4", 2, True), ("q8", 4, False), ("q8", 6, True), ("q16", 8, False), ("q16", 12, True), ("q32", 80, False)],
)
def test_where_the_quantization_is_open_a_tier_is_its_ceiling(level: Level, total: float, fits: bool) -> None:
    answer = place(ask(1, level=level), [gpu(0, total, total)], host())
    if fits:
        placed(answer)
    else:
        assert refused(answer).impossible
        assert "takes up to" in refused(answer).reason
    placed(place(replace(ask(1, level=level), open_level=False), [gpu(0, total, total)], host()))


# ── the CPU ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "gpus", "words"),
    [
        (ask(3, ram=1, to="cpu"), [gpu(0, 9)], "CPU, as told"),
        (ask(3, ram=1, to=" CPU "), [gpu(0, 9)], "CPU, as told"),
        (ask(3, ram=1, on_gpu=0), [gpu(0, 9)], "CPU: it puts nothing on a GPU"),
        (ask(3, ram=1, on_gpu=0, to="0"), [gpu(0, 9)], "CPU: it puts nothing on a GPU"),
        (ask(3, ram=1, why_no_gpu="built without GPU support"), [gpu(0, 9)], "CPU: built without GPU support"),
        (ask(3, ram=1), [], "CPU: no GPU here"),
        (ask(3, ram=1, to="0"), [], "CPU: no GPU here"),
        (ask(3, ram=1, on_gpu=None), [], "CPU: no GPU here"),
    ],
)
def test_the_cpu_takes_all_pieces_into_the_hosts_memory(asked: Ask, gpus: list[GpuRoom], words: str) -> None:
    placement = placed(place(asked, gpus, host()))
    assert (placement.slices, placement.on_gpu, placement.ram_bytes) == ((), 0, 4 * GIB)
    assert (placement.words, placement.estimated) == (words, True)


def test_what_stays_in_the_hosts_memory_must_fit_there() -> None:
    asked = ask(8, pieces=4, on_gpu=3, ram=1)
    placement = placed(place(asked, [gpu(0, 9)], host(free=3)))
    assert (on(placement), placement.on_gpu, placement.ram_bytes) == ({"GPU-0": 6 * GIB}, 3, 3 * GIB)
    refusal = refused(place(asked, [gpu(0, 9)], host(free=2.5)))
    assert (refusal.title, refusal.impossible) == ("Not enough memory", False)
    assert refusal.reason == "llm needs ~3.0 GiB of memory, and 2.5 GiB are free."
    refusal = refused(place(asked, [gpu(0, 9)], host(free=2.5, total=2.9)))
    assert (refusal.reason, refusal.impossible) == (
        "llm needs ~3.0 GiB of memory, and this host has 2.9 GiB.",
        True,
    )


def test_a_host_under_critical_pressure_takes_only_what_any_process_takes() -> None:
    placed(place(ask(3, ram=64 / 1024), [gpu(0, 9)], host(pressure="critical")))
    refusal = refused(place(ask(3, ram=65 / 1024), [gpu(0, 9)], host(pressure="critical")))
    assert refusal.reason == "llm needs ~65 MiB of memory, and the host is under critical memory pressure."
    placed(place(ask(3, ram=1), [gpu(0, 9)], host(pressure="high")))


def test_a_small_load_is_told_of_room_and_not_of_pressure() -> None:
    refusal = refused(place(ask(3, ram=64 / 1024), [gpu(0, 9)], host(free=0.01, pressure="critical")))
    assert refusal.reason == "llm needs ~64 MiB of memory, and 10 MiB are free."


def test_nothing_in_the_hosts_memory_fits_where_that_is_overdrawn() -> None:
    placed(place(ask(3), [gpu(0, 9)], host(free=-1)))
    refused(place(ask(3, ram=0.01), [gpu(0, 9)], host(free=-1)))


# ── what was learned ──────────────────────────────────────────────────────────────────────────────────────


def test_the_measured_peak_replaces_the_estimate() -> None:
    asked = ask(8, pieces=4, per_gpu=1, learned={"NVIDIA RTX 3090": 7})
    placement = placed(place(asked, [gpu(0, 7)], host()))
    assert (on(placement), placement.estimated) == ({"GPU-0": 7 * GIB}, False)
    refusal = refused(place(asked, [gpu(0, 6.9)], host()))
    assert refusal.reason == "GPU 0 has 6.9 GiB free, llm needs 7.0 GiB."


def test_a_peak_above_the_estimate_counts_too() -> None:
    asked = ask(8, learned={"NVIDIA RTX 3090": 9.5})
    refused(place(asked, [gpu(0, 9)], host()))
    assert placed(place(asked, [gpu(0, 9, name="Tesla T4"), gpu(1, 3)], host())).estimated


def test_a_part_on_the_gpu_was_not_measured_by_the_whole() -> None:
    placement = placed(place(ask(8, pieces=4, on_gpu=2, learned={"NVIDIA RTX 3090": 7}), [gpu(0, 7)], host()))
    assert (on(placement), placement.estimated) == ({"GPU-0": gib(4)}, True)


def test_fifty_asks_on_a_box_for_six_are_six_placements() -> None:
    free = [13.0, 9.0, 8.5]  # three, two and one of them, 4.3 GiB each with what the GPU takes
    box = [gpu(index, room) for index, room in enumerate(free)]
    placements = []
    for number in range(50):
        answer = place(ask(4, engine=f"llm-{number}", per_gpu=0.3), box, host())
        if isinstance(answer, Placement):
            (one,) = answer.slices
            placements.append(one)
            box = [replace(g, free_bytes=g.free_bytes - one.bytes) if g.uuid == one.uuid else g for g in box]
    assert len(placements) == 6
    assert all(g.free_bytes >= 0 for g in box)
