"""A long load tells how far it is, and stops when nobody wants it any more."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from flying_kit import Heard
from stt_engine_kit import quick

from engines.contract import CannotLoad, LoadCancelled
from engines.gpu_memory import GpuMemory
from engines.stt import library, warming
from engines.stt.loaded import Loaded
from engines.stt.warming import warm

PIECES = 8


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of so many pieces."""
    monkeypatch.setattr(warming, "_PIECE_BYTES", 4096)
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(PIECES * 4096))
    return path


def test_each_piece_of_the_file_tells_how_far_it_is(weights: Path) -> None:
    noted = Heard()
    warm(weights, noted, most=0.5)
    assert noted.fractions == [0.5 * piece / PIECES for piece in range(1, PIECES + 1)]


def test_it_stops_within_a_piece(weights: Path) -> None:
    class Impatient(Heard):
        def cancelled(self) -> bool:
            return len(self.fractions) == 3

    noted = Impatient()
    with pytest.raises(LoadCancelled):
        warm(weights, noted, most=1.0)
    assert len(noted.fractions) == 3


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CannotLoad, match=r"model\.bin"):
        warm(tmp_path / "model.bin", Heard(), most=1.0)


def test_a_file_that_memory_has_no_room_for_is_read_once(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        available = PIECES * 4096 - 1

    monkeypatch.setattr(psutil, "virtual_memory", Full)
    noted = Heard()
    warm(weights, noted, most=1.0)
    assert noted.fractions == []


def test_a_load_reads_the_weights_first(monkeypatch: pytest.MonkeyPatch) -> None:
    library.prepare()
    before = list[float]()
    noted, whisper = Heard(), library.whisper

    def looking(*told: object) -> object:
        before.extend(noted.fractions)
        return whisper(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(library, "whisper", looking)
    monkeypatch.setattr(warming, "_PIECE_BYTES", 256 * 1024)
    Loaded(quick(), noted, GpuMemory()).close()
    assert len(before) > 3, "the miniature has more than half a megabyte"
    assert before == sorted(before)
    assert noted.fractions == sorted(noted.fractions)
    assert noted.fractions[-1] == 1.0
