"""The chat screen under a pilot, before a scripted box: it answers, it stops, and it is ready for the next message."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import anyio
import msgspec
import pytest
import scenery
from scripted import Box, Looking, looking

from ipc import control, states
from ipc.chat.conversation import Conversation
from ipc.control import Answered
from ipc.errors import EngineDied, EngineRoomError, Problem, RequestFailed
from ipc.snapshot import EngineChanged
from tui.draw import chat as draw
from tui.ink import Line
from tui.screens.chat import ChatPlace
from tui.screens.engine import EnginePlace
from tui.screens.overview import Overview
from tui.transcript import Transcript
from tui.widgets.message_field import MessageField

pytestmark = pytest.mark.anyio

DIED = EngineDied(Problem("Engine died", "killed by signal 9 from outside.", "Ask again."), "half an ")
STOPPED = RequestFailed(
    Problem("Engine unavailable", "writer is stopped by the operator: engineroom start writer.", "")
)
TOO_LONG = RequestFailed(
    Problem("Prompt too long", "The prompt has 200 tokens and the context 100.", "Shorten it, or raise `n_ctx`.")
)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncGenerator[Looking]:
    async with looking(tmp_path) as seen:
        await seen.press("c")
        assert isinstance(seen.app.screen, ChatPlace)
        yield seen


def field(at: Looking) -> MessageField:
    return at.app.screen.query_one(MessageField)


def alive(at: Looking) -> bool:
    """Whether what is typed goes into the field."""
    return at.app.screen.focused is field(at)


async def say(at: Looking, text: str) -> None:
    """Send a message; its last letter is typed."""
    field(at).text = text[:-1]
    field(at).move_cursor(field(at).document.end)
    await at.press(text[-1], "enter")


async def shown(at: Looking, *texts: str) -> None:
    await at.until(lambda: all(text in at.text("text") for text in texts))


def requests(at: Looking) -> list[list[str]]:
    """What each request said, turn by turn."""
    asked = [json.loads(one.payload) for one in at.box.asked if isinstance(one, control.Ask)]
    return [[turn["content"] for turn in one["messages"]] for one in asked]


async def test_ten_messages_in_a_row_and_the_field_is_alive_after_each(at: Looking) -> None:
    never = anyio.Event()
    at.box.speeches = [["one"], ["two"], ["three ", never], ["four"], [DIED], ["six"], [STOPPED]]
    for number in range(1, 11):
        await say(at, f"m{number}")
        if number == 3:
            await shown(at, "three")
            await at.press("escape")
        await at.until(lambda: not at.app.screen.chat.answering)  # type: ignore[attr-defined]
        await at.press("x")
        assert alive(at), f"after message {number}"
        assert field(at).text == "x"
        await at.press("backspace")
    await shown(at, "> m10", "So it is.")
    assert at.box.cut_short == 1
    assert "10 messages · ~51 tokens" in at.text("facts")
    assert requests(at)[-1] == [
        *("m1", "one", "m2", "two", "m3", "three ", "m4", "four", "m5", "half an ", "m6", "six"),
        *("m8", "So it is.", "m9", "So it is.", "m10"),
    ]


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_the_stop_key_ends_the_flight_and_keeps_the_text(at: Looking, key: str) -> None:
    at.box.speeches = [["Once upon ", anyio.Event()]]
    await say(at, "go")
    await shown(at, "Once upon")
    assert "esc stops" in at.text("under-way")
    await at.press(key)
    await at.until(lambda: at.box.cut_short == 1)
    await shown(at, "Once upon", "stopped · ~1 token")
    assert "stops" not in at.text("under-way")


async def test_an_answer_can_be_stopped_before_it_begins(at: Looking) -> None:
    at.app.screen.chat.conversation.ask("go")  # type: ignore[attr-defined]
    await at.press("escape")
    await shown(at, "> go", "   stopped ")
    assert isinstance(at.app.screen, ChatPlace)
    await say(at, "again")
    await shown(at, "So it is.")
    assert requests(at) == [["again"]]


async def test_what_an_answer_waits_for_is_said(at: Looking) -> None:
    at.box.speeches = [[anyio.Event()]]
    at.box.publish(EngineChanged(scenery.engine("writer", states.Loading(1, 0.62))))
    await say(at, "go")
    at.box.publish(scenery.tick(7))
    await at.until(lambda: "writer: loading 62 % · 7 s · esc stops" in at.text("under-way"))


async def test_a_message_sent_too_early_stays_in_the_field(at: Looking) -> None:
    at.box.speeches = [["half", anyio.Event()]]
    await say(at, "first")
    await shown(at, "half")
    await say(at, "second")
    assert field(at).text == "second"
    assert "esc stops it, then enter sends" in at.text("under-way")
    await at.press("escape")
    await shown(at, "stopped")
    await at.press("enter")
    await shown(at, "> second", "So it is.")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DIED, ["half an", "Engine died: killed by signal 9 from outside. Ask again.", "died · ~1 token"]),
        (STOPPED, ["Engine unavailable: writer is stopped by the operator: engineroom start writer."]),
        (TOO_LONG, ["Prompt too long: The prompt has 200 tokens and the context 100. Shorten it, or raise `n_ctx`."]),
    ],
)
async def test_what_went_wrong_is_said_with_the_way_out(at: Looking, error: EngineRoomError, told: list[str]) -> None:
    at.box.speeches = [[error]]
    await say(at, "go")
    await shown(at, *told)


async def test_where_the_context_is_full_the_oldest_are_dropped_and_it_is_said(at: Looking) -> None:
    at.box.speeches = [["1" * 20], ["2"], [TOO_LONG], ["3"]]
    for text in ("one", "two", "three"):
        await say(at, text)
        await at.until(lambda: "─" * 100 in at.text("under-way"))
    await shown(at, "> three", "The context is full. The oldest question and its answer are no longer sent.")
    assert requests(at)[2:] == [["one", "1" * 20, "two", "2", "three"], ["two", "2", "three"]]
    assert "> one" in at.text("text"), "what was said stays on screen"


async def test_the_connection_breaks_and_the_next_message_works(at: Looking) -> None:
    at.box.speeches = [["half", anyio.Event()]]
    await say(at, "first")
    await shown(at, "half")
    at.box.hang_up()
    await shown(at, "Connection ended", "failed · ~1 token")
    await at.until(lambda: "reconnecting" not in at.text("title"))
    await say(at, "second")
    await shown(at, "So it is.")


async def test_leaving_stops_nothing_and_returning_shows_all(at: Looking) -> None:
    rest = anyio.Event()
    at.box.speeches = [["first half ", rest, "second half"]]
    await say(at, "go")
    await shown(at, "first half")
    at.app.screen.dismiss()
    await at.until(lambda: isinstance(at.app.screen, Overview))
    rest.set()
    await at.press("c")
    await shown(at, "> go", "first half second half", "7 tokens · 200 tok/s · first after 4 ms")
    await at.press("up")
    assert field(at).text == "go", "what was sent is behind the arrow keys"
    await at.press("down")
    assert field(at).text == ""
    await at.press("escape", "j", "c")
    assert "scratch" in at.text("facts")
    assert "> go" not in at.text("text"), "each engine has a conversation of its own"


async def test_no_letter_acts_on_the_engine(at: Looking) -> None:
    await at.press(*"surxQq", "colon", "question_mark", "enter")
    await shown(at, "> surxQq:?", "So it is.")
    assert {type(one) for one in at.box.asked} == {control.Watch, control.Ask}
    await at.pilot.click("#text")
    assert alive(at)


async def test_several_lines_make_one_message(at: Looking) -> None:
    await at.press("a", "\\", "enter", "b", "ctrl+j", "c", "enter")
    await at.until(lambda: requests(at) == [["a\nb\nc"]])


async def test_the_orders(at: Looking, tmp_path: Path) -> None:
    at.box.speeches = [["1"], ["2"]]
    await say(at, "one")
    await shown(at, "1")
    for text in ("/retry", "/system Be brief.", f"/save {tmp_path}/talk.md"):
        field(at).text = text
        await at.press("enter")
    await at.until(lambda: requests(at) == [["one"], ["one"]])
    await shown(at, "2")
    assert "1\n" not in at.text("text")
    assert "system     Be brief." in at.text("facts")
    await at.until((tmp_path / "talk.md").exists)
    field(at).text = "/help"
    await at.press("enter")
    await shown(at, "/retry", "answer the last message once more")
    field(at).text = "/clear"
    await at.press("enter")
    await at.until(lambda: "> one" not in at.text("text"))
    field(at).text = "/exit"
    await at.press("enter")
    assert isinstance(at.app.screen, Overview)


async def test_other_kinds_do_not_chat_and_it_is_said_why(tmp_path: Path) -> None:
    box = Box()
    rows = (scenery.engine("ear", states.Ready(1, 1, 0), kind="stt"), *scenery.ENGINES)
    box.snapshot = msgspec.structs.replace(box.snapshot, engines=rows)
    async with looking(tmp_path, box=box) as at:
        await at.press("c")
        assert isinstance(at.app.screen, Overview)
        said = [notice.message for notice in at.app._notifications]
        assert said == ["chat: works on a language model; ear is of kind stt."]
        await at.press("l")
        assert "chat" not in at.text("keys")
        await at.press("right_square_bracket")
        assert "c chat" in at.text("keys")
        await at.press("c")
        assert isinstance(at.app.screen, ChatPlace)
        await at.press("escape")
        assert isinstance(at.app.screen, EnginePlace)


async def test_a_read_only_dashboard_does_not_chat(tmp_path: Path) -> None:
    async with looking(tmp_path, readonly=True) as at:
        await at.press("c")
        assert isinstance(at.app.screen, Overview)


def test_each_line_is_told_once() -> None:
    conversation, transcript = Conversation(), Transcript()
    told: list[str] = []

    def tell() -> str:
        """What is new becomes part of `told`; what is still being written is returned."""
        entries, live = transcript.fresh(conversation)
        told.extend(row.strip() for entry in entries for row in _rows(entry(80)))
        return "".join(_rows(live(80))).strip() if live else ""

    conversation.ask("why?")
    assert (tell(), told) == ("", ["", "> why?"])
    conversation.add("one\ntw")
    assert (tell(), told[2:]) == ("tw", ["one"])
    conversation.add("o\n\n")
    assert (tell(), told[3:]) == ("", ["two", ""])
    conversation.add("three")
    assert (tell(), told[5:]) == ("three", [])
    conversation.answered(Answered('{"answer": "one\\ntwo\\n\\nthree", "finish": "stop"}', 4, 1.0, None))
    assert (tell(), told[5:]) == ("", ["three", "4 tokens · 4.0 tok/s · first after —"])
    assert (tell(), told[7:]) == ("", [])


def _rows(lines: object) -> list[str]:
    return ["".join(span.text for span in line.spans) for line in lines]  # type: ignore[attr-defined]


async def test_ten_thousand_lines_are_as_quick_as_ten(at: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    answer = draw.answer

    def counted(text: str, width: int) -> Sequence[Line]:
        drawn.append(text)
        return answer(text, width)

    monkeypatch.setattr(draw, "answer", counted)
    more = anyio.Event()
    at.box.speeches = [["line\n" * 10_000], ["a", more, *["word "] * 400]]
    await say(at, "long")
    await at.until(lambda: "7 tokens" in at.text("text"))
    await say(at, "next")
    await at.until(lambda: " a" in at.text("text"))
    drawn.clear()
    more.set()
    await at.until(lambda: any(len(text) == 2001 for text in drawn))
    assert len(drawn) <= 401, "only the line that grows is laid out again, once for many pieces"
