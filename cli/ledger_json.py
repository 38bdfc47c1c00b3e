"""The ledger and the footprints in `--json`, field by field: promised to scripts and documented in docs/json.md."""

from __future__ import annotations

from ipc.snapshot import Alarm, FootprintRow, GpuBook, HostBook, Json, Ledger, Share


def ledger(whole: Ledger) -> Json:
    """`engineroom ledger`."""
    return {
        "gpus": [_gpu(book) for book in whole.gpus],
        "host": None if whole.host is None else _host(whole.host),
        "alarms": [_alarm(one) for one in whole.alarms],
    }


def footprint(row: FootprintRow) -> Json:
    """One entry of `engineroom footprints`."""
    return {
        "kind": row.kind,
        "model": row.model,
        "quantization": row.quantization,
        "shape": row.shape,
        "gpu": row.gpu,
        "peak_bytes": row.peak_bytes,
        "load_seconds": row.load_seconds,
        "loads": row.loads,
        "measured_unix": row.measured_unix,
    }


def _gpu(book: GpuBook) -> Json:
    return {
        "index": book.index,
        "uuid": book.uuid,
        "total_bytes": book.total_bytes,
        "reserve_bytes": book.reserve_bytes,
        "shares": [_share(one) for one in book.shares],
        "strangers": [{"pid": one.pid, "name": one.name, "used_bytes": one.used_bytes} for one in book.strangers],
        "others_bytes": book.others_bytes,
        "withheld_bytes": book.withheld_bytes,
        "withheld_why": book.withheld_why,
        "free_bytes": book.free_bytes,
        "pressure": book.pressure,
        "hold": book.hold,
        "residents": book.residents,
        "residents_limit": book.residents_limit,
    }


def _host(book: HostBook) -> Json:
    return {
        "total_bytes": book.total_bytes,
        "reserve_bytes": book.reserve_bytes,
        "shares": [_share(one) for one in book.shares],
        "others_bytes": book.others_bytes,
        "free_bytes": book.free_bytes,
        "pressure": book.pressure,
        "threads": book.threads,
        "threads_claimed": dict(book.threads_claimed),
    }


def _share(one: Share) -> Json:
    return {
        "engine": one.engine,
        "role": one.role,
        "measured_bytes": one.measured_bytes,
        "claimed_bytes": one.claimed_bytes,
        "estimated": one.estimated,
        "by_difference": one.by_difference,
    }


def _alarm(one: Alarm) -> Json:
    return {
        "about": one.about,
        "word": one.word,
        "severity": one.severity,
        "since_unix": one.since_unix,
        "text": one.text,
        "help": one.help,
    }
