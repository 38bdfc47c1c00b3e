"""`listen`: what is spoken is written while it is spoken."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager

import anyio

from cli import say, words
from cli.exits import Exit
from cli.listen_pages import Page, TerminalPage, as_json, page_for
from cli.listen_sound import STDIN, begun, opened, samples
from cli.of_kind import ready_soon
from cli.session import Session
from cli.verb import Verb, completes_files, looped, takes_json
from ipc.background import background
from ipc.hearing import KIND, Listened
from ipc.listening import Listening

PATIENCE_SECONDS = 3.0
"""After ctrl+c what is heard in the last of the sound may take so long; a second ctrl+c waits for nothing."""
OPTIONS = ("language", "task", "prompt", "hotwords")


async def _listen(session: Session, arguments: Namespace) -> Exit:
    engine = arguments.engine
    async with AsyncExitStack() as stack:
        incoming = stack.enter_context(opened(arguments.file, session.cwd, engine))
        await session.ensure()
        with _deaf_children():
            client = await stack.enter_async_context(session.connect())
        await ready_soon(client, engine, KIND, cannot="Does not listen", with_="Speak to")
        left = None if arguments.raw else await begun(incoming, engine)
        sound = await stack.enter_async_context(aclosing(samples(incoming, left, fast=arguments.fast)))
        page = page_for(plain=_is_plain(session), in_json=arguments.json)
        told = {name: getattr(arguments, name) for name in OPTIONS}
        if isinstance(page, TerminalPage):
            say.note("Listening; ctrl+c ends.")
        interrupts = stack.enter_context(anyio.open_signal_receiver(signal.SIGINT))
        listening = await stack.enter_async_context(client.listen(engine, **told))
        try:
            await _Session(listening, page).run(sound, interrupts)
        finally:
            page.close()
        if listening.result is not None:
            _conclude(listening.result, in_json=arguments.json)
    return Exit.OK


class _Session:
    """One person who speaks, until the sound ends or ctrl+c."""

    def __init__(self, listening: Listening, page: Page) -> None:
        self._listening = listening
        self._page = page
        self._all = anyio.CancelScope()
        self._feeding = anyio.CancelScope()

    async def run(self, sound: AsyncIterator[bytes], interrupts: AsyncIterator[signal.Signals]) -> None:
        """Raises what feeding and listening raise."""
        with self._all:
            async with background(lambda: self._feed(sound)), background(lambda: self._obey(interrupts)):
                async for live in self._listening:
                    self._page.show(live)

    async def _feed(self, sound: AsyncIterator[bytes]) -> None:
        with self._feeding:
            async for data in sound:
                await self._listening.feed(data)
        self._listening.end()

    async def _obey(self, interrupts: AsyncIterator[signal.Signals]) -> None:
        async for _ in interrupts:
            if self._feeding.cancel_called:
                self._all.cancel()
            self._feeding.cancel()
            self._all.deadline = anyio.current_time() + PATIENCE_SECONDS


def _conclude(result: Listened, *, in_json: bool) -> None:
    if in_json:
        say.record(as_json(result))
        return
    count = "1 word" if result.words == 1 else f"{result.words:,} words"
    parts = (count, f"{words.span(result.seconds)} of sound", result.language, result.model)
    say.note(" · ".join(filter(None, parts)))


def _is_plain(session: Session) -> bool:
    return bool(session.environ.get("NO_COLOR")) or session.environ.get("TERM") == "dumb"


@contextmanager
def _deaf_children() -> Iterator[None]:
    """What is started here, such as ssh, never learns of ctrl+c, which the terminal sends to everybody."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser, "print each change as a line of JSON (docs/json.md)")
    parser.add_argument("engine", help=f"one of kind {KIND}")
    file = parser.add_argument(
        "file",
        nargs="?",
        default=STDIN,
        metavar="FILE",
        help="a WAV file of 16 bits, 16 kHz, mono, heard as it would be spoken; - or nothing: stdin, as it comes",
    )
    completes_files(file)
    parser.add_argument("--raw", action="store_true", help="it is bare samples, without a WAV file's head")
    parser.add_argument("--fast", action="store_true", help="a file as fast as it is taken")
    parser.add_argument("--language", metavar="XX", help="such as en or fr; else as the engine is set")
    parser.add_argument("--task", choices=("transcribe", "translate"), help="else as the engine is set")
    parser.add_argument("--prompt", metavar="TEXT", help="what was said before: it sets spelling and style")
    parser.add_argument("--hotwords", metavar="WORDS", help="names and words to expect")


VERB = Verb("listen", "write what is spoken while it is spoken", _arguments, looped(_listen))
