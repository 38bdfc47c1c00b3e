"""`say`: a sentence spoken at once with the settings of a job, to hear how eleven hours of it would sound."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

import msgspec

from cli import say, speak_files, whole_file, words
from cli.exits import Exit
from cli.of_kind import ready_soon
from cli.paths_here import placed
from cli.session import Session
from cli.verb import Verb, completes_files, looped, takes_json
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Json
from ipc.speech import KIND, Speech, Wish
from ipc.speech import say as spoken

STDIN = "-"
LARGEST_SEED = 2**31 - 1
MOST = 2


async def _say(session: Session, arguments: Namespace) -> Exit:
    speak_files.check(session.cwd, arguments.output, arguments.takes, force=arguments.force, as_json=arguments.json)
    wish = _wish(session, arguments, _text(arguments.text))
    await session.ensure()
    async with session.connect() as client:
        await ready_soon(client, arguments.engine, KIND, cannot="Does not speak", with_="Speak with")
        paths = speak_files.paths(session.cwd, arguments.output, arguments.takes)
        for _ in range(arguments.takes):
            speech = await spoken(client, wish, arguments.engine)
            _deliver(speech, None if arguments.output == speak_files.STDOUT else next(paths), as_json=arguments.json)
            wish = msgspec.structs.replace(wish, seed=(speech.seed + 1) % (LARGEST_SEED + 1))
    return Exit.OK


def _text(told: str) -> str:
    """What to say. Raises RequestFailed: there is nothing, or it is no text."""
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig") if told == STDIN else told
    except UnicodeError as error:
        raise _no_text("What comes from stdin") from error
    if not text.strip():
        raise RequestFailed(Problem("Nothing to say", "The text is empty.", 'For example: say voice "Hello."'))
    return text.strip()


def _no_text(what: str) -> RequestFailed:
    return RequestFailed(Problem("Not text", f"{what} is no text in UTF-8.", "Write it in UTF-8."))


def _wish(session: Session, arguments: Namespace, text: str) -> Wish:
    for told in filter(None, (text, arguments.language, arguments.voice)):
        try:
            told.encode()  # a command line may hold any bytes
        except UnicodeError as error:
            raise _no_text(ascii(told)) from error
    return Wish(
        text=text,
        language=arguments.language,
        voice=None if arguments.voice is None else placed(session, arguments.voice),
        exaggeration=arguments.exaggeration,
        cfg=arguments.cfg,
        temperature=arguments.temperature,
        seed=arguments.seed,
    )


def _deliver(speech: Speech, path: Path | None, *, as_json: bool) -> None:
    if path is None:
        sys.stdout.buffer.write(speech.flac)
        sys.stdout.buffer.flush()
        say.note(_words(speech))
        return
    whole_file.put(path, speech.flac)
    if as_json:
        say.record(_json(speech, path))
    else:
        say.data(f"{path.name}: {_words(speech)}")


def _words(speech: Speech) -> str:
    """`3.2 s of sound · RTF 0.41 · 61 tok/s · seed 7 · extended 1× · redone 2× · too long`."""
    speed = words.rate(speech.tokens / speech.work_seconds if speech.work_seconds else None, "tok")
    parts = [f"{words.span(speech.seconds)} of sound", words.rtf(speech.rtf), speed, f"seed {speech.seed}"]
    parts += [f"extended {speech.extended}×"] if speech.extended else []
    parts += [f"redone {speech.redone}×"] if speech.redone else []
    parts += [f"in {speech.pieces} pieces"] if speech.pieces > 1 else []
    parts += [f"sounds wrong: {', '.join(speech.flags)}"] if speech.flags else []
    parts += [f"left out {speech.unknown!r}"] if speech.unknown else []
    return " · ".join(parts)


def _json(speech: Speech, path: Path) -> Json:
    return {
        "file": str(path),
        "audio_seconds": speech.seconds,
        "samples": speech.samples,
        "seconds": speech.work_seconds,
        "rtf": speech.rtf,
        "tokens": speech.tokens,
        "seed": speech.seed,
        "extended": speech.extended,
        "redone": speech.redone,
        "pieces": speech.pieces,
        "flags": list(speech.flags),
        "unknown": speech.unknown,
    }


def _number(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return number


def _amount(text: str) -> float:
    """As the knobs of that name take it."""
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount <= MOST:
        raise ArgumentTypeError(f"{text!r} is no number from 0 to {MOST}")
    return amount


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser, "print one JSON document for each take (docs/json.md)")
    parser.add_argument("engine", help=f"one of kind {KIND}")
    parser.add_argument("text", help="what to say; - reads it from stdin")
    output = parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=f"a {speak_files.SUFFIX} file, a folder, or - for stdout; default: say-N{speak_files.SUFFIX} here",
    )
    completes_files(output)
    parser.add_argument("--force", action="store_true", help="replace FILE where it is there already")
    parser.add_argument("--voice", metavar="NAME", help="one of `engineroom voices`, or a recording")
    parser.add_argument("--language", metavar="XX", help="such as en or fr; else as the engine is set")
    parser.add_argument("--exaggeration", type=_amount, metavar="X", help="how lively, 0 to 2")
    parser.add_argument("--cfg", type=_amount, metavar="X", help="how closely it keeps to the text, 0 to 2")
    parser.add_argument("--temperature", type=_amount, metavar="X", help="0 always takes the likeliest")
    parser.add_argument(
        "--seed", type=_number(0, LARGEST_SEED), metavar="N", help="the same again for the same text and settings"
    )
    parser.add_argument(
        "--takes", type=_number(1, 99), default=1, metavar="N", help="speak it N times, each with another seed"
    )


VERB = Verb("say", "speak a sentence with the settings of a job, to hear it", _arguments, looped(_say))
