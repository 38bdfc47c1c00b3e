"""A room on a simulated box whose engines hold what they take: for scenarios of the ledger."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from room_kit import Room, open_room, wait_for

from engines.gpu_memory import publish as publish_account
from simulator.run import environment
from simulator.scenario import publish

MIB, GIB = 2**20, 2**30
_numbers = itertools.count()


def card(index: int, gib: float = 8, **more: Any) -> dict[str, Any]:
    """A GPU of so many GiB with nothing on it; `GPU-<index>` is its UUID."""
    plain = {
        "name": f"Card {gib:g}G",
        "capability": "8.6",
        "uuid": f"GPU-{index}",
        "memory_total": int(gib * GIB),
        "memory_reserved": 0,
        "memory_other": 0,
        "temperature": 40,
        "slowdown": 93,
        "utilisation": 50,
        "power": 100,
    }
    return {**plain, **more}


def engine(name: str, gib: float = 1, **settings: str | float | bool) -> str:
    """The table of a fake engine that takes so many GiB."""
    lines = [f"[engine.{name}]", 'kind = "fake"', f"load_bytes = {int(gib * GIB)}"]
    for key, value in settings.items():
        text = (
            str(value).lower() if isinstance(value, bool) else value if isinstance(value, int | float) else f'"{value}"'
        )
        lines.append(f"{key} = {text}")
    return "\n".join(lines) + "\n"


@dataclass
class Box:
    """The room, and the box that it is on."""

    room: Room
    lines: Path
    accounts: Path
    start_unix: float

    def show(self, *cards: dict[str, Any], **box: Any) -> None:
        """From now on the box is like this."""
        publish({"gpu": list(cards), **box}, self.lines, start_unix=self.start_unix, accounts=self.accounts)

    def hold(self, pid: int, uuid: str, count: int, *, stays: bool = False) -> None:
        """Some process holds so many bytes; with `stays` also after its end."""
        publish_account(self.accounts, pid, {uuid: count}, stays=stays)

    def book(self, index: int) -> dict[str, Any]:
        """One GPU in the ledger."""
        gpus: list[dict[str, Any]] = self.room.json("ledger")["gpus"]
        return next(one for one in gpus if one["index"] == index)

    def alarms(self, word: str) -> list[dict[str, Any]]:
        """The alarms of that word that there are now."""
        found: list[dict[str, Any]] = self.room.json("ledger")["alarms"]
        return [one for one in found if one["word"] == word]

    def told(self, word: str, about: str = "") -> list[str]:
        """The sentences of all happenings with that word."""
        happenings = self.room.happenings()
        return [one["text"] for one in happenings if one["word"] == word and about in ("", one["about"])]

    def await_told(self, word: str, about: str = "", seconds: float = 30.0) -> str:
        """The first such sentence, once there is one."""
        return wait_for(lambda: self.told(word, about), f"{word} about {about or 'anything'}", seconds)[0]

    def submit(self, name: str, units: int = 2) -> str:
        """A job of so many units on that engine; its id."""
        source = self.room.work / f"{name}-{next(_numbers)}.jsonl"
        source.write_text("".join(f'{{"prompt": "{n}"}}\n' for n in range(units)))
        return self.room.submit("fake", str(source), "-o", f"{source}.out", "--engine", name)

    def await_job(self, id: str, state: str, seconds: float = 60.0) -> dict[str, Any]:  # noqa: A002
        """Wait until the job is in that state; its row."""

        def probe() -> dict[str, Any] | None:
            row = self.room.job(id)
            return row if row["state"] == state else None

        return wait_for(probe, f"{id} {state}", seconds)

    def held(self, name: str) -> dict[int, int]:
        """Bytes that the cards say an engine holds, by GPU."""
        found: dict[int, int] = {}
        for gpu in self.room.json("gpus"):
            for process in gpu["processes"]:
                if process["engine"] == name:
                    found[gpu["index"]] = found.get(gpu["index"], 0) + process["used_bytes"]
        return found


@contextlib.contextmanager
def open_box(
    config: str, *cards: dict[str, Any], environ: Mapping[str, str] | None = None, **box: Any
) -> Iterator[Box]:
    """A supervisor that is up on a box with these cards; whatever it started is gone at the end."""
    with open_room(config) as room:
        folder = room.state.parent
        accounts = folder / "accounts"
        accounts.mkdir()
        one = Box(room, folder / "scenario", accounts, time.time())
        one.show(*cards, **box)
        told = environment(one.lines, accounts).items()
        room.environ = {name: value for name, value in told if os.environ.get(name) != value} | dict(environ or {})
        room.run("up")
        wait_for(lambda: len(room.json("gpus")) == len(cards), "every GPU is seen")
        yield one
