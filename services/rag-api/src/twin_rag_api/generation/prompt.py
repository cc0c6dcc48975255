"""The messages a model is given; the templates are files beside this one, and carry their version."""

import re
from functools import cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from twin_rag_api.generation.engines import Source, Task, Turn

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

PROMPT_VERSION = "answer.v1"
_HISTORY_TURNS = 8
_TAG = re.compile(r"<(?=\s*/?\s*source\b)", re.IGNORECASE)


def build_messages(task: Task) -> "list[ChatCompletionMessageParam]":
    """System message, the conversation so far, and the question below its sources."""
    system = _template("system").template
    if task.instructions:
        system += f"\nThe caller asks for this form, as far as the rules above allow:\n{task.instructions}\n"
    question = _template("user").substitute(
        sources="\n".join(map(_render, task.sources)), question=task.question
    )
    return [
        {"role": "system", "content": system},
        *map(_spoken, task.history[-_HISTORY_TURNS:]),
        {"role": "user", "content": question},
    ]


def _spoken(turn: Turn) -> "ChatCompletionMessageParam":
    if turn.role == "assistant":
        return {"role": "assistant", "content": turn.text}
    return {"role": "user", "content": turn.text}


def _render(source: Source) -> str:
    chunk = source.passage.chunk
    heading = " › ".join((chunk.title, *chunk.heading_path))
    return f'<source id="{source.number}">\n{_defused(heading)}\n{_defused(source.passage.text)}\n</source>'


def _defused(text: str) -> str:
    """A text that would close its own frame, or open another, no longer can."""
    return _TAG.sub("&lt;", text)


@cache
def _template(part: str) -> Template:
    path = files("twin_rag_api.generation") / "prompts" / f"{PROMPT_VERSION}.{part}.md"
    return Template(path.read_text(encoding="utf-8"))
