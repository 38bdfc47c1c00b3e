"""Where the Hugging Face hub's own tools keep what they fetched; what lies there is used in place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def hub_folder(environ: Mapping[str, str]) -> Path:
    """`$HF_HUB_CACHE`, else `hub` in `$HF_HOME`, else in the cache folder of the user."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if told := environ.get(variable):
            return Path(told).expanduser()
    if home := environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(cache) / "huggingface" / "hub"
