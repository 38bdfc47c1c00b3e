"""What was learned of voices, in a file for each model; losing it costs time, no work."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from engines.tts.learned import Learned, Paces
from ipc.places import speech_folder

VERSION = 1


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    model: str
    paces: Paces


def path_of(data: Path, model: str) -> Path:
    """The file for a model, which is known by any text that changes with it."""
    return speech_folder(data) / f"{hashlib.blake2b(model.encode(), digest_size=12).hexdigest()}.json"


def read(path: Path, model: str) -> Paces:
    """What was learned; nothing, with a line on stderr, where the file is broken or of another model."""
    nothing = Paces({})
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return nothing
    except (OSError, msgspec.MsgspecError) as error:
        _say(path, "not read", error)
        return nothing
    if (file.version, file.model) != (VERSION, model):
        sys.stderr.write(f"{path} is of another model; voices are learned anew\n")
        return nothing
    return file.paces


def add(path: Path, model: str, news: Paces) -> None:
    """Merge what was learned since the last time into the file, whatever others wrote meanwhile.

    A failure is told on stderr: speaking goes on without.
    """
    learned = Learned(read(path, model))
    learned.merge(news)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_bytes(msgspec.json.encode(_File(VERSION, model, learned.kept())))
        part.replace(path)
    except OSError as error:
        _say(path, "not written", error)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _say(path: Path, what: str, error: Exception) -> None:
    reason = error.strerror if isinstance(error, OSError) else error
    sys.stderr.write(f"{path} was {what}: {reason}\n")
