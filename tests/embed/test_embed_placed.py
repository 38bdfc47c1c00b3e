"""On a simulated box: the engine is placed on a GPU, holds there what it said it would, and gives it back."""

from __future__ import annotations

from pathlib import Path

from ledger_kit import GIB, MIB, card, open_box
from room_kit import wait_for

pytest_plugins = ["embed_fixtures"]
CONFIG = '[engine.vectors]\nkind = "embed"\nthreads = 1\n'


def test_it_holds_on_its_gpu_what_was_claimed_and_gives_it_back(minilm: Path) -> None:
    with open_box(CONFIG, card(0, gib=8)) as box:
        box.room.environ["ENGINEROOM_DATA"] = str(minilm.parents[1])
        box.room.run("down")
        box.room.run("up")
        box.room.run("start", "vectors")
        held = wait_for(lambda: box.held("vectors"), "it is seen on a GPU")
        (share,) = box.book(0)["shares"]
        assert 400 * MIB < held[0] < GIB
        assert abs(share["claimed_bytes"] - held[0]) < 50 * MIB
        assert box.room.run("embed", "vectors", "hello").stdout
        assert box.room.engine("vectors")["gpus"] == [0]
        assert box.room.json("ledger")["alarms"] == []
        box.room.run("unload", "vectors")
        assert wait_for(lambda: not any(box.held("vectors").values()), "the bytes are back")
