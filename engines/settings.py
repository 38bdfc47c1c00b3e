"""Settings that declare themselves: unit, range, recommendation and when a change takes effect.

One declaration feeds validation, the knob panel, `engineroom set`, the what-if and the schema. A kind's
`settings.py` subclasses `EngineSettings` and adds fields of the form `Annotated[int, knob(...)]`.
This module and every `engines/<kind>/settings.py` import no model library.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct

from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Applies, Knob, Scalar

ORDER: tuple[Applies, ...] = ("now", "flight", "context", "model", "process")
"""From cheapest to dearest; a change of several knobs costs as much as its dearest."""


def knob(
    unit: str,
    applies: Applies,
    help: str,  # noqa: A002 (the word on screen)
    *,
    ge: float | None = None,
    le: float | None = None,
    recommend: str = "",
    pattern: str | None = None,
    takes: str = "",
    content: bool = False,
) -> Meta:
    """Declare one setting. `ge` and `le` bound it (inclusive); `recommend` is shown beside it.

    A text may have to match `pattern`; `takes` says in words what that means. One that is `content` holds words that
    are only their owner's, and is never told to strangers.
    """
    extra = {"unit": unit, "applies": applies, "recommend": recommend, "takes": takes, "content": content}
    if pattern is not None:
        return Meta(pattern=pattern, description=help, extra=extra)
    return Meta(ge=ge, le=le, description=help, extra=extra)


class EngineSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every kind has. The supervisor acts on these; a kind adds its own."""

    deterministic: Annotated[
        bool,
        knob(
            "",
            "flight",
            "fly the same flights again after a crash, greedy or seeded, so that output is byte-identical",
        ),
    ] = False
    parallel: Annotated[int, knob("units", "context", "units worked on at once", ge=1, le=64)] = 1
    gpu: Annotated[
        str,
        knob(
            "",
            "process",
            "`auto`, `cpu`, or GPUs by index, UUID or name: `1`, `0,1`, `GPU-2f4b…`, `3090`",
            recommend="auto",
        ),
    ] = "auto"
    priority: Annotated[
        int, knob("", "now", "the higher, the later it is unloaded to make room for others", ge=1, le=9)
    ] = 5
    pinned: Annotated[bool, knob("", "now", "never unloaded to make room for others")] = False
    min_residency: Annotated[
        float, knob("seconds", "now", "stays loaded at least this long before others may take its room", ge=0, le=86400)
    ] = 30.0
    unload_after: Annotated[
        float,
        knob(
            "seconds",
            "now",
            "unload when idle this long; 0 means never, -1 as the size of its GPU suggests",
            ge=-1,
            le=604800,
        ),
    ] = -1.0
    unload_depth: Annotated[
        Literal["model", "exit"],
        knob("", "now", "how far an idle unload goes; only exit surely returns everything"),
    ] = "exit"
    hang_after: Annotated[
        float,
        knob(
            "seconds",
            "now",
            "no heartbeat for this long means hung",
            ge=1,
            le=3600,
        ),
    ] = 10.0
    stall_after: Annotated[
        float,
        knob("seconds", "now", "no step of progress while busy or loading, for this long means hung", ge=1, le=86400),
    ] = 120.0
    start_limit: Annotated[float, knob("seconds", "now", "time from spawn to handshake", ge=1, le=3600)] = 60.0
    stop_limit: Annotated[float, knob("seconds", "now", "time on each rung of the stop ladder", ge=0.05, le=600)] = 5.0
    drain_limit: Annotated[
        float,
        knob(
            "seconds",
            "now",
            "how long a flight may go on before a stop or change interrupts it",
            ge=0,
            le=3600,
        ),
    ] = 30.0
    restarts: Annotated[
        int,
        knob("deaths", "now", "deaths of its own fault within the window that make it failed", ge=1, le=100),
    ] = 3
    restarts_within: Annotated[float, knob("seconds", "now", "the window for restarts", ge=1, le=86400)] = 60.0
    ladder: Annotated[
        Literal["keep", "reset"],
        knob("", "now", "`reset` forgets which settings ran out of memory here, and tries the configured ones again"),
    ] = "keep"

    def process_environment(self) -> dict[str, str]:
        """Environment variables the engine's process must be started with."""
        return {}

    def shape(self) -> dict[str, Scalar]:
        """The settings that the memory of a loaded model depends on: what a footprint is learned for."""
        return {"parallel": self.parallel}

    def joins(self) -> bool:
        """Whether units of a later flight join while an earlier one is in the air."""
        return False

    def threading(self) -> tuple[str, int]:
        """The setting of CPU threads (0 leaves their number open), and how often so many compute at once; an empty name
        where the kind has none."""
        return ("threads", 1) if hasattr(self, "threads") else ("", 1)

    def planning(self) -> dict[str, Scalar]:
        """The settings that decide how a source is divided: a change of one divides anew what has not begun."""
        return {}

    def writes(self) -> str:
        """Of a job's own settings: the suffix of its outputs in a folder; empty where that is as the kind has it."""
        return ""

    def beside(self, output: str) -> tuple[str, ...]:
        """The files that are written beside an output of that path, and belong to it."""
        return ()

    def step_down(self) -> dict[str, Scalar]:
        """The next rung of the out-of-memory ladder as changes to these settings; empty on the last rung."""
        return {"parallel": self.parallel // 2} if self.parallel > 1 else {}


S = TypeVar("S", bound=EngineSettings)


def knobs_of(settings: EngineSettings) -> tuple[Knob, ...]:
    """The declared knobs of these settings with their present values, in order of declaration."""
    return tuple(_knob(field, getattr(settings, field.name)) for field in _fields(type(settings)))


def with_changes(settings: S, changes: Mapping[str, Scalar], where: str) -> S:
    """New settings with `changes` applied; numbers may come as text.

    Raises:
        RequestFailed: an unknown name (with the nearest known one) or a value outside its range;
            `where` says whose settings they are, for the sentence.
    """
    kind = type(settings)
    known = {field.name for field in _fields(kind)}
    for name in changes:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise RequestFailed(
                Problem(
                    "Unknown setting",
                    f"{where} has no setting {name!r}.",
                    f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(known))}.",
                )
            )
    values: dict[str, Scalar] = {**as_dict(settings), **changes}
    for field in _fields(kind):
        try:
            msgspec.convert(values[field.name], field.type_, strict=False)
        except msgspec.ValidationError as error:
            told = f"{field.name} = {values[field.name]!r}"
            takes = _takes(field)
            why = f"{told} is not that" if takes else f"{told}: {str(error)[0].lower()}{str(error)[1:]}"
            hint = f"{field.name} takes {takes or allowed(_knob(field, None))}."
            raise RequestFailed(Problem("Bad value", f"{where}: {why}.", hint)) from error
    return msgspec.convert(values, kind, strict=False)


