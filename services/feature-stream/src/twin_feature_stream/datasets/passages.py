"""Cuts a cleaned document into passages that can stand as answers. Nothing here does I/O."""

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from twin_common.documents import Category, DocumentHead
from twin_feature_stream.datasets.samples import Origin, Passage
from twin_feature_stream.segments import Kind, Segment, split

_COMMENT = re.compile(r"[ \t]*(?:#(?!!)|//+|--|/\*+|\*+/?|;;+)[ \t]?(.*?)(?:\*/)?[ \t]*")
_DECLARATION = re.compile(r"\b(?:func|fn|function|def|class|struct|interface|impl|sub)\s+([A-Za-z_]\w*)")


@dataclass(frozen=True)
class PassagePolicy:
    """How long a passage of an article is, in words."""

    least_words: int = 40
    """A shorter rest belongs to the passage before it."""
    target_words: int = 160
    """From here on the passage ends with its paragraph."""
    most_words: int = 280
    """From here on it ends with its sentence."""


def passages(document: DocumentHead, policy: PassagePolicy) -> list[Passage]:
    """The passages of a document, in order."""
    origin = origin_of(document)
    if document.category is Category.CODE:
        found: Iterable[Passage] = _functions(origin, document.text)
    elif document.category is Category.POST:
        found = [_post(origin, document.text)]
    else:
        found = _sections(origin, document.text, policy)
    return [replace(passage, place=place) for place, passage in enumerate(found)]


def origin_of(document: DocumentHead) -> Origin:
    """Where the samples of a document come from."""
    published = document.published_at.timestamp() if document.published_at else 0.0
    stored = document.stages.stored_at.timestamp() if document.stages.stored_at else 0.0
    code = document.category is Category.CODE
    return Origin(
        document_id=document.document_id,
        version=document.version,
        category=document.category,
        title=document.title,
        url=document.url,
        language=document.metadata.get("language") if code else document.language,
        published_at=document.published_at,
        order=(published, stored, document.document_id),
    )


def _post(origin: Origin, text: str) -> Passage:
    return Passage(origin, 0, text.strip(), sentences=_sentences(text, split(Category.POST, text)))


def _sections(origin: Origin, text: str, policy: PassagePolicy) -> Iterator[Passage]:
    body = [segment for segment in split(Category.ARTICLE, text) if segment.kind is not Kind.HEADING]
    for path, section in groupby(body, key=lambda segment: segment.heading_path):
        before = ""
        for part in _parts(text, list(section), policy):
            content = text[part[0].start : part[-1].end]
            yield Passage(
                origin, 0, content, heading_path=path, before=before, sentences=_sentences(text, part)
            )
            before = content


def _parts(text: str, section: list[Segment], policy: PassagePolicy) -> list[list[Segment]]:
    """The section's segments in groups of about the target's length."""
    parts: list[list[Segment]] = [[]]
    words = 0
    for segment, following in zip(section, [*section[1:], None], strict=True):
        parts[-1].append(segment)
        words += _words(text, segment)
        gap = text[segment.end : following.start] if following else ""
        full = words >= policy.most_words or (words >= policy.target_words and "\n\n" in gap)
        if full and following:
            parts.append([])
            words = 0
    if len(parts) > 1 and words < policy.least_words:
        rest = parts.pop()
        parts[-1] += rest
    return parts


def _words(text: str, segment: Segment) -> int:
    return len(text[segment.start : segment.end].split())


def _sentences(text: str, segments: Iterable[Segment]) -> tuple[str, ...]:
    return tuple(text[part.start : part.end] for part in segments if part.kind is Kind.PROSE)


def _functions(origin: Origin, text: str) -> Iterator[Passage]:
    if (origin.language or "").lower() in {"python", ""}:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            pass
        else:
            yield from _python_functions(origin, text.split("\n"), tree)
            return
    yield from _blocks(origin, text)


def _python_functions(origin: Origin, lines: list[str], tree: ast.Module) -> Iterator[Passage]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield _function(origin, lines, inner, f"{node.name}.{inner.name}")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _function(origin, lines, node, node.name)


def _function(
    origin: Origin, lines: list[str], node: ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> Passage:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    code = textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno]))
    return Passage(origin, 0, code, name=name, description=ast.get_docstring(node) or "")


def _blocks(origin: Origin, text: str) -> Iterator[Passage]:
    """Code of another language: blocks at the left edge that declare something, with the comment above."""
    for segment in split(Category.CODE, text):
        block = text[segment.start : segment.end]
        declared = _DECLARATION.search(block)
        if declared is None:
            continue
        comment: list[str] = []
        for line in block.split("\n"):
            match = _COMMENT.fullmatch(line)
            if match is None:
                break
            comment.append(match[1].strip())
        yield Passage(origin, 0, block, name=declared[1], description=" ".join(comment).strip())
