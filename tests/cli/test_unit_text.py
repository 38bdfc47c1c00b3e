"""The text of the unit file: what systemd reads there, and whether somebody edited it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.unit_text import STOP_SECONDS, Mark, Unit, exec_start, mark_of, runs, text_of, unit_name
from ipc.errors import RequestFailed
from supervisor.daemon import REFUSED
from supervisor.room import STOP_ALL_SECONDS

COMMAND = ("/usr/bin/python3", "-m", "supervisor.daemon", "--state", "/state")


def unit(
    *, state: str = "/state", environment: Mapping[str, str] | None = None, command: tuple[str, ...] = COMMAND
) -> Unit:
    return Unit("engineroom-x.service", command, environment or {"A": "1"}, Path(state), Path(state, "log"), "box")


def lines(text: str, setting: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{setting}=")]


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("/plain-path_1.2/a:b,c", "/plain-path_1.2/a:b,c"),
        ("/a b", '"/a b"'),
        ("/50%", '"/50%%"'),
        ("/$HOME", '"/$$HOME"'),
        ('/"q"', '"/\\"q\\""'),
        ("/back\\slash", '"/back\\\\slash"'),
        ("/it's", '"/it\'s"'),
        ("/größe", '"/größe"'),
        (";", '";"'),
        ("", '""'),
    ],
)
def test_a_word_of_the_command(word: str, read: str) -> None:
    assert exec_start(("/bin/x", word)) == f"/bin/x {read}"


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])).filter(str.isprintable), max_size=4))
def test_every_printable_word_comes_back(words: list[str]) -> None:
    """A shell reads systemd's double quotes as it does, once `%%` and `$$` are what they stand for."""
    line = exec_start(("/bin/x", *words)).replace("%%", "%").replace("$$", "$")
    assert shlex.split(line) == ["/bin/x", *words]


def test_variables_and_paths_of_the_unit() -> None:
    text = text_of(unit(state='/a b/50% "q"', environment={"B": 'x "y" %h $z', "A": "1"}), lingered=False)
    assert lines(text, "Environment") == ["A=1", '"B=x \\"y\\" %%h $z"']
    assert lines(text, "WorkingDirectory") == ['/a b/50%% "q"']
    assert lines(text, "StandardOutput") == ['append:/a b/50%% "q"/log']
    assert lines(text, "ConditionHost") == ["box"]


@pytest.mark.parametrize(
    "unfit",
    [
        unit(state="/a\nb"),
        unit(state="/a "),
        unit(state="/a\\"),
        unit(state="/\udcff"),
        unit(environment={"A": "x\ny"}),
        unit(command=("/bin/x", "a\nb")),
        unit(command=("/$x/python",)),
    ],
)
def test_what_no_unit_file_can_say_is_refused(unfit: Unit) -> None:
    with pytest.raises(RequestFailed, match="cannot be written in a unit file"):
        text_of(unfit, lingered=False)


@pytest.mark.parametrize("lingered", [True, False])
def test_our_text_is_known_and_an_edit_is_seen(lingered: bool) -> None:
    text = text_of(unit(), lingered=lingered)
    assert mark_of(text) == Mark(edited=False, lingered=lingered)
    assert mark_of(text + "\n") == Mark(edited=True, lingered=lingered)
    other = text.replace("as it was", "enabled by us") if not lingered else text.replace("enabled by us", "as it was")
    assert mark_of(other) == Mark(edited=True, lingered=not lingered)
    assert mark_of(text.partition("\n")[2]) is None
    assert mark_of("") is None


def test_what_it_runs() -> None:
    text = text_of(unit(), lingered=False)
    assert runs(text, COMMAND)
    assert not runs(text, (*COMMAND, "--config", "/c"))
    assert not runs("", COMMAND)


def test_the_same_folder_has_the_same_name_and_another_has_another() -> None:
    assert unit_name(Path("/a/box")) == unit_name(Path("/a/box"))
    names = {unit_name(Path(text)) for text in ("/a/box", "/b/box", "/a/b x", "/a/b_x", "/" + "x" * 200, "/\udcff")}
    assert len(names) == 6
    assert all(len(name) < 100 and name.isascii() and " " not in name for name in names)


def test_the_supervisor_has_time_to_stop_its_engines_and_its_refusal_is_final() -> None:
    assert STOP_SECONDS > STOP_ALL_SECONDS + 10
    text = text_of(unit(), lingered=False)
    assert lines(text, "TimeoutStopSec") == [str(STOP_SECONDS)]
    assert lines(text, "RestartPreventExitStatus") == [str(REFUSED)]
