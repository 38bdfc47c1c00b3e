"""Settings that a job is given for itself: checked when it comes, and in force wherever it is worked on."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from job_site import Site, site

from engines.catalog import KINDS
from engines.stt.settings import SttSettings
from ipc import control, work
from ipc.errors import RequestFailed
from supervisor.jobs import inputs
from supervisor.jobs.floor import EngineView
from supervisor.jobs.submission import check_forms, check_own

pytestmark = pytest.mark.anyio

WRITER = EngineView("writer", 4, False, True, True, "", planning={"batch_size": 1})


async def test_they_reach_desk_and_engine_and_stay_through_a_restart(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        id_ = (await it.submit(4, own={"batch_size": "2", "tokens_per_unit": 9})).id
        plan = await it.asked(work.Plan)
        assert (plan.settings["batch_size"], plan.settings["tokens_per_unit"]) == (2, 9), "as numbers"
        it.say(it.planned(plan))
        _, message = await it.flight()
        assert [order.own for order in message.units] == [{"batch_size": 2, "tokens_per_unit": 9}] * 2
    async with site(tmp_path, WRITER) as it:
        await it.live(lambda: len(it.floor.desk_messages) > 0)
        assemble = it.floor.desk_messages[0]
        assert isinstance(assemble, work.Assemble)
        assert assemble.settings["tokens_per_unit"] == 9
        assert (await it.foreman.detail(id_)).own == {"batch_size": 2, "tokens_per_unit": 9}
        await it.finish(id_)
        assert it.answers() == [f"done line {n}" for n in range(4)]


async def test_an_own_size_is_not_divided_anew_because_the_engine_has_another(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        id_ = (await it.submit(6, own={"batch_size": 3})).id
        await it.plan()
        for _ in range(3):
            it.second()
            it.foreman.engine_changed("writer")
        assert len(it.floor.desk_messages) == 1
        it.floor.change("writer", planning={"batch_size": 2})
        it.foreman.engine_changed("writer")
        assert len(it.floor.desk_messages) == 1, "a change of the engine's is none of this job's"
        await it.finish(id_)
        assert it.flown() == [["line 0", "line 1", "line 2", "line 3", "line 4", "line 5"]]


@pytest.mark.parametrize(
    ("own", "detail", "hint"),
    [
        ({"batch": 3}, "A job of kind fake has no setting 'batch' of its own.", "batch_size"),
        ({"gpu": "cpu"}, "A job of kind fake has no setting 'gpu' of its own.", "`engineroom set ENGINE gpu=…`"),
        ({"batch_size": 0}, "the job: batch_size = 0: ", "batch_size takes 1–1000 lines."),
    ],
)
async def test_what_a_job_cannot_have_is_refused_with_a_way_out(
    tmp_path: Path, own: dict[str, object], detail: str, hint: str
) -> None:
    async with site(tmp_path) as it:
        with pytest.raises(RequestFailed) as caught:
            await it.submit(own=own)
        assert caught.value.problem.detail.startswith(detail)
        assert hint in caught.value.problem.hint
        assert it.foreman.rows() == ()


def test_a_kind_without_settings_of_jobs_says_so() -> None:
    with pytest.raises(RequestFailed, match="A job of kind llm has no setting 'temperature' of its own"):
        check_own({"temperature": 1}, KINDS["llm"])


def test_a_value_comes_as_its_type_is() -> None:
    assert check_own({"word_timestamps": "true", "language": "fr"}, KINDS["stt"]) == {
        "word_timestamps": True,
        "language": "fr",
    }


# ── what subtitles ask of outputs ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("output", "formats"), [("/out/all.srt", ""), ("/out/all.txt", "json,vtt")])
def test_subtitles_of_several_inputs_in_one_output_are_refused_before_any_work(output: str, formats: str) -> None:
    with pytest.raises(RequestFailed) as caught:
        check_forms(KINDS["stt"], 2, (output,), SttSettings(formats=formats))
    assert "2 inputs" in caught.value.problem.detail
    assert "-o out/" in caught.value.problem.hint
    check_forms(KINDS["stt"], 1, (output,), SttSettings(formats=formats))


def test_a_folder_gets_the_first_form_of_the_job_and_the_others_beside_it() -> None:
    stt, told = KINDS["stt"], SttSettings(formats="srt,json")
    outputs = inputs.outputs_for(("/in/a.wav", "/in/b.mp3"), "/out/", stt, told.writes())
    assert outputs == ("/out/a.srt", "/out/b.srt")
    assert check_forms(stt, 2, outputs, told) == ("/out/a.json", "/out/b.json")
    assert inputs.outputs_for(("/in/a.wav",), "/out/", stt, SttSettings().writes()) == ("/out/a.txt",)


# ── how sure units are ────────────────────────────────────────────────────────────────────────────────────


async def fly(it: Site, told: dict[int, tuple[float | None, float | None]]) -> None:
    """The next flight, whose units tell so much audio and so much confidence."""
    engine, message = await it.flight()
    for order in message.units:
        audio, confidence = told[order.index]
        said = it.done(message.flight, order)
        it.foreman.said(engine, msgspec.structs.replace(said, audio_seconds=audio, confidence=confidence))
    it.land(engine, message)


async def test_confidence_is_kept_for_each_unit_and_weighs_by_audio(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        id_ = (await it.submit(4)).id
        await it.plan()
        await it.until(lambda: bool(it.floor.flown))
        assert it.row(id_).confidence is None
        await fly(it, {0: (30.0, -0.2), 1: (10.0, -0.6), 2: (20.0, None), 3: (0.0, -5.0)})
        await it.until(lambda: it.row(id_).units_done == 4)
        assert it.row(id_).confidence == pytest.approx(-0.3)
    async with site(tmp_path, WRITER) as it:
        await it.finish(id_)
        assert it.row(id_).confidence == pytest.approx(-0.3)
        page = await it.foreman.units(control.ShowUnits(id_))
        assert [row.confidence for row in page.rows] == [-0.2, -0.6, None, -5.0]
        await it.redo(id_, "#0")
        await it.until(lambda: it.row(id_).units_done == 3)
        assert it.row(id_).confidence == pytest.approx(-0.6), "what is done again does not count"
        await fly(it, {0: (30.0, -1.0)})
        await it.finish(id_)
        assert it.row(id_).confidence == pytest.approx(-0.9)


async def test_without_audio_each_unit_weighs_the_same(tmp_path: Path) -> None:
    async with site(tmp_path, WRITER) as it:
        id_ = (await it.submit(2)).id
        await it.plan()
        await fly(it, {0: (None, -0.2), 1: (None, -0.4)})
        await it.finish(id_)
        assert it.row(id_).confidence == pytest.approx(-0.3)
        await it.redo(id_, "#0", "#1")
        await it.until(lambda: it.row(id_).units_done == 0)
        assert it.row(id_).confidence is None
