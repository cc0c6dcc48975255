"""The one order in which a model is told things, in training and in serving.

A model that learnt from instructions that stand alone in the user's turn is to meet them so again: what it
may draw on comes before the instruction, in the same turn, and the instruction has the last word.
"""

from collections.abc import Sequence
from typing import Literal, TypedDict


class ChatMessage(TypedDict):
    """A message as chat templates read it."""

    role: Literal["system", "user", "assistant"]
    content: str


def lay_out(
    instruction: str,
    *,
    material: str = "",
    system: str | None = None,
    history: Sequence[ChatMessage] = (),
) -> list[ChatMessage]:
    """The messages of a prompt.

    Args:
        instruction: what is asked, word for word as in a dataset's prompt.
        material: what the answer may draw on; in training there is none.
        system: rules; none in training.
        history: what was said before.
    """
    told: list[ChatMessage] = [{"role": "system", "content": system}] if system else []
    content = f"{material}\n\n{instruction}" if material else instruction
    return [*told, *history, {"role": "user", "content": content}]
