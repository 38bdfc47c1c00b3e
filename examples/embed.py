"""Vectors of some texts, and how near they are to a question; needs an engine of kind embed, and `engineroom up`."""

import anyio

import engineroom

TEXTS = ["The boiler feeds the engine.", "A token is a small piece of text.", "Paris is in France."]


async def main() -> None:
    async with engineroom.connect() as client:
        question, *vectors = await client.embed(["What does the engine run on?", *TEXTS])
    for text, vector in zip(TEXTS, vectors, strict=True):
        print(f"{sum(a * b for a, b in zip(question, vector, strict=True)):.2f}  {text}")


anyio.run(main)
