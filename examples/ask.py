"""Ask the engine `writer` in two lines; start the supervisor first: engineroom up."""

import anyio

import engineroom


async def main() -> None:
    async with engineroom.ask("writer", "What is a token?", max_tokens=32) as answer:
        async for text in answer:
            print(text, end="", flush=True)


anyio.run(main)
