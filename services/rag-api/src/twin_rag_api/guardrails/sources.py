"""The rules over what was found, before an engine reads it."""

from collections.abc import Callable
from dataclasses import replace

from twin_rag_api.generation.engines import Source
from twin_rag_api.guardrails.findings import Finding
from twin_rag_api.guardrails.hidden_text import without_hidden_text
from twin_rag_api.guardrails.injection import without_injection
from twin_rag_api.guardrails.secrets import without_secrets


def guarded_source(source: Source) -> tuple[Source, tuple[Finding, ...]]:
    """The source with its title, headings and text as they may be read, and what was noticed in it."""
    findings: dict[str, None] = {}
    passage = source.passage
    chunk = passage.chunk
    title = guarded_text(chunk.title, findings)
    headings = tuple(guarded_text(heading, findings) for heading in chunk.heading_path)
    text = guarded_text(passage.text, findings)
    if not findings:
        return source, ()
    chunk = chunk.model_copy(update={"title": title, "heading_path": headings})
    guarded = replace(source, passage=replace(passage, chunk=chunk, text=text))
    return guarded, tuple(Finding(rule, "source", source.number) for rule in findings)


def guarded_text(text: str, findings: dict[str, None]) -> str:
    """The text after every rule; the names of those that changed it are added to `findings`."""
    rules: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("hidden_text", without_hidden_text),
        ("secret", without_secrets),
    )
    for name, rule in rules:
        cleaned = rule(text)
        if cleaned != text:
            findings[name] = None
            text = cleaned
    text, orders = without_injection(text)
    findings.update(dict.fromkeys(orders))
    return text
