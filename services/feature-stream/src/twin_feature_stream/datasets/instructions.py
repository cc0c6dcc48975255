"""Writes an instruction for a passage of the owner's text, by rules. Nothing here does I/O.

The same passage and seed give the same instruction, whatever other documents there are: a growing corpus
adds samples and changes none.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from twin_common.documents import Category, DocumentHead
from twin_feature_stream.datasets.samples import Kind, Passage, Sample
from twin_feature_stream.datasets.templates import CODE, LANGUAGES, POST, QUESTION, RULES, SECTION

_WORD = re.compile(r"[^\W\d_][\w’'-]*")
_MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*_`#>|]+")
_PART = re.compile(r"^[ \t]*\(?\d{1,2}(?:/\d{0,2}|[.)])", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+")
_COMMON_WORDS = """
about above after again against almost along already although always among another around because become
been before began being below between both cannot could does doing done down during each either else even
ever every everything example first from give given goes going have having here into itself just know
later least less like look made make many maybe means might more most much must need needs never next
nothing often once only other others over people really said same says second should show simply since
some someone something still such take than that their them then there these they thing things think this
those though through time together under until upon used using very want wants were what when where
whether which while whole will with within without work would your yours
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_KEYWORDS = 3
_LEAST_KEYWORD_LETTERS = 5
_BEFORE_WORDS = 60
_NOTE_WORDS = 10
_NOTES = 6
_LEAST_NOTE_WORDS = 5
_LEAD_WORDS = 40
_LEAST_TITLE_LETTERS = 15
_LEAST_WORDS_TO_CUT = 80
_LEAST_POST_WORDS_TO_CUT = 40


@dataclass(frozen=True)
class Announced:
    """An article as a post may speak of it."""

    title: str
    lead: str


def announced_articles(documents: Iterable[DocumentHead]) -> dict[str, Announced]:
    """The articles, by what a post would name them by: the address without its scheme, and the title."""
    found: dict[str, Announced] = {}
    for document in documents:
        if document.category is not Category.ARTICLE:
            continue
        article = Announced(document.title, _cut(_plain(document.text.lstrip("# ")), _LEAD_WORDS))
        found[re.sub(r"^https?://(?:www\.)?", "", document.url).rstrip("/").casefold()] = article
        if len(document.title) >= _LEAST_TITLE_LETTERS:
            found[document.title.casefold()] = article
    return found


def instruct(passage: Passage, articles: Mapping[str, Announced], seed: int) -> Sample | None:
    """One sample of the passage; None for one that no kind of instruction fits."""
    random = Random(f"{seed}|{passage.origin.document_id}|{passage.place}")  # noqa: S311  no secret
    if passage.origin.category is Category.CODE:
        return _of_code(passage, random)
    announced = _announced_in(passage, articles)
    kinds = _kinds(passage, announced)
    random.shuffle(kinds)
    samples = (_of_prose(passage, kind, announced, random) for kind in kinds)
    return next((sample for sample in samples if sample is not None), None)


def _of_prose(passage: Passage, kind: Kind, announced: Announced | None, random: Random) -> Sample | None:
    before, answer = _split(passage) if kind is Kind.CONTINUE else ("", passage.text)
    topic = _topic(passage)
    templates = (POST if passage.origin.category is Category.POST else SECTION)[kind]
    if kind is Kind.EXPLAIN and topic.endswith("?"):
        templates = QUESTION
    values = {
        "topic": topic,
        "title": _plain(passage.origin.title),
        "keywords": _listed(_keywords(answer)),
        "lead": _lead(passage.sentences),
        "before": before,
        "outline": _outline(passage.sentences),
        "article": _plain(announced.title) if announced else "",
        "article_lead": announced.lead if announced else "",
    }
    instruction = _filled(templates, values, random)
    if instruction is None:
        return None
    return _sample(passage, kind, instruction + _in_language(passage.origin.language), answer)


def _kinds(passage: Passage, announced: Announced | None) -> list[Kind]:
    """The kinds that fit the passage; writing is what a twin is asked for most."""
    words = len(passage.text.split())
    if passage.origin.category is Category.POST:
        long = words >= _LEAST_POST_WORDS_TO_CUT and len(passage.sentences) >= 4
        if announced:
            return [Kind.POST_FROM_ARTICLE]
        if len(_PART.findall(passage.text)) >= 3:
            return [Kind.THREAD]
        return [Kind.WRITE, Kind.WRITE, *([Kind.CONTINUE, Kind.OUTLINE] if long else [])]
    kinds = [Kind.WRITE, Kind.WRITE]
    if passage.before or (words >= _LEAST_WORDS_TO_CUT and len(passage.sentences) >= 4):
        kinds.append(Kind.CONTINUE)
    if len(passage.sentences) >= 4:
        kinds.append(Kind.OUTLINE)
    if passage.heading_path and not passage.before:
        kinds.append(Kind.EXPLAIN)
    return kinds


