"""All that was heard for an output, in the form that its name says and in further ones beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from engines import partfile
from engines.beside import Marked, Vouched
from engines.contract import CannotAssemble
from engines.stt.output.forms import Forms
from engines.stt.output.spool import Spool
from engines.stt.output.subtitles import vtt_mark
from engines.stt.settings import SttSettings
from ipc.errors import Problem
from ipc.work import ResultRow


def make(part: Path, rows: Iterable[ResultRow], settings: SttSettings, step: Callable[[], None]) -> None:
    """Write the text of all rows; `step` is called for each stretch that is read again.

    Raises:
        CannotAssemble: several recordings would have the subtitles of one, or a file of somebody else's is where a
            further form belongs. OSError
    """
    output = partfile.output_of(part)
    beside = [_Beside(part, Path(path)) for path in settings.beside(str(output))]
    with Spool(part.parent, step) as spool:
        spool.fill(rows)
        forms = Forms(spool.recordings, settings)
        form = output.suffix.lower()
        for one in (form, *(file.form for file in beside)):
            forms.check(one, output.name)
        _write(part, forms.pieces(form))
        for file in beside:
            file.place(forms)


class _Beside:
    """A further form, in a file that nobody else's work lies in."""

    def __init__(self, part: Path, path: Path) -> None:
        self.form = path.suffix
        self._mark = vtt_mark(partfile.job_of(part))
        self._file = Marked(part, path, self._mark) if self.form == ".vtt" else Vouched(part, path)

    def place(self, forms: Forms) -> None:
        self._file.place(forms.pieces(self.form, self._mark))


def _write(part: Path, pieces: Iterable[str]) -> None:
    """Raises CannotAssemble: not all of it arrived in the file. OSError"""
    written = 0
    with part.open("wb") as file:
        for piece in pieces:
            written += file.write(piece.encode())
    size = part.stat().st_size
    if size != written:
        sentence = f"{part} has {size} bytes where {written} were written."
        raise CannotAssemble(Problem("Output not written", sentence, "Check the file system."), retry=True)
