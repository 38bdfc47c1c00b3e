"""The tables of the job store, and how one version of them becomes the next.

`spec` and `facts` are JSON of `supervisor.jobs.job`; a field added there with a default needs no migration.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ipc.errors import EngineRoomError, Problem
from supervisor.jobs.troubles import problem_of

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT, -- a cleared job's number is never given again
        spec   TEXT NOT NULL,
        facts  TEXT NOT NULL
    );
    CREATE TABLE runs (
        number   INTEGER PRIMARY KEY,
        job      INTEGER NOT NULL REFERENCES jobs,
        engine   TEXT NOT NULL,
        settings TEXT NOT NULL,
        unix     REAL NOT NULL
    );
    CREATE INDEX runs_of_job ON runs (job);
    CREATE TABLE units (
        job      INTEGER NOT NULL REFERENCES jobs,
        idx      INTEGER NOT NULL,
        payload  TEXT NOT NULL,
        place    TEXT NOT NULL,
        name     TEXT,
        source   INTEGER NOT NULL,
        start    TEXT NOT NULL,
        state    TEXT NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'done', 'failed', 'quarantined')),
        attempts INTEGER NOT NULL DEFAULT 0,
        deaths   INTEGER NOT NULL DEFAULT 0,
        alone    INTEGER NOT NULL DEFAULT 0,
        run      INTEGER,
        result   TEXT,
        file     TEXT,
        digest   TEXT,
        tokens   INTEGER,
        seconds  REAL,
        ttft     REAL,
        audio    REAL,
        joules   REAL,
        bytes    INTEGER,
        CHECK (state <> 'done' OR result IS NOT NULL),
        PRIMARY KEY (job, idx)
    );
    CREATE INDEX units_open ON units (job, idx) WHERE state = 'planned';
    CREATE INDEX units_of_source ON units (job, source, idx);
    CREATE INDEX units_named ON units (job, name);
    CREATE TABLE problems (
        number   INTEGER PRIMARY KEY,
        job      INTEGER NOT NULL REFERENCES jobs,
        idx      INTEGER,
        before   INTEGER,
        source   INTEGER,
        stopped  TEXT,
        place    TEXT NOT NULL,
        unit     TEXT,
        problem  TEXT NOT NULL,
        log_tail TEXT NOT NULL,
        CHECK ((idx IS NULL) = (before IS NOT NULL))
    );
    CREATE INDEX problems_of_job ON problems (job, idx);
    CREATE TABLE outputs (
        job        INTEGER NOT NULL REFERENCES jobs,
        number     INTEGER NOT NULL,
        identities TEXT NOT NULL,
        current    INTEGER NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID;
    CREATE TABLE flights (
        id    INTEGER PRIMARY KEY AUTOINCREMENT, -- files of results are named after it
        job   INTEGER NOT NULL REFERENCES jobs,
        units TEXT NOT NULL,
        again INTEGER NOT NULL
    );
    CREATE INDEX flights_of_job ON flights (job);
    """,
    """
    CREATE TABLE commits (number INTEGER NOT NULL, mark INTEGER NOT NULL);
    INSERT INTO commits VALUES (0, 0);
    """,
    """
    ALTER TABLE units ADD COLUMN take INTEGER NOT NULL DEFAULT 0;
    """,
    """
    ALTER TABLE units ADD COLUMN confidence REAL;
    """,
    """
    ALTER TABLE units ADD COLUMN extent REAL;
    """,
)
"""Each element brings the version that is its position to the next."""

BUSY_SECONDS = 1.0
"""Another program may look at the store for so long before it is told that it holds the jobs up."""

JOURNAL_BYTES = 16 * 1024 * 1024
"""A journal that has grown above this is put into the file and cut down again."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the store, making or migrating its tables. May be used by any one thread at a time.

    Raises:
        EngineRoomError: the file is no store of ours, is of a newer version, or cannot be written.
    """
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        # FULL: a commit is on the disk when it returns, so that a pulled cable loses nothing that was told. And no
        # checkpoints but those of `supervisor.jobs.writer`, which so sees when others write into the file.
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=0;"
            f"PRAGMA journal_size_limit={JOURNAL_BYTES};"
        )
        migrate(connection, path)
        path.chmod(0o600)
    except (sqlite3.Error, OSError, EngineRoomError) as error:
        if connection is not None:
            connection.close()
        raise EngineRoomError(problem_of(error, path)) from error
    return connection


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to today's version. Raises EngineRoomError: they are of a later one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise EngineRoomError(
            Problem(
                "Jobs from a newer version",
                f"{path} has version {version}, this Engine Room knows {len(MIGRATIONS)}.",
                "Use the newer Engine Room, or move the file away.",
            )
        )
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(f"BEGIN; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;")
