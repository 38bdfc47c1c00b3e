"""What a change or a load costs, as `set`, `unset` and `load --dry-run` tell it."""

from __future__ import annotations

from cli import json_shapes, say
from ipc.control import Price


def show(price: Price, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        say.document(json_shapes.price(price))
    else:
        say.data(price.text)
