"""`python -m engines.llm.models`: does what the command line asks about model files, and says it as lines of JSON.

The first line of its input is what is asked; the end of its input, for whatever reason, is a cancel.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from shutil import rmtree

import msgspec

from engines.contract import CannotLoad, LoadCancelled
from engines.llm import cache
from engines.llm.buffers import NO_LIBRARY
from engines.llm.files import ModelFile
from engines.llm.header import read
from engines.llm.known import called, known, made_here, named
from engines.llm.making import make, warning
from engines.llm.scan import in_folder, remember, remembered, row_of_file, usual_places
from engines.llm.settings import LlmSettings
from engines.llm.soundness import unsound
from engines.llm.wanted import ToMake, wanted
from engines.settings import with_changes
from ipc.errors import EngineRoomError, Problem, RequestFailed
from ipc.models import (
    Ask,
    Checked,
    ListModels,
    ModelRow,
    Progress,
    QuantizeModel,
    Refused,
    Remark,
    Removed,
    RemoveModels,
    Said,
    ScanModels,
    VerifyModels,
)


def main() -> None:
    """Answer the one question."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    lines = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints must not come between our lines
    with os.fdopen(os.dup(0), "rb", buffering=0) as asked:
        ask = msgspec.json.decode(asked.readline(), type=Ask)
    cancelled = threading.Event()
    threading.Thread(target=_await_end, args=(cancelled,), daemon=True).start()

    def say(said: Said) -> None:
        lines.write(msgspec.json.encode(said) + b"\n")

    try:
        for said in answers(ask, say, cancelled.is_set):
            if cancelled.is_set():
                break
            say(said)
    except LoadCancelled:
        pass
    except EngineRoomError as error:
        say(Refused(error.problem))


def answers(ask: Ask, say: Callable[[Said], None], cancelled: Callable[[], bool]) -> Iterator[Said]:
    """What is to be said; `say` takes what comes in between.

    Raises:
        EngineRoomError: it cannot be done.
        LoadCancelled: `cancelled` said so; nothing is left.
    """
    match ask:
        case ListModels(engines):
            cache.sweep()
            yield from known(engines)
        case ScanModels(folders):
            yield from _scanned(folders)
        case QuantizeModel(model, level):
            yield from _quantized(model, level, say, cancelled)
        case VerifyModels(engines, models):
            for path, name in _to_verify(models, known(engines)):
                yield _checked(path, name)
        case RemoveModels(paths):
            yield from _removed(paths)


def _await_end(cancelled: threading.Event) -> None:
    while os.read(0, 4096):  # not through sys.stdin: Python would wait for its lock at the end
        pass
    cancelled.set()


def _scanned(folders: tuple[str, ...]) -> Iterator[ModelRow]:
    yield from usual_places()
    for folder in dict.fromkeys([*folders, *remembered()]):
        yield from in_folder(Path(folder))
    remember(folder for folder in folders if os.path.isdir(folder))


def _quantized(model: str, level: str, say: Callable[[Said], None], cancelled: Callable[[], bool]) -> Iterator[Said]:
    settings = with_changes(LlmSettings(), {"model": str(named(model)), "quantization": level}, "models")
    files = wanted(settings)
    if not isinstance(files, ToMake):
        yield Remark("It is there already.")
        yield _row_at(files[0])
        return
    if caution := warning(files.source, files.level):
        yield Remark(f"{caution}.")
    yield _row_at(make(files, 0, _Hearer(say, cancelled)))


class _Hearer:
    """The `Progress` of a making that no engine waits for."""

    def __init__(self, say: Callable[[Said], None], cancelled: Callable[[], bool]) -> None:
        self._say = say
        self.cancelled = cancelled

    def step(self) -> None:
        """Nobody watches over this process."""

    def loading(self, fraction: float) -> None:
        """How far it is."""
        self._say(Progress(fraction))


def _row_at(file: ModelFile) -> ModelRow:
    """As it is listed, where it was made here."""
    made = (row for row in made_here() if row.path == str(file.path))
    return next(made, None) or row_of_file(file, "configured")


def _to_verify(models: tuple[str, ...], rows: Iterable[ModelRow]) -> Iterator[tuple[Path, str]]:
    """Path and name of each model that is meant."""
    rows = list(rows)
    if not models:
        yield from ((Path(row.path), row.name or row.label) for row in rows)
    for text in models:
        matching = called(text, rows)
        if matching:
            yield from ((Path(row.path), row.name or row.label) for row in matching)
            continue
        path = named(text)
        yield from ((one, text) for one in (sorted(path.glob("*.gguf")) if path.is_dir() else [path]))


def _checked(path: Path, name: str) -> Checked:
    try:
        file = ModelFile(path, read(path))
        broken = list(unsound(path))
        refused, unknown = ("", "") if broken else _tried(file)
    except CannotLoad as error:
        return Checked(str(path), name, (error.problem.detail.rstrip("."),), ())
    except OSError as error:
        return Checked(str(path), name, (f"{error.filename or path}: {error.strerror}",), ())
    return Checked(
        str(path), file.header.name or name, (*broken, *filter(None, (refused,))), tuple(filter(None, (unknown,)))
    )


def _tried(file: ModelFile) -> tuple[str, str]:
    """Why the library would not load it, and why that cannot be told."""
    try:
        from engines.llm.rehearsal import Rehearsal
    except NO_LIBRARY:
        return "", "whether it loads: llama-cpp-python is not installed here"
    rehearsal = Rehearsal(file.path, file.header)
    try:
        return rehearsal.complaint(), ""
    finally:
        rehearsal.close()


def _removed(paths: tuple[str, ...]) -> Iterator[Removed]:
    entries = {entry: entry for entry in cache.entries()}
    for text in paths:
        path = Path(text)
        entry = entries.get(path) or entries.get(path.parent)
        if entry is None:
            raise RequestFailed(
                Problem("Not made here", f"{path} was not made by Engine Room.", "Remove it with your own tools.")
            )
        size = sum(file.stat().st_size for file in entry.iterdir())
        try:
            rmtree(entry)
        except OSError as error:
            raise RequestFailed(
                Problem("Not removed", f"{error.filename}: {error.strerror}.", "Mend that and try again.")
            ) from error
        yield Removed(str(path), size)


if __name__ == "__main__":
    main()
