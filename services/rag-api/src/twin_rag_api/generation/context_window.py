"""What of a task fits into a model's window: the oldest turns give way, then the least that is lost."""

from collections.abc import Sequence
from dataclasses import replace

from twin_rag_api.errors import InvalidRequest
from twin_rag_api.generation.engines import ContextWindow, Notice, Task
from twin_rag_api.generation.prompt import render_frame, render_source, render_style

_MARKUP = 12
"""Tokens by which a chat template surrounds a message; the templates of common models need 4 to 10."""


async def fit(task: Task, window: ContextWindow) -> tuple[Task, tuple[Notice, ...]]:
    """The task with as much of its conversation, examples and sources as the model can read.

    Raises:
        InvalidRequest: not even the question fits.
    """
    room = window.room(task)
    frame = render_frame(task)
    turns = [turn.text for turn in reversed(task.history)]  # newest first
    styles = [render_style(number, text) for number, text in enumerate(task.style_examples, start=1)]
    sources = [render_source(source) for source in task.sources]
    texts = [frame, *sources, *styles, *turns]
    # A token has a byte at least, so most prompts are known to fit without counting.
    if sum(len(text.encode()) + _MARKUP for text in texts) <= room:
        return task, ()
    counts = [count + _MARKUP for count in await window.counter.count(texts)]
    left = room - counts[0]
    if left < 0:
        raise InvalidRequest(
            "messages",
            f"the question alone has {counts[0]:,} tokens, and the model reads {room:,} beside its answer: "
            "shorten it, or ask for a shorter answer with max_tokens",
        )
    kept_sources, left = _fitting(counts[1 : 1 + len(sources)], left)
    kept_styles, left = _fitting(counts[1 + len(sources) : 1 + len(sources) + len(styles)], left)
    kept_turns, left = _fitting(counts[1 + len(sources) + len(styles) :], left)
    fitted = replace(
        task,
        sources=task.sources[:kept_sources],
        style_examples=task.style_examples[:kept_styles],
        history=task.history[len(task.history) - kept_turns :],
    )
    lost = (
        ("turns", len(turns) - kept_turns, "the oldest turns of the conversation"),
        ("sources", len(sources) - kept_sources, "the least fitting sources"),
        ("style_examples", len(styles) - kept_styles, "examples of the owner's style"),
    )
    notices = tuple(
        Notice(f"{code}_left_out", f"The model's window is too small for all: {count} of {what} gave way.")
        for code, count, what in lost
        if count
    )
    return fitted, notices


def _fitting(counts: Sequence[int], room: int) -> tuple[int, int]:
    """How many from the front fit, and what room is left behind them."""
    for number, count in enumerate(counts):
        if count > room:
            return number, room
        room -= count
    return len(counts), room
