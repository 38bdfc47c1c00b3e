"""The ledger on screen: claims, strangers, bytes that did not come back, holds, pressure, and the alarms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import booked
import pytest
import scenery
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scripted import Box, looking

from ipc.snapshot import NO_LEDGER, Alarm, GpuBook, GpuReading, Happening, JobChanged, Ledger, Pressure
from tui.alerts import alerts
from tui.allotment import GpuForm
from tui.draw import book_texts, conditions, frame, gpu_texts, news
from tui.draw.gpus import panel
from tui.draw.owners import owners, parts
from tui.ink import Line, length
from tui.ledger import book_of, extent, held_words, hold_cause, hold_sentence
from tui.screens.gpus import GpusPlace
from tui.store import Store

pytestmark = pytest.mark.anyio

GIB = scenery.GIB


def text(lines: Sequence[Line]) -> str:
    return "\n".join("".join(span.text for span in line.spans) for line in lines)


def tones(lines: Sequence[Line], part: str) -> set[str]:
    return {span.tone for line in lines for span in line.spans if part in span.text}


def store_of(*books: GpuBook, gpus: tuple[GpuReading, ...] = booked.CARDS, alarms: tuple[Alarm, ...] = ()) -> Store:
    return Store(booked.booked(gpus, Ledger(books, booked.HOST, alarms)))


STORE = Store(booked.booked())
EIGHT = store_of(*booked.EIGHT_BOOKS, gpus=scenery.EIGHT)
FORMS: list[GpuForm] = ["two lines", "one line", "abreast", "summary"]


def test_the_store_keeps_the_ledger_of_now() -> None:
    store = Store(booked.booked())
    assert store.ledger == booked.LEDGER
    store.fold(booked.booked_tick(1, ledger=replace(booked.LEDGER, alarms=())))
    assert store.ledger.alarms == ()
    store.fold(booked.booked())
    assert store.ledger == booked.LEDGER
    store.fold(scenery.tick(2, booked.CARDS, scenery.FLEET))
    assert store.ledger == NO_LEDGER


@given(st.sampled_from(FORMS), st.integers(12, 220), st.integers(1, 20), st.sampled_from([STORE, EIGHT]))
def test_no_line_is_wider_than_the_screen(form: GpuForm, width: int, rows: int, store: Store) -> None:
    assert all(length(line.spans) == width for line in panel(store, rows, form, width))


@given(st.sampled_from(scenery.EIGHT), st.integers(30, 220))
def test_the_long_text_fits_too(reading: GpuReading, width: int) -> None:
    lines = [*gpu_texts.gpu(EIGHT, reading, width), *book_texts.of_host(booked.HOST, booked.ALARMS[3:], width)]
    assert all(length(line.spans) <= width for line in lines)


def test_two_lines_tell_who_holds_what_and_who_was_promised_what() -> None:
    lines = panel(STORE, 4, "two lines", 160)
    first, second = text(lines[:2]), text(lines[2:])
    assert "writer 38.4 · scratch 18.1 · ▒ claimed ~6.0 (reader loading) · stranger python(4411) 4.7" in first
    assert "ear-medium 5.2 · ear-small 1.1 · ▒ claimed 1.2 · withheld 1.5 · stranger Xorg(901) 0.3" in second
    assert tones(lines, "withheld") == {"warn"}
    assert "pressure high" in first
    assert "‖ held: 92 °C, resumes at 82" in second
    assert tones(lines, "‖ held") == {"warn"}
    wide = text(panel(STORE, 4, "two lines", 200))
    assert "withheld 1.5 (did not come back 14:13)" in wide
    assert "‖ held: 92 °C, resumes at 82 · ▼ software thermal slowdown" in wide


def test_what_matters_stays_where_it_is_narrow() -> None:
    second = text(panel(STORE, 4, "two lines", 120)[2:])
    assert "withheld 1.5 · others 0.3" in second
    assert second.rstrip().endswith("‖ held: 92 °C, resumes at 82")
    assert "‖ held" in text(panel(STORE, 2, "one line", 80))
    assert "▴ mem high" in text(panel(STORE, 2, "one line", 80))
    assert "‖" in text(panel(STORE, 1, "abreast", 80))
    assert "‖ 1 held" in text(panel(STORE, 1, "summary", 80))


def test_a_held_card_is_among_those_that_are_shown_first() -> None:
    hold = replace(booked.EIGHT_BOOKS[4], hold="heat: 70 °C, resumes at 60")
    store = store_of(*booked.EIGHT_BOOKS[:4], hold, gpus=scenery.EIGHT)
    shown = text(panel(store, 4, "summary", 120)).splitlines()
    assert [line.split()[1] for line in shown[:3]] == ["1", "3", "4"]


def test_the_bar_is_cut_by_owner_and_what_is_claimed_follows_what_is_used() -> None:
    bar = parts(booked.CARDS[1], booked.BOOKS[1])
    assert [part.glyph for part in bar] == ["▇", "▓", "▓", "▒"]
    assert [part.tone for part in bar] == ["meter", "other", "warn", "meter"]
    sizes = [round(part.fraction * 23.7, 1) for part in bar]
    assert sizes == [6.3, 0.3, 1.5, 1.2]
    shown = text(panel(STORE, 2, "one line", 120)).splitlines()[1]
    assert shown.index("▇") < shown.index("▓") < shown.index("▒") < shown.index("░")


def test_what_a_claim_exceeds_by_too_little_is_not_told() -> None:
    close = booked.book(booked.CARDS[0], booked.share("writer", 38.4, 38.44))
    assert parts(booked.CARDS[0], close)[-1].fraction == 0
    assert "claimed" not in text(panel(store_of(close), 4, "two lines", 120))


def test_estimates_and_differences_wear_a_tilde() -> None:
    hidden = booked.book(booked.CARDS[0], booked.share("writer", 38.4, 38.4, by_difference=True))
    shown = text(panel(store_of(hidden), 2, "two lines", 160)[:2])
    assert "writer ~38.4" in shown
    assert "~38.4 G" in text(book_texts.of_gpu(hidden, 100))
    told = text(book_texts.of_gpu(booked.BOOKS[0], 100))
    assert "~6.0 G  reader  not measured" in told


def test_many_claims_name_some_and_count_the_rest() -> None:
    shares = [booked.share(f"engine-{number}", None, float(number)) for number in range(1, 6)]
    claims = [one for one in owners(booked.CARDS[0], booked.book(booked.CARDS[0], *shares), {}) if one.mark]
    assert [(one.words, one.used_bytes, one.note) for one in claims] == [
        ("claimed", 15 * GIB, "engine-5, engine-4, engine-3, 2 more")
    ]


def test_memory_that_nobody_known_holds_is_named_beside_what_is_withheld() -> None:
    card = replace(booked.CARDS[1], processes=booked.CARDS[1].processes[:2])
    shares = (booked.share("ear-medium", 5.2, 5.2), booked.share("ear-small", 1.1, 1.1))
    words = [one.words for one in owners(card, booked.book(card, *shares, withheld_bytes=GIB), {})]
    assert words == ["ear-medium", "ear-small", "withheld", "unaccounted"]


def test_a_board_that_shares_the_hosts_memory_has_a_bar_from_the_ledger() -> None:
    card = scenery.gpu(0, "NVIDIA GB10", 0.0, 4.0, memory_total_bytes=None)
    own = booked.book(card, booked.share("writer", 4.0, 6.0), total_bytes=100 * GIB, others_bytes=20 * GIB)
    assert extent(card, own) == (24 * GIB, 100 * GIB)
    shown = text(panel(store_of(own, gpus=(card,)), 2, "two lines", 120))
    assert "24.0 / 100.0 GiB" in shown
    assert shown.index("▇") < shown.index("▓") < shown.index("▒")


def test_without_a_book_it_looks_as_the_card_alone_tells() -> None:
    old = Store(scenery.snapshot(scenery.GPUS, scenery.FLEET))
    shown = text(panel(old, 4, "two lines", 120))
    assert "writer 38.4 · scratch 18.1 · python(4411) 4.7" in shown
    assert not any(word in shown for word in ("▒", "claimed", "stranger", "pressure", "held"))
    assert "ledger" not in text(gpu_texts.gpu(old, scenery.GPUS[0], 100))
    other = replace(booked.BOOKS[0], uuid="GPU-that-was-here-before")
    assert book_of(Ledger((other,), None, ()), booked.CARDS[0]) is None


@pytest.mark.parametrize(
    ("pressure", "said", "word", "tone"),
    [
        ("low", "", "", set()),
        ("medium", "", "", set()),
        ("high", "pressure high ", "▴ mem high", {"dim"}),
        ("critical", "pressure critical ", "▴ mem crit", {"warn"}),
    ],
)
def test_pressure_gets_a_word_when_it_is_high(pressure: Pressure, said: str, word: str, tone: set[str]) -> None:
    card = scenery.gpu(0, "NVIDIA L4", 22.5, 20.0)
    own = booked.book(card, pressure=pressure)
    spans = conditions.said(card, own)[0]
    assert "".join(span.text for span in spans).lstrip() == said
    assert {span.tone for span in spans if span.text.strip()} == tone
    assert conditions.word(card, own).text == word
    assert len(word) <= 10


def test_a_hold_goes_before_heat_and_heat_before_pressure() -> None:
    hot, calm = booked.CARDS[1], booked.book(booked.CARDS[1], pressure="critical")
    assert conditions.word(hot, booked.BOOKS[1]).text == "‖ held"
    assert conditions.word(hot, calm).text == "▼ heat"
    assert conditions.word(replace(hot, throttle=("power cap",)), calm).text == "▴ mem crit"
    assert conditions.word(replace(hot, throttle=("power cap",)), None).text == "▼ power"


def test_a_hold_is_a_cause_and_a_sentence() -> None:
    assert (hold_cause("heat: 92 °C, resumes at 82"), hold_sentence("heat: 92 °C, resumes at 82")) == (
        *("heat", "92 °C, resumes at 82"),
    )
    assert (hold_cause("operator"), hold_sentence("operator")) == ("operator", "operator")


def test_the_book_in_full() -> None:
    told = text(gpu_texts.gpu(STORE, booked.CARDS[1], 120))
    for part in (
        *("heat: 92 °C, resumes at 82", "12.9 G free for new claims · 1.5 G reserve · 2 of 5 residents · pressure low"),
        *("6.4 G  ear-medium  holds 5.2 G", "1.8 G  in use by none of ours", "1.5 G  of that withheld"),
        *(
            "did not come back 14:13",
            "Xorg(901)  none of ours",
            ": GPU 1 is 92 °C: no flight begins there until 82",
            "reset the GPU",
        ),
    ):
        assert part in told
    assert "alarm" not in text(gpu_texts.gpu(STORE, booked.CARDS[0], 120))
    short = replace(booked.BOOKS[0], free_bytes=-3 * GIB, residents=1, residents_limit=0)
    assert "-3.0 G free for new claims" in text(book_texts.of_gpu(short, 120))
    assert "· 1 resident ·" in text(book_texts.of_gpu(short, 120))


def test_the_host_in_full_and_its_pressure_on_the_first_screen() -> None:
    told = text(book_texts.of_host(booked.HOST, booked.ALARMS[3:], 120))
    assert "15.6 G free for new claims · 2.0 G reserve · pressure high" in told
    assert "~3.0 G  reader  holds 922 M" in told
    assert "12 of 16 claimed: writer 8, reader 4" in told
    assert "the host's memory is under high pressure · close what is not needed" in told
    assert "pressure high" in text(frame.host(STORE, 2, 120))
    assert "pressure high" in text(frame.host(STORE, 1, 80))
    calm = store_of(gpus=())
    calm.fold(booked.booked_tick(1, (), Ledger((), replace(booked.HOST, pressure="medium"), ())))
    assert "pressure" not in text(frame.host(calm, 2, 120))


# ── alarms ──


def alarm(about: str, word: str, said: str = "It is so.") -> Alarm:
    return Alarm(about, word, "warning", scenery.NOW - 7, said, "Do this.")


def test_alarms_say_what_since_when_why_and_what_helps() -> None:
    raised = [one for one in alerts(STORE) if one.about in ("gpu 1", "ear-large", "scratch", "supervisor")]
    assert [(one.grave, one.what, one.since) for one in raised] == [
        ("bad", "GPU 1 is 92 °C", scenery.NOW - 23),
        ("bad", "1.5 GiB on GPU 1 did not come back after ear-large was unloaded", scenery.NOW - 55),
        ("warn", "the host's memory is under high pressure", scenery.NOW - 8),
        ("warn", "scratch and poet swapped 14 times in 10 min, 9 min lost", scenery.NOW - 12),
    ]
    assert raised[0].why == "no flight begins there until 82; it runs slower: software thermal slowdown"
    assert raised[1].help == "end that process; if there is none, reset the GPU"
    (unnamed,) = (one for one in alerts(store_of(alarms=(alarm("voice", "gpu-idle"),))) if one.about == "voice")
    assert (unnamed.what, unnamed.why) == ("voice: It is so.", "")


def test_the_ledgers_alarm_of_heat_replaces_what_the_readings_say() -> None:
    told = [one for one in alerts(STORE) if one.about == "gpu 1"]
    assert [(one.since, one.help) for one in told] == [(scenery.NOW - 23, "look at its fan and its neighbours")]
    alone = [one for one in alerts(store_of()) if one.about == "gpu 1"]
    assert [(one.what, one.since) for one in alone] == [("GPU 1 is 92 °C", None)]
    elsewhere = [one for one in alerts(store_of(alarms=(alarm("gpu 0", "heat"),))) if one.about == "gpu 1"]
    assert [one.what for one in elsewhere] == ["GPU 1 is 92 °C"]


def test_heat_that_holds_jobs_is_one_alert_that_says_who_waits() -> None:
    hot = alarm("gpu 1", "heat", "GPU 1 is 92 °C: no flight begins there until 82")
    store = store_of(alarms=(hot,))
    store.fold(JobChanged(scenery.job(7, "held", 3, 9, engine="ear-medium", reason="ear-medium: heat")))
    (told,) = (one for one in alerts(store) if one.about in ("gpu 1", "gpubox-3-7"))
    assert told.why == "no flight begins there until 82; ear-medium waits"
    store.fold(JobChanged(scenery.job(8, "held", 3, 9, engine="ear-medium, scratch", reason="disk full")))
    store.fold(booked.booked_tick(61, ledger=store.ledger))
    assert "gpubox-3-8" in {one.about for one in alerts(store)}
    untold = store_of()
    untold.fold(JobChanged(scenery.job(7, "held", 3, 9, engine="ear-medium", reason="ear-medium: heat")))
    untold.fold(booked.booked_tick(61, ledger=untold.ledger))
    assert "gpubox-3-7" in {one.about for one in alerts(untold)}


def test_what_an_alert_says_is_not_said_again_as_news() -> None:
    (_, leak, *_) = alerts(STORE)
    again = Happening(9, scenery.NOW, "error", "ear-large", "memory-leaked", f"{leak.what}: {leak.why}")
    more = Happening(10, scenery.NOW, "info", "poet", "engine-ready", "poet is ready")
    shown = text(news.news([leak], [more, again], 6, 160))
    assert shown.count("did not come back") == 1
    assert "poet is ready" in shown


def test_alarms_of_gpus_stand_before_those_of_engines() -> None:
    raised = alerts(store_of(alarms=(alarm("writer", "gpu-idle"), alarm("gpu 0", "pressure"))))
    abouts = [one.about for one in raised if one.grave == "warn"]
    assert abouts.index("gpu 0") < abouts.index("writer")


def test_an_alert_takes_a_second_row_only_where_no_other_alert_needs_it() -> None:
    (_, long, *others) = alerts(STORE)
    shown = text(news.news([long], (), 4, 120)).splitlines()
    assert "▲ 1.5 GiB on GPU 1 did not come back after ear-large was unloaded: held by" in shown[0]
    assert "can be seen (307 MiB)" in shown[1]
    assert "end that process; if there is none, reset the GPU" in shown[1]
    crowded = text(news.news([long, *others], (), 4, 120)).splitlines()
    assert crowded[0].rstrip().endswith("…")
    assert "scribe failed" in crowded[1]


@given(st.integers(8, 220), st.booleans())
def test_an_alert_fits(width: int, two_rows: bool) -> None:
    for entry in alerts(STORE):
        lines = news.alert(entry, width, two_rows=two_rows)
        assert len(lines) <= 1 + two_rows
        assert all(length(line.spans) == width for line in lines)


# ── the place of all GPUs ──


async def test_the_place_of_gpus_follows_the_ledger_and_rests_when_nothing_changed(tmp_path: Path) -> None:
    box = Box()
    only_host = Ledger((), booked.HOST, ())
    box.snapshot = booked.booked((), only_host)
    async with looking(tmp_path, box=box) as at:
        await at.press("d")
        place = at.app.screen
        assert isinstance(place, GpusPlace)
        await at.until(lambda: "12 of 16 claimed" in at.text("text"))
        before = place.text.rows
        box.publish(booked.booked_tick(3600, (), only_host))
        await at.until(lambda: "up 3 d 05:12" in at.text("title"))
        assert place.text.rows is before
        box.publish(booked.booked_tick(3601, booked.CARDS))
        await at.until(lambda: "of that withheld" in text(place.text.rows))


def test_an_engine_with_two_processes_holds_the_sum_and_each_has_a_name() -> None:
    one = booked.share("ears", 2.0, 2.0)
    other = replace(one, role="successor", measured_bytes=None)
    book = booked.book(booked.CARDS[0], one, replace(one, role="former process"), other)
    assert held_words(Ledger((book,), None, ()), "ears") == "4.0 G on GPU 0"
    held = owners(booked.CARDS[0], book, {row.name: row for row in booked.ROWS})
    assert [owner.words for owner in held][:2] == ["ears", "ears' former process"]
    assert "ears' successor" in [owner.note for owner in held]
