"""An engine with two processes: what its row says, and what goes along when they change places."""

from __future__ import annotations

from dataclasses import fields, replace

import msgspec
import pytest
from machine_world import Stage, ready

from cli.words import remark_of
from engines.fake.settings import FakeSettings
from engines.settings import as_dict
from ipc.snapshot import Scalar
from ipc.states import Backoff, Loading, Ready
from supervisor.beside_words import beside_words
from supervisor.machine import events as e
from supervisor.machine.record import BeReady, Change, Record
from supervisor.machine.succession import new_heir
from supervisor.process.ring import LogRing
from supervisor.slot import OF_THE_PROCESS, Slot, exchange
from supervisor.slots import make_heir

OF_THE_ENGINE = {
    "name", "kind", "python", "log", "changing", "unsuited", "before_steps", "blocked_by", "note", "outbox", "waiting",
    "tickets", "published", "stands_by", "other", "gone", "pools",
}  # fmt: skip


@pytest.mark.parametrize(
    ("knob", "old", "new", "said"),
    [
        ("quantization", "int8", "float32", "float32 loads beside int8, 62 %"),
        ("num_workers", 1, 2, "num_workers 2 loads beside 1, 62 %"),
        ("gpu", "auto", "1", "gpu 1 loads beside auto, 62 %"),
        ("model", "", "/models/small", "model /models/small loads beside —, 62 %"),
    ],
)
def test_the_row_says_what_loads_beside_what(knob: str, old: Scalar, new: Scalar, said: str) -> None:
    stage = ready(**{knob: old}).beside(**{knob: new})
    heir = replace(new_heir(stage.record, "writer's successor", {knob: new}), state=Loading(7, 0.62))
    assert beside_words(stage.record, heir) == said
    assert beside_words(stage.record, replace(heir, state=Loading(7, None))) == said.removesuffix(", 62 %")


def test_several_knobs_are_named() -> None:
    stage = ready().beside(size=8, tone="warm")
    heir = new_heir(stage.record, "writer's successor", {})
    assert beside_words(stage.record, heir) == "size 8, tone warm load beside what is there"


def test_then_it_says_what_becomes_of_the_former_process() -> None:
    former, engine = ready().fly(1, 2), ready().record
    assert beside_words(engine, former.record) == "its former process finishes 2 units"
    former.hear(e.UnitEnded(100.0, 1))
    assert beside_words(engine, former.record) == "its former process finishes 1 unit"
    assert beside_words(engine, former.land().record) == "its former process leaves"
    assert beside_words(engine, new_heir(engine, "writer's successor", {})) == "its successor is given up"


def pair() -> tuple[Slot, Slot]:
    settings = FakeSettings()
    record = Record("ears", "fake", "engine", as_dict(settings), lambda _: None, goal=BeReady(), state=Ready(7, 0, 0))
    slot = Slot("ears", "fake", None, settings, record, LogRing())
    return slot, make_heir(slot, {**as_dict(settings), "stderr_bytes": 3})


def test_what_its_other_process_does_hides_nothing_that_is_said_of_the_engine() -> None:
    slot, heir = pair()
    slot.record = replace(slot.record, heir=Change({"stderr_bytes": 3}, "process", (1,)), state=Backoff(3, 9.0, "died"))
    heir.record = replace(heir.record, state=Loading(9, 0.5))
    slot.note = "ears died; starts again in 5 s"
    row = slot.row()
    assert (row.note, row.beside) == (slot.note, "stderr_bytes 3 loads beside 0, 50 %")
    ready = msgspec.structs.replace(row, state=Ready(7, 0, 0), note="ears works on")
    assert remark_of(ready) == "stderr_bytes 3 loads beside 0, 50 %; ears works on"


def test_everything_of_a_process_goes_along_and_nothing_of_the_engine() -> None:
    assert {field.name for field in fields(Slot)} == {*OF_THE_PROCESS} | OF_THE_ENGINE
    slot, heir = pair()
    before = {field.name: (getattr(slot, field.name), getattr(heir, field.name)) for field in fields(Slot)}
    exchange(slot, heir)
    for name, (mine, its) in before.items():
        wanted = (its, mine) if name in OF_THE_PROCESS else (mine, its)
        assert (getattr(slot, name), getattr(heir, name)) == wanted, name


def test_nothing_begins_on_a_process_whose_heir_is_ready() -> None:
    slot, heir = pair()
    assert not slot.awaits_heir
    slot.record = replace(slot.record, heir=Change({"stderr_bytes": 3}, "process", (1,)))
    assert not slot.awaits_heir
    heir.record = Stage(heir.record).want().up().record
    assert slot.awaits_heir
    assert (slot.engine, heir.engine, slot.is_hidden, heir.is_hidden) == ("ears", "ears", False, True)
