"""What `models … --json` prints, field by field (docs/json.md)."""

from __future__ import annotations

from cli import json_shapes
from ipc.models import Checked, ModelRow, Removed
from ipc.snapshot import Json


def model(row: ModelRow) -> Json:
    """One entry of `models list` and `models scan`; `models quantize`."""
    quality: Json = None
    if row.quality is not None:
        quality = {
            "perplexity_before": row.quality.before,
            "perplexity_after": row.quality.after,
            "tokens": row.quality.tokens,
        }
    return {
        "name": row.name,
        "label": row.label,
        "level": row.level,
        "quantization": row.quantization,
        "size_bytes": row.bytes,
        "path": row.path,
        "origin": row.origin,
        "engines": list(row.engines),
        "made_of": row.made_of or None,
        "make_seconds": row.seconds,
        "quality": quality,
        "note": row.note,
        "problem": None if row.problem is None else json_shapes.problem(row.problem),
    }


def checked(one: Checked) -> Json:
    """One entry of `models verify`."""
    return {"name": one.name, "path": one.path, "broken": list(one.broken), "unknown": list(one.unknown)}


def removed(one: Removed) -> Json:
    """One entry of `models remove`."""
    return {"path": one.path, "freed_bytes": one.bytes}
