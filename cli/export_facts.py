"""What the box knows about a job, as the members of an export; its units are not here, because they may be many."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli import job_json, json_shapes, ledger_json
from cli.export_private import words_in
from ipc import control
from ipc.client import Client, expect
from ipc.errors import RequestFailed
from ipc.snapshot import JobDetail, Json, PoolRow, Scalar, SupervisorRow
from ipc.version import SOFTWARE

LOG_LINES = 2000
HAPPENINGS = 2000


@dataclass
class Facts:
    """`members` by name, those that end with `.jsonl` as lists; `missing` says what could not be had, and why."""

    members: dict[str, Json] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    paths: set[str] = field(default_factory=lambda: {str(Path.home())})
    """Known ones, as they stand in the members."""
    words: set[str] = field(default_factory=set)
    """What settings hold that are words of their owner."""

    def look_at(self, settings: Mapping[str, Scalar]) -> None:
        """Note what of these settings is private."""
        self.paths |= {value for value in settings.values() if isinstance(value, str) and value.startswith("/")}
        self.words |= set(words_in(settings))


async def gather(client: Client, detail: JobDetail) -> Facts:
    """All of it, in a dozen requests. Raises what `Client.ask` raises."""
    row, facts = detail.row, Facts()
    supervisor = expect(await client.ask(control.Status()), control.Self).supervisor
    room = expect(await client.ask(control.Ps()), control.Engines)
    ledger = expect(await client.ask(control.ShowLedger()), control.LedgerIs).ledger
    facts.members["versions.json"] = _versions(supervisor, client.supervisor.version)
    facts.members["job.json"] = job_json.detail(detail)
    facts.members["engines.json"] = [json_shapes.engine(one) for one in room.rows]
    facts.members["ledger.json"] = ledger_json.ledger(ledger)
    engines = _engines(detail, room.pools)
    facts.members["events.jsonl"] = [
        json_shapes.happening(item.happening)
        for item in await _items(client, control.Events(HAPPENINGS, follow=False))
        if isinstance(item, control.EventItem) and item.happening.about in {row.id, *engines}
    ]
    facts.paths |= {*row.inputs, row.output, supervisor.state_folder}
    for settings in (detail.settings, detail.own, *(run.settings for run in detail.runs)):
        facts.look_at(settings)
    for engine in engines:
        try:
            await _add_engine(client, engine, facts)
        except RequestFailed as error:
            facts.missing.append(f"{engine}: {error.problem.detail}")
    return facts


async def _add_engine(client: Client, engine: str, facts: Facts) -> None:
    knobs = expect(await client.ask(control.ShowKnobs(engine)), control.Knobs).rows
    facts.members[f"knobs/{engine}.json"] = [json_shapes.knob(one) for one in knobs]
    facts.look_at({one.name: one.value for one in knobs})
    facts.members[f"logs/{engine}.jsonl"] = [
        json_shapes.log_line(line)
        for item in await _items(client, control.Logs(engine, LOG_LINES, follow=False))
        if isinstance(item, control.LogLines)
        for line in item.lines
    ]


async def _items(client: Client, command: control.Streaming) -> list[control.Item]:
    async with client.stream(command) as items:
        return [item async for item in items]


def _engines(detail: JobDetail, pools: Iterable[PoolRow]) -> list[str]:
    """Those that worked on it; of a job that none has begun, those that may."""
    members = {pool.name: pool.members for pool in pools}
    may = (name for named in detail.row.engine.split(", ") if named for name in members.get(named, (named,)))
    return list(dict.fromkeys([run.engine for run in detail.runs] or may))


def _versions(supervisor: SupervisorRow, protocol: int) -> Json:
    return {
        "written_unix": time.time(),
        "supervisor": {"version": supervisor.version, "protocol": protocol, "started_unix": supervisor.started_unix},
        "client": {
            "version": SOFTWARE,
            "protocol": control.VERSION,
            "python": platform.python_version(),
            "platform": platform.platform(),
        },
    }
