"""`voices`: recordings of people, each with a name that settings, casts and `say --voice` know."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cli import say, whole_file, words
from cli.exits import Exit
from cli.recordings import NoEnvironment, checked
from cli.session import Session
from cli.verb import Verb, completes_files, family, takes_json
from cli.voices_here import check_name, check_suffix, folder_here, one_of, used_by, users
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Json
from ipc.voices import Checked, Named, known

AT_ONCE = 4
HEADS = ("VOICE", "TYPE", "LENGTH", "RATE", "USED BY", "NOTE")


def _list(session: Session, arguments: Namespace) -> Exit:
    folder = folder_here(session)
    voices, wanted = known(folder), users(session)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = list(threads.map(lambda one: _look(session, one.path), voices))
    missing = next((one for one in found if isinstance(one, NoEnvironment)), None)
    rows = [(one, None if isinstance(what, RequestFailed) else what) for one, what in zip(voices, found, strict=True)]
    if arguments.json:
        say.document([_json(one, what, used_by(one, wanted)) for one, what in rows])
    elif not voices:
        say.data(f"No voice is in {folder}: `engineroom voices add NAME FILE` adds one.")
    else:
        say.table(HEADS, [_cells(one, what, used_by(one, wanted)) for one, what in rows], right=frozenset({2, 3}))
    if missing is not None:
        say.problem(missing.problem)
    return Exit.OK


def _add(session: Session, arguments: Namespace) -> Exit:
    folder, name = folder_here(session), arguments.name
    check_name(name)
    source = session.cwd / Path(arguments.file).expanduser()
    old = [one for one in known(folder) if one.name == name]
    if old and not arguments.force:
        detail = f"There is a voice named {name} ({old[0].path})."
        raise RequestFailed(Problem("Name is taken", detail, "Choose another, or --force to replace it."))
    what = checked(session, source)
    _refuse(what)
    check_suffix(source)
    voice = Named(name, folder / f"{name}{source.suffix.lower()}")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = source.read_bytes()
    except OSError as error:
        raise RequestFailed(Problem("Cannot copy", f"{error.filename}: {error.strerror}.", "")) from error
    whole_file.put(voice.path, content)
    for one in old:
        if one.path != voice.path:
            one.path.unlink(missing_ok=True)
    _tell(voice, what, as_json=arguments.json, engines=used_by(voice, users(session)))
    return Exit.OK


def _check(session: Session, arguments: Namespace) -> Exit:
    folder, told = folder_here(session), arguments.what
    path = session.cwd / Path(told).expanduser()
    voice = Named(path.name, path) if "/" in told or path.is_file() else one_of(folder, told)
    what = checked(session, voice.path)
    _tell(voice, what, as_json=arguments.json, engines=used_by(voice, users(session)))
    return Exit.FAILED if what.problems else Exit.OK


def _remove(session: Session, arguments: Namespace) -> Exit:
    voice = one_of(folder_here(session), arguments.name)
    engines = used_by(voice, users(session))
    if engines and not arguments.force:
        detail = f"{', '.join(engines)} {'is' if len(engines) == 1 else 'are'} set to speak like {voice.name}."
        raise RequestFailed(Problem("In use", detail, "Set another voice or cast there first; or --force."))
    if not arguments.yes and not _agreed(voice):
        say.note("nothing was removed")
        return Exit.FAILED
    try:
        voice.path.unlink(missing_ok=True)
    except OSError as error:
        raise RequestFailed(Problem("Cannot remove", f"{voice.path}: {error.strerror}.", "")) from error
    if arguments.json:
        say.document({"name": voice.name, "file": str(voice.path)})
    else:
        say.data(f"{voice.name} is removed")
    return Exit.OK


def _look(session: Session, path: Path) -> Checked | RequestFailed:
    try:
        return checked(session, path)
    except RequestFailed as error:
        return error


def _refuse(what: Checked) -> None:
    if what.problems:
        raise RequestFailed(Problem("No good voice", " ".join(what.problems), ""))


def _tell(voice: Named, what: Checked, *, as_json: bool, engines: tuple[str, ...]) -> None:
    if as_json:
        say.document(_json(voice, what, engines))
        return
    verdict = "cannot serve" if what.problems else "can serve"
    say.data(f"{voice.name}: {_length(what)}, {_rate(what)}, {verdict} ({voice.path})")
    for sentence in (*what.problems, *what.warnings):
        say.data(f"  {sentence}")


def _cells(voice: Named, what: Checked | None, engines: tuple[str, ...]) -> tuple[str, ...]:
    notes = (*what.problems, *what.warnings) if what is not None else ()
    return (
        voice.name,
        voice.path.suffix.removeprefix(".").lower() or words.UNKNOWN,
        _length(what),
        _rate(what),
        ", ".join(engines) or words.UNKNOWN,
        notes[0] if notes else "",
    )


def _length(what: Checked | None) -> str:
    return words.span(None if what is None else what.seconds or None)


def _rate(what: Checked | None) -> str:
    return f"{what.rate} Hz" if what is not None and what.rate else words.UNKNOWN


def _json(voice: Named, what: Checked | None, engines: tuple[str, ...]) -> Json:
    return {
        "name": voice.name,
        "file": str(voice.path),
        "audio_seconds": None if what is None else what.seconds or None,
        "rate": None if what is None else what.rate or None,
        "engines": list(engines),
        "problems": [] if what is None else list(what.problems),
        "warnings": [] if what is None else list(what.warnings),
    }


def _agreed(voice: Named) -> bool:
    say.note(str(voice.path))
    if not sys.stdin.isatty():
        raise RequestFailed(Problem("Not asked", "There is no terminal to ask on.", "Say --yes to remove it."))
    print("Remove? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _add_arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("name", metavar="NAME", help="letters, digits, - and _")
    completes_files(parser.add_argument("file", metavar="FILE", help="3 to 10 s of one person: wav, flac, ogg or mp3"))
    parser.add_argument("--force", action="store_true", help="replace the voice that has this name")


def _check_arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    completes_files(parser.add_argument("what", metavar="NAME|FILE", help="a voice, or a recording"))


def _remove_arguments(parser: ArgumentParser) -> None:
    takes_json(parser)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--force", action="store_true", help="also one that an engine is set to speak like")


VERB = family(
    "voices",
    "keep recordings of people, for engines to speak like them",
    (
        Verb("list", "named voices, how long their recordings are, who uses them", takes_json, _list),
        Verb("add", "check a recording and keep a copy of it under a name", _add_arguments, _add),
        Verb(
            "check", "whether a recording can serve as a voice, and what would sound better", _check_arguments, _check
        ),
        Verb("remove", "delete a named voice", _remove_arguments, _remove),
    ),
)
