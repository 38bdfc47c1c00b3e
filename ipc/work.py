"""The vocabulary between the supervisor and a child (engine or desk), and nothing else.

Plain messages both ways: what a child says becomes an event of the pure machine, so there are no request ids
beyond the flight and the task. The first message each way is the handshake of `ipc.handshake`.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from ipc.errors import Problem
from ipc.snapshot import Scalar

VERSION = 1


# ── supervisor → engine ───────────────────────────────────────────────────────────────────────────────────


class Load(Struct, frozen=True, array_like=True, tag="load"):
    """Load with these settings (all of the kind's knobs), self-test, then say `Loaded` or `LoadFailed`."""

    settings: dict[str, Scalar]


class Unload(Struct, frozen=True, array_like=True, tag="unload"):
    """Give the model back and say `Unloaded`. During a load: cancel it first."""


class Apply(Struct, frozen=True, array_like=True, tag="apply"):
    """Change settings of a loaded model without a new process; say `Applied` or `ApplyFailed`.

    The engine does the least that suffices (now, context rebuild, reload) and self-tests. On failure it puts the
    settings that worked back before it answers.
    """

    settings: dict[str, Scalar]


class UnitOrder(Struct, frozen=True, array_like=True):
    """One unit to do: `index` is unique within its job, `payload` the planned unit as JSON text.

    `file` is an absolute path of this attempt alone, in a folder that is there, for a result that is no short text;
    empty where none may be written (interactive units). `take` is how often the operator asked to do it again: where
    chance plays a part, each take is another, and the same take the same. `own` are settings that its job was given for
    itself: they count instead of the engine's.
    """

    job: str
    index: int
    payload: str
    file: str = ""
    take: int = 0
    own: dict[str, Scalar] = {}


class Fly(Struct, frozen=True, array_like=True, tag="fly"):
    """Work on these units at once. Each ends in `UnitDone` or `UnitFailed`, the flight in `Landed`.

    `stream` asks for `Piece` messages as tokens come; `deterministic` for greedy or seeded work.
    """

    flight: int
    units: tuple[UnitOrder, ...]
    stream: bool
    deterministic: bool


class CancelFlight(Struct, frozen=True, array_like=True, tag="cancel-flight"):
    """Stop within one step; the flight still ends in `Landed`, unfinished units say nothing."""

    flight: int


class Feed(Struct, frozen=True, array_like=True, tag="feed"):
    """More for a streaming flight; `end` says that it was all. What is read of it is told with `Took`."""

    flight: int
    data: bytes
    end: bool


class Leave(Struct, frozen=True, array_like=True, tag="leave"):
    """Finish nothing more, close the model and exit 0: the first rung of the stop ladder."""


# ── supervisor → desk ─────────────────────────────────────────────────────────────────────────────────────


class Plan(Struct, frozen=True, array_like=True, tag="plan"):
    """Read up to `limit` units from `source` at `cursor` (empty at its start). Answered by `Planned`.

    `identity` is what `Planned` said of this source before, or empty: a cursor means nothing in another file.
    """

    task: int
    source: str
    cursor: str
    limit: int
    settings: dict[str, Scalar]
    identity: str = ""


class Assemble(Struct, frozen=True, array_like=True, tag="assemble"):
    """Write the job's output to `part` (absolute, beside the output), sync and verify it; answered by `Assembled`.

    The desk asks for the results in order with `Pull`, as often as it needs.
    """

    task: int
    job: str
    part: str
    settings: dict[str, Scalar]


class ResultRow(Struct, frozen=True, array_like=True):
    """One finished unit: its planned payload and its result, both JSON text.

    `file` is the absolute path of what it wrote, or empty; `digest` what `UnitDone` said of it. Where `result` is
    empty, its text is what the file holds.
    """

    index: int
    payload: str
    result: str
    file: str = ""
    digest: str = ""


class Results(Struct, frozen=True, array_like=True, tag="results"):
    """Answer to `Pull`: rows in rising index; `last` when no more follow."""

    task: int
    rows: tuple[ResultRow, ...]
    last: bool


ToChild: TypeAlias = Load | Unload | Apply | Fly | CancelFlight | Feed | Leave | Plan | Assemble | Results


# ── engine or desk → supervisor ───────────────────────────────────────────────────────────────────────────


class Beat(Struct, frozen=True, array_like=True, tag="beat"):
    """Sent by the child's loop every half second: `progress` grows with each step of work of any sort
    (a token, a load callback, a planned unit), `tokens` counts what was produced since the process began. `words` is
    what the engine says of its loaded model, such as `cache 83 % of 1,204`."""

    progress: int
    tokens: int
    words: str = ""


class LoadProgress(Struct, frozen=True, array_like=True, tag="load-progress"):
    """How far the load is, 0..1."""

    fraction: float


class Loaded(Struct, frozen=True, array_like=True, tag="loaded"):
    """The self-test passed. `model` and `quantization` are what the file says, `settings` what is in force."""

    model: str
    quantization: str | None
    footprint_bytes: int
    seconds: float
    settings: dict[str, Scalar]
    layers: int | None = None
    """Pieces that the model has, and how many of them the library put on GPUs; None where it does not tell."""
    layers_on_gpu: int | None = None


class LoadFailed(Struct, frozen=True, array_like=True, tag="load-failed"):
    """`permanent` means that trying again with the same settings cannot help (a missing or truncated file)."""

    problem: Problem
    out_of_memory: bool
    permanent: bool


class Unloaded(Struct, frozen=True, array_like=True, tag="unloaded"):
    """The model is closed; `residue_bytes` is how much more memory the process holds than before its load."""

    residue_bytes: int


class Applied(Struct, frozen=True, array_like=True, tag="applied"):
    """The settings in force, all of them, and what is loaded with them, as in `Loaded`."""

    settings: dict[str, Scalar]
    seconds: float
    model: str
    quantization: str | None
    footprint_bytes: int
    layers: int | None = None
    layers_on_gpu: int | None = None


class ApplyFailed(Struct, frozen=True, array_like=True, tag="apply-failed"):
    """The change failed and the settings that worked are back in force."""

    problem: Problem


class Piece(Struct, frozen=True, array_like=True, tag="piece"):
    """The next characters of a unit, always whole UTF-8 characters; only in a streaming flight."""

    flight: int
    job: str
    index: int
    text: str


class Took(Struct, frozen=True, array_like=True, tag="took"):
    """The engine read so many bytes of what was fed into the flight."""

    flight: int
    count: int


class UnitDone(Struct, frozen=True, array_like=True, tag="unit-done"):
    """One unit's result as JSON text (up to 64 KiB), and what was measured in the engine.

    `digest` is the SHA-256 of the order's `file` in hex where one was written and synced, else empty. A longer
    result's text is in that file, and `result` is empty. `audio_seconds` is how much sound it heard or made, and
    `confidence` the mean natural logarithm of the probabilities of its tokens, where the kind tells it.
    """

    flight: int
    job: str
    index: int
    result: str
    tokens: int
    seconds: float
    ttft_seconds: float | None
    audio_seconds: float | None = None
    digest: str = ""
    file_bytes: int = 0
    confidence: float | None = None


class UnitFailed(Struct, frozen=True, array_like=True, tag="unit-failed"):
    """This unit cannot be done (a bad request, say); the engine is well and the rest goes on."""

    flight: int
    job: str
    index: int
    problem: Problem


class Landed(Struct, frozen=True, array_like=True, tag="landed"):
    """Nothing of this flight is running any more. Units that said neither done nor failed were not finished."""

    flight: int


class Dying(Struct, frozen=True, array_like=True, tag="dying"):
    """Said just before the process exits of its own fault; `out_of_memory` decides whose fault the death is."""

    problem: Problem
    out_of_memory: bool


class PlannedUnit(Struct, frozen=True, array_like=True):
    """One unit as planned: `where` names it for a person (`prompts.jsonl line 7`), `name` is its own id or None.

    `start` is the cursor where it begins: planning from there with other settings gives other units for the same
    piece of the source, and none of what lies before it. `extent` is how long the whole source is, in seconds of audio,
    where that decides which model does it.
    """

    payload: str
    where: str
    name: str | None
    start: str = ""
    extent: float | None = None


class SourceProblem(Struct, frozen=True, array_like=True):
    """A piece of the source that cannot become a unit; it is set aside and the rest goes on.

    `units_before` is how many of the units of the same answer lie before it.
    """

    where: str
    problem: Problem
    units_before: int = 0


class Planned(Struct, frozen=True, array_like=True, tag="planned"):
    """Units in source order, what was set aside, and where to read on; `end` when the source is exhausted.

    `share` is how much of the source lies before `cursor`, 0..1; None where that is not known. `identity` is what the
    source loses when anybody changes it.
    """

    task: int
    units: tuple[PlannedUnit, ...]
    problems: tuple[SourceProblem, ...]
    cursor: str
    end: bool
    share: float | None = None
    identity: str = ""


class Pull(Struct, frozen=True, array_like=True, tag="pull"):
    """Give me up to `limit` results with an index above `after` (-1 for the first). Answered by `Results`."""

    task: int
    after: int
    limit: int


class Assembled(Struct, frozen=True, array_like=True, tag="assembled"):
    """`part` is complete and synced; the supervisor renames it."""

    task: int
    size_bytes: int


class TaskFailed(Struct, frozen=True, array_like=True, tag="task-failed"):
    """The desk could not plan or assemble; `retry` when the cause can go away (a full disk)."""

    task: int
    problem: Problem
    retry: bool


FromChild: TypeAlias = (
    Beat
    | LoadProgress
    | Loaded
    | LoadFailed
    | Unloaded
    | Applied
    | ApplyFailed
    | Piece
    | Took
    | UnitDone
    | UnitFailed
    | Landed
    | Dying
    | Planned
    | Pull
    | Assembled
    | TaskFailed
)
