"""Models in Ollama's store: a manifest names `model:tag` and the digest of the file, which is used in place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

_MODEL = "application/vnd.ollama.image.model"
_LIBRARY = ("registry.ollama.ai", "library")
_SYSTEM = Path("/usr/share/ollama/.ollama/models")
"""Where the service's own user keeps them."""


def ollama_folders(environ: Mapping[str, str]) -> list[Path]:
    """`$OLLAMA_MODELS`, the user's, and the service's."""
    told = environ.get("OLLAMA_MODELS")
    home = Path(environ.get("HOME") or Path.home())
    return list(dict.fromkeys([*([Path(told).expanduser()] if told else []), home / ".ollama" / "models", _SYSTEM]))


def in_ollama(store: Path) -> Iterator[tuple[Path, str]]:
    """Each model's file, which may be missing, and its name; a manifest that cannot be read stands for its file.

    Raises:
        OSError
    """
    manifests = store / "manifests"
    if not manifests.is_dir():
        return
    for manifest in sorted(path for path in manifests.rglob("*") if path.is_file()):
        parts = manifest.relative_to(manifests).parts
        if len(parts) < 2 or any(part.startswith(".") for part in parts):
            continue
        blob = _blob(store, manifest)
        if blob is not None:
            yield blob, _name(parts)


def _name(parts: tuple[str, ...]) -> str:
    *place, tag = parts
    shown = place[1:] if place[:1] == ["registry.ollama.ai"] else place
    return f"{'/'.join(shown[1:] if tuple(place[:2]) == _LIBRARY else shown)}:{tag}"


def _blob(store: Path, manifest: Path) -> Path | None:
    """None where the manifest is of something else than a model."""
    try:
        layers = json.loads(manifest.read_bytes())["layers"]
        digests = [layer["digest"] for layer in layers if layer["mediaType"] == _MODEL]
        return store / "blobs" / digests[0].replace(":", "-") if digests else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return manifest
