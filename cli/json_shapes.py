"""What `--json` prints, field by field: promised to scripts and documented in docs/json.md."""

from __future__ import annotations

from collections.abc import Iterable

from config.load import Config, EngineConfig
from config.pools import Pool
from engines.settings import knobs_of
from ipc.control import Price
from ipc.errors import Problem
from ipc.snapshot import EngineRow, Happening, Json, Knob, LogLine, PoolRow, SupervisorRow
from ipc.states import Backoff, Cold, Draining, Failed, Loading, Ready, Stopped, Stopping, pid_of, word

VERSION = 1


def status(row: SupervisorRow, *, protocol: int) -> Json:
    """`engineroom status`, `engineroom up`."""
    recording: Json = None
    if row.recording is not None:
        recording = {
            "path": row.recording.path,
            "started_unix": row.recording.started_unix,
            "ticks": row.recording.ticks,
        }
    return {
        "version": VERSION,
        "supervisor": {
            "pid": row.pid,
            "version": row.version,
            "protocol": protocol,
            "host": row.host,
            "socket": row.socket,
            "state_folder": row.state_folder,
            "started_unix": row.started_unix,
            "keeper": row.keeper,
            "clients": row.clients,
            "recording": recording,
        },
    }


def engine(row: EngineRow, pools: Iterable[PoolRow] = ()) -> Json:
    """One entry of `engineroom ps`, with those of `pools` that it is in."""
    state = row.state
    reason: str | None = None
    progress: float | None = None
    footprint: int | None = None
    residue: int | None = None
    units: int | None = None
    log_tail: list[Json] | None = None
    match state:
        case Stopped(why=why) | Stopping(why=why):
            reason = why
        case Backoff(cause=cause):
            reason = cause
        case Failed(cause=cause, log_tail=lines):
            reason, log_tail = cause, list(lines)
        case Loading(fraction=fraction):
            progress = fraction
        case Ready(footprint_bytes=bytes_, units=count):
            footprint, units = bytes_, count
        case Draining(purpose=purpose, units=count):
            reason, units = purpose, count
        case Cold(residue_bytes=bytes_):
            residue = bytes_
        case _:
            pass
    return {
        "name": row.name,
        "kind": row.kind,
        "state": word(state),
        "reason": reason,
        "pid": pid_of(state),
        "gpus": list(row.gpus),
        "model": row.model,
        "quantization": row.quantization,
        "parallel": row.parallel or None,
        "units": units,
        "load_progress": progress,
        "footprint_bytes": footprint,
        "residue_bytes": residue,
        "tokens_per_second": row.tokens_per_second,
        "ttft_seconds": row.ttft_seconds,
        "rss_bytes": row.rss_bytes,
        "cpu_percent": row.cpu_percent,
        "restarts": row.restarts,
        "note": row.note,
        "hold": row.hold,
        "chosen": row.chosen,
        "pinned": row.pinned,
        "unload_after_seconds": row.unload_after_seconds,
        "unload_depth": row.unload_depth,
        "said": row.said,
        "pools": [pool(one) for one in pools if one.name in row.pools],
        "beside": row.beside,
        "log_tail": log_tail,
    }


def pool(row: PoolRow) -> Json:
    """One of the pools that an engine is in."""
    return {
        "name": row.name,
        "kind": row.kind,
        "route": row.route,
        "languages": dict(row.languages),
        "members": list(row.members),
        "residents": list(row.residents),
        "hits": row.hits,
        "misses": row.misses,
        "hit_rate": row.hit_rate,
        "claimed_bytes": row.claimed_bytes,
        "budget_bytes": row.budget_bytes,
    }


def knob(one: Knob) -> Json:
    """One entry of `engineroom knobs`."""
    return {
        "name": one.name,
        "value": one.value,
        "default": one.default,
        "unit": one.unit,
        "minimum": one.minimum,
        "maximum": one.maximum,
        "choices": list(one.choices),
        "recommendation": one.recommendation,
        "applies": one.applies,
        "help": one.help,
    }


def price(one: Price) -> Json:
    """`engineroom set`, `engineroom load --dry-run`."""
    return {
        "text": one.text,
        "units_to_finish": one.units_to_finish,
        "reload_seconds": one.reload_seconds,
        "more_bytes": one.more_bytes,
        "unloads": list(one.unloads),
        "applied": one.applied,
    }


def log_line(line: LogLine) -> Json:
    """One line of `engineroom logs`."""
    return {"number": line.number, "unix": line.unix, "stream": line.stream, "text": line.text}


def happening(what: Happening) -> Json:
    """One line of `engineroom events`."""
    return {
        "sequence": what.sequence,
        "unix": what.unix,
        "severity": what.severity,
        "about": what.about,
        "word": what.word,
        "text": what.text,
    }


def config(whole: Config) -> Json:
    """`engineroom config show`."""
    return {
        "file": None if whole.file is None else str(whole.file),
        "supervisor": {"log_level": whole.supervisor.log_level, "record": whole.supervisor.record},
        "engines": [_engine_config(one) for one in whole.engines],
        "pools": [_pool_config(one) for one in whole.pools],
        "warnings": [problem(one) for one in whole.warnings],
    }


def problem(what: Problem) -> Json:
    """An error wherever one is listed."""
    return {"title": what.title, "detail": what.detail, "hint": what.hint}


def _pool_config(one: Pool) -> Json:
    return {
        "name": one.name,
        "kind": one.kind,
        "route": str(one.route),
        "languages": {language: str(route) for language, route in one.languages.items()},
        "budget_bytes": one.budget_bytes,
    }


def _engine_config(one: EngineConfig) -> Json:
    return {
        "name": one.name,
        "kind": one.kind,
        "preload": one.preload,
        "python": one.python,
        "settings": {
            knob.name: {
                "value": knob.value,
                "layer": one.origins[knob.name].layer,
                "where": one.origins[knob.name].where,
            }
            for knob in knobs_of(one.settings)
        },
    }
