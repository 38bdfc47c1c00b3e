"""Ask the engine `writer` from a program of your own; start the supervisor first: engineroom up."""

import json

import anyio

import engineroom
from engineroom import control


async def main() -> None:
    question = json.dumps({"id": "mine", "prompt": "What is a token?", "max_tokens": 32})
    async with engineroom.connect() as client, client.stream(control.Ask("writer", question)) as items:
        async for item in items:
            if isinstance(item, control.Piece):
                print(item.text, end="", flush=True)


anyio.run(main)
