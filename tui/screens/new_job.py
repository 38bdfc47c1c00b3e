"""Submit a job: a few fields, checked by the supervisor."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from ipc.client import expect
from ipc.control import JobIs
from ipc.errors import EngineRoomError
from tui.context import Context
from tui.job_form import Typed, missing, pasted, submission


class Paths(Input):
    """A field for paths: several lines that are pasted become several quoted paths."""

    def on_paste(self, event: events.Paste) -> None:
        """In place of the first line only, as usual."""
        event.prevent_default()
        event.stop()
        start, end = sorted(self.selection)
        self.replace(pasted(event.text), start, end)


class NewJob(ModalScreen[None]):
    """Enter goes to what is missing, and submits when nothing is."""

    BINDINGS = [
        Binding("escape", "dismiss", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]

    def __init__(self, context: Context, kind: str, engine: str) -> None:
        super().__init__()
        self.context = context
        self._kind = kind
        self._engine = engine

    def compose(self) -> ComposeResult:
        """The fields, and a line for what is wrong."""
        with Vertical(id="new-job") as box:
            box.border_title = "new job"
            yield Label("engine or pool, or a kind for any engine of it")
            yield Input(self._engine or self._kind, id="engine", compact=True)
            yield Label("inputs, absolute: files, folders/, patterns*; quoted where they hold spaces")
            yield Paths(id="inputs", compact=True, placeholder="/data/prompts.jsonl '/data/night 3/*.jsonl'")
            yield Label("output, absolute: a file for all, or a folder/ for a file each")
            yield Input(id="output", compact=True, placeholder="/data/answers.jsonl")
            yield Label("priority, 1 to 9: the higher, the sooner")
            yield Input("5", id="priority", compact=True, max_length=1)
            yield Label("after these jobs, if any; without inputs it takes their outputs")
            yield Input(id="after", compact=True, placeholder="gpubox-3-41 42")
            yield Static("enter submits · esc leaves", id="said", markup=False)

    def on_mount(self) -> None:
        """Begin where something is missing."""
        self.query_one("#inputs" if self._engine or self._kind else "#engine").focus()

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        field = missing(self._typed())
        if field is not None:
            self.query_one(f"#{field}").focus()
        else:
            self.run_worker(self._submit(), exclusive=True)

    async def _submit(self) -> None:
        store = self.context.store
        try:
            command = submission(self._typed(), {**store.engines, **store.pools}, store.jobs)
            row = expect(await self.context.connection.ask(command), JobIs).row
        except ValueError as error:
            self._say(f"{error}")
        except EngineRoomError as error:
            self._say(f"{error.problem.detail} {error.problem.hint}")
        else:
            self.app.notify(f"{row.id} is queued.", markup=False)
            self.dismiss()

    def _typed(self) -> Typed:
        names = ("engine", "inputs", "output", "priority", "after")
        return Typed(*(self.query_one(f"#{name}", Input).value.strip() for name in names))

    def _say(self, text: str) -> None:
        said = self.query_one("#said", Static)
        said.update(text)
        said.add_class("-wrong")
