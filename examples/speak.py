"""A sentence as sound; needs an engine of kind tts, and `engineroom up`."""

from pathlib import Path

import anyio

import engineroom


async def spoken(text: str) -> bytes:
    async with engineroom.connect() as client:
        speech = await client.say(text)
    print(f"{speech.seconds:.1f} s of sound, made in {speech.work_seconds:.1f} s; seed {speech.seed} brings it again")
    return speech.flac


Path("hello.flac").write_bytes(anyio.run(spoken, "The boiler is warm, and the engine turns."))
