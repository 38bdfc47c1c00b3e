"""From a JSON schema to a grammar whose every sentence is JSON that the schema allows.

What a grammar cannot say is refused, never passed over. Where a schema leaves something open, the grammar may be
narrower: properties come in the order of the schema, and no others beside them.
"""

from __future__ import annotations

import functools
import json
from typing import Any, NoReturn

from engines.llm import gbnf
from engines.llm.digits import MOST_DIGITS, integers, numbers
from engines.llm.schema_merge import Schema, merged
from engines.llm.schema_rules import FORMATS, SHARED, alternatives, cannot, grouped, literal, shown, too_large
from ipc.errors import RequestFailed

_CANNOT = (
    "not", "if", "then", "else", "pattern", "patternProperties", "propertyNames", "dependentRequired",
    "dependentSchemas", "dependencies", "minProperties", "maxProperties", "contains", "minContains", "maxContains",
    "multipleOf", "unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef",
)  # fmt: skip
"""Keywords that allow less than a grammar can say, as `uniqueItems` does where it is true."""
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OF_TYPE = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "additionalItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "format"),
    "number": _BOUNDS,
}
_SAYS = ("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", *(word for of in _OF_TYPE.values() for word in of))
"""Keywords that are followed; all others say nothing about what is allowed."""
_DEEPEST = 64


def to_gbnf(text: str) -> str:
    """The grammar for a schema in JSON; `true` and `{}` allow any JSON.

    Raises:
        RequestFailed: it is no schema, or asks for what a grammar cannot say.
    """
    grammar = _converted(text)
    if isinstance(grammar, RequestFailed):
        raise grammar
    return grammar


@functools.lru_cache(maxsize=32)  # the lines of a job usually have the same one
def _converted(text: str) -> str | RequestFailed:
    try:
        grammar = _Converter(json.loads(text, parse_constant=_no_number)).grammar()
    except RequestFailed as error:
        return error
    except RecursionError:
        return cannot("it nests too deeply")
    except ValueError as error:  # Python reads no numbers of thousands of digits
        return cannot(f"it cannot be read: {error}")
    try:
        gbnf.check_size(grammar)  # of its items that may match nothing each leads elsewhere: none multiply
    except RequestFailed:  # it speaks of GBNF, which nobody wrote
        return too_large()
    return grammar


def _no_number(name: str) -> NoReturn:
    raise cannot(f"{name} is no number")


