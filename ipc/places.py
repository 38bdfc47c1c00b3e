"""The data folder: what is worth keeping over supervisors and is no state of any one of them.

Environments of engines, models made on the box, states of prompts. Several supervisors of one user share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

DATA = "ENGINEROOM_DATA"
"""The variable that names it; a child gets it from its supervisor."""


def data_folder(environ: Mapping[str, str]) -> Path:
    """`$ENGINEROOM_DATA`, else `engineroom` under `$XDG_DATA_HOME` or `~/.local/share`; absolute."""
    if told := environ.get(DATA):
        return Path(told).expanduser().absolute()
    return xdg_base(environ, "XDG_DATA_HOME", ".local/share") / "engineroom"


def environments_folder(data: Path) -> Path:
    """Environments of engine kinds, each named by the hash of its requirements."""
    return data / "environments"


def models_folder(data: Path) -> Path:
    """Models that were made on this box: quantized, or exported."""
    return data / "models"


def prompts_folder(data: Path) -> Path:
    """States of prompts that were computed before; losing them costs time, no work."""
    return data / "prompts"


def vectors_folder(data: Path) -> Path:
    """Vectors that embedding engines keep over restarts; losing them costs time, no work."""
    return data / "vectors"


def voices_folder(data: Path) -> Path:
    """Recordings of people, each `NAME.wav` or another sound file, that engines can speak like."""
    return data / "voices"


def speech_folder(data: Path) -> Path:
    """What speaking engines learned of their voices; losing it costs time, no work."""
    return data / "speech"


def xdg_base(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    """An XDG base folder; the specification says that a relative value is to be ignored."""
    told = environ.get(variable, "")
    if Path(told).is_absolute():
        return Path(told)
    return Path(environ.get("HOME") or Path.home()) / below_home
