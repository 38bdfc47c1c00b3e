"""What is typed into the form of a new job, as a command or as a sentence that says what is wrong."""

from __future__ import annotations

import pytest
import scenery
from hypothesis import given
from hypothesis import strategies as st

from ipc import states
from ipc.control import Submit
from tui import job_form
from tui.job_form import Typed, missing, submission

ENGINES = {"writer": scenery.engine("writer", states.Ready(1, 1, 0))}
JOBS = ("gpubox-3-41", "gpubox-3-7", "other-7")


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (Typed("writer", "/a.jsonl", "/out"), Submit("llm", "writer", ("/a.jsonl",), "/out", "")),
        (Typed("llm", "/a /b/ /c/*.x", "/out/"), Submit("llm", "", ("/a", "/b/", "/c/*.x"), "/out/", "")),
        (Typed("tts", "'/a b.txt' /c", "/o", "9"), Submit("tts", "", ("/a b.txt", "/c"), "/o", "", 9)),
        (Typed("llm", "", "/o", "", "41"), Submit("llm", "", (), "/o", "", 5, ("gpubox-3-41",))),
        (Typed("llm", "/a", "/o", "5", "41, x-9"), Submit("llm", "", ("/a",), "/o", "", 5, ("gpubox-3-41", "x-9"))),
        (Typed("llm", "/a", "/o", "5", "7"), Submit("llm", "", ("/a",), "/o", "", 5, ("7",))),
    ],
)
def test_a_command(typed: Typed, wanted: Submit) -> None:
    assert submission(typed, ENGINES, JOBS) == wanted


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (Typed("llm", "a.jsonl", "/o"), "a.jsonl is not an absolute path: the supervisor has another current folder."),
        (Typed("llm", "/a", "o/"), "o/ is not an absolute path"),
        (Typed("llm", "'/a", "/o"), "A quotation mark has no partner."),
        (Typed("llm", "/a", "/o", "0"), "The priority is 1 to 9, not 0."),
        (Typed("llm", "/a", "/o", "high"), "The priority is 1 to 9, not high."),
        (Typed("llm", "", "/o"), "Without an input it needs jobs to come after"),
    ],
)
def test_what_is_wrong_is_said(typed: Typed, said: str) -> None:
    with pytest.raises(ValueError, match="^" + said.replace(".", r"\.")):
        submission(typed, ENGINES, JOBS)


def test_what_is_missing() -> None:
    assert missing(Typed("", "/a", "/o")) == "engine"
    assert missing(Typed("llm", "", "/o")) == "inputs"
    assert missing(Typed("llm", "", "/o", "5", "41")) is None
    assert missing(Typed("llm", "/a", " ")) == "output"


@given(st.lists(st.from_regex(r"/[a-z '\"\\]{0,8}[a-z]", fullmatch=True), min_size=2, max_size=5))
def test_lines_that_are_pasted_are_the_paths_that_were_copied(lines: list[str]) -> None:
    assert job_form.paths(job_form.pasted("\r\n".join([*lines, ""]))) == tuple(lines)


def test_one_line_is_pasted_as_it_would_be_typed() -> None:
    assert job_form.pasted("/a '/b c'\n") == "/a '/b c'"
