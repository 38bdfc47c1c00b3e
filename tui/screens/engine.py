"""One engine: its row, a minute of its rate, and its log as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.binding import Binding

from ipc import states
from ipc.control import Item, LogLines, Logs
from tui import measures
from tui.context import Context
from tui.draw import book_texts, engine_words, fleet, texts
from tui.draw.facts import fact
from tui.draw.frame import Key
from tui.draw.table import title_row
from tui.follow import follow
from tui.ink import Line, Span, clean, line, squeeze, wrap
from tui.ledger import alarms_about, held_words
from tui.screens.place import Place
from tui.wishes import Target, talking

LINES = 1000


class EnginePlace(Place):
    """What an engine prints, with the keys that act on it."""

    BINDINGS = [
        Binding("left_square_bracket", "other(-1)", show=False),
        Binding("right_square_bracket", "other(1)", show=False),
        Binding("e", "knobs", show=False),
        Binding("c", "chat", show=False),
    ]

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context)
        self.engine = name
        self._printed = False

    def on_mount(self) -> None:
        """Follow the log."""
        self._follow()

    def targets(self) -> Sequence[Target]:
        """The engine."""
        row = self.context.store.engines.get(self.engine)
        return [row] if row else []

    def keys(self) -> Sequence[Key]:
        """Its settings, and the engines beside it."""
        several = len(self.context.store.engines) > 1
        others = [Key("[", "previous", "screen.other(-1)"), Key("]", "next", "screen.other(1)")]
        chat = [Key("c", "chat", "screen.chat")] if talking(self.targets()) else []
        return [Key("e", "knobs", "screen.knobs"), *chat, *(others if several else [])]

    def facts(self, width: int) -> Sequence[Line]:
        """Its row, its last reason, its rate over the last minute."""
        store = self.context.store
        row = store.engines.get(self.engine)
        if row is None:
            return [line(Span(f" {self.engine} is no longer configured.", "warn"))]
        columns = fleet.columns([row.name])
        pid = states.pid_of(row.state)
        known = [f"kind {row.kind}", f"parallel {row.parallel or 'auto'}"] + ([f"pid {pid}"] if pid else [])
        if held := held_words(store.ledger, row.name):
            known.append(f"holds {held}")
        elif isinstance(row.state, states.Ready):
            known.append(f"model took {measures.size(row.state.footprint_bytes)}")
        if row.ttft_seconds is not None:
            known.append(f"first token {measures.latency(row.ttft_seconds)}")
        if (policy := engine_words.when_idle(row)) != measures.UNKNOWN:
            known.append(f"idle→ {policy}")
        known += [f"chosen: {clean(row.chosen)}"] if row.chosen else []
        known += [clean(words) for words in (row.beside, row.said) if words]
        known += [clean(row.note)] if row.note and not row.hold else []
        rates = [value for value in store.rates.get(row.name, ()) if value is not None]
        lines = [
            title_row(columns, width),
            fleet.engine_row(store, row, columns, width, " "),
            *(line(Span(f"   {row}", "dim")) for row in wrap(" · ".join(known), max(8, width - 4))),
        ]
        if row.hold:
            lines += fact("on hold", row.hold, width, "warn")
        lines += book_texts.alarms(alarms_about(store.ledger, row.name), width)
        if any(rates):
            spark = measures.sparkline(store.rates[row.name], min(60, width - 30)).lstrip()
            most = f"   most {measures.rate(max(rates))} in the last minute"
            lines.append(Line(squeeze((Span("   "), Span(spark, "meter"), Span(most, "dim")), width)))
        return lines

    def action_other(self, by: int) -> None:
        """The next or previous engine, in place."""
        names = list(self.context.store.engines)
        if self.engine in names:
            self.engine = names[(names.index(self.engine) + by) % len(names)]
            self.draw()
            self._follow()

    def action_knobs(self) -> None:
        """Its settings."""
        from tui.screens.knobs import KnobPanel

        self.app.push_screen(KnobPanel(self.context, self.engine))

    def action_chat(self) -> None:
        """Talk with it."""
        self.chat_with(self.context.store.engines.get(self.engine))

    def _follow(self) -> None:
        self._silent()
        logs = Logs(self.engine, LINES, follow=True)
        self.run_worker(follow(self.context.connection, logs, self._take), group="log", exclusive=True)

    def _silent(self) -> None:
        self._printed = False
        self.text.replace([partial(texts.quiet, f"{self.engine} has printed nothing yet")])

    def _take(self, item: Item, fresh: bool) -> None:
        if isinstance(item, LogLines) and item.lines:
            entries = [partial(texts.log_line, entry) for entry in item.lines]
            (self.text.append if self._printed and not fresh else self.text.replace)(entries)
            self._printed = True
        elif fresh:
            self._silent()
