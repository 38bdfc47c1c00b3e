"""`ledger`: who holds memory and who was promised it."""

from __future__ import annotations

from argparse import Namespace

from cli import ledger_json, ledger_words, say
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json
from ipc.control import LedgerIs, ShowLedger


async def _ledger(session: Session, arguments: Namespace) -> Exit:
    ledger = (await session.ask(ShowLedger(), LedgerIs)).ledger
    if arguments.json:
        say.document(ledger_json.ledger(ledger))
    else:
        for line in ledger_words.page(ledger):
            say.data(line)
    return Exit.OK


VERB = Verb("ledger", "who holds memory, who was promised it, and what is free", takes_json, looped(_ledger))