class _Converter:
    """Each schema becomes an expression; objects, and what is referred to, become rules of their own."""

    def __init__(self, schema: Any) -> None:
        self._whole = schema
        self._rules: dict[str, str] = {}
        self._referred: dict[str, str] = {}
        self._depth = 0

    def grammar(self) -> str:
        self._rules["root"] = self._expression(self._whole)
        return "\n".join(f"{name} ::= {body}" for name, body in self._rules.items())

    def _shared(self, name: str) -> str:
        if name not in self._rules:
            self._rules[name], needed = SHARED[name]
            for other in needed:
                self._shared(other)
        return name

    def _rule(self, body: str) -> str:
        name = f"r{len(self._rules)}"
        self._rules[name] = body
        return name

    # ── any schema ────────────────────────────────────────────────────────────────────────────────────────

    def _expression(self, schema: Any) -> str:
        self._deeper()
        said = self._said(schema)
        if "$ref" in said:
            expression = self._reference(said)
        elif "anyOf" in said or "oneOf" in said:
            expression = self._any_of(said)
        elif "allOf" in said:
            expression = self._expression(self._all_of(said))
        elif "const" in said:
            expression = literal(said["const"])
        elif "enum" in said:
            expression = alternatives(literal(value) for value in _list(said, "enum"))
        else:
            kinds = said.get("type", _implied(said))
            kinds = kinds if isinstance(kinds, list) and kinds else [kinds]
            expression = alternatives(self._of_type(kind, said) for kind in kinds)
        self._depth -= 1
        return expression

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise cannot("it nests too deeply, or refers to itself without an end")

    def _said(self, schema: Any) -> Schema:
        """What it says about what is allowed."""
        if schema is True:
            return {}
        if schema is False:
            raise cannot("`false` allows nothing")
        if not isinstance(schema, dict):
            raise cannot(f"{shown(schema)} is no schema")
        for word in (*_CANNOT, *(["uniqueItems"] if schema.get("uniqueItems") else [])):
            if word in schema:
                raise cannot(f"`{word}` is more than a grammar can say")
        return {word: value for word, value in schema.items() if word in _SAYS}

    def _reference(self, said: Schema) -> str:
        if len(said) > 1:
            return self._expression(self._resolved(said))
        pointer = str(said["$ref"])
        if pointer not in self._referred:
            self._referred[pointer] = name = f"ref{len(self._referred)}"
            self._rules[name] = ""  # taken, while what it refers to may refer to it
            self._rules[name] = self._expression(self._target(said["$ref"]))
        return self._referred[pointer]

    def _resolved(self, said: Schema) -> Schema:
        """The same without a `$ref` of its own."""
        depth = self._depth
        while "$ref" in said:
            self._deeper()
            beside = {word: value for word, value in said.items() if word != "$ref"}
            said = merged(self._target(said["$ref"]), beside)
        self._depth = depth
        return said

    def _target(self, pointer: Any) -> Schema:
        if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
            raise cannot(f"`$ref` {shown(pointer)} lies elsewhere, and only `#/…` is looked up")
        found = self._whole
        for part in pointer.split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or part not in found:
                raise cannot(f"`$ref` {shown(pointer)} leads nowhere")
            found = found[part]
        return self._said(found)

    def _any_of(self, said: Schema) -> str:
        word = "anyOf" if "anyOf" in said else "oneOf"
        beside = {other: value for other, value in said.items() if other != word}
        branches = [self._said(branch) for branch in _list(said, word)]
        return alternatives(self._expression(merged(beside, branch)) for branch in branches)

    def _all_of(self, said: Schema) -> Schema:
        whole: Schema = {word: value for word, value in said.items() if word != "allOf"}
        for part in _list(said, "allOf"):
            whole = merged(whole, self._resolved(self._said(part)))
        return whole

    # ── one type ──────────────────────────────────────────────────────────────────────────────────────────

    def _of_type(self, kind: Any, said: Schema) -> str:
        match kind:
            case "object":
                return self._object(said)
            case "array":
                return self._array(said)
            case "string":
                return self._string(said)
            case "integer" | "number" if not any(word in said for word in _BOUNDS):
                return self._shared(kind)
            case "integer" | "number":
                return _within(said, whole=kind == "integer")
            case "boolean" | "null" | "value":
                return self._shared(kind)
            case _:
                raise cannot(f"{shown(kind)} is no type")

    def _object(self, said: Schema) -> str:
        properties, others = said.get("properties", {}), said.get("additionalProperties", True)
        if not isinstance(properties, dict):
            raise cannot("`properties` is no object")
        required = _list(said, "required", empty=True) if "required" in said else []
        if not all(isinstance(name, str) for name in required):
            raise cannot("`required` is no list of names")
        properties = {**properties, **{name: others for name in required if name not in properties}}
        if not properties and others is True:
            return self._shared("object")
        self._shared("space")
        if properties:
            return self._rule(self._members(properties, frozenset(required)))
        if others is False:
            return '"{" space "}"'
        pair = self._rule(f'{self._shared("string")} ":" space {grouped(self._expression(others))}')
        return self._rule(f'"{{" space ({pair} ("," space {pair})* space)? "}}"')

    def _members(self, properties: Schema, required: frozenset[str]) -> str:
        """Written from the last to the first: `openings` are the ways to begin, `after` is what follows any member."""
        openings: list[str] = []
        after = ""
        for name, of in reversed(list(properties.items())):
            pair = self._rule(f'{literal(name)} ":" space {grouped(self._expression(of))}')
            opening = f"{pair} {after}"
            openings = [opening] if name in required else [opening, *openings]
            after = self._rule(f'"," space {pair} {after}' if name in required else f'("," space {pair})? {after}')
        begun = f"({alternatives(openings)}) space"
        return f'"{{" space {begun} "}}"' if required else f'"{{" space ({begun})? "}}"'

    def _array(self, said: Schema) -> str:
        """Of places with a schema each, all are written, and no more than there have to be."""
        first, rest = said.get("prefixItems", []), said.get("items", True)
        if isinstance(rest, list):  # as it was written up to 2019
            first, rest = rest, said.get("additionalItems", True)
        if not isinstance(first, list):
            raise cannot("`prefixItems` is no list")
        least, most = _lengths(said, "minItems", "maxItems")
        self._shared("space")
        placed = [grouped(self._expression(one)) for one in first[:most]]
        missing = max(0, least - len(placed))
        if rest is False and missing:
            raise cannot("`minItems` is more than it has items")
        begun = ' "," space '.join(placed)
        if rest is False or most == 0 or (placed and not missing):
            return f'"[" space {begun} space "]"' if placed else '"[" space "]"'
        item = grouped(self._expression(rest))
        more = self._rule(f'"," space {item}')
        if placed:
            return self._rule(f'"[" space {begun} {more}{{{missing}}} space "]"')
        inside = f"{item} {more}{{{max(0, least - 1)},{'' if most is None else most - 1}}} space"
        return self._rule(f'"[" space {inside} "]"' if least else f'"[" space ({inside})? "]"')

    def _string(self, said: Schema) -> str:
        least, most = _lengths(said, "minLength", "maxLength")
        if (form := said.get("format")) in FORMATS:
            return rf'"\"" {self._shared(form)} "\""'
        if (least, most) == (0, None):
            return self._shared("string")
        return rf'"\"" {self._shared("char")}{{{least},{"" if most is None else most}}} "\""'


