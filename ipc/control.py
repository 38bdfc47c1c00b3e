"""The vocabulary between a client and the supervisor, and nothing else.

Each command names the wish, not the step. A request gets exactly one answer, or a stream of items and an
end; see `ipc.channel` for the envelopes. `Hello`, `Status` and `Down` never change, so that a new client can
always replace an old daemon. Over 400 lines, because every word that a client can say stands in one file.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from ipc.errors import Problem
from ipc.snapshot import (
    Build,
    EngineRow,
    FootprintRow,
    Happening,
    JobDetail,
    JobRow,
    Knob,
    Ledger,
    LogLine,
    PoolRow,
    Scalar,
    SupervisorRow,
    UnitRow,
    UnitState,
    Update,
)

VERSION = 1


# ── commands with one answer ──────────────────────────────────────────────────────────────────────────────


class Status(Struct, frozen=True, array_like=True, tag="status"):
    """Who are you? Answered by `Self`. Never changes."""


class Down(Struct, frozen=True, array_like=True, tag="down"):
    """Stop every engine, then the supervisor and its keeper. Answered by `Done` before it exits. Never changes."""


class Ps(Struct, frozen=True, array_like=True, tag="ps"):
    """List the engines. Answered by `Engines`."""


class Jobs(Struct, frozen=True, array_like=True, tag="jobs"):
    """List the jobs. Answered by `JobList`."""


class ShowJob(Struct, frozen=True, array_like=True, tag="show-job"):
    """Answered by `JobWhole`."""

    id: str


class Start(Struct, frozen=True, array_like=True, tag="start"):
    """Make the engine ready, whatever it takes; a Failed engine gets a clean slate. Answered once it is ready."""

    engine: str


class Load(Struct, frozen=True, array_like=True, tag="load"):
    """Load the model; starts the process if there is none. Answered once it is ready."""

    engine: str


class Unload(Struct, frozen=True, array_like=True, tag="unload"):
    """Drain, then give the model back and keep the process. Answered once it is cold."""

    engine: str


class Stop(Struct, frozen=True, array_like=True, tag="stop"):
    """Drain within the limit, then stop; it stays stopped. Answered once the process is gone."""

    engine: str


class Restart(Struct, frozen=True, array_like=True, tag="restart"):
    """Drain, stop, start again. Answered once it is ready."""

    engine: str


class Quote(Struct, frozen=True, array_like=True, tag="quote"):
    """What loading the engine now would cost, without doing it. Answered by `Price`."""

    engine: str


class ShowLedger(Struct, frozen=True, array_like=True, tag="ledger"):
    """Who holds and who was promised memory. Answered by `LedgerIs`."""


class Footprints(Struct, frozen=True, array_like=True, tag="footprints"):
    """What was measured of every model ever loaded here. Answered by `FootprintList`."""


class Builds(Struct, frozen=True, array_like=True, tag="builds"):
    """Which GPUs each engine's build can use; appraises every engine. Answered by `BuildList`, within 20 s."""


class SetKnobs(Struct, frozen=True, array_like=True, tag="set"):
    """Change settings while it runs; `dry_run` only tells the price. Answered by `Price`, once applied."""

    engine: str
    changes: dict[str, Scalar]
    dry_run: bool


class ShowKnobs(Struct, frozen=True, array_like=True, tag="knobs"):
    """Answered by `Knobs`."""

    engine: str


class Submit(Struct, frozen=True, array_like=True, tag="submit"):
    """A job: inputs to output. Paths are absolute. Answered by `JobIs` once it is durable.

    An input is a file, a folder (all files in it that the kind reads) or a pattern with `*`, `?` or `[`; without any,
    the outputs of the jobs in `after` are the inputs. An output that ends with `/` is a folder that gets a file for
    each input, else one file gets all. `engine` is the name of one or of a pool; empty means the only pool of the kind,
    or any engine where there is none. `on_done` is a shell command or empty; `after` are ids of jobs that must end well
    first. An input that an unfinished job will write makes that job one of them. `own` are settings that the kind lets
    a job have for itself: they count instead of the engine's.
    """

    kind: str
    engine: str
    inputs: tuple[str, ...]
    output: str
    on_done: str
    priority: int = 5
    after: tuple[str, ...] = ()
    own: dict[str, Scalar] = {}


