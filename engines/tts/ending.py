"""What was spoken for an order becomes its answer: for a job a file and words about it, for a person all as text."""

from __future__ import annotations

import base64
import sys
import time

from engines.tts.aboard import Speech, Taken
from engines.tts.joining import joined
from engines.tts.sound.flac import encode
from engines.tts.unit import RATE
from engines.tts.unit import encode as as_text
from ipc.speech import Said, Spoken


def end(speech: Speech) -> Said:
    """Tell the flight, and the log what is wrong with a job's unit; what was told."""
    takes = [part.best for part in speech.parts if part.best is not None]
    pauses = [speech.manner.settings.pause_sentence_ms if part.pause == "sentence" else 0 for part in speech.parts]
    sound = joined([take.sound for take in takes], pauses)
    said = _said(speech, takes, len(sound))
    seconds, audio_seconds = time.monotonic() - speech.begun, len(sound) / RATE
    flight, order = speech.trip.flight, speech.order
    file = encode(sound)
    if flight.stream and not order.file:
        result, data = as_text(Spoken(said, audio_seconds, base64.b64encode(file).decode())), None
    else:
        result, data = as_text(said), file
    flight.done(
        order,
        result,
        tokens=said.tokens,
        seconds=seconds,
        ttft_seconds=None,
        audio_seconds=audio_seconds,
        data=data,
    )
    if said.flags and not flight.stream:
        sys.stderr.write(f"{order.job} #{order.index} is flagged: {', '.join(said.flags)}\n")
    return said


def _said(speech: Speech, takes: list[Taken], samples: int) -> Said:
    return Said(
        samples=samples,
        tokens=sum(take.tokens for take in takes),
        seed=takes[0].seed,
        extended=sum(take.extended for take in takes),
        redone=sum(part.redone for part in speech.parts),
        pieces=len(takes),
        flags=tuple(sorted({fault for take in takes for fault in take.verdict.faults})),
        unknown=speech.unknown,
    )