def _implied(said: Schema) -> str:
    return next((kind for kind, words in _OF_TYPE.items() if any(word in said for word in words)), "value")


def _list(said: Schema, word: str, *, empty: bool = False) -> list[Any]:
    value = said[word]
    if not isinstance(value, list) or not (value or empty):
        raise cannot(f"`{word}` is no list" + ("" if empty else " of anything"))
    return value


def _lengths(said: Schema, least: str, most: str) -> tuple[int, int | None]:
    """A most that the library could not count to is less, which the schema allows, too."""
    low, high = said.get(least, 0), said.get(most)
    for word, value in ((least, low), (most, high)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise cannot(f"`{word}` is no whole number from 0 on")
    if low > gbnf.MOST_REPEATS:
        raise cannot(f"`{least}` is more than {gbnf.MOST_REPEATS}")
    if high is not None and high < low:
        raise cannot(f"`{most}` is less than `{least}`")
    return low, None if high is None else min(high, gbnf.MOST_REPEATS)


def _within(said: Schema, *, whole: bool) -> str:
    low, above = _limit(said, "minimum", "exclusiveMinimum", 1, whole=whole)
    high, below = _limit(said, "maximum", "exclusiveMaximum", -1, whole=whole)
    if whole:
        low, high = (None if low is None else low + above), (None if high is None else high - below)
    found = integers(low, high) if whole else numbers(low, high, above=above, below=below)
    if not found or (low is not None and high is not None and high < low):
        raise cannot("no number lies within its bounds")
    return f"({found})"


def _limit(said: Schema, closed: str, opened: str, sign: int, *, whole: bool) -> tuple[int | None, bool]:
    """The tighter of both, and whether it is itself left out."""
    limits: list[tuple[int, bool]] = []
    for word, left_out in ((closed, False), (opened, True)):
        value = said.get(word)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) >= 10**MOST_DIGITS:
            raise cannot(f"`{word}` is no number of at most {MOST_DIGITS} digits")
        if value == int(value):
            limits.append((int(value), left_out))
        elif whole:
            limits.append((int(value // 1) + (sign > 0), False))
        else:
            raise cannot(f"`{word}` of a number with fractions has to be whole")
    if not limits:
        return None, False
    return max(limits, key=lambda limit: (sign * limit[0], limit[1]))
