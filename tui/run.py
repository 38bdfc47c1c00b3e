"""Runs the dashboard around a connection."""

from __future__ import annotations

import os
from pathlib import Path

from config.paths import config_candidates
from tui.bridge import Bridge, Connect


async def run_dashboard(connect: Connect, *, readonly: bool = False) -> None:
    """Attach, show, and leave when the operator detaches; a lost connection is made again by `connect`.

    Raises:
        EngineRoomError: the first connection could not be made; nothing was drawn.
    """
    bridge = Bridge(connect)
    async with bridge.running() as store:
        from tui.app import Dashboard  # ~150 ms CPU, most of it Textual: not spent when there is nobody to talk to
        from tui.context import Context
        from tui.theming import BUNDLED

        own_themes = config_candidates(os.environ, Path.cwd())[-1].parent / "themes"
        app = Dashboard(Context(store, bridge, readonly), (BUNDLED, own_themes))
        bridge.publish_to(app.publish)
        await app.run_async()
