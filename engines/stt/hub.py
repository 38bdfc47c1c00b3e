"""Short names of Whisper models, and where the Hugging Face hub's tools put what they fetched; never fetched here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engines.hubcache import hub_folder

_NAME: Final = re.compile(r"[\w.-]+/[\w.-]+")
_TURBO: Final = "mobiuslabsgmbh/faster-whisper-large-v3-turbo"
_SIZES: Final = ("tiny", "base", "small", "medium")
REPOSITORIES: Final[Mapping[str, str]] = {
    **{f"{size}{tail}": f"Systran/faster-whisper-{size}{tail}" for size in _SIZES for tail in ("", ".en")},
    **{f"large-v{version}": f"Systran/faster-whisper-large-v{version}" for version in (1, 2, 3)},
    **{f"distil-{size}": f"Systran/faster-distil-whisper-{size}" for size in ("large-v2", "large-v3", "medium.en")},
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    "large": "Systran/faster-whisper-large-v3",
    "large-v3-turbo": _TURBO,
    "turbo": _TURBO,
}
"""As faster-whisper itself means them."""


def repository_of(model: str) -> str:
    """The repository that a name means, `owner/name`; empty where it means none."""
    if (known := REPOSITORIES.get(model)) is not None:
        return known
    return model if _NAME.fullmatch(model) and not model.startswith(".") else ""


def short_name(repository: str) -> str:
    """What people call it: `small` for `Systran/faster-whisper-small`."""
    return repository.partition("/")[2].removeprefix("faster-").removeprefix("whisper-") or repository


def snapshots(repository: str, environ: Mapping[str, str]) -> list[Path]:
    """Folders of the revisions that were fetched, the newest first; none where it never was."""
    folder = hub_folder(environ) / f"models--{repository.replace('/', '--')}" / "snapshots"
    if not os.path.isdir(folder):  # that of pathlib raises over names that no file can have
        return []
    return sorted(folder.iterdir(), key=lambda path: (-path.stat().st_mtime, path.name))
