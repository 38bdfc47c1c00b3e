"""New jobs: from what a client names to a durable job, and files that come through a pipe."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
from anyio import to_thread

from config.errors import did_you_mean
from config.paths import host_name
from engines.catalog import Kind
from ipc import control
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import JobRow, Scalar
from supervisor.jobs import inputs, output, submission, unit_files
from supervisor.jobs.bureau import Bureau
from supervisor.jobs.job import Facts, Numbers, Spec
from supervisor.jobs.order import WELL

PIECE_BYTES = 1024 * 1024
STALE_SECONDS = 86400.0
"""A spooled file that no job names after so long was left by a client that went away."""


class Submitting:
    """Over the bureau; `spool` is the folder of inputs that came through a pipe."""

    def __init__(self, bureau: Bureau, numbers: Numbers, spool: Path) -> None:
        self._bureau = bureau
        self._numbers = numbers
        self._spool = spool

    async def submit(self, wish: control.Submit) -> JobRow:
        """A new job, durable before this returns.

        Raises:
            RequestFailed: no such kind or engine, an input that is not there, an output that cannot be written.
        """
        bureau = self._bureau
        bureau.refuse_in_trouble()
        kind = submission.check_kind(wish, bureau.floor, bureau.pools)
        submission.check_engine(wish.engine, wish.kind, bureau.floor, bureau.pools)
        submission.check_priority(wish.priority)
        submission.check_hook(wish.on_done)
        own = submission.check_own(wish.own, kind)
        after = [self._earlier(id_) for id_ in wish.after]
        named = wish.inputs or tuple(path for spec, _ in after for path in spec.outputs)
        if not named:
            raise RequestFailed(Problem("No input", "A job needs at least one input.", "Name a file, or --after JOB."))
        submission.check_paths(named, wish.output)
        promised = {path: job.spec for job in bureau.jobs.values() for path in job.spec.outputs}
        (files, left_out), outputs = await to_thread.run_sync(
            _find_files, named, wish.output, kind, own, frozenset(promised)
        )
        spec = self._specify(wish, files, outputs, own)
        settings = msgspec.convert({**spec.settings, **own}, kind.settings)
        beside = submission.check_forms(kind, len(files), outputs, settings)
        await to_thread.run_sync(self._prepare, spec, beside)
        submission.check_outputs(spec.outputs, (job.spec for job in bureau.jobs.values()))
        waits_for = [known.number for known, facts in after if known.number in bureau.jobs or facts.ending not in WELL]
        waits_for += [promised[path].number for path in spec.inputs if path in promised]
        facts = Facts(engine=wish.engine, priority=wish.priority, after=tuple(dict.fromkeys(waits_for)))
        bureau.refuse_in_trouble()  # which may have begun meanwhile
        try:
            return await bureau.carry_out(spec.number, bureau.book.add(spec, facts, left_out))
        except RequestFailed:
            bureau.act([*bureau.air.forget(spec.number), *bureau.book.cancel(spec.number, time.time())])
            bureau.refuse_in_trouble()
            raise

    async def keep(self, piece: control.Spool) -> str:
        """Append to a spooled file, or begin one; its path. Raises RequestFailed: it cannot be written."""
        if len(piece.data) > PIECE_BYTES:
            raise RequestFailed(Problem("Piece too long", f"It has over {PIECE_BYTES:,} bytes.", "Send smaller ones."))
        return await to_thread.run_sync(self._write, piece)

    async def sweep(self, unix: float) -> None:
        """Remove spooled files that no job names, once they are old; one that cannot be removed stays."""
        await to_thread.run_sync(self._sweep, unix, frozenset(self._named()))

    def spooled(self, spec: Spec) -> tuple[Path, ...]:
        """Inputs of this job, which was cleared, that are ours to remove: no other job names them."""
        own = [path for path in spec.inputs if Path(path).parent == self._spool]
        others = frozenset(self._named()) if own else frozenset()
        return tuple(Path(path) for path in own if path not in others)

    # ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _earlier(self, id_: str) -> tuple[Spec, Facts]:
        found = self._bureau.wall.find(id_)
        if found is None:
            known = self._bureau.wall.ids()
            raise RequestFailed(
                Problem("Unknown job", f"There is no job {id_!r} to wait for.", did_you_mean(id_, known))
            )
        return found

    def _specify(
        self, wish: control.Submit, files: tuple[str, ...], outputs: tuple[str, ...], own: dict[str, Scalar]
    ) -> Spec:
        number, floor = self._numbers.next(), self._bureau.floor
        pool = self._bureau.pools.meant(wish.engine, wish.kind)
        named = wish.engine if pool is None else pool.route.engines[0]
        engine = named or floor.engines_of(wish.kind)[0].name
        return Spec(
            number=number,
            id=f"{host_name()}-{number}",
            kind=wish.kind,
            inputs=files,
            output=wish.output,
            outputs=outputs,
            on_done=wish.on_done,
            settings=floor.settings_of(engine),
            submitted_unix=time.time(),
            own=own,
        )

    def _prepare(self, spec: Spec, beside: tuple[str, ...]) -> None:
        """May block. Raises RequestFailed."""
        output.probe(spec.outputs, spec.output if spec.output.endswith("/") else "", spec.id, beside)
        try:
            unit_files.prepare(self._bureau.files, spec.number)
        except OSError as error:
            where = f"{self._bureau.files}: {error.strerror}."
            raise RequestFailed(Problem("Cannot be stored", where, "Make room, then try again.")) from error

    def _sweep(self, unix: float, named: frozenset[str]) -> None:
        for file in self._spool.glob("*"):
            with contextlib.suppress(OSError):
                if str(file) not in named and unix - file.stat().st_mtime > STALE_SECONDS:
                    file.unlink()

    def _write(self, piece: control.Spool) -> str:
        try:
            path = Path(piece.path) if piece.path else self._new(piece.name)
            if path.parent != self._spool:
                raise RequestFailed(Problem("Bad path", f"{path} is no spooled file.", ""))
            with path.open("ab") as file:
                file.write(piece.data)
                file.flush()
                os.fsync(file.fileno())
            if not piece.path:
                unit_files.sync_folder_of(path)
        except OSError as error:
            raise RequestFailed(
                Problem("Cannot be kept", f"{self._spool}: {error.strerror}.", "Make room, then try again.")
            ) from error
        return str(path)

    def _new(self, name: str) -> Path:
        self._spool.mkdir(mode=0o700, exist_ok=True)
        return self._spool / f"{secrets.token_hex(6)}-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}"

    def _named(self) -> Iterable[str]:
        wall = self._bureau.wall
        for spec in [*(spec for spec, _ in wall.over()), *(job.spec for job in self._bureau.jobs.values())]:
            yield from spec.inputs


def _find_files(
    named: tuple[str, ...], output_: str, kind: Kind, own: dict[str, Scalar], promised: frozenset[str]
) -> tuple[inputs.Expanded, tuple[str, ...]]:
    """Inputs and outputs. May block. Raises RequestFailed."""
    found = inputs.expand(named, kind, promised)
    writes = msgspec.convert(own, kind.settings).writes()
    return found, inputs.outputs_for(found.files, output_, kind, writes)
