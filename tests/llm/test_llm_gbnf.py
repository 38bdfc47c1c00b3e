"""Grammars that would end the process are refused before the library sees them, and no others."""

from __future__ import annotations

import pytest

from engines.llm import gbnf
from ipc.errors import RequestFailed

USUAL = r"""
# arithmetic, with "quotes {3,1}" and ((( in a comment
root  ::= (expr "=" ws term "\n")+
expr  ::= term ([-+*/] term){0,5}
term  ::= ident | num | "(" ws expr ")" ws | "{9999}" | [({"]{2}
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]{1,} ws
ws    ::= [ \t\n\]]*
"""


def test_a_usual_grammar_passes() -> None:
    gbnf.check(USUAL)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('root ::= "a\0b"', "zero byte"),
        ('root ::= "' + "a" * gbnf.MOST_BYTES + '"', "longer than 128 KiB"),
        ("root ::= " + "(" * 101 + '"a"' + ")" * 101, "nest more than 100 deep"),
        ("\n".join(f"r{n} ::= r{n + 1}" for n in range(4001)), "more than 4000 rules"),
        ('root ::= "a"{3,1}', r"\{3,1\} has its most below its least"),
        ('root ::= "a"{2001}', r"\{2001\} repeats more than 2000 times"),
        ('root ::= "a"{1,99999999999999999999}', "repeats more than 2000 times"),
        ('root ::= "a"{}', r"\{\} is no number of repetitions"),
        ('root ::= "a"{-1}', r"\{-1\} is no number"),
        ('root ::= "' + "a" * 1000 + '"{2000}', "all its repetitions together are too many"),
        ("root ::= " + "x{2000} " * 501, "all its repetitions together are too many"),
        ('root ::= <"> "a"{3,1} <">', "most below its least"),
    ],
)
def test_what_the_library_would_not_survive_is_refused(text: str, why: str) -> None:
    with pytest.raises(RequestFailed, match=why) as raised:
        gbnf.check(text)
    assert raised.value.problem.title == "Bad grammar"