def content_names(kind: type[EngineSettings]) -> frozenset[str]:
    """The settings that hold words which are only their owner's."""
    return frozenset(field.name for field in _fields(kind) if _extra(field).get("content"))


def as_dict(settings: EngineSettings) -> dict[str, Scalar]:
    """All knobs by name, as they travel to the child."""
    return {field.name: getattr(settings, field.name) for field in _fields(type(settings))}


def dearest(settings: EngineSettings, changes: Mapping[str, Scalar]) -> Applies | None:
    """When the dearest of those changes that differ from `settings` takes effect; None when nothing differs."""
    costs = [ORDER.index(k.applies) for k in knobs_of(settings) if k.name in changes and changes[k.name] != k.value]
    return ORDER[max(costs)] if costs else None


def allowed(shown: Knob) -> str:
    """What a knob takes, in words: `64–131072 tokens`, `one of q4, q8`, `text`."""
    if shown.choices:
        return f"one of {', '.join(shown.choices)}"
    unit = f" {shown.unit}" if shown.unit else ""
    if isinstance(shown.default, bool):
        return "true or false"
    if isinstance(shown.default, int | float):
        low = "" if shown.minimum is None else _plain(shown.minimum)
        high = "" if shown.maximum is None else _plain(shown.maximum)
        return f"{low}–{high}{unit}"
    return f"text{unit and f' ({shown.unit})'}"


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


class _Field(Struct, frozen=True):
    name: str
    type_: Any
    info: msgspec.inspect.Type
    default: Scalar


@functools.cache  # a millisecond each time, and every spawn would pay it
def _fields(kind: type[EngineSettings]) -> tuple[_Field, ...]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    by_name = {field.name: field for field in msgspec.structs.fields(kind)}
    return tuple(_Field(f.name, by_name[f.name].type, f.type, f.default) for f in info.fields)


def _takes(field: _Field) -> str:
    return str(_extra(field).get("takes", ""))


def _extra(field: _Field) -> dict[str, Any]:
    return (field.info.extra or {}) if isinstance(field.info, msgspec.inspect.Metadata) else {}


def _knob(field: _Field, value: Scalar) -> Knob:
    info, extra, described = field.info, {}, ""
    if isinstance(info, msgspec.inspect.Metadata):
        extra, described = info.extra or {}, (info.extra_json_schema or {}).get("description", "")
        info = info.type
    inner = info.types[0] if isinstance(info, msgspec.inspect.UnionType) else info
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    if isinstance(inner, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        low, high = inner.ge, inner.le
    if isinstance(inner, msgspec.inspect.LiteralType):
        choices = tuple(str(choice) for choice in get_args(get_args(field.type_)[0]))  # in the order of declaration
    return Knob(
        field.name,
        value,
        field.default,
        extra.get("unit", ""),
        low,
        high,
        choices,
        extra.get("recommend", ""),
        extra.get("applies", "process"),
        described,
    )
