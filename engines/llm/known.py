"""All models that are known on this box: made here, configured, in the usual places, in folders that were scanned."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from engines.contract import CannotLoad
from engines.llm import cache
from engines.llm.cache import Made, MadeFile, record_of
from engines.llm.files import ModelFile, path_of
from engines.llm.header import read
from engines.llm.scan import in_folder, remembered, row_of, row_of_file, usual_places
from engines.llm.settings import MINIATURE, LlmSettings
from engines.llm.wanted import ToMake, wanted
from engines.settings import with_changes
from ipc.errors import EngineRoomError, Problem, RequestFailed
from ipc.models import Configured, ModelRow, Quality


def known(engines: Iterable[Configured]) -> list[ModelRow]:
    """Each file once: what was made here first, and who is configured to use it."""
    rows: dict[str, ModelRow] = {}
    used: dict[str, list[str]] = {}
    for row in (*made_here(), *_configured(engines, used), *_elsewhere()):
        rows.setdefault(os.path.realpath(row.path), row)
    return [
        msgspec.structs.replace(row, engines=tuple(dict.fromkeys(used.get(place, ())))) for place, row in rows.items()
    ]


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


def _configured(engines: Iterable[Configured], used: dict[str, list[str]]) -> Iterator[ModelRow]:
    for one in engines:
        try:
            settings = with_changes(LlmSettings(), {"model": one.model, "quantization": one.quantization}, one.engine)
            files = wanted(settings)
        except EngineRoomError as error:
            path = str(path_of(LlmSettings(model=one.model)))
            used.setdefault(os.path.realpath(path), []).append(one.engine)
            yield ModelRow(path, "configured", problem=error.problem)
            continue
        if isinstance(files, ToMake):
            note = f"{files.level} for {one.engine} is made at its next load"
            used.setdefault(os.path.realpath(files.source.path), []).append(one.engine)
            yield msgspec.structs.replace(_row(files.source, one), note=note)
            continue
        for file in files:
            if isinstance(file, MadeFile) and file.source.exists():
                yield row_of(file.source, "shipped" if one.model == MINIATURE else "configured")
            used.setdefault(os.path.realpath(file.path), []).append(one.engine)
            yield _row(file, one)


def _row(file: ModelFile, one: Configured) -> ModelRow:
    return row_of_file(file, "shipped" if one.model == MINIATURE else "configured")
