"""The messages a model is given; the templates are files beside this one, and carry their version."""

import re
from functools import cache
from importlib.resources import files
from string import Template

from twin_common.chat_layout import ChatMessage, lay_out
from twin_rag_api.generation.engines import Source, Task, Turn
from twin_rag_api.writing.presets import instruction

_ANSWER = "answer.v2"
_WRITE = "write.v1"
_TAG = re.compile(r"<(?=\s*/?\s*(?:source|style)\b)", re.IGNORECASE)
_CODE_OR_CITATION = re.compile(r"(?P<code>`+[^`]*`+)|\[(?P<numbers>\d{1,4}(?:\s*,\s*\d{1,4})*)\]")


def prompt_version(task: Task) -> str:
    """The name and version of the templates that the task is told in."""
    return _WRITE if task.preset else _ANSWER


def build_messages(task: Task) -> list[ChatMessage]:
    """Rules, the conversation so far, and below sources and examples what is asked."""
    styles = [render_style(number, text) for number, text in enumerate(task.style_examples, start=1)]
    return lay_out(
        render_instruction(task),
        material="\n".join([*map(render_source, task.sources), *styles]),
        system=render_rules(task),
        history=[_spoken(turn) for turn in task.history],
    )


def render_frame(task: Task) -> str:
    """What a prompt holds in any case: the rules and what is asked."""
    return f"{render_rules(task)}\n{render_instruction(task)}"


def render_rules(task: Task) -> str:
    """The system message."""
    rules = platform_rules(task)
    if task.instructions:
        rules += f"\nThe caller asks for this form, as far as the rules above allow:\n{task.instructions}\n"
    return rules


def platform_rules(task: Task) -> str:
    """The part of the system message that is the platform's own."""
    return _template(prompt_version(task), "system").substitute(form=task.preset.form if task.preset else "")


def render_instruction(task: Task) -> str:
    """What is asked, without anything it may draw on."""
    if task.preset:
        return instruction(task.preset, task.question, task.skeleton)
    return _template(_ANSWER, "instruction").substitute(question=task.question).strip()


def render_source(source: Source) -> str:
    """A source between marks that no text can close."""
    chunk = source.passage.chunk
    heading = " › ".join((chunk.title, *chunk.heading_path))
    return f'<source id="{source.number}">\n{_defused(heading)}\n{_defused(source.passage.text)}\n</source>'


def render_style(number: int, text: str) -> str:
    """An example of style between marks that no text can close."""
    return f'<style id="{number}">\n{_defused(text)}\n</style>'


def _spoken(turn: Turn) -> ChatMessage:
    if turn.role == "assistant":
        return {"role": "assistant", "content": turn.text}
    return {"role": "user", "content": turn.text}


def _defused(text: str) -> str:
    """A text that can neither close its own frame, nor open another, nor bring citations of its own."""
    text = _CODE_OR_CITATION.sub(lambda match: match["code"] or f"({match['numbers']})", text)
    return _TAG.sub("&lt;", text)


@cache
def _template(version: str, part: str) -> Template:
    path = files("twin_rag_api.generation") / "prompts" / f"{version}.{part}.md"
    return Template(path.read_text(encoding="utf-8"))
