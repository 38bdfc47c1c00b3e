"""What is spoken, as text (arecord -q -f S16_LE -r 16000 -c 1 | python listen.py); needs an engine of kind stt."""

import sys

import anyio
from anyio import to_thread

import engineroom

TENTH_BYTES = 16000 * 2 // 10


async def heard() -> None:
    async with engineroom.connect() as client, client.listen() as it, anyio.create_task_group() as tasks:

        async def feed() -> None:
            while samples := await to_thread.run_sync(sys.stdin.buffer.read, TENTH_BYTES):
                await it.feed(samples)
            it.end()

        tasks.start_soon(feed)
        begins = True
        async for change in it:
            print(change.commit.lstrip() if begins else change.commit, end="\n" if change.ended else "", flush=True)
            begins = change.ended or (begins and not change.commit)


anyio.run(heard)
