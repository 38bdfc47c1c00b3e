"""`gpus`: the GPUs, and who is on them."""

from __future__ import annotations

from argparse import Namespace

from cli import gpu_json, gpu_words, say
from cli.exits import Exit
from cli.session import Session
from cli.verb import Verb, looped, takes_json


async def _gpus(session: Session, arguments: Namespace) -> Exit:
    async with session.connect() as client:
        whole = await session.look(client)
    if not arguments.json:
        gpu_words.tables(whole)
        return Exit.OK
    say.document(gpu_json.gpus(whole))
    if whole.fleet.problem:
        say.note(whole.fleet.problem)
    return Exit.OK


VERB = Verb("gpus", "list the GPUs and who is on them", takes_json, looped(_gpus))
