"""One load over several GPUs, and as many pieces as fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_box import GIB, ask, gib, gpu, host, on, placed, refused

from engines.appraisal import Need
from supervisor.memory.fit import divide, load_of, measured_load, most
from supervisor.memory.placement import place

PAIR = [gpu(0, 20), gpu(1, 20)]


def test_one_gpu_where_one_has_room() -> None:
    assert list(on(placed(place(ask(20, pieces=40, spread=8), [gpu(0, 18), gpu(1, 20)], host())))) == ["GPU-1"]


def test_two_gpus_where_no_single_one_has_room() -> None:
    placement = placed(place(ask(30, pieces=30, per_gpu=0.2, spread=2), PAIR, host()))
    assert on(placement) == {"GPU-0": gib(15.2), "GPU-1": gib(15.2)}
    assert placement.words == "GPUs 0 and 1, because no single one has ~30.2 GiB free"
    assert placement.on_gpu == 30


def test_slices_are_in_proportion_to_free_memory_and_cut_no_piece() -> None:
    placement = placed(place(ask(24, pieces=12, per_gpu=1, spread=2), [gpu(0, 11), gpu(1, 21)], host()))
    assert on(placement) == {"GPU-0": 9 * GIB, "GPU-1": 17 * GIB}


def test_where_proportion_does_not_fit_pieces_fill_one_gpu_after_the_other() -> None:
    asked = replace(ask(0, spread=2), need=Need((gib(6), gib(5)), 2, 0, 0))
    assert on(placed(place(asked, [gpu(0, 6), gpu(1, 5)], host()))) == {"GPU-0": 6 * GIB, "GPU-1": 5 * GIB}


def test_a_piece_that_fits_no_gpu_is_not_cut() -> None:
    refusal = refused(place(ask(30, pieces=1, spread=8), [gpu(0, 20), gpu(1, 20)], host()))
    assert refusal.impossible


def test_what_each_gpu_takes_is_counted_on_each() -> None:
    placed(place(ask(36, pieces=36, per_gpu=2, spread=2), PAIR, host()))
    refused(place(ask(37, pieces=37, per_gpu=2, spread=2), PAIR, host()))


def test_the_fewest_gpus_that_hold_it_up_to_the_spread() -> None:
    box = [gpu(index, 10) for index in range(5)]
    assert len(on(placed(place(ask(24, pieces=24, spread=8), box, host())))) == 3
    refusal = refused(place(ask(24, pieces=24, spread=2), box, host()))
    assert not refusal.impossible
    assert refused(place(ask(49, pieces=49, spread=2), box, host())).impossible


def test_a_display_is_spared_while_others_hold_it_together() -> None:
    box = [gpu(0, 20, display=True), gpu(1, 10), gpu(2, 10)]
    assert list(on(placed(place(ask(19, pieces=19, spread=3), box, host())))) == ["GPU-0"]
    box = [gpu(0, 16, display=True), gpu(1, 10), gpu(2, 10)]
    assert list(on(placed(place(ask(19, pieces=19, spread=3), box, host())))) == ["GPU-1", "GPU-2"]
    assert list(on(placed(place(ask(25, pieces=25, spread=2), box, host())))) == ["GPU-0", "GPU-1"]


def test_told_gpus_are_used_as_few_as_suffice() -> None:
    box = [gpu(0, 20), gpu(1, 20), gpu(2, 40, 48)]
    assert list(on(placed(place(ask(30, pieces=30, to="0,1", spread=8), box, host())))) == ["GPU-0", "GPU-1"]
    assert list(on(placed(place(ask(15, pieces=30, to="0,1", spread=8), box, host())))) == ["GPU-0"]
    refusal = refused(place(ask(30, pieces=30, to="0,1", spread=1), box, host()))
    assert refusal.help == "Set `gpu = 2`."


def test_a_measured_peak_is_shared_out_whole() -> None:
    asked = ask(30, pieces=7, per_gpu=0.7, spread=2, learned={"NVIDIA RTX 3090": 33.3})
    placement = placed(place(asked, PAIR, host()))
    assert (sum(on(placement).values()), placement.estimated) == (gib(33.3), False)
    mixed = [gpu(0, 20), gpu(1, 20, name="Tesla T4")]
    assert placed(place(asked, mixed, host())).estimated


def test_a_process_is_spread_only_over_its_own_gpus() -> None:
    box = [*PAIR, gpu(2, 40, 48)]
    assert list(on(placed(place(ask(30, pieces=30, spread=8, bound=("GPU-0", "GPU-1")), box, host())))) == [
        "GPU-0",
        "GPU-1",
    ]


# ── as many as fit ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("free", "on_gpu"), [(40, 33), (34, 33), (33.9, 32), (21.5, 20), (2, 1), (1.9, 0), (0.5, 0), (-3, 0)]
)
def test_as_many_pieces_as_fit_beside_what_the_gpu_takes(free: float, on_gpu: int) -> None:
    placement = placed(place(ask(33, pieces=33, on_gpu=None, per_gpu=1, ram=2), [gpu(0, free, 48)], host()))
    assert placement.on_gpu == on_gpu
    assert placement.ram_bytes == (2 + 33 - on_gpu) * GIB
    assert on(placement) == ({"GPU-0": (on_gpu + 1) * GIB} if on_gpu else {})
    assert placement.words == (
        "GPU 0, the only one"
        if on_gpu == 33
        else f"GPU 0, the only one: {on_gpu} of 33 layers fit"
        if on_gpu
        else "CPU: no GPU has room for one layer"
    )


def test_the_choice_that_takes_the_most_pieces_on_few_gpus_and_no_display() -> None:
    asked = ask(33, pieces=33, on_gpu=None, per_gpu=1, spread=2)
    assert placed(place(asked, [gpu(0, 10), gpu(1, 12)], host())).on_gpu == 9 + 11
    shown = [gpu(0, 20, display=True), gpu(1, 12)]
    assert list(on(placed(place(asked, shown, host())))) == ["GPU-1"]
    assert list(on(placed(place(asked, [gpu(0, 20, display=True), gpu(1, 1)], host())))) == ["GPU-0"]
    assert list(on(placed(place(asked, [gpu(0, 34, 48, display=True), gpu(1, 12)], host())))) == ["GPU-0"]


def test_what_the_whole_was_measured_to_take_decides_whether_all_pieces_fit() -> None:
    asked = ask(33, pieces=33, on_gpu=None, learned={"NVIDIA RTX 3090": 20})
    placement = placed(place(asked, [gpu(0, 20)], host()))
    assert (placement.on_gpu, on(placement), placement.estimated) == (33, {"GPU-0": 20 * GIB}, False)
    more = ask(10, pieces=10, on_gpu=None, learned={"NVIDIA RTX 3090": 20})
    placement = placed(place(more, [gpu(0, 15)], host()))
    assert (placement.on_gpu, placement.estimated) == (9, True)


def test_as_many_as_fit_still_needs_the_host_to_take_the_rest() -> None:
    asked = ask(33, pieces=33, on_gpu=None)
    refusal = refused(place(asked, [gpu(0, 13)], host(free=19)))
    assert refusal.reason == "llm needs ~20.0 GiB of memory, and 19.0 GiB are free."


def test_as_many_as_fit_does_not_slip_off_gpus_that_are_closed_now() -> None:
    refused(place(ask(33, pieces=33, on_gpu=None), [gpu(0, 13, pressure="critical")], host()))


def test_pieces_that_the_settings_keep_off_are_not_said_not_to_fit() -> None:
    placement = placed(place(ask(33, pieces=33, on_gpu=20), [gpu(0, 23)], host()))
    assert (placement.on_gpu, placement.words) == (20, "GPU 0, the only one")


def test_the_cpu_is_not_offered_as_another_gpu() -> None:
    box = [gpu(0, 0), gpu(1, 13, pressure="critical")]
    refusal = refused(place(ask(33, pieces=33, on_gpu=None, to="1"), box, host()))
    assert refusal.help == "Use smaller settings or `gpu = cpu`."


def test_a_load_of_no_pieces_is_for_the_cpu() -> None:
    assert placed(place(replace(ask(0), need=Need((), None, 0, GIB)), [gpu(0, 13)], host())).slices == ()


# ── arithmetic ────────────────────────────────────────────────────────────────────────────────────────────

PIECES = st.lists(st.integers(0, 50), min_size=1, max_size=12).map(tuple)
ROOMS = st.lists(st.integers(-10, 120), min_size=1, max_size=4)


@given(pieces=PIECES, per_gpu=st.integers(0, 20), rooms=ROOMS)
def test_a_division_holds_each_piece_once_and_never_overfills(
    pieces: tuple[int, ...], per_gpu: int, rooms: list[int]
) -> None:
    load = load_of(Need(pieces, None, per_gpu, 0), len(pieces))
    held = divide(load, rooms)
    if held is not None:
        used = [(count, room) for count, room in zip(held, rooms, strict=True) if count is not None]
        assert all(count <= room for count, room in used)
        assert sum(count for count, _ in used) == sum(pieces) + per_gpu * len(used)


@given(pieces=st.lists(st.integers(1, 50), min_size=1, max_size=12).map(tuple), per_gpu=st.integers(0, 20), rooms=ROOMS)
def test_the_most_pieces_fit_and_one_more_does_not(pieces: tuple[int, ...], per_gpu: int, rooms: list[int]) -> None:
    need = Need(pieces, None, per_gpu, 0)
    count = most(load_of(need, len(pieces)), rooms)
    assert count == 0 or divide(load_of(need, count), rooms) is not None
    assert count == len(pieces) or divide(load_of(need, count + 1), rooms) is None


@given(pieces=PIECES, per_gpu=st.integers(0, 20), gpus=st.integers(1, 4), peak=st.integers(0, 900))
def test_a_measured_load_adds_up_to_its_peak(pieces: tuple[int, ...], per_gpu: int, gpus: int, peak: int) -> None:
    load = measured_load(Need(pieces, None, per_gpu, 0), gpus, peak)
    assert sum(load.pieces) + gpus * load.per_gpu_bytes == peak
    assert len(load.pieces) == len(pieces)
    assert min(load.pieces) >= 0
