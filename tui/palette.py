"""The command palette, from the table of actions."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import ACTIONS, Act, Action, shown


class ActionProvider(Provider):
    """Finds an action by its word or its help."""

    async def discover(self) -> Hits:
        """Everything, while nothing is typed."""
        for action in self._offered():
            told = f"{action.word}  ({shown(action.keys)[0]})"
            yield DiscoveryHit(told, partial(self._run, action), help=action.help)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for action in self._offered():
            score = max(matcher.match(action.word), matcher.match(action.help))
            if score > 0:
                shown_as = matcher.highlight(f"{action.word}  ({shown(action.keys)[0]})")
                yield Hit(score, shown_as, partial(self._run, action), help=action.help)

    def _offered(self) -> list[Action]:
        """What the screen it was opened over can do."""
        return [action for action in ACTIONS if isinstance(action, Act) or (action.listed and self._knows(action.run))]

    def _knows(self, run: str) -> bool:
        """Whether the app or that screen has such an action."""
        whose, _, name = run.partition("(")[0].partition(".")
        return hasattr(self.app if whose == "app" else self.screen, f"action_{name}")

    async def _run(self, action: Action) -> None:
        run = f"screen.act('{action.id}')" if isinstance(action, Act) else action.run
        await self.app.run_action(run)