class Spool(Struct, frozen=True, array_like=True, tag="spool"):
    """Keep these bytes (at most 1 MiB) on the box as an input: the first piece with an empty `path`, which makes a file
    whose name ends with `name`, and further ones with the path that was answered. Answered by `Spooled`."""

    path: str
    name: str
    data: bytes


class PauseJob(Struct, frozen=True, array_like=True, tag="pause-job"):
    """Start no further flight of this job. Answered by `JobIs`."""

    id: str


class ResumeJob(Struct, frozen=True, array_like=True, tag="resume-job"):
    """Go on. Answered by `JobIs`."""

    id: str


class CancelJob(Struct, frozen=True, array_like=True, tag="cancel-job"):
    """Stop within one step and keep what is done. Answered by `JobIs`."""

    id: str


class RetryJob(Struct, frozen=True, array_like=True, tag="retry-job"):
    """Do failed and quarantined units again, `units` or all; a cancelled or failed job goes on. Answered by `JobIs`.

    A unit is named by its own name or, with `#`, by its number (`#12`).
    """

    id: str
    units: tuple[str, ...] = ()


class RedoUnits(Struct, frozen=True, array_like=True, tag="redo-units"):
    """Do these finished units again, named as in `RetryJob`; the old result stays until there is a new one, and the
    output is written again. Answered by `JobIs`."""

    id: str
    units: tuple[str, ...]


class PrioritizeJob(Struct, frozen=True, array_like=True, tag="prioritize-job"):
    """1 to 9; the higher, the sooner. Answered by `JobIs`."""

    id: str
    priority: int


class MoveJob(Struct, frozen=True, array_like=True, tag="move-job"):
    """What is not done yet goes to this engine or pool of its kind, or to any (empty), as in `Submit`. Answered by
    `JobIs`."""

    id: str
    engine: str


class ReleaseJob(Struct, frozen=True, array_like=True, tag="release-job"):
    """Wait no longer for other jobs. Answered by `JobIs`."""

    id: str


class ClearJobs(Struct, frozen=True, array_like=True, tag="clear-jobs"):
    """Forget finished jobs with their results, `ids` or (empty) every one whose output is in its place.

    A named one whose results are the last copy is kept unless `force`. Answered by `Cleared`.
    """

    ids: tuple[str, ...] = ()
    force: bool = False


class ShowUnits(Struct, frozen=True, array_like=True, tag="show-units"):
    """Up to `limit` (at most 1,000) units of a job with a number above `after` (-1 for the first), in order; only those
    in one of `states`, if any are told. Answered by `UnitPage`."""

    id: str
    after: int = -1
    limit: int = 1000
    states: tuple[UnitState, ...] = ()


class Record(Struct, frozen=True, array_like=True, tag="record"):
    """Begin a recording at this absolute path. Answered by `Done` once the header is on disk."""

    path: str


class StopRecording(Struct, frozen=True, array_like=True, tag="stop-recording"):
    """Close the recording. Answered by `Done` once the file is closed."""


# ── commands with a stream of items ───────────────────────────────────────────────────────────────────────


class Watch(Struct, frozen=True, array_like=True, tag="watch"):
    """A stream of `UpdateItem`: one `Snapshot`, then what changes; a fresh `Snapshot` after an overflow."""


class Logs(Struct, frozen=True, array_like=True, tag="logs"):
    """A stream of `LogLines`: the last `lines` of the ring, then, if `follow`, what comes."""

    engine: str
    lines: int
    follow: bool


class Events(Struct, frozen=True, array_like=True, tag="events"):
    """A stream of `EventItem`: the last `last`, then, if `follow`, what comes."""

    last: int
    follow: bool


class Ask(Struct, frozen=True, array_like=True, tag="ask"):
    """One interactive request, before any batch unit: a stream of `Piece`, then `Answered`.

    `payload` is the JSON text of one unit of the engine's kind (for llm: a line of prompts.jsonl). `engine` may name a
    pool: then one of its engines answers that is ready, else the first of its route.
    """

    engine: str
    payload: str


