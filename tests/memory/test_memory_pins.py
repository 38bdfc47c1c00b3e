"""Which GPUs the knob `gpu` means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from memory_box import ask, gpu, host, on, placed, refused

from supervisor.memory.placement import place

BOX = (
    gpu(0, 20, name="NVIDIA RTX 3090"),
    gpu(1, 22, name="NVIDIA RTX 4090"),
    gpu(2, 10, name="NVIDIA RTX 4090"),
    replace(gpu(3, 4, name="Tesla T4"), uuid="GPU-aa01"),
    replace(gpu(4, 70, 80, name="NVIDIA H100", mig=("MIG-cc01", "MIG-cd02")), uuid="GPU-ab02"),
)


@pytest.mark.parametrize(
    ("to", "where", "words"),
    [
        ("auto", "GPU-1", "GPU 1, the most free memory"),
        ("AUTO", "GPU-1", "GPU 1, the most free memory"),
        ("", "GPU-1", "GPU 1, the most free memory"),
        ("0", "GPU-0", "GPU 0, as told"),
        (" 3 ", "GPU-aa01", "GPU 3, as told"),
        ("GPU-aa01", "GPU-aa01", "GPU 3, as told"),
        ("gpu-AA", "GPU-aa01", "GPU 3, as told"),
        ("GPU-aa…", "GPU-aa01", "GPU 3, as told"),
        ("t4", "GPU-aa01", "GPU 3, as told"),
        ("3090", "GPU-0", "GPU 0, as told"),
        ("4090", "GPU-1", "GPU 1, the most free memory"),
        ("rtx", "GPU-1", "GPU 1, the most free memory"),
        ("0,2", "GPU-0", "GPU 0, the most free memory"),
        ("2, t4", "GPU-2", "GPU 2, the most free memory"),
        ("MIG-cd02", "MIG-cd02", "MIG device MIG-cd02 of GPU 4, as told"),
        ("mig-cd", "MIG-cd02", "MIG device MIG-cd02 of GPU 4, as told"),
    ],
)
def test_the_knob_names_gpus(to: str, where: str, words: str) -> None:
    placement = placed(place(ask(3, to=to), BOX, host()))
    assert (list(on(placement)), placement.words) == ([where], words)


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("7", "There is no GPU 7 here."),
        ("0,7", "There is no GPU 7 here."),
        ("1080", "There is no GPU 1080 here."),
        ("a100", "There is no GPU like 'a100' here."),
        ("GPU-ff", "There is no GPU like 'GPU-ff' here."),
        ("GPU-a", "The UUIDs of GPUs 3 and 4 begin with GPU-a."),
        ("MIG-ff", "There is no GPU like 'MIG-ff' here."),
        ("MIG-c", "MIG-cc01 and MIG-cd02 begin with MIG-c."),
        ("MIG-cc01,0", "`gpu = MIG-cc01,0` names a MIG device among others, and a process can use only one."),
        ("0,cpu", "There is no GPU like 'cpu' here."),
    ],
)
def test_what_names_no_gpu_can_never_work(to: str, reason: str) -> None:
    refusal = refused(place(ask(3, to=to), BOX, host()))
    assert (refusal.title, refusal.reason, refusal.impossible) == ("No such GPU", reason, True)
    assert refusal.help


def test_three_digits_are_a_part_of_a_name() -> None:
    assert list(on(placed(place(ask(3, to="100"), [gpu(0, 9), gpu(1, 8, name="NVIDIA A100")], host())))) == ["GPU-1"]


def test_an_unknown_gpu_is_answered_with_those_that_are_here() -> None:
    assert refused(place(ask(3, to="9"), BOX[:2], host())).help == (
        "GPUs here: 0 (NVIDIA RTX 3090) and 1 (NVIDIA RTX 4090). `auto` takes the best."
    )


def test_a_divided_gpu_is_used_only_by_a_mig_device_of_its_own() -> None:
    assert list(on(placed(place(ask(3), BOX, host())))) == ["GPU-1"]
    refusal = refused(place(ask(3, to="4"), BOX, host()))
    assert refusal.reason == "GPU 4 is divided, so name one of its MIG devices (MIG-cc01 and MIG-cd02)."
    assert refusal.impossible


def test_a_mig_device_takes_what_it_is_told_to_take() -> None:
    placement = placed(place(ask(200, to="MIG-cc01", pieces=10, on_gpu=None, per_gpu=1), BOX, host()))
    assert (on(placement), placement.on_gpu) == ({"MIG-cc01": 201 << 30}, 10)


def test_a_mig_device_of_a_gpu_that_is_too_old_or_silent_is_refused() -> None:
    told = ask(3, to="MIG-cc01", least="9.0")
    refusal = refused(place(told, BOX, host()))
    assert "GPU 4, of which MIG-cc01 is a part, is too old (compute capability 8.6" in refusal.reason
    assert refusal.impossible
    refusal = refused(place(ask(3, to="MIG-cc01"), (gpu(4, 70, mig=("MIG-cc01",), silent="lost"),), host()))
    assert (refusal.reason, refusal.impossible) == (
        "GPU 4, of which MIG-cc01 is a part, gives no readings (lost).",
        False,
    )
    refusal = refused(place(ask(3, to="MIG-cc01", unsuited={"MIG-cc01": "no kernel image"}), BOX, host()))
    assert refusal.reason == "GPU 4, of which MIG-cc01 is a part, cannot be used: no kernel image."
    refused(place(ask(3, to="MIG-cc01", unsuited={"GPU-ab02": "no kernel image"}), BOX, host()))


def test_what_was_measured_counts_on_a_mig_device() -> None:
    placement = placed(place(ask(3, to="MIG-cc01", learned={"NVIDIA H100": 4}), BOX, host()))
    assert (on(placement), placement.estimated) == ({"MIG-cc01": 4 << 30}, False)
    assert placed(place(ask(3, to="MIG-cc01"), BOX, host())).estimated


def test_a_process_stays_on_the_gpus_it_was_started_on() -> None:
    placement = placed(place(ask(3, to="auto", bound=("GPU-2",)), BOX, host()))
    assert (list(on(placement)), placement.words) == (["GPU-2"], "GPU 2, where its process is")
    placement = placed(place(ask(3, to="0", bound=("GPU-2",)), BOX, host()))
    assert list(on(placement)) == ["GPU-2"]
    placement = placed(place(ask(3, to="cpu", bound=("GPU-2",)), BOX, host()))
    assert list(on(placement)) == ["GPU-2"]
    placement = placed(place(ask(3, bound=("MIG-cd02",)), BOX, host()))
    assert placement.words == "MIG device MIG-cd02 of GPU 4, where its process is"
    placement = placed(place(ask(3, to="0", bound=()), BOX, host()))
    assert (placement.slices, placement.words) == ((), "CPU, where its process is")


def test_a_process_without_room_where_it_is_may_be_restarted_elsewhere() -> None:
    refusal = refused(place(ask(12, bound=("GPU-2",)), BOX, host()))
    assert refusal.reason == "GPU 2 has 10.0 GiB free, llm needs ~12.0 GiB."
    assert refusal.help == "Restart it: a new process may go to GPU 1."
    assert not refusal.impossible


def test_the_gpu_of_a_process_may_be_gone() -> None:
    refusal = refused(place(ask(3, bound=("GPU-77",)), BOX, host()))
    assert refusal.reason == "The GPU that its process was started on (GPU-77) is gone."
    assert not refusal.impossible
    assert refused(place(ask(3, bound=("GPU-77",)), (), host())).title == "No such GPU"
