"""The table of verbs: the parser, the help and the shell's completion read it."""

from __future__ import annotations

from cli import (
    ask,
    completion,
    config_verb,
    demo,
    doctor,
    down,
    engine_verbs,
    env,
    footprints,
    gpus,
    job,
    jobs,
    ledger,
    pipe,
    ps,
    service_verb,
    settings_verbs,
    submit,
    supervisor_verbs,
    tails,
    top,
)
from cli.verb import Verb

VERBS: tuple[Verb, ...] = (
    supervisor_verbs.UP,
    down.VERB,
    supervisor_verbs.STATUS,
    ps.VERB,
    gpus.VERB,
    ledger.VERB,
    footprints.VERB,
    top.VERB,
    *engine_verbs.VERBS,
    *settings_verbs.VERBS,
    submit.VERB,
    jobs.VERB,
    job.VERB,
    ask.VERB,
    tails.LOGS,
    tails.EVENTS,
    config_verb.VERB,
    service_verb.VERB,
    env.VERB,
    doctor.VERB,
    demo.VERB,
    pipe.VERB,
    completion.VERB,
)
