"""`env`: the verbs about environments of engine kinds."""

from __future__ import annotations

from cli import env_list, env_remove, env_sync
from cli.verb import family

VERB = family(
    "env", "make and look at the environments that engines run in", (env_sync.VERB, env_list.VERB, env_remove.VERB)
)
"""docs/environments.md"""
