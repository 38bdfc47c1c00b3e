"""A decoder that invents, in silence, what public reports tell of real models: nothing of it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from stt_engine_kit import Asked, Engine, unit_of_all, utterances

from ipc.hearing import Heard

PHANTOMS = (
    "Sous-titres réalisés par la communauté d'Amara.org",
    "Sous-titres réalisés para la communauté d'Amara.org",
    "Thanks for watching!",
    "Untertitel der Amara.org-Community",
)
REPORTED = ((0.88, -0.3), (0.98, -0.3))
"""Probabilities of silence, and mean logarithms of those of the tokens."""


@dataclass
class Invented:
    """What the library gives of one window."""

    sequences_ids: list[list[int]]
    scores: list[float]
    no_speech_prob: float


class Inventor:
    """The loaded model, except that it hears the same in every window."""

    def __init__(self, engine: Engine) -> None:
        self._whisper: Any = engine._model
        self._real: Any = self._whisper.model
        self._tokens: list[int] = []
        self.no_speech = self.logprob = 0.0
        self._whisper.model = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def hears(self, text: str, no_speech: float, logprob: float) -> None:
        """From now on."""
        first = self._whisper.hf_tokenizer.token_to_id("<|0.00|>")
        words = self._whisper.hf_tokenizer.encode(f" {text}", add_special_tokens=False).ids
        self._tokens = [first, *words, first + 50]
        self.no_speech, self.logprob = no_speech, logprob

    def generate(self, features: object, prompts: Sequence[object], **_: object) -> list[Invented]:
        """The same for each."""
        length = len(self._tokens)
        score = self.logprob * (length + 1) / length
        return [Invented([list(self._tokens)], [score], self.no_speech) for _ in prompts]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def inventor(engine: Engine) -> Inventor:
    return Inventor(engine)


def heard(engine: Engine) -> Heard:
    """Of one window, which the desk took for speech."""
    asked = Asked(unit_of_all(utterances(1)[0]))
    engine.ask(asked)
    assert asked.problems == {}
    return asked.results[0]


@pytest.mark.parametrize(("no_speech", "logprob"), REPORTED)
@pytest.mark.parametrize("phrase", [*PHANTOMS, "what nobody ever reported"])
def test_what_is_heard_with_the_reported_probabilities_is_silenced(
    engine: Engine, inventor: Inventor, phrase: str, no_speech: float, logprob: float
) -> None:
    inventor.hears(phrase, no_speech, logprob)
    told = heard(engine)
    assert told.segments == ()
    (dropped,) = told.dropped
    assert dropped.text == phrase
    assert dropped.no_speech == pytest.approx(no_speech)
    assert dropped.logprob == pytest.approx(logprob, abs=0.01)


@pytest.mark.parametrize("phrase", [phrase for phrase in PHANTOMS if "Amara" in phrase])
def test_a_known_credit_is_silenced_however_sure_the_model_is(engine: Engine, inventor: Inventor, phrase: str) -> None:
    inventor.hears(phrase, 0.01, -0.05)
    told = heard(engine)
    assert told.segments == ()
    assert [one.why for one in told.dropped] == ["phantom phrase"]


def test_what_is_said_is_written_with_the_same_decoder(engine: Engine, inventor: Inventor) -> None:
    inventor.hears("open the red queue", 0.3, -0.3)
    told = heard(engine)
    assert [one.text for one in told.segments] == ["open the red queue"]
    assert told.dropped == ()
