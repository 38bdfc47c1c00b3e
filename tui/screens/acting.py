"""What all full screens share: they act on rows, and draw themselves from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

from ipc.control import Cleared, Down, JobIs, OneAnswer
from ipc.errors import EngineRoomError, Problem
from ipc.snapshot import EngineRow, JobChanged, JobRow
from tui import job_wishes, measures
from tui.actions import ACTIONS, BY_ID, Act, bound
from tui.alerts import Standing
from tui.context import Context
from tui.screens.question import Question
from tui.wishes import Target, Wish, question, stop_everything, talking

STAYS = "q detaches; everything goes on. Q stops everything."
MOST_QUESTIONS = 6
"""So many are put in full at once."""


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
        self.standing = Standing()

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
        rows = self.targets()
        wishes = action.several(rows) if action.several else [wish for wish in map(action.wish, rows) if wish]
        if not self.may_act():
            return
        if not wishes:
            self.app.notify(f"{action.word}: works on {action.on}; nothing to do here.", markup=False)
        elif action.in_turn:
            self.app.run_worker(self._in_turn(self.app, action, [row.id for row in rows if isinstance(row, JobRow)]))
        else:
            self.wish(wishes)

    def interrupt(self) -> None:
        """Ctrl+c: end what is under way here, or say how to leave."""
        self.app.notify(STAYS, markup=False)

    def chat_with(self, row: EngineRow | None) -> None:
        """Talk with a language model; with another engine say why not."""
        if row is None or not talking([row]):
            other = f"; {row.name} is of kind {row.kind}" if row else ""
            self.app.notify(f"chat: works on a language model{other}.", markup=False)
        elif self.may_act():
            from tui.screens.chat import ChatPlace

            self.app.push_screen(ChatPlace(self.context, row.name))

    def action_move_job(self) -> None:
        """Ask to which engine what is left of the jobs goes."""
        jobs = job_wishes.movable(self.targets())
        if not self.may_act():
            return
        if len({row.kind for row in jobs}) == 1:
            self.run_worker(self._move(jobs))
        else:
            said = (
                "the marked jobs are of several kinds." if jobs else "works on an unfinished job; nothing to do here."
            )
            self.app.notify(f"move: {said}", markup=False)

    def action_down(self) -> None:
        """Stop everything, after a question."""
        store = self.context.store
        if self.may_act():
            self.wish([stop_everything(list(store.engines.values()), list(store.jobs.values()))])

    def may_act(self) -> bool:
        """Whether acting is allowed; says so when not."""
        if self.context.readonly:
            self.app.notify("This dashboard is read-only.", severity="warning", markup=False)
        return not self.context.readonly

    def wish(self, wishes: Sequence[Wish]) -> None:
        """Put what is worth a question first, then ask the supervisor."""
        self.run_worker(self._wish(wishes))

    def send(self, command: OneAnswer) -> None:
        """Ask the supervisor and show only a refusal: what succeeds is seen in the rows. Outlives this screen."""
        self.app.run_worker(self._send(self.app, command))

    async def _wish(self, wishes: Sequence[Wish]) -> None:
        ledger = self.context.store.ledger
        questions = [asked for wish in wishes if (asked := question(wish, ledger))]
        if len(questions) > MOST_QUESTIONS:
            questions[MOST_QUESTIONS - 1 :] = [f"… and {len(questions) - MOST_QUESTIONS + 1} more like these."]
        if questions and not await self.app.push_screen_wait(Question("\n".join(questions), wishes[0].word)):
            return
        for wish in wishes:
            self.send(wish.command)

    async def _move(self, jobs: Sequence[JobRow]) -> None:
        from tui.screens.engine_choice import EngineChoice

        engine = await self.app.push_screen_wait(EngineChoice(self.context, jobs))
        if engine is not None:
            self.wish([wish for row in jobs if (wish := job_wishes.move(row, engine))])

    async def _in_turn(self, app: App[Any], action: Act, ids: Sequence[str]) -> None:
        """One after the other, each from the row as the one before it left it."""
        async with self.context.turn:
            for row in [self.context.store.jobs.get(one) for one in ids]:
                if row is not None and (wish := action.wish(row)):
                    await self._send(app, wish.command)

    async def _send(self, app: App[Any], command: OneAnswer) -> None:
        store = self.context.store
        before = store.jobs.get(getattr(command, "id", ""))
        try:
            answer = await self.context.connection.ask(command)
        except EngineRoomError as error:
            tell(app, error.problem)
            return
        if isinstance(answer, JobIs) and before is not None and store.jobs.get(answer.row.id) is before:
            store.fold(JobChanged(answer.row))  # nothing newer came meanwhile
        elif isinstance(answer, Cleared):
            _tell_cleared(app, answer)
        if isinstance(command, Down):
            app.exit(message="Engine Room is stopped.")


def _tell_cleared(app: App[Any], answer: Cleared) -> None:
    """Rows that are gone tell nothing of the bytes, nor why others stayed."""
    if answer.ids:
        said = f"{measures.plural(len(answer.ids), 'job')} cleared, {measures.size(answer.freed_bytes)} freed."
        app.notify(said, markup=False)
    for kept, problem in answer.kept[:MOST_QUESTIONS]:
        tell(app, Problem(f"{kept} is kept", problem.detail, problem.hint))
