"""`job`: the verbs about jobs that were submitted."""

from __future__ import annotations

from cli import job_clear, job_export, job_problems, job_show, job_steer, job_units, job_wait
from cli.verb import family

VERB = family(
    "job",
    "look at submitted jobs and steer them",
    (
        job_show.VERB,
        job_wait.VERB,
        *job_steer.VERBS,
        job_problems.VERB,
        job_units.VERB,
        job_clear.VERB,
        job_export.VERB,
    ),
)
