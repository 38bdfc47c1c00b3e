"""Recordings that are being planned, kept open: a desk plans one in many stretches, and decodes it once."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Final, TypeAlias

from engines.stt.audio.recording import Recording, stamp
from engines.stt.pages import Pages
from engines.stt.settings import SttSettings
from engines.stt.vad.silero import Silero

_MOST: Final = 4
_Key: TypeAlias = tuple[str, str, bool, float]

_open: OrderedDict[_Key, Pages] = OrderedDict()
_silero: list[Silero] = []


def pages(source: Path, settings: SttSettings) -> Pages:
    """The recording in a file, as far as it was listened to with these settings; anew where the file has changed.

    Raises:
        NotAudio, NoEar
    """
    key = str(source), stamp(source), settings.vad, settings.gate_db
    if key not in _open:
        for old in [old for old in _open if old[0] == key[0]] + list(_open)[: 1 - _MOST]:
            _drop(old)
        _open[key] = Pages(Recording(source), _ear() if settings.vad else None, settings.gate_db)
    _open.move_to_end(key)
    return _open[key]


def close(source: Path) -> None:
    """Nothing more is planned of it for now."""
    for key in [key for key in _open if key[0] == str(source)]:
        _drop(key)


def _drop(key: _Key) -> None:
    if (left := _open.pop(key, None)) is not None:
        left.recording.close()


def _ear() -> Silero:
    """The network, loaded once in this process."""
    if not _silero:
        _silero.append(Silero())
    return _silero[0]
