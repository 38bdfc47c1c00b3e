"""Two schemas that both hold, as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from engines.llm.schema_rules import cannot

Schema: TypeAlias = Mapping[str, Any]

_HIGHER = ("minimum", "exclusiveMinimum", "minItems", "minLength")
_LOWER = ("maximum", "exclusiveMaximum", "maxItems", "maxLength")


def merged(one: Schema, other: Schema) -> Schema:
    """What both allow.

    Raises:
        RequestFailed: nothing may be, or it cannot be told.
    """
    if _closed(one, other) or _closed(other, one):
        raise cannot("`additionalProperties` forbids what another part of it asks for")
    whole = dict(one)
    for word, value in other.items():
        whole[word] = _both(word, whole[word], value) if word in whole else value
    return whole


def _both(word: str, one: Any, other: Any) -> Any:
    if one == other:
        return one
    try:
        if word in _HIGHER:
            return max(one, other)
        if word in _LOWER:
            return min(one, other)
        if word == "required":
            return [*one, *(name for name in other if name not in one)]
        if word == "properties":
            return {**one, **{name: {"allOf": [one[name], of]} if name in one else of for name, of in other.items()}}
        if word in ("type", "enum"):
            return _common(word, one, other)
    except TypeError as error:
        raise cannot(f"its `{word}` is of the wrong kind") from error
    if word == "additionalProperties" and (one is True or other is True):
        return other if one is True else one
    raise cannot(f"it has two different `{word}` at one place")


def _common(word: str, one: Any, other: Any) -> Any:
    left, right = ([each] if isinstance(each, str) else each for each in (one, other))
    both = [each for each in left if each in right]
    if "integer" in right and "number" in left or "integer" in left and "number" in right:
        both.append("integer")
    if not both:
        raise cannot(f"its parts have no `{word}` in common")
    return both


def _closed(one: Schema, other: Schema) -> bool:
    """Whether `one` says of properties it does not name what could not be said of the other's."""
    named, wanted = one.get("properties", {}), other.get("properties", {})
    if one.get("additionalProperties", True) is True or not isinstance(named, dict) or not isinstance(wanted, dict):
        return False
    return not wanted.keys() <= named.keys()
