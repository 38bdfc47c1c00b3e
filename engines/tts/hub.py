"""Checkpoints where the Hugging Face hub's own tools put them; used in place, and never fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from engines.hubcache import hub_folder
from engines.tts.typed import is_folder

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def is_hub_name(model: str) -> bool:
    """Whether it is written as the hub names a repository: `owner/name`."""
    return _NAME.fullmatch(model) is not None and not model.startswith(".")


def snapshots(model: str, environ: Mapping[str, str]) -> list[Path]:
    """Folders of the revisions of a repository that were fetched, the newest first; none where it never was."""
    folder = hub_folder(environ) / f"models--{model.replace('/', '--')}" / "snapshots"
    if not is_folder(folder):
        return []
    return sorted(folder.iterdir(), key=lambda path: (-path.stat().st_mtime, path.name))
