"""What the engine writes for the product itself, beside the answers: short, greedy, from one text.

Shares the batch with the answers under way. Knows an engine and texts.
"""

import asyncio

from chat.engine import Engine, Message, Sampling


async def say(
    engine: Engine,
    task: str,
    content: str,
    *,
    tokens: int,
    stop: asyncio.Event | None = None,
    is_one_line: bool = False,
) -> str:
    """The engine's words; what it has so far once `stop` is set. Raises EngineError."""
    messages: list[Message] = [
        {"role": "system", "content": task},
        {"role": "user", "content": content},
    ]
    stream, said = engine.stream(engine.render(messages), Sampling(max_tokens=tokens)), ""
    try:
        async for piece in stream:
            said += piece.text
            if (is_one_line and "\n" in said.strip()) or (stop and stop.is_set()):
                break
    finally:
        await stream.aclose()  # type: ignore[attr-defined]  # frees the slot in the batch
    return said
