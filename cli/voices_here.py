"""The named voices of this box: recordings in a folder, and which engines are set to speak like them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cli.session import Session
from config.errors import did_you_mean
from config.load import load
from engines.tts.settings import TtsSettings
from ipc.errors import Problem, RequestFailed
from ipc.places import data_folder, voices_folder
from ipc.voices import SUFFIXES, Named, known, named

_NAME = re.compile(r"\w[\w-]{0,63}")


def folder_here(session: Session) -> Path:
    """Where recordings are kept. Raises RequestFailed: the supervisor is on another host."""
    if session.host is not None:
        detail = "Voices are looked after on their own box."
        raise RequestFailed(Problem("Not over ssh", detail, f"Run it there: ssh {session.host} engineroom voices"))
    return voices_folder(data_folder(session.environ))


def one_of(folder: Path, name: str) -> Named:
    """The voice of that name. Raises RequestFailed: there is none."""
    if (voice := named(folder, name)) is not None:
        return voice
    hint = did_you_mean(name, {one.name for one in known(folder)})
    raise RequestFailed(Problem("No such voice", f"No voice is named {name!r}.", hint))


def check_suffix(file: Path) -> None:
    """Raises RequestFailed: a recording that is called so would not be found by its name."""
    if file.suffix.lower() not in SUFFIXES:
        detail = f"{file.name} ends in none of {', '.join(SUFFIXES)}."
        raise RequestFailed(Problem("Bad name of a file", detail, "Rename it after what it is, and add it again."))


def check_name(name: str) -> None:
    """Raises RequestFailed: it cannot be a file's name, or would be taken for something else than a name."""
    if not _NAME.fullmatch(name):
        detail = f"{name!r} cannot name a voice: letters, digits, `-` and `_` can, up to 64 of them."
        raise RequestFailed(Problem("Bad name", detail, "For example anna, or narrator-2."))


def users(session: Session) -> dict[str, tuple[str, ...]]:
    """By voice as it is written in settings and casts: the engines that speak like it. Raises BadConfig."""
    config = load(file=session.config_file, state=session.state, environ=session.environ)
    found: dict[str, tuple[str, ...]] = {}
    for engine in config.engines:
        if isinstance(engine.settings, TtsSettings):
            written = {engine.settings.voice, *_cast(engine.settings.cast)} - {""}
            found |= {voice: (*found.get(voice, ()), engine.name) for voice in sorted(written)}
    return found


def used_by(voice: Named, users: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The engines that speak like it, whichever way it is written."""
    ways = (voice.name, voice.path.name, str(voice.path))
    return tuple(dict.fromkeys(engine for way in ways for engine in users.get(way, ())))


def _cast(written: str) -> Iterator[str]:
    """The voices that a file gives to chapters; none where it cannot be read, which a job will say."""
    tables: dict[str, object] = {}
    if written:
        with suppress(OSError, ValueError, RuntimeError):
            tables = tomllib.loads(Path(written).expanduser().read_text())
    for value in tables.values():
        yield from (one for one in (value.values() if isinstance(value, dict) else [value]) if isinstance(one, str))
