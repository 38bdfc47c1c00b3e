"""An engine that leaves open how much it does at once: chosen by what fits, told beforehand, lowered by memory."""

from __future__ import annotations

from ledger_kit import GIB, card, engine, open_box


def test_as_much_at_once_as_fits_and_less_when_that_was_too_much() -> None:
    """Eight would take 9 GiB, four take 5; but in truth only two work."""
    config = engine("voice", 1, parallel=0, unit_bytes=GIB, tokens_per_unit=1, units_that_fit=2)
    with open_box(config, card(0, 8)) as box:
        assert box.room.engine("voice")["parallel"] is None
        assert " auto " in box.room.run("ps").stdout
        done = box.await_job(box.submit("voice", units=5), "done")
        assert done["units_done"] == 5
        row = box.room.engine("voice")
        assert (row["parallel"], row["chosen"]) == (2, "")
        assert [text.partition("goes on with ")[2] for text in box.told("stepped-down", "voice")] == ["parallel = 2"]


def test_a_number_of_ones_own_and_back_to_what_is_chosen() -> None:
    config = engine("voice", 1, parallel=0, unit_bytes=GIB)
    with open_box(config, card(0, 8)) as box:
        room = box.room
        room.run("start", "voice")
        assert (room.engine("voice")["parallel"], room.engine("voice")["chosen"]) == (4, "parallel 4")
        assert room.json("set", "voice", "parallel=2")["applied"]
        assert (room.engine("voice")["parallel"], room.engine("voice")["chosen"]) == (2, "")
        price = room.json("set", "voice", "parallel=0", "--dry-run")
        assert price["text"].startswith("parallel 2 → 0: the context is rebuilt, weights stay, as parallel 4, needs")
        assert price["more_bytes"] == 2 * GIB
        assert room.json("set", "voice", "parallel=0")["applied"]
        assert (room.engine("voice")["parallel"], room.engine("voice")["chosen"]) == (4, "parallel 4")


def test_two_that_leave_it_open_share_a_card() -> None:
    config = "".join(engine(name, 1, parallel=0, unit_bytes=GIB, min_residency=0) for name in ("a", "b"))
    with open_box(config, card(0, 8)) as box:
        for name in ("a", "b", "a", "b"):
            box.room.run("start", name)
        assert [box.room.engine(name)["parallel"] for name in ("a", "b")] == [4, 1]
        assert box.told("evicted") == []
