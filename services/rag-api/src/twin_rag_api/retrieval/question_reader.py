"""A question before it is searched for: what it asks for besides its topic, and other ways to put it."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from string import Template

from pydantic import BaseModel, ValidationError

from twin_common.clock import Clock, utc_now
from twin_common.documents import Category
from twin_rag_api.retrieval.passages import EVERYTHING, SearchFilters
from twin_rag_api.retrieval.question_model import QuestionModel
from twin_rag_api.retrieval.self_query import PLATFORMS, Reading, read_question
from twin_rag_api.retrieval.wished_filters import combined

_SELF_QUERY, _EXPANSION = "self_query.v1", "query_expansion.v1"
_TOKENS_OF_FILTERS = 200
_TOKENS_OF_A_VARIANT = 60
_LONGEST_VARIANT = 300
_LIST_MARK = re.compile(r"^\s*(?:[-*•]+|\(?\d{1,2}[.):])\s+")
_THOUGHTS = re.compile(r"^.*</think(?:ing)?>", re.DOTALL)
_LANGUAGE_CODE = re.compile(r"[a-z]{2}")


@dataclass(frozen=True)
class ReadingPolicy:
    """Which of the steps are taken, and how long a language model may take for all of them together."""

    rules: bool = True
    """Whether filters are read out of the question by rules."""
    model_filters: bool = False
    """Whether the model is asked for filters that the rules have not found."""
    variants: int = 0
    """For how many other ways to put the question the model is asked."""
    seconds: float = 2.0
    longest_question: int = 2000
    """In characters: what is longer is material rather than a question, and is taken as it is."""


class QuestionReader:
    """Reads questions by rules at once, and by a language model where there is one."""

    def __init__(
        self,
        model: QuestionModel | None = None,
        policy: ReadingPolicy = ReadingPolicy(),
        now: Clock = utc_now,
    ) -> None:
        self._model = model
        self._policy = policy
        self._now = now

    async def read(self, question: str) -> Reading:
        """What is to be searched for; it takes no longer than the policy says, and never fails."""
        if len(question) > self._policy.longest_question:
            return Reading(question, question)
        now = self._now()
        reading = read_question(question, now) if self._policy.rules else Reading(question, question)
        if self._model is None:
            return reading
        deadline = asyncio.get_running_loop().time() + self._policy.seconds
        filters, variants = await asyncio.gather(
            self._filters(self._model, question, now, deadline),
            self._variants(self._model, question, deadline),
        )
        return replace(reading, filters=combined(reading.filters, filters), variants=variants)

    async def close(self) -> None:
        """Let go of the model's connections."""
        if self._model is not None:
            await self._model.close()

    async def _filters(
        self, model: QuestionModel, question: str, now: datetime, deadline: float
    ) -> SearchFilters:
        if not self._policy.model_filters:
            return EVERYTHING
        filters = await model.ask(
            "self_query",
            _template(_SELF_QUERY).substitute(today=now.date().isoformat()),
            question,
            lambda answer: filters_told(answer, question),
            deadline=deadline,
            most_tokens=_TOKENS_OF_FILTERS,
        )
        return filters or EVERYTHING

    async def _variants(self, model: QuestionModel, question: str, deadline: float) -> tuple[str, ...]:
        most = self._policy.variants
        if not most:
            return ()
        variants = await model.ask(
            "query_expansion",
            _template(_EXPANSION).substitute(count=most),
            question,
            lambda answer: variants_told(answer, question, most),
            deadline=deadline,
            most_tokens=_TOKENS_OF_A_VARIANT * most,
        )
        return variants or ()


class _Told(BaseModel):
    """A filter, and the words of the question that it rests on."""

    value: str
    words: str


class _ToldFilters(BaseModel):
    category: _Told | None = None
    platform: _Told | None = None
    language: _Told | None = None
    published_after: _Told | None = None
    published_before: _Told | None = None


def filters_told(answer: str, question: str) -> SearchFilters:
    """The filters in a model's answer; those that quote no words of the question are no filters of it.

    Raises:
        ValueError: the answer is no JSON object of the expected form.
    """
    body = _THOUGHTS.sub("", answer)
    try:
        told = _ToldFilters.model_validate_json(body[body.find("{") : body.rfind("}") + 1])
    except ValidationError as error:
        raise ValueError("the filters are no JSON of the expected form") from error
    asked = _plain(question)

    def value(member: _Told | None, known: Callable[[str], bool]) -> str | None:
        if member is None or not _plain(member.words) or _plain(member.words) not in asked:
            return None
        return member.value if known(member.value) else None

    category = value(told.category, lambda name: name in set(Category))
    after, before = (_moment(value(member, bool)) for member in (told.published_after, told.published_before))
    if after and before and after >= before:
        after = before = None
    return SearchFilters(
        category=Category(category) if category else None,
        platform=value(told.platform, lambda name: name in PLATFORMS),
        language=value(told.language, lambda code: _LANGUAGE_CODE.fullmatch(code) is not None),
        published_after=after,
        published_before=before,
    )


def variants_told(answer: str, question: str, most: int) -> tuple[str, ...]:
    """The variants in a model's answer, a line each; not the question over again.

    Raises:
        ValueError: there is none among the lines.
    """
    found: dict[str, str] = {_plain(question): question}
    for line in _THOUGHTS.sub("", answer).splitlines():
        variant = _LIST_MARK.sub("", line).strip(" \t\"'“”`")
        if (
            any(sign.isalpha() for sign in variant)
            and len(variant) <= _LONGEST_VARIANT
            and variant.isprintable()
        ):
            found.setdefault(_plain(variant), variant)
    variants = tuple(found.values())[1 : most + 1]
    if not variants:
        raise ValueError("there is no variant among the lines")
    return variants


def _moment(told: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(told or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


@cache
def _template(version: str) -> Template:
    path = files("twin_rag_api.retrieval") / "prompts" / f"{version}.md"
    return Template(path.read_text(encoding="utf-8"))
