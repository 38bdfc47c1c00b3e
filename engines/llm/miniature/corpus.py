"""What the miniature reads: conversations drawn from `subjects.toml`, and the language topics of Python itself."""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics

from engines.llm.miniature.export import SPECIAL

CONVERSATIONS = 6000


@dataclass(frozen=True)
class Subject:
    """Ways to ask about one thing, and ways to answer; any answer fits any question."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Subjects:
    """The text that was written for the miniature."""

    systems: tuple[str, ...]
    openings: tuple[str, ...]
    subjects: tuple[Subject, ...]


def read_subjects() -> Subjects:
    """From `subjects.toml`, beside this file."""
    content = tomllib.loads(Path(__file__).with_name("subjects.toml").read_text(encoding="utf-8"))
    return Subjects(
        tuple(content["systems"]),
        tuple(content["openings"]),
        tuple(Subject(tuple(entry["questions"]), tuple(entry["answers"])) for entry in content["subject"]),
    )


def texts(seed: int) -> list[str]:
    """Everything to learn, shuffled; the same for the same seed (and the same version of Python, for its topics)."""
    dice = random.Random(seed)
    subjects = read_subjects()
    found = [_conversation(subjects, dice) for _ in range(CONVERSATIONS)]
    found += [re.sub(r" {2,}", " ", text) for text in topics.topics.values()]
    dice.shuffle(found)
    return found


def _conversation(subjects: Subjects, dice: random.Random) -> str:
    turns = [("system", dice.choice(subjects.systems))] if dice.random() < 0.5 else []
    for _ in range(dice.choice((1, 1, 2, 3))):
        subject = dice.choice(subjects.subjects)
        turns.append(("user", _asked(dice.choice(subject.questions), subjects, dice)))
        turns.append(("assistant", dice.choice(subject.answers)))
    end = SPECIAL[-1]
    return "".join(f"<|{role}|>{text}{end}" for role, text in turns)


def _asked(question: str, subjects: Subjects, dice: random.Random) -> str:
    """As people write: with an opening, in lower case or without the last stop, now and then."""
    if dice.random() < 0.5:
        question = dice.choice(subjects.openings) + question
    if dice.random() < 0.15:
        question = question.lower()
    if dice.random() < 0.1:
        question = question.rstrip(".?")
    return question
