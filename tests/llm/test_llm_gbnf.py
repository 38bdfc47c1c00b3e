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


JSON = r"""
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws     ::= | " " | "\n" [ \t]{0,20}
"""


def test_a_usual_grammar_passes() -> None:
    gbnf.check(USUAL)
    gbnf.check(JSON)


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


OPTIONAL = " ".join(["[a-z]?"] * 9)


@pytest.mark.parametrize(
    "text",
    [
        "root ::= " + '"x"? ' * 400 + '"z"',
        "root ::= " + '("a"|"b"|"") ' * 200 + '"z"',
        "root ::= " + '"x"* ' * 200 + '"z"',
        'root ::= ("x"?){20} [z]',
        f"root ::= {'a ' * 90} . \na ::= {OPTIONAL}",
        f'root ::= "q" a b\na ::= "p" {OPTIONAL}\nb ::= {OPTIONAL} "z"',
        f'root ::= a "z"\na ::= "p" b {OPTIONAL}\nb ::= "q" {OPTIONAL} | a "r"',
        f'root ::= ("q" {OPTIONAL}\n | {OPTIONAL} "r")+ "z"',
        "\n".join(f'r{n} ::= "x"? r{n + 1}' for n in range(3000)) + '\nr3000 ::= "z"\nroot ::= r0',
    ],
    ids=["one", "choices", "many", "counted", "rules", "over the end", "out of a rule", "around", "deep"],
)
def test_many_items_in_a_row_that_may_match_nothing_are_refused(text: str) -> None:
    with pytest.raises(RequestFailed, match="more than 16 items in a row may match nothing"):
        gbnf.check(text)


@pytest.mark.parametrize(
    "text",
    [
        "root ::= " + '"x"? ' * 16 + '"z"',
        'root ::= "a"{0,2000} ("b" | "c"){0,2000} [d]*',
        'root ::= "" ' + '"x"? "y" ' * 500,
        "root ::= (" + " | ".join(f'"{n}"' for n in range(3000)) + ")? ws\nws ::= [ ]*",
        'root ::= "(" root ")" ws ws ws | "a"\nws ::= " "?',
        "root ::= <think> .* # " + "x? " * 50 + '\n "x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?" [x?y?]',
    ],
    ids=["few", "counted", "apart", "choices", "itself", "words"],
)
def test_what_may_match_nothing_here_and_there_passes(text: str) -> None:
    gbnf.check(text)


def test_nothing_that_can_be_matched_in_too_many_ways_is_refused() -> None:
    with pytest.raises(RequestFailed, match="passed in more than 10,000 ways"):
        gbnf.check("root ::= " + '(""|""|"") ' * 15 + '"z"')
