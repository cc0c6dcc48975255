"""What an engine's work looks like from outside: a span, and tokens counted."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from twin_rag_api.gen_ai import Operation
from twin_rag_api.generation.engines import Engine, EngineFailure, Finish, Piece, Task, Text, Usage
from twin_rag_api.generation.prompt import prompt_version
from twin_rag_api.metrics import TOKENS

Count = Callable[[str, str], Usage]
"""What was read and what was written, in tokens that come close enough."""


async def observed(engine: Engine, task: Task, count: Count) -> AsyncGenerator[Piece, None]:
    """The engine's pieces, under a span as OpenTelemetry's GenAI conventions have it.

    What an engine does not say of its cost is counted, so a `Usage` always comes. Raises: as the engine.
    """
    operation = Operation.start("chat", engine.provider, engine.name)
    operation.set("twin.prompt.version", prompt_version(task))
    operation.set("twin.sources", len(task.sources))
    written = ""
    usage: Usage | None = None
    try:
        async with aclosing(engine.write(task)) as pieces:
            async for piece in pieces:
                match piece:
                    case Text(text):
                        operation.first_token()
                        written += text
                    case Usage():
                        usage = piece
                    case Finish(reason):
                        operation.finished(reason)
                yield piece
        if usage is None:
            usage = count(task.question, written)
            yield usage
    except EngineFailure as failure:
        operation.failed(failure.reason, str(failure))
        raise
    finally:
        if usage is not None:
            operation.used(usage.input_tokens, usage.output_tokens)
            TOKENS.labels(engine.name, "input").inc(usage.input_tokens)
            TOKENS.labels(engine.name, "output").inc(usage.output_tokens)
        operation.end()
