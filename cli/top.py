"""`top`: host, GPUs, engines and jobs on one page; again every second, or once."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import anyio

from cli import gpu_json, gpu_words, jobs, ledger_words, ps, say, words
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.snapshot import FINISHED, Snapshot


async def _top(session: Session, arguments: Namespace) -> Exit:
    async with session.connect() as client:
        while True:
            whole = await session.look(client)
            if arguments.json:
                say.document(gpu_json.top(whole))
                return Exit.OK
            _page(whole)
            if arguments.once:
                return Exit.OK
            say.data("")
            await anyio.sleep(1)


def _page(whole: Snapshot) -> None:
    host = whole.host
    say.data(
        f"{whole.supervisor.host}  {words.clock(whole.unix)}  CPU {host.cpu_percent:.0f} %  load {host.load_1m:.1f}"
        f"  RAM {words.size(host.ram_used_bytes)} of {words.size(host.ram_total_bytes)}"
        f"  swap {words.size(host.swap_used_bytes)}  disk {words.size(host.disk_free_bytes)} free"
    )
    say.data("")
    gpu_words.tables(whole)
    say.data("")
    ps.table(whole.engines)
    ps.pools(whole.pools)
    live = [row for row in whole.jobs if row.state not in FINISHED]
    if live:
        say.data("")
        jobs.table(live)
    if whole.ledger.alarms:
        say.data("")
        for line in ledger_words.alarms(whole.ledger.alarms):
            say.data(line)


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser, "print one JSON document, once (docs/json.md)")
    parser.add_argument("--once", action="store_true", help="print one page and end")


VERB = Verb("top", "host, GPUs, engines and jobs on one page, every second", _arguments, looped(_top))
