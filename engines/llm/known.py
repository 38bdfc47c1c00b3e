"""All models that are known on this box: made here, configured, in the usual places, in folders that were scanned."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from engines.contract import CannotLoad
from engines.llm import cache
from engines.llm.cache import Made, record_of
from engines.llm.files import ModelFile, path_of
from engines.llm.header import read
from engines.llm.scan import in_folder, remembered, row_of, row_of_file, usual_places
from engines.llm.settings import MINIATURE, LlmSettings
from engines.llm.wanted import ToMake, wanted
from engines.settings import with_changes
from ipc.errors import Problem, RequestFailed
from ipc.models import Configured, ModelRow, Quality
from ipc.snapshot import Scalar


def known(engines: Iterable[Configured]) -> list[ModelRow]:
    """Each file once: what was made here first, and who is configured to use it."""
    rows: dict[str, ModelRow] = {}
    wishes = _Wishes()
    shipped = row_of(path_of(LlmSettings()), "shipped")
    for row in (*made_here(), shipped, *_elsewhere(), *wishes.rows(engines)):
        rows.setdefault(os.path.realpath(row.path), row)
    return [wishes.noted(row, place) for place, row in rows.items()]


def named(text: str) -> Path:
    """The file or folder that a person means: a path, `miniature`, or a name as `list` shows it.

    Raises:
        RequestFailed: nothing here is called that, or several things are.
    """
    path = path_of(LlmSettings(model=text))
    if text == MINIATURE or path.exists():
        return path.absolute()
    rows = called(text, known(()))
    originals = [row for row in rows if not row.made_of] or rows
    folders = {Path(row.path).parent for row in originals}
    if len(originals) == 1:
        return Path(originals[0].path)
    if len(folders) == 1:
        return folders.pop()
    if not rows:
        what = f"{path} does not exist" if os.sep in text else f"Nothing here is called {text!r}"
        raise RequestFailed(Problem("Unknown model", f"{what}.", "`engineroom models list` shows what is there."))
    paths = ", ".join(row.path for row in originals)
    raise RequestFailed(Problem("Several models", f"{text!r} may be {paths}.", "Name one by its path."))


def called(text: str, rows: Iterable[ModelRow]) -> list[ModelRow]:
    """Those of that name."""
    return [row for row in rows if text.lower() in {row.name.lower(), row.label.lower(), Path(row.path).name.lower()}]


def made_here() -> Iterator[ModelRow]:
    """What lies in the cache; a damaged one with the reason."""
    for entry in cache.entries():
        made = record_of(entry)
        if made is None:
            problem = Problem("Damaged", f"{entry} has no record.", "Remove it; it is made anew when it is wanted.")
            yield ModelRow(str(entry), "made here", name=entry.name, problem=problem)
        else:
            yield _made_row(entry, made)


def _made_row(entry: Path, made: Made) -> ModelRow:
    row = row_of(entry / made.file, "made here")
    quality = None
    if made.perplexity_before is not None and made.perplexity_after is not None:
        quality = Quality(made.perplexity_before, made.perplexity_after, made.tokens)
    problem = row.problem
    if problem is None and (row.bytes, row.level) != (made.bytes, made.level):
        problem = Problem("Damaged", f"{row.path} is not what was made.", "It is made anew when it is wanted.")
    return msgspec.structs.replace(
        row,
        name=row.name or made.name,
        level=row.level or made.level,
        quantization=row.quantization or made.quantization,
        made_of=made.source,
        note=_note(made),
        quality=quality,
        seconds=made.seconds,
        problem=problem,
    )


def _note(made: Made) -> str:
    source = Path(made.source)
    try:
        same = ModelFile(source, read(source)).identity() == made.identity
    except (CannotLoad, OSError):
        return "its source is gone"
    return "" if same else "its source was replaced since"


def _elsewhere() -> Iterator[ModelRow]:
    yield from usual_places()
    for folder in remembered():
        yield from in_folder(Path(folder))


class _Wishes:
    """What the configured engines ask for, by the file that they mean."""

    def __init__(self) -> None:
        self._used: dict[str, list[str]] = {}
        self._notes: dict[str, list[str]] = {}

    def rows(self, engines: Iterable[Configured]) -> Iterator[ModelRow]:
        """The files that they use, or are to be made of."""
        for one in engines:
            changes: dict[str, Scalar] = {"model": one.model, "quantization": one.quantization}
            settings = with_changes(LlmSettings(), changes, one.engine)
            try:
                files = wanted(settings)
            except CannotLoad as error:
                path = path_of(settings)
                self._uses(path, one)
                yield ModelRow(str(path), "configured", problem=error.problem)
                continue
            if isinstance(files, ToMake):
                note = f"{files.level} for {one.engine} is made of it at its next load"
                self._notes.setdefault(os.path.realpath(files.source.path), []).append(note)
                yield row_of_file(files.source, "configured")
                continue
            for file in files:
                self._uses(file.path, one)
                yield row_of_file(file, "configured")

    def noted(self, row: ModelRow, place: str) -> ModelRow:
        """The row of the file at `place`, with who uses it and what is to be made of it."""
        note = "; ".join(filter(None, (row.note, *self._notes.get(place, ()))))
        return msgspec.structs.replace(row, engines=tuple(dict.fromkeys(self._used.get(place, ()))), note=note)

    def _uses(self, path: Path, one: Configured) -> None:
        self._used.setdefault(os.path.realpath(path), []).append(one.engine)
