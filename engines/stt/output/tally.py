"""What is said of a recording as a whole, added up over its stretches."""

from __future__ import annotations

from collections import Counter

from ipc.hearing import Heard


class Tally:
    """Of the stretches of one recording, in order."""

    def __init__(self) -> None:
        self.stretches = 0
        self.seconds = 0.0
        """Up to the end of the last of them."""
        self.models: list[str] = []
        """All that took part, in order of their first."""
        self._languages = Counter[str]()
        self._probabilities: dict[str, float] = {}
        self._logprob = 0.0
        self._heard_seconds = 0.0

    def add(self, heard: Heard, end: float) -> None:
        """The next one, which ends there, in seconds."""
        self.stretches += 1
        self.seconds = max(self.seconds, end)
        if heard.model and heard.model not in self.models:
            self.models.append(heard.model)
        spoken = sum(max(0.0, one.end - one.begin) for one in heard.segments)
        if heard.language and heard.segments:
            self._languages[heard.language] += max(1, round(spoken * 1000))
            if heard.language_probability is not None:
                self._probabilities.setdefault(heard.language, heard.language_probability)
        for one in heard.segments:
            weight = max(0.001, one.end - one.begin)
            self._logprob += one.logprob * weight
            self._heard_seconds += weight

    @property
    def language(self) -> str | None:
        """The one that was spoken longest; None where nobody spoke."""
        return self._languages.most_common(1)[0][0] if self._languages else None

    @property
    def language_probability(self) -> float | None:
        """How sure the model was of it; None where it was told."""
        return None if self.language is None else self._probabilities.get(self.language)

    @property
    def confidence(self) -> float | None:
        """Mean natural logarithm of the probability of a token, each segment weighing as long as it lasts."""
        return self._logprob / self._heard_seconds if self._heard_seconds else None
