"""The lines around the tables: title, host, keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ipc.snapshot import EngineRow
from tui import measures
from tui.actions import ACTIONS, Action, View, changes_something, shown
from tui.alert import Alert
from tui.draw.conditions import pressure
from tui.ink import Line, Part, Span, Tone, length, meter, spread, squeeze
from tui.store import Store
from tui.wishes import Target


def title(store: Store, raised: Sequence[Alert], readonly: bool, width: int) -> Line:
    """Name, host, how long up; what is wrong; recording; the clock of the box."""
    me = store.supervisor
    name = (Span(" "), Span("Engine Room", "strong"))
    host = (*name, Span(f"  {me.host}", "accent"))
    up = (Span(f" · up {measures.span(store.unix - me.started_unix)}", "dim"),)
    clients = (Span(f" · {measures.plural(me.clients, 'client')}", "dim"),)
    lock = (Span(" · read-only", "waiting"),) if readonly else ()
    lefts: list[tuple[Span, ...]] = [(*host, *up, *clients, *lock), (*host, *up, *lock), (*host, *lock), name]
    if store.lost:
        why = Span(f"  ▲ reconnecting: {store.lost.detail}", "warn")
        lefts = [(*host, why), (*name, why)]
    right: list[Span] = []
    if raised:
        label = measures.plural(len(raised), "alert") if width >= 100 else str(len(raised))
        right.append(Span(f"▲ {label}   ", raised[0].grave))
    if me.recording and width >= 60:
        right.append(Span("● ", "bad"))
        right.append(Span(f"rec {measures.span(store.unix - me.recording.started_unix)}   ", "dim"))
    right.append(Span(f"{measures.clock(store.unix)} ", "plain"))
    return spread(lefts, right, width)


def host(store: Store, rows: int, width: int) -> list[Line]:
    """CPU, memory and disk of the box in two rows, one, or none; high pressure takes the place of what matters less."""
    now = store.host
    busy = now.cpu_percent / 100
    memory = now.ram_used_bytes / max(1, now.ram_total_bytes)
    ours = min(memory, sum(row.rss_bytes or 0 for row in store.engines.values()) / max(1, now.ram_total_bytes))
    parts = [Part(ours, "meter"), Part(memory - ours, "other")]
    pressed = pressure(store.ledger.host.pressure) if store.ledger.host else []
    if rows == 1:
        size = max(6, min(16, (width - 46) // 2))
        spans = (
            *(Span(" CPU ", "dim"), *meter(size, [Part(busy, "meter")]), Span(f" {now.cpu_percent:3.0f} %")),
            *(Span("  RAM ", "dim"), *meter(size, parts)),
            Span(f" {measures.gib(now.ram_used_bytes)}/{measures.gib(now.ram_total_bytes)} G"),
            Span("  "),
            *(pressed or [Span(f"disk {measures.size(now.disk_free_bytes)} free", "dim")]),
        )
        return [Line(squeeze(spans, width))]
    size = max(10, min(34, width - 76))
    spark = measures.sparkline(store.cpu, 24, top=100.0)
    swap = ""
    if now.swap_total_bytes:
        swap = f"swap {measures.gib(now.swap_used_bytes)} / {measures.gib(now.swap_total_bytes)} GiB"
    cpu = (
        *(Span(" CPU   ", "dim"), *meter(size, [Part(busy, "meter")]), Span(f"  {now.cpu_percent:3.0f} %")),
        *(Span(f"   load {now.load_1m:.2f}".ljust(24), "dim"), Span(spark, "meter")),
    )
    ram = (
        *(Span(" RAM   ", "dim"), *meter(size, parts)),
        Span(f"  {measures.gib(now.ram_used_bytes):>5} / {measures.gib(now.ram_total_bytes)} GiB"),
        Span("   "),
        *(pressed or [Span(f"engines {measures.size(round(ours * now.ram_total_bytes))}", "dim")]),
        Span(f"   {swap}" if swap else "", "dim"),
        Span(
            f"   disk {measures.size(now.disk_free_bytes)} free",
            _worry(now.disk_free_bytes / max(1, now.disk_total_bytes)),
        ),
    )
    return [Line(squeeze(spans, width)) for spans in (cpu, ram)][:rows]


class Key(NamedTuple):
    """A key as the footer shows it; `action` runs when it is clicked, empty where it does nothing now."""

    key: str
    word: str
    action: str


DETACH = (Key("?", "help", "app.help"), Key("q", "detach", "app.detach"))
BACK = (Key("esc", "back", "screen.back"),)


def overview_keys(targets: Sequence[Target], readonly: bool) -> list[Key]:
    """What matters on the first screen for such rows.

    What does not apply to just these does nothing; of the many for jobs it is left out.
    """
    shown_for = {"everything", *("an engine" if isinstance(one, EngineRow) else "a job" for one in targets)}
    in_footer = [action for action in ACTIONS if not isinstance(action, View) or action.footer]
    return [
        _key(action, targets, readonly)
        for action in in_footer
        if action.on in shown_for and (action.on != "a job" or _word(action, targets)[1])
    ]


def place_keys(targets: Sequence[Target], readonly: bool, own: Sequence[Key], more: Sequence[Key] = ()) -> list[Key]:
    """A place's own keys, the acts that apply to what it shows, and `more` keys where there is room."""
    acts = [_key(action, targets, readonly) for action in ACTIONS if not isinstance(action, View)]
    return [*own, *(key for key in acts if key.action), *more]


def keys(shown_keys: Sequence[Key], always: Sequence[Key], width: int) -> Line:
    """As many as fit, and those that are `always` there at the edge."""
    edge = [span for key in always for span in (Span("  "), *_spans(key))][1:] + [Span(" ")]
    spans: list[Span] = [Span(" ")]
    for key in shown_keys:
        pair = _spans(key)
        if length(spans) + length(pair) + length(edge) + 2 > width:
            break
        spans += (*pair, Span("  "))
    return spread([spans[:-1]], edge, width)


def _key(action: Action, targets: Sequence[Target], readonly: bool) -> Key:
    word, live = _word(action, targets)
    if readonly and changes_something(action):
        live = False
    run = action.run if isinstance(action, View) else f"screen.act('{action.id}')"
    return Key(shown(action.keys)[0], word, run if live else "")


def _spans(key: Key) -> tuple[Span, Span]:
    return (
        Span(key.key, "key" if key.action else "rule", key.action),
        Span(f" {key.word}", "dim" if key.action else "rule", key.action),
    )


def _word(action: Action, targets: Sequence[Target]) -> tuple[str, bool]:
    """What the footer calls an action for these rows, and whether it would do anything."""
    if isinstance(action, View):
        return action.word, action.applies is None or bool(action.applies(targets))
    wished = next((wish for wish in map(action.wish, targets) if wish), None)
    return (wished.word, True) if wished else (action.word, False)


def _worry(free: float) -> Tone:
    return "bad" if free < 0.02 else "warn" if free < 0.08 else "dim"
