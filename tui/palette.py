"""The command palette, from the table of actions."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import ACTIONS, Act, View, shown


class ActionProvider(Provider):
    """Finds an action by its word or its help."""

    async def discover(self) -> Hits:
        """Everything, while nothing is typed."""
        for action in ACTIONS:
            if isinstance(action, Act) or action.listed:
                yield DiscoveryHit(
                    f"{action.word}  ({shown(action.keys)[0]})", partial(self._run, action), help=action.help
                )

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for action in ACTIONS:
            if isinstance(action, View) and not action.listed:
                continue
            score = max(matcher.match(action.word), matcher.match(action.help))
            if score > 0:
                shown_as = matcher.highlight(f"{action.word}  ({shown(action.keys)[0]})")
                yield Hit(score, shown_as, partial(self._run, action), help=action.help)

    async def _run(self, action: Act | View) -> None:
        run = f"screen.act('{action.id}')" if isinstance(action, Act) else action.run
        await self.app.run_action(run)
