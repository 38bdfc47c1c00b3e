"""Submit a job: three fields, checked by the supervisor."""

from __future__ import annotations

import shlex
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from ipc.client import expect
from ipc.control import JobIs, Submit
from ipc.errors import EngineRoomError
from tui.context import Context

_FIELDS = ("engine", "inputs", "output")


class NewJob(ModalScreen[None]):
    """Enter goes from field to field, and submits from the last."""

    BINDINGS = [
        Binding("escape", "dismiss", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]

    def __init__(self, context: Context, kind: str, engine: str) -> None:
        super().__init__()
        self.context = context
        self._kind = kind
        self._engine = engine

    def compose(self) -> ComposeResult:
        """The fields, and a line for what is wrong."""
        with Vertical(id="new-job") as box:
            box.border_title = "new job"
            yield Label("engine, or a kind for any engine of it")
            yield Input(self._engine, id="engine", compact=True)
            yield Label("input files on the box, absolute, quoted where they hold spaces")
            yield Input(id="inputs", compact=True, placeholder="/data/prompts.jsonl")
            yield Label("output file on the box, absolute")
            yield Input(id="output", compact=True, placeholder="/data/answers.jsonl")
            yield Static("enter submits · esc leaves", id="said", markup=False)

    def on_mount(self) -> None:
        """Begin where something is missing."""
        self.query_one("#inputs" if self._engine else "#engine").focus()

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        empty = [field for field in self.query(Input) if not field.value.strip()]
        if empty:
            empty[0].focus()
        else:
            self.run_worker(self._submit(), exclusive=True)

    async def _submit(self) -> None:
        try:
            command = self._command()
            row = expect(await self.context.connection.ask(command), JobIs).row
        except ValueError as error:
            self._say(f"{error}")
        except EngineRoomError as error:
            self._say(f"{error.problem.detail} {error.problem.hint}")
        else:
            self.app.notify(f"{row.id} is queued.", markup=False)
            self.dismiss()

    def _command(self) -> Submit:
        told, typed, output = (self.query_one(f"#{name}", Input).value.strip() for name in _FIELDS)
        row = self.context.store.engines.get(told)
        inputs = tuple(shlex.split(typed))
        for path in (*inputs, output):
            if not Path(path).is_absolute():
                raise ValueError(f"{path} is not an absolute path: the supervisor has another current folder.")
        return Submit(row.kind if row else told, told if row else "", inputs, output, "")

    def _say(self, text: str) -> None:
        said = self.query_one("#said", Static)
        said.update(text)
        said.add_class("-wrong")
