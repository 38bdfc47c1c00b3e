"""The GPU panel: whose memory, how warm, why slow, silent or absent; at every width, in every form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import scenery
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scripted import Box, looking

from ipc.snapshot import GpuReading, Happened, Happening
from tui import alerts
from tui.alert import Alert
from tui.allotment import GpuForm
from tui.draw import gpu_texts, news
from tui.draw.gpus import panel, short_name
from tui.draw.owners import owners, parts
from tui.gpus import heat
from tui.ink import Line, length
from tui.screens.gpus import GpusPlace
from tui.store import Store

pytestmark = pytest.mark.anyio


def text(lines: Sequence[Line]) -> str:
    return "\n".join("".join(span.text for span in line.spans) for line in lines)


def tones(lines: Sequence[Line], part: str) -> set[str]:
    return {span.tone for line in lines for span in line.spans if part in span.text}


def store_of(*gpus: GpuReading) -> Store:
    return Store(scenery.snapshot(gpus, scenery.FLEET))


def at(celsius: float | None, **other: object) -> GpuReading:
    return scenery.gpu(0, "NVIDIA L4", 22.5, 4.0, celsius, **other)


EIGHT = store_of(*scenery.EIGHT)
FORMS: list[GpuForm] = ["two lines", "one line", "abreast", "summary"]


@given(st.sampled_from(FORMS), st.integers(12, 220), st.integers(1, 20))
def test_no_line_is_wider_than_the_screen(form: GpuForm, width: int, rows: int) -> None:
    assert all(length(line.spans) == width for line in panel(EIGHT, rows, form, width))


@given(st.sampled_from(scenery.EIGHT), st.integers(30, 220))
def test_the_long_text_fits_too(reading: GpuReading, width: int) -> None:
    assert all(length(line.spans) <= width for line in gpu_texts.gpu(EIGHT, reading, width))


def test_two_lines_tell_whose_memory_it_is_and_why_the_card_is_slow() -> None:
    store = store_of(*scenery.GPUS)
    lines = panel(store, 4, "two lines", 120)
    first, second = text(lines[:2]), text(lines[2:])
    assert "H100 80GB HBM3" in first
    assert " 61.2 /  79.6 GiB   67 °C" in first
    assert "512 W" in first
    assert "writer 38.4 · scratch 18.1 · python(4411) 4.7" in first
    assert "▼ power cap" in first
    assert tones(lines, "power cap") >= {"dim"}
    assert "reader 6.6 · Xorg(901) 0.3 · unaccounted 1.2" in second
    assert "81 °C ▲" in second
    assert tones(lines, "software thermal slowdown") == {"warn"}


def test_memory_is_split_by_owner() -> None:
    (ours, *ours_look), (others, *others_look), *nothing = parts(scenery.GPUS[0], None)
    assert (ours_look, others_look) == (["meter", "▇"], ["other", "▓"])
    assert [part.fraction for part in nothing] == [0, 0]
    assert ours == pytest.approx((38.4 + 18.1) / 79.6)
    assert ours + others == pytest.approx(61.2 / 79.6)
    bar = text(panel(store_of(scenery.GPUS[0]), 1, "one line", 120))
    assert bar.count("▓") > 0
    assert bar.count("▇") > bar.count("▓")


def test_what_the_card_does_not_tell_is_a_dash_and_never_zero() -> None:
    nothing = scenery.gpu(
        *(3, "", 0.0, 0.0, None),
        memory_total_bytes=None,
        memory_used_bytes=None,
        utilisation_percent=None,
        power_watts=None,
        slowdown_celsius=None,
    )
    for form in FORMS:
        shown = text(panel(store_of(nothing), 2, form, 120))
        assert "—" in shown
        assert "0" not in shown.replace("nobody", "")
    hidden = replace(scenery.GPUS[0], processes=(scenery.held(9, None, "writer"),))
    assert [(owner.words, owner.used_bytes) for owner in owners(hidden, None, {})] == [("writer", None)]
    assert "writer —" in text(panel(store_of(hidden), 2, "two lines", 120))


def test_a_silent_card_says_so_and_does_not_show_old_values_as_new() -> None:
    lost = scenery.EIGHT[3]
    for form in FORMS[:2]:
        lines = panel(store_of(lost), 2, form, 140)
        assert "no readings since" in text(lines)
        assert "It is lost" in text(lines)
        assert tones(lines, "no readings") == {"bad"}
        assert not tones(lines, "°C") - {"dim"}
    assert "gives no readings" in text(panel(store_of(lost), 1, "abreast", 120))
    assert "1 silent" in text(panel(store_of(lost), 1, "summary", 120))


def test_with_little_room_those_that_need_a_look_are_shown() -> None:
    shown = text(panel(EIGHT, 4, "summary", 120))
    assert [line.split()[1] for line in shown.splitlines()[:3]] == ["1", "3", "6"]
    assert "8 GPUs" in shown
    assert "d shows all" in shown


def test_many_cards_stand_abreast_in_columns() -> None:
    lines = text(panel(EIGHT, 3, "abreast", 120)).splitlines()
    assert len(lines) == 3
    assert [int(part) for part in (lines[0][:3], lines[0][40:43], lines[0][80:83])] == [0, 3, 6]


def test_without_a_driver_one_line_says_why() -> None:
    lines = panel(Store(scenery.snapshot((), scenery.NO_DRIVER)), 1, "summary", 120)
    assert "GPU   none: No NVIDIA driver" in text(lines)
    assert panel(Store(scenery.snapshot()), 0, "summary", 120) == []


@pytest.mark.parametrize(
    ("reading", "wanted"),
    [
        (at(79.9), ""),
        (at(80.0), "warm"),
        (at(88.0), "hot"),
        (at(88.0, slowdown_celsius=None), "warm"),
        (at(70.0, slowdown_celsius=72.0), "hot"),
        (at(60.0, throttle=("hardware thermal slowdown",)), "hot"),
        (at(60.0, throttle=("power cap",)), ""),
        (at(None), ""),
        (at(95.0, stale=True), ""),
    ],
)
def test_heat_is_judged_by_the_cards_own_threshold_too(reading: GpuReading, wanted: str) -> None:
    assert heat(reading) == wanted


def raised(store: Store) -> list[Alert]:
    return [alert for alert in alerts.alerts(store) if alert.about.startswith("gpu ")]


def test_an_alert_of_heat_says_since_when_and_does_not_flicker() -> None:
    store = store_of(at(70.0))
    for second, celsius in enumerate([81.0, 79.0, 80.0, 78.0], 1):
        store.fold(scenery.tick(second, (at(celsius),), scenery.FLEET))
        (alert,) = raised(store)
        assert (alert.what, alert.since, alert.grave) == (f"GPU 0 is {celsius:.0f} °C", scenery.NOW + 1, "warn")
    assert "slows itself down at 93 °C" in alert.why
    assert "d shows" in alert.help
    store.fold(scenery.tick(5, (at(77.0),), scenery.FLEET))
    assert raised(store) == []


def test_heat_that_nobody_saw_begin_has_no_beginning() -> None:
    store = store_of(at(90.0))
    store.fold(scenery.tick(1, (at(91.0),), scenery.FLEET))
    (alert,) = raised(store)
    assert (alert.since, alert.grave) == (None, "bad")


def test_a_silent_card_is_an_alert_before_a_warm_one_and_names_the_engines() -> None:
    store = store_of(*scenery.EIGHT)
    assert [alert.about for alert in raised(store)] == ["gpu 3", "gpu 1", "gpu 6"]
    first = raised(store)[0]
    assert (first.grave, first.since) == ("bad", scenery.NOW - 12)
    assert first.why == "It is lost: GPU is lost. coder worked there."
    store.fold(scenery.tick(1, (replace(scenery.EIGHT[3], stale=False, problem=""),), scenery.FLEET))
    assert raised(store) == []


def test_the_past_of_a_card_has_gaps_where_it_was_silent() -> None:
    store = store_of(at(50.0))
    store.fold(scenery.tick(1, (at(50.0, utilisation_percent=94.0),)))
    store.fold(scenery.tick(2, (at(50.0, stale=True),)))
    assert [value is None for value in store.gpu_past.work[0]] == [False, True]
    store.fold(scenery.tick(3))
    assert store.gpu_past.work == {}


@pytest.mark.parametrize(("persistence", "words"), [(True, "persistence on"), (False, "persistence off"), (None, "")])
def test_persistence_is_told_where_the_card_tells_it(persistence: bool | None, words: str) -> None:
    shown = text(gpu_texts.gpu(EIGHT, at(50.0, persistence=persistence), 100))
    assert ("persistence" in shown) == bool(words)
    assert words in shown


def test_names_of_strangers_and_cards_are_harmless() -> None:
    sly = scenery.gpu(0, "NVIDIA \x1b[2JL4", 20, 3, processes=(scenery.held(5, 3, name="a\x1b]0;x\x07\n"),))
    shown = text([*panel(store_of(sly), 2, "two lines", 120), *gpu_texts.gpu(store_of(sly), sly, 100)])
    assert "\x1b" not in shown
    assert short_name(sly) == "L4"


def test_a_happening_about_a_card_names_it_once() -> None:
    told = Happening(9, scenery.NOW, "error", "gpu 3", "gpu-lost", "GPU 3 (L4) gives no readings. It is lost.")
    assert news.sentence(told) == told.text


async def test_the_panel_follows_the_readings_and_d_opens_all_that_is_known(tmp_path: Path) -> None:
    box = Box()
    box.snapshot = scenery.snapshot(scenery.EIGHT, scenery.FLEET)
    async with looking(tmp_path, box=box) as at_box:
        assert "GPU 7  L4" in at_box.text("gpus")
        hot = (*scenery.EIGHT[:7], replace(scenery.EIGHT[7], temperature_celsius=92.0))
        box.publish(scenery.tick(1, hot, scenery.FLEET))
        await at_box.until(lambda: "92°C▲" in at_box.text("gpus"))
        assert "▲ 8 alerts" in at_box.text("title")
        await at_box.press("d")
        assert isinstance(at_box.app.screen, GpusPlace)
        assert "driver 580.65.06 · CUDA 13.0" in at_box.text("facts")
        rows = at_box.app.screen.text.rows
        assert "none of ours" in text(rows)
        assert "no readings since" in text(rows)
        await at_box.press("j", "j")
        scrolled = at_box.app.screen.text.scroll_offset.y
        box.publish(scenery.tick(2, hot[:3], scenery.FLEET))
        await at_box.until(lambda: "3 GPUs" in at_box.text("facts"))
        assert at_box.app.screen.text.scroll_offset.y == scrolled > 0
        box.publish(Happened(Happening(70, scenery.NOW, "info", "gpu 3", "gpu-back", "GPU 3 answers again.")))
        await at_box.press("escape")
        await at_box.until(lambda: "GPU 3 answers again." in at_box.text("news"))
