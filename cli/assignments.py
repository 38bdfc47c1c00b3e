"""`KEY=VALUE` as people write settings: in the unit of the setting, with files named where the operator stands."""

from __future__ import annotations

from collections.abc import Iterable

from cli.paths_here import placed
from cli.session import Session
from config.errors import did_you_mean
from config.units import BadUnit, amount
from engines.catalog import KINDS
from engines.settings import knobs_of
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Knob, Scalar


def assignment(text: str) -> tuple[str, str]:
    """Name and value. Raises RequestFailed: it is none."""
    name, is_set, value = text.partition("=")
    if not (is_set and name):
        raise RequestFailed(Problem("Bad change", f"{text!r} is not KEY=VALUE.", "For example parallel=8."))
    return name, value


def meant(session: Session, name: str, value: Scalar, knobs: Iterable[Knob], where: str) -> Scalar:
    """`value` in the unit of the setting it is for; a file that is here with its whole path.

    `where` says whose settings they are. Raises RequestFailed: there is no such setting, or no such amount.
    """
    known = {knob.name: knob for knob in knobs}
    if name not in known:
        raise RequestFailed(Problem("Unknown setting", f"{where} has no setting {name!r}.", did_you_mean(name, known)))
    if isinstance(value, str) and isinstance(known[name].default, str) and not known[name].choices:
        return placed(session, value)
    try:
        return amount(value, known[name].unit)
    except BadUnit as error:
        problem = Problem("Bad value", f"{where}: {name} = {value!r}: {error.why}.", f"Write {error.write}.")
        raise RequestFailed(problem) from error


def own(session: Session, kind: str, changes: Iterable[str]) -> dict[str, Scalar]:
    """Settings of a job's own, from the flags' texts; of a kind that is not known here, as they are.

    Raises:
        RequestFailed: one is no KEY=VALUE, or no such amount.
    """
    told = dict(assignment(text) for text in changes)
    if kind not in KINDS:
        return dict(told)
    knobs = [knob for knob in knobs_of(KINDS[kind].settings()) if knob.name in KINDS[kind].own]
    known = {knob.name for knob in knobs}
    return {
        name: meant(session, name, value, knobs, "the job") if name in known else value  # the supervisor refuses others
        for name, value in told.items()
    }
