"""What all full screens share: they act on rows, and draw themselves from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

from ipc.control import Down, OneAnswer
from ipc.errors import EngineRoomError, Problem
from tui.actions import ACTIONS, BY_ID, Act, bound
from tui.context import Context
from tui.screens.question import Question
from tui.wishes import Target, Wish, question, stop_everything


def tell(app: App[Any], problem: Problem) -> None:
    """Show an error with its way out."""
    said = f"{problem.detail} {problem.hint}".strip()
    app.notify(said, title=problem.title, severity="error", timeout=10, markup=False)


class Acting(Screen[None]):
    """A screen with rows to act on: subclasses say which (`targets`), and how they look (`draw`)."""

    BINDINGS = [
        Binding(bound(action), f"act('{action.id}')", action.word, show=False, id=action.id)
        for action in ACTIONS
        if isinstance(action, Act)
    ]

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    def targets(self) -> Sequence[Target]:
        """The rows that an act is for."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show the store as it is now."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw at once."""
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        """Another size is another layout."""
        self.draw()

    def on_screen_resume(self) -> None:
        """Back in sight: catch up."""
        self.draw()

    def action_act(self, id: str) -> None:  # noqa: A002 (the table's word)
        """Ask what an action of the table wishes, for every row it applies to."""
        action = BY_ID[id]
        assert isinstance(action, Act)
        wishes = [wish for wish in map(action.wish, self.targets()) if wish]
        if not self.may_act():
            return
        if not wishes:
            self.app.notify(f"{action.word}: works on {action.on}; nothing to do here.", markup=False)
            return
        self.run_worker(self._wish(wishes))

    def action_down(self) -> None:
        """Stop everything, after a question."""
        store = self.context.store
        if self.may_act():
            self.run_worker(self._wish([stop_everything(list(store.engines.values()), list(store.jobs.values()))]))

    def may_act(self) -> bool:
        """Whether acting is allowed; says so when not."""
        if self.context.readonly:
            self.app.notify("This dashboard is read-only.", severity="warning", markup=False)
        return not self.context.readonly

    def send(self, command: OneAnswer) -> None:
        """Ask the supervisor and show only a refusal: what succeeds is seen in the rows. Outlives this screen."""
        self.app.run_worker(self._send(self.app, command))

    async def _wish(self, wishes: Sequence[Wish]) -> None:
        ledger = self.context.store.ledger
        questions = [asked for wish in wishes if (asked := question(wish, ledger))]
        if questions and not await self.app.push_screen_wait(Question("\n".join(questions), wishes[0].word)):
            return
        for wish in wishes:
            self.send(wish.command)

    async def _send(self, app: App[Any], command: OneAnswer) -> None:
        try:
            await self.context.connection.ask(command)
        except EngineRoomError as error:
            tell(app, error.problem)
        else:
            if isinstance(command, Down):
                app.exit(message="Engine Room is stopped.")
