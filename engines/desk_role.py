"""The desk's side of the vocabulary: plan a stretch of a source, write an output from results it pulls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue

from engines import partfile, resultfile
from engines.bootstrap import Origin
from engines.catalog import KINDS
from engines.contract import AssembleFunction, CannotAssemble, CannotPlan, PlanFunction
from engines.settings import EngineSettings, with_changes
from engines.worker import Worker
from ipc.errors import Problem, ProtocolViolation, RequestFailed
from ipc.snapshot import Scalar
from ipc.work import Assemble, Assembled, Plan, Planned, Pull, ResultRow, Results, TaskFailed, ToChild

PULL_LIMIT = 100
"""Rows asked for at once: enough that the way there and back costs nothing, few enough for one message."""


class DeskRole:
    """`hear` and `stop` run on the loop, everything else on the worker, one task after the other."""

    def __init__(self, origin: Origin, worker: Worker) -> None:
        kind = KINDS[origin.kind]
        self._settings = kind.settings()
        self._plan_kind: PlanFunction = import_module(kind.plan).plan
        self._assemble_kind: AssembleFunction = import_module(kind.assemble).assemble
        self._worker = worker
        self._answers: SimpleQueue[Results | None] = SimpleQueue()
        """Of the assembly under way; None when it must end."""

    # ── on the loop ───────────────────────────────────────────────────────────────────────────────────────

    def hear(self, message: ToChild) -> None:
        """Raises ProtocolViolation: an engine's word."""
        match message:
            case Plan():
                self._worker.submit(partial(self._plan, message))
            case Assemble():
                self._worker.submit(partial(self._assemble, message))
            case Results():
                self._answers.put(message)
            case _:
                raise _violation(f"A desk was told to {type(message).__name__}.")

    def stop(self) -> None:
        """Ends an assembly or a stretch of planning at its next row or step."""
        self._answers.put(None)

    # ── on the worker ─────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Nothing to give back: what a kind keeps open between tasks goes with the process."""

    def _plan(self, wanted: Plan) -> None:
        source = Path(wanted.source)
        try:
            identity = _identity(source)
            if wanted.identity not in ("", identity):
                raise _changed(source)
            planning = self._plan_kind(source, wanted.cursor, wanted.limit, self._with(wanted.settings), self._step)
            if _identity(source) != identity:
                raise _changed(source)
        except _Abandoned:
            return
        except (CannotPlan, RequestFailed) as error:
            self._worker.say(TaskFailed(wanted.task, error.problem, retry=False))
            return
        self._worker.step()
        units, problems = planning.units, planning.problems
        self._worker.say(Planned(wanted.task, units, problems, planning.cursor, planning.end, planning.share, identity))

    def _assemble(self, wanted: Assemble) -> None:
        part = Path(wanted.part)
        try:
            size = self._write(part, self._rows(wanted.task, wanted.job), self._with(wanted.settings))
        except _Abandoned:
            return
        except CannotAssemble as error:
            self._worker.say(TaskFailed(wanted.task, error.problem, error.retry))
        except RequestFailed as error:
            self._worker.say(TaskFailed(wanted.task, error.problem, retry=False))
        else:
            self._worker.say(Assembled(wanted.task, size))

    def _write(self, part: Path, rows: Iterator[ResultRow], settings: EngineSettings) -> int:
        try:
            partfile.begin(part)
            self._assemble_kind(part, rows, settings, self._step)
            return partfile.sync(part)
        except OSError as error:
            raise partfile.not_written(part, error) from error

    def _rows(self, task: int, job: str) -> Iterator[ResultRow]:
        after, last = -1, False
        while not last:
            self._worker.say(Pull(task, after, PULL_LIMIT))
            answer = self._answer(task)
            last = answer.last
            if not answer.rows and not last:
                raise _violation("A pull was answered with no rows, though more are to follow.")
            for row in answer.rows:
                if row.index <= after:
                    raise _violation(f"Result {row.index} came after result {after}.")
                after = row.index
                self._worker.step()
                yield resultfile.read_back(row, job, self._step)

    def _step(self) -> None:
        if self._worker.leaving:
            raise _Abandoned
        self._worker.step()

    def _answer(self, task: int) -> Results:
        while (answer := self._answers.get()) is not None:
            if answer.task == task:  # else it was meant for an assembly that has failed since
                return answer
        raise _Abandoned

    def _with(self, wanted: dict[str, Scalar]) -> EngineSettings:
        return with_changes(self._settings, wanted, "the job")


class _Abandoned(Exception):
    """Raised out of planning or assembly when the desk has to leave."""


def _identity(source: Path) -> str:
    """What a file loses when anybody changes it; empty where it cannot be looked at, which planning will tell."""
    try:
        status = source.stat()
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"


def _changed(source: Path) -> CannotPlan:
    """A cursor means nothing in another file: units could be lost, or come twice."""
    return CannotPlan(
        Problem(
            "Source changed",
            f"{source} was changed while a job was reading it.",
            "Submit what is left of it again, and leave a source alone until its units are planned.",
        )
    )


def _violation(what: str) -> ProtocolViolation:
    return ProtocolViolation(Problem("Protocol violation", what, "Both sides must be the same Engine Room."))