def _split(passage: Passage) -> tuple[str, str]:
    """What is shown and what is to follow; without a passage before it, the first third is shown."""
    if passage.before:
        words = passage.before.split(" ")
        cut = len(words) > _BEFORE_WORDS
        return ("… " if cut else "") + " ".join(words[-_BEFORE_WORDS:]).strip(), passage.text
    shown = passage.sentences[max(1, len(passage.sentences) // 3) - 1]
    end = passage.text.find(shown) + len(shown)
    words = passage.text[:end].split(" ")
    return " ".join(words[-_BEFORE_WORDS:]).strip(), passage.text[end:].strip()


def _of_code(passage: Passage, random: Random) -> Sample | None:
    language = passage.origin.language or "Python"
    head = _head_of_code(passage.text)
    if passage.description:
        kind = Kind.CODE_FROM_DOCSTRING
    else:
        kind = Kind.CONTINUE if head and len(passage.text.split("\n")) >= 6 else Kind.WRITE
    values = {
        "name": passage.name,
        "language": language,
        "description": passage.description,
        "before": f"```{language.lower()}\n{head}\n```",
        "title": passage.origin.title,
    }
    instruction = _filled(CODE[kind], values, random)
    return _sample(passage, kind, instruction, passage.text) if instruction else None


def _head_of_code(code: str) -> str:
    """The lines up to the one that opens the body."""
    lines = code.split("\n")
    for number, line in enumerate(lines[:8]):
        if line.rstrip().endswith((":", "{")):
            return "\n".join(lines[: number + 1])
    return ""


def _sample(passage: Passage, kind: Kind, instruction: str, answer: str) -> Sample:
    return Sample(kind, instruction.strip(), answer.strip("\n"), passage.origin, passage.place, RULES)


def _filled(templates: Sequence[str], values: Mapping[str, str], random: Random) -> str | None:
    """One of the templates for which all that it names is known."""
    usable = [
        template for template in templates if all(values[name] for name in re.findall(r"\{(\w+)\}", template))
    ]
    return random.choice(usable).format_map(values) if usable else None


def _topic(passage: Passage) -> str:
    for heading in reversed(passage.heading_path):
        plain = re.sub(r"^(?:\d+[.)]?|#\d+|[-–—•])\s*", "", _plain(heading)).strip()
        if plain:
            return plain if plain.endswith("?") else plain.rstrip(" .:!")
    return _listed(_keywords(passage.text))


def _announced_in(passage: Passage, articles: Mapping[str, Announced]) -> Announced | None:
    if passage.origin.category is not Category.POST:
        return None
    text = passage.text.casefold()
    named = [name for name in articles if name in text]
    return articles[max(named, key=lambda name: (len(name), name))] if named else None


def _keywords(text: str) -> list[str]:
    """The words that come most often, in the order in which they first come."""
    words = _WORD.findall(_plain(re.sub(r"https?://\S+", "", text)))
    counts = Counter(
        word.casefold()
        for word in words
        if len(word) >= _LEAST_KEYWORD_LETTERS and word.casefold() not in _COMMON
    )
    # Of words that come equally often the longer one says more.
    chosen = sorted(counts, key=lambda word: (-counts[word], -len(word), word))[:_KEYWORDS]
    first = [word.casefold() for word in words]
    return sorted(chosen, key=first.index)


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _outline(sentences: Sequence[str]) -> str:
    """The beginnings of up to six sentences, spread over the passage."""
    sentences = [sentence for sentence in sentences if len(sentence.split()) >= _LEAST_NOTE_WORDS]
    count = min(_NOTES, len(sentences))
    picked = [sentences[index * len(sentences) // count] for index in range(count)]
    return "\n".join(f"- {_cut(_plain(_BULLET.sub('', sentence)), _NOTE_WORDS)}" for sentence in picked)


def _lead(sentences: Sequence[str]) -> str:
    """The first sentence that says something."""
    leads = (sentence for sentence in sentences if len(sentence.split()) >= _LEAST_NOTE_WORDS)
    return _cut(_plain(_BULLET.sub("", next(leads, ""))), _LEAD_WORDS)


def _plain(text: str) -> str:
    """Without Markdown's marks, on one line."""
    return " ".join(_MARKS.sub(lambda match: match[1] or "", text).split())


def _cut(text: str, words: int) -> str:
    parts = text.split(" ")
    return text if len(parts) <= words else " ".join(parts[:words]).rstrip(" ,;:.–—-") + " …"


def _in_language(language: str | None) -> str:
    name = LANGUAGES.get((language or "").split("-")[0].lower())
    return f"\n\nWrite in {name}." if name else ""