AboutJobs: TypeAlias = (
    Jobs
    | ShowJob
    | ShowUnits
    | Spool
    | Submit
    | PauseJob
    | ResumeJob
    | CancelJob
    | RetryJob
    | RedoUnits
    | PrioritizeJob
    | MoveJob
    | ReleaseJob
    | ClearJobs
)
OneAnswer: TypeAlias = (
    Status
    | Down
    | Ps
    | Start
    | Load
    | Unload
    | Stop
    | Restart
    | Quote
    | ShowLedger
    | Footprints
    | Builds
    | SetKnobs
    | ShowKnobs
    | Record
    | StopRecording
    | AboutJobs
)
Streaming: TypeAlias = Watch | Logs | Events | Ask
Command: TypeAlias = OneAnswer | Streaming


# ── answers and items ─────────────────────────────────────────────────────────────────────────────────────


class Done(Struct, frozen=True, array_like=True, tag="done"):
    """It is so; `text` says what was done, in one sentence."""

    text: str


class Self(Struct, frozen=True, array_like=True, tag="self"):
    """Answer to `Status`."""

    supervisor: SupervisorRow


class Engines(Struct, frozen=True, array_like=True, tag="engines"):
    """Answer to `Ps`."""

    rows: tuple[EngineRow, ...]
    pools: tuple[PoolRow, ...] = ()


class JobList(Struct, frozen=True, array_like=True, tag="job-list"):
    """Answer to `Jobs`."""

    rows: tuple[JobRow, ...]


class JobIs(Struct, frozen=True, array_like=True, tag="job-is"):
    """Answer to `Submit` and the job controls."""

    row: JobRow


class JobWhole(Struct, frozen=True, array_like=True, tag="job-whole"):
    """Answer to `ShowJob`."""

    detail: JobDetail


class Spooled(Struct, frozen=True, array_like=True, tag="spooled"):
    """Answer to `Spool`: the file, for further pieces and as an input of `Submit`."""

    path: str


class Cleared(Struct, frozen=True, array_like=True, tag="cleared"):
    """Answer to `ClearJobs`: which are gone, what that freed, and why others that were named are still there."""

    ids: tuple[str, ...]
    freed_bytes: int
    kept: tuple[tuple[str, Problem], ...]


class UnitPage(Struct, frozen=True, array_like=True, tag="unit-page"):
    """Answer to `ShowUnits`; `last` when no more follow."""

    rows: tuple[UnitRow, ...]
    last: bool


class Knobs(Struct, frozen=True, array_like=True, tag="knob-list"):
    """Answer to `ShowKnobs`."""

    rows: tuple[Knob, ...]


class Price(Struct, frozen=True, array_like=True, tag="price"):
    """What a change costs: drawn under the knob panel before Enter. Estimates are marked `~` in `text`."""

    text: str
    units_to_finish: int
    reload_seconds: float | None
    applied: bool
    more_bytes: int | None = None
    """Memory that it takes in addition; below 0 what it frees; None where unknown or none."""
    unloads: tuple[str, ...] = ()
    """Engines that would be unloaded to make room."""


class LedgerIs(Struct, frozen=True, array_like=True, tag="ledger-is"):
    """Answer to `ShowLedger`."""

    ledger: Ledger


class FootprintList(Struct, frozen=True, array_like=True, tag="footprint-list"):
    """Answer to `Footprints`."""

    rows: tuple[FootprintRow, ...]


class BuildList(Struct, frozen=True, array_like=True, tag="build-list"):
    """Answer to `Builds`, in the order of the engines; those that took too long are left out."""

    rows: tuple[Build, ...]


class LogLines(Struct, frozen=True, array_like=True, tag="log-lines"):
    """Item of `Logs`."""

    lines: tuple[LogLine, ...]


class EventItem(Struct, frozen=True, array_like=True, tag="event"):
    """Item of `Events`."""

    happening: Happening


class UpdateItem(Struct, frozen=True, array_like=True, tag="update"):
    """Item of `Watch`."""

    update: Update


class Piece(Struct, frozen=True, array_like=True, tag="piece"):
    """Item of `Ask`: the next characters."""

    text: str


class Answered(Struct, frozen=True, array_like=True, tag="answered"):
    """Last item of `Ask`: the unit's whole result as JSON text, and what was measured."""

    result: str
    tokens: int
    seconds: float
    ttft_seconds: float | None


Answer: TypeAlias = (
    Done
    | Self
    | Engines
    | JobList
    | JobIs
    | JobWhole
    | UnitPage
    | Spooled
    | Cleared
    | Knobs
    | Price
    | LedgerIs
    | FootprintList
    | BuildList
)
Item: TypeAlias = LogLines | EventItem | UpdateItem | Piece | Answered
