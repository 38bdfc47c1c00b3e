"""A conversation with one language model: its text as it comes, and a field that always takes the next message."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from anyio import to_thread
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from ipc.chat.orders import Clear, Help, Leave, Order, Retry, Save, Say, System, order
from ipc.chat.saved import save
from ipc.errors import RequestFailed
from tui.context import Context
from tui.draw import chat as draw
from tui.draw.frame import BACK, Key
from tui.ink import Line
from tui.screens.acting import tell
from tui.screens.place import Place
from tui.transcript import Entry, Transcript
from tui.widgets.lined import Lined
from tui.widgets.message_field import MessageField
from tui.widgets.scroller import Scroller
from tui.wishes import Target

CATCH_UP_SECONDS = 0.08
"""What came meanwhile is drawn at once, so that a fast model costs no more than a slow one."""
TURN_SECONDS = 0.25
"""How often the typing sign moves."""
LINES_KEPT = 40_000


class ChatPlace(Place, inherit_bindings=False):
    """No letter acts here: they are typed. Leaving neither stops an answer nor forgets what was said."""

    AUTO_FOCUS = "#message"
    BINDINGS = [
        Binding("escape", "stop_or_back", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("f1", "orders", show=False),
        Binding("ctrl+p", "app.command_palette", show=False),
    ]

    def __init__(self, context: Context, engine: str) -> None:
        super().__init__(context)
        self.chat = context.chats.of(engine)
        self._transcript = Transcript()
        self._edition = self.chat.edition
        self._due = False
        self._turn = 0
        self._pressed = False
        """Whether a message was sent that has to wait for the end of the answer."""

    def compose(self) -> ComposeResult:
        """The text never takes the keys from the field."""
        yield Lined(id="title")
        yield Lined(id="facts")
        text = Scroller(id="text", follow=True, kept=LINES_KEPT)
        text.can_focus = False
        yield text
        yield Lined(id="under-way")
        yield MessageField(id="message")
        yield Lined(id="keys")

    def on_mount(self) -> None:
        """Show what was said before, and hear of what comes."""
        self.field.past = [one.question for one in self.chat.conversation.exchanges]
        self.chat.changed = self._soon
        self.set_interval(TURN_SECONDS, self._move_sign)
        self._soon()

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self.chat.unwatch(self._soon)

    @property
    def field(self) -> MessageField:
        """Where messages are typed."""
        return self.query_one("#message", MessageField)

    def targets(self) -> Sequence[Target]:
        """The engine."""
        row = self.context.store.engines.get(self.chat.engine)
        return [row] if row else []

    def facts(self, width: int) -> Sequence[Line]:
        """The engine, and how much was said."""
        return draw.facts(self.context.store, self.chat.engine, self.chat.conversation, width)

    def footer(self) -> Sequence[Key]:
        """No letters."""
        return [
            Key("enter", "send", "screen.enter(True)"),
            Key("alt+enter", "new line", "screen.enter(False)"),
            Key("pgup", "scroll", "screen.page(-1)"),
            Key("f1", "/retry /clear /system /save", "screen.orders"),
        ]

    def edge(self) -> Sequence[Key]:
        """What escape does now."""
        return (Key("esc", "stop", "screen.stop_or_back"),) if self.chat.answering else BACK

    def draw(self) -> None:
        """And what is under way."""
        super().draw()
        self._draw_under_way()

    # ── keys ──

    def interrupt(self) -> None:
        """Stop the answer."""
        if not self.chat.stop():
            self.app.notify("esc leaves the chat, ctrl+q the dashboard; everything goes on.", markup=False)

    def action_stop_or_back(self) -> None:
        """Stop the answer; where none is on its way, leave."""
        if not self.chat.stop():
            self.dismiss()

    def action_enter(self, sends: bool) -> None:
        """What the enter key does."""
        self.field.enter(sends=sends)

    def action_page(self, by: int) -> None:
        """Through the text, whatever is typed."""
        (self.text.action_page_up if by < 0 else self.text.action_page_down)()

    def action_orders(self) -> None:
        """What can be typed besides messages."""
        self._say(partial(draw.help_rows, ""))

    # ── what is typed ──

    @on(MessageField.Sent)
    def _sent(self, event: MessageField.Sent) -> None:
        wanted = order(event.text)
        if self.chat.answering and isinstance(wanted, Say | Retry | Clear):
            self.field.take_back()
            self._pressed = True
            self._draw_under_way()
        elif wanted is not None:
            self._do(wanted)

    def _do(self, wanted: Order) -> None:
        conversation = self.chat.conversation
        match wanted:
            case Say(text):
                conversation.ask(text)
                self._answer()
            case Retry() if conversation.exchanges:
                self.chat.again()
                self._answer()
            case Retry():
                self._say(partial(draw.note, "Nothing was asked yet."))
            case Clear():
                self.chat.clear()
                self._soon()
            case System(text):
                conversation.system = text
                self.draw()
            case Save(path):
                self.app.run_worker(self._save(Path(path).expanduser().absolute()))
            case Help(about):
                self._say(partial(draw.help_rows, about))
            case Leave():
                self.dismiss()

    def _answer(self) -> None:
        self._pressed = False
        self.chat.asked_unix = self.context.store.unix
        self.app.run_worker(self.chat.answer(self.context.connection))
        self.text.follow_end()
        self._soon()

    async def _save(self, path: Path) -> None:
        chat = self.chat
        write = partial(save, chat.conversation, chat.engine, path, again=path in chat.saved)
        try:
            await to_thread.run_sync(write)
        except RequestFailed as error:
            tell(self.app, error.problem)
        else:
            chat.saved.add(path)
            self.app.notify(f"Saved to {path}.", markup=False)

    # ── drawing ──

    def _say(self, entry: Entry) -> None:
        """In the text, and not kept with the conversation."""
        self._catch_up()
        self.text.append([entry])
        self.text.follow_end()

    def _soon(self) -> None:
        if not self._due:
            self._due = True
            self.set_timer(CATCH_UP_SECONDS, self._catch_up)

    def _catch_up(self) -> None:
        self._due = False
        if self._edition != self.chat.edition:
            self._edition, self._transcript = self.chat.edition, Transcript()
            self.text.replace([])
        entries, live = self._transcript.fresh(self.chat.conversation)
        self.text.append(entries, live)
        self.draw()

    def _move_sign(self) -> None:
        if self.chat.answering:
            self._turn += 1
            self._draw_under_way()

    def _draw_under_way(self) -> None:
        store, width = self.context.store, self.size.width
        waited = store.unix - self.chat.asked_unix
        now = self.chat.conversation.open
        help_ = "esc stops it, then enter sends" if self._pressed else "esc stops"
        line = draw.under_way(store, self.chat.engine, now, draw.Sign(waited, self._turn, help_), width)
        self.query_one("#under-way", Lined).show([line])
