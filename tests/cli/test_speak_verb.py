"""`say`: what is asked of an engine that speaks, where its sound goes, and what is told of it."""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import msgspec
import pytest
from scripted_supervisor import ENGINE, ENGINES, Script, listening

from engines.tts.unit import encode, wish_of
from ipc import control
from ipc.speech import Said, Spoken, Wish, speech_of
from ipc.states import Failed, Stopped

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]

Run: TypeAlias = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).parents[2]
FLAC = b"fLaC and what follows"
SAID = Said(samples=76800, tokens=80, seed=41)
VOICE = msgspec.structs.replace(ENGINE, name="voice", kind="tts")


def answer(said: Said = SAID) -> control.Answered:
    spoken = Spoken(said, said.samples / 24000, base64.b64encode(FLAC).decode())
    return control.Answered(encode(spoken), said.tokens, 1.6, None)


@pytest.fixture
async def script(state: Path) -> AsyncGenerator[Script]:
    async with listening(Script(state, engines=(*ENGINES, VOICE), answered=answer())) as script:
        yield script


def asked(script: Script) -> list[dict[str, Any]]:
    return [json.loads(one.payload) for one in script.asked if isinstance(one, control.Ask)]


async def test_a_sentence_goes_into_a_file_and_is_told_in_a_line(script: Script, run: Run, tmp_path: Path) -> None:
    ran = await run("say", "voice", "Hello there.", "-o", "hello.flac")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "hello.flac: 3.2 s of sound · RTF 0.50 · 50 tok/s · seed 41\n"
    assert (tmp_path / "hello.flac").read_bytes() == FLAC
    assert asked(script) == [{"text": "Hello there."}]
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


async def test_what_is_told_goes_along_and_the_engine_understands_it(script: Script, run: Run, tmp_path: Path) -> None:
    (tmp_path / "anna.wav").touch()
    options = {"language": "fr", "voice": "anna.wav", "exaggeration": 0.7, "cfg": 0.0, "temperature": 0.0, "seed": 7}
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    assert (await run("say", "voice", "Bonjour.", *flags)).code == 0
    wish = {"text": "Bonjour.", **options, "voice": str(tmp_path / "anna.wav")}
    assert asked(script) == [wish]
    (one,) = [one for one in script.asked if isinstance(one, control.Ask)]
    assert msgspec.to_builtins(wish_of(one.payload)) == wish


async def test_the_name_of_a_voice_stays_a_name(script: Script, run: Run, tmp_path: Path) -> None:
    (tmp_path / "anna").touch()
    await run("say", "voice", "Hello.", "--voice", "anna")
    assert asked(script)[0]["voice"] == "anna"


async def test_several_takes_have_seeds_and_files_of_their_own(script: Script, run: Run, tmp_path: Path) -> None:
    ran = await run("say", "voice", "Hello.", "--takes", "3", "-o", "hello.flac")
    assert [line.partition(":")[0] for line in ran.out.splitlines()] == [f"hello-{n}.flac" for n in (1, 2, 3)]
    assert [wish.get("seed") for wish in asked(script)] == [None, 42, 42], "each goes on from the one before"
    assert (tmp_path / "hello-3.flac").exists()


async def test_without_a_name_nothing_is_written_over(script: Script, run: Run, tmp_path: Path) -> None:
    (tmp_path / "say-2.flac").write_text("mine")
    ran = await run("say", "voice", "Hello.", "--takes", "2")
    assert [line.partition(":")[0] for line in ran.out.splitlines()] == ["say-1.flac", "say-3.flac"]
    assert (tmp_path / "say-2.flac").read_text() == "mine"


@pytest.mark.parametrize(("takes", "there"), [("1", "a.flac"), ("2", "a-2.flac")])
async def test_a_file_is_replaced_only_by_force(
    script: Script, run: Run, tmp_path: Path, takes: str, there: str
) -> None:
    (tmp_path / there).write_text("mine")
    ran = await run("say", "voice", "Hello.", "-o", "a.flac", "--takes", takes)
    assert ran.code == 1
    assert f"Output exists: {tmp_path / there} is there already." in ran.err
    assert (asked(script), (tmp_path / there).read_text()) == ([], "mine")
    assert (await run("say", "voice", "Hello.", "-o", "a.flac", "--takes", takes, "--force")).code == 0
    assert (tmp_path / there).read_bytes() == FLAC


async def test_bytes_that_are_no_text_are_refused_from_a_pipe_too(script: Script, run_process: Run) -> None:
    ran = await run_process("say", "voice", "-", "-o", "a.flac", stdin=b"caf\xe9")
    assert ran.code == 1
    assert ran.err == "engineroom: Not text: What comes from stdin is no text in UTF-8.\n  Write it in UTF-8.\n"
    assert asked(script) == []


@pytest.mark.parametrize("standing", [Stopped("operator"), Failed("truncated file", ())])
async def test_an_engine_that_only_the_operator_starts_is_not_waited_for(
    script: Script, run: Run, standing: Stopped | Failed
) -> None:
    script.engines = (msgspec.structs.replace(VOICE, state=standing),)
    ran = await run("say", "voice", "Hello.")
    assert ran.code == 1
    assert "so it does not start by itself.\n  engineroom start voice\n" in ran.err
    assert asked(script) == []


