"""`models quantize`: make a level of a model now, before an engine asks for it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from cli import models_json, models_words, say, words
from cli.exits import Exit
from cli.models_asking import asked
from cli.session import Session
from cli.verb import Verb, completes_files, takes_json
from ipc.models import ModelRow, Progress, QuantizeModel, Remark

BAR = 30
"""Columns."""


def _quantize(session: Session, arguments: Namespace) -> Exit:
    row: ModelRow | None = None
    bar = _Bar(arguments.level)
    try:
        with bar, asked(session, QuantizeModel(arguments.model, arguments.level)) as answers:
            for said in answers:
                match said:
                    case Progress(fraction):
                        bar.show(fraction)
                    case Remark(text):
                        bar.end()
                        for line in words.folded(text, indent=""):
                            say.note(line)
                    case ModelRow():
                        row = said
                    case _:
                        pass
    except KeyboardInterrupt:
        say.note(f"cancelled: nothing of {arguments.level} is left")
        raise
    assert row is not None
    if arguments.json:
        say.document(models_json.model(row))
    else:
        made = f" in {words.span(row.seconds)}" if row.seconds is not None else ""
        say.data(f"{row.name} at {row.level}: {words.size(row.bytes)}{made}, {models_words.quality(row.quality)}")
        say.data(f"  {row.path}")
        say.note(f'An engine uses it by `quantization = "{row.level}"` with the model as it was.')
    return Exit.OK


class _Bar:
    """On a terminal one line that grows; elsewhere a line for each tenth."""

    def __init__(self, level: str) -> None:
        self._level = level
        self._live = sys.stderr.isatty()
        self._shown = -1

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def show(self, fraction: float) -> None:
        """How far it is, 0..1."""
        percent = int(100 * fraction)
        if not self._live:
            percent -= percent % 10
        if percent == self._shown:
            return
        self._shown = percent
        if self._live:
            done = round(BAR * fraction)
            sys.stderr.write(f"\r{self._level} {'█' * done}{'·' * (BAR - done)} {percent:3} %")
            sys.stderr.flush()
        else:
            say.note(f"{self._level} {percent} %")

    def end(self) -> None:
        """Leave the line."""
        if self._live and self._shown >= 0:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._shown = -1


def _arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    completes_files(
        parser.add_argument("model", metavar="MODEL", help="a GGUF file, a folder of one model, or a name in the list")
    )
    parser.add_argument("level", metavar="LEVEL", choices=("q4", "q8", "q16"), help="q4, q8 or q16")


VERB = Verb("quantize", "make a smaller level of a model, and measure what is lost", _arguments, _quantize)
