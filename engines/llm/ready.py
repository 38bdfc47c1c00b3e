"""The file to load: found, or made first."""

from __future__ import annotations

from engines.contract import Report
from engines.llm.files import ModelFile
from engines.llm.making import make
from engines.llm.settings import LlmSettings
from engines.llm.wanted import ToMake, wanted

MAKING = 0.9
"""Share of a load that is making the file, where it has to be made."""


class PartOfLoad:
    """A `Report` for one part of a load: its 0..1 lies between `begin` and `end` of the whole."""

    def __init__(self, report: Report, begin: float, end: float) -> None:
        self._report, self._begin, self._end = report, begin, end
        self.step, self.tokens, self.cancelled, self.say = report.step, report.tokens, report.cancelled, report.say

    def loading(self, fraction: float) -> None:
        """How far this part is."""
        self._report.loading(self._begin + (self._end - self._begin) * fraction)


def ready(settings: LlmSettings, report: Report) -> tuple[ModelFile, Report]:
    """The file that the settings mean, and what the rest of the load reports to.

    Raises:
        CannotLoad, LoadCancelled: as `wanted` and `make`.
    """
    files = wanted(settings)
    if isinstance(files, ToMake):
        made = make(files, settings.threads, PartOfLoad(report, 0, MAKING))
        return made, PartOfLoad(report, MAKING, 1)
    return files[0], report