async def test_sound_goes_through_a_pipe_and_words_beside_it(script: Script) -> None:
    command = [sys.executable, str(ROOT / "engineroom.py"), "say", "voice", "-", "-o", "-"]
    done = await anyio.run_process(command, input=b"From a pipe.\n")
    assert done.stdout == FLAC
    assert done.stderr.decode().startswith("3.2 s of sound · RTF 0.50")
    assert asked(script) == [{"text": "From a pipe."}]


async def test_a_terminal_gets_no_sound(script: Script) -> None:
    main, terminal = pty.openpty()
    command = [sys.executable, str(ROOT / "engineroom.py"), "say", "voice", "Hello.", "-o", "-"]
    try:
        done = await anyio.run_process(command, stdout=terminal, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(main)
        os.close(terminal)
    assert done.returncode == 1
    assert "Stdout is a terminal" in done.stderr.decode()
    assert asked(script) == []


async def test_what_went_wrong_with_the_sound_is_said(script: Script, run: Run) -> None:
    script.answered = answer(Said(76800, 80, 41, extended=1, redone=2, pieces=2, flags=("long", "loops"), unknown="☃"))
    ran = await run("say", "voice", "Hello.")
    assert ran.out.endswith(
        "seed 41 · extended 1× · redone 2× · in 2 pieces · sounds wrong: long, loops · left out '☃'\n"
    )


async def test_json_has_every_number(script: Script, run: Run, tmp_path: Path) -> None:
    ran = await run("say", "voice", "Hello.", "-o", "a.flac", "--json")
    assert json.loads(ran.out) == {
        "file": str(tmp_path / "a.flac"),
        "audio_seconds": 3.2,
        "samples": 76800,
        "seconds": 1.6,
        "rtf": 0.5,
        "tokens": 80,
        "seed": 41,
        "extended": 0,
        "redone": 0,
        "pieces": 1,
        "flags": [],
        "unknown": "",
    }


async def test_one_waits_knowingly_for_a_model_that_is_loaded_first(script: Script, run: Run) -> None:
    script.engines = (msgspec.structs.replace(VOICE, state=Stopped("idle")),)
    assert (await run("say", "voice", "Hello.")).err == "voice is stopped · idle: its model is loaded first\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("voise", "Hello."), "No engine is named 'voise'.\n  Did you mean 'voice'?"),
        (("writer", "Hello."), "Does not speak: writer is of kind llm, not tts.\n  Speak with one of these: voice."),
        (("voice", "  "), "Nothing to say: The text is empty."),
        (("voice", "Hello.", "-o", "a.wav"), "Only FLAC: a.wav: sound of `say` comes as FLAC; a job"),
        (("voice", "Hello.", "-o", "-", "--json"), "Sound goes there, so JSON cannot."),
        (("voice", "Hello.", "-o", "-", "--takes", "2"), "Sound goes there, so several takes cannot."),
        (("voice", "Hello.", "-o", "nowhere/a.flac"), "No such folder: There is no folder "),
        (("voice", "Hello.", "-o", "nowhere/"), "No such folder: There is no folder nowhere/."),
        (("voice", "Hello.", "--voice", "\udcff"), "Not text: '\\udcff' is no text in UTF-8."),
        (("voice", "\udcff", "-o", "a.flac"), "Not text: '\\udcff' is no text in UTF-8.\n  Write it in UTF-8."),
        (("voice", "Hello.", "--takes", "0"), "argument --takes: '0' is no whole number from 1 to 99"),
        (("voice", "Hello.", "--seed", "-1"), "argument --seed"),
        (("voice", "Hello.", "--cfg", "2.1"), "argument --cfg: '2.1' is no number from 0 to 2"),
        (("voice", "Hello.", "--temperature", "nan"), "argument --temperature: 'nan' is no number"),
    ],
)
async def test_what_cannot_be_is_one_sentence(
    script: Script, run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = await run("say", *arguments)
    assert ran.code != 0
    assert sentence in ran.err
    assert ran.out == ""
    assert asked(script) == []


async def test_a_program_gets_sound_and_numbers(script: Script) -> None:
    import engineroom

    async with engineroom.connect() as client:
        speech = await client.say("Hello.", language="en", seed=7)
        with pytest.raises(TypeError):
            await client.say("Hello.", volume=11)  # type: ignore[call-arg]
    assert (speech.flac, speech.seconds, speech.rtf, speech.seed) == (FLAC, 3.2, 0.5, 41)
    assert asked(script) == [{"text": "Hello.", "language": "en", "seed": 7}]
    assert [one.engine for one in script.asked if isinstance(one, control.Ask)] == ["voice"]


async def test_the_example_runs_as_it_is(script: Script, tmp_path: Path) -> None:
    done = await anyio.run_process(
        [sys.executable, str(ROOT / "examples" / "speak.py")], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.stdout.decode().startswith("3.2 s of sound")
    assert (tmp_path / "hello.flac").read_bytes() == FLAC


def test_the_clients_words_are_the_engines() -> None:
    assert {field.name for field in msgspec.structs.fields(Wish)} == {
        field.name for field in msgspec.structs.fields(type(wish_of('{"text": "a"}')))
    }
    silent = speech_of(encode(Spoken(Said(0, 0, 1), 0.0, "")), 0.1)
    assert (silent.rtf, silent.flac) == (None, b"")
