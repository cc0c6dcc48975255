"""Asks a model many things: several at once, each only once ever, and not for ever when it is down."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import orjson

from twin_feature_stream.datasets.chat_model import ChatModel, Messages, ModelFailure


@dataclass(frozen=True)
class AskingPolicy:
    """How a model is asked."""

    concurrency: int = 8
    retry_seconds: tuple[float, ...] = (1.0, 5.0)
    """The rests before a question is asked again whose failure may pass."""
    failures_in_a_row: int = 5
    """After so many it is taken to be down, and asked no more in this build."""


@dataclass(frozen=True)
class Question:
    """A conversation that the model is to go on with."""

    messages: Messages
    max_tokens: int


@dataclass
class Answers:
    """One answer a question, None where there is none, and how they were come by."""

    texts: list[str | None]
    cached: int = 0
    asked: int = 0
    failures: Counter[str] = field(default_factory=Counter)


class AnswerCache:
    """Answers by the hash of what was asked, in one file: what is in it is never asked again."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path)
        self._database.execute("create table if not exists answers (key text primary key, text text)")

    @staticmethod
    def key(model: str, question: Question) -> str:
        """sha256 over the model's name and everything it is told."""
        asked = [model, list(question.messages), question.max_tokens]
        return sha256(orjson.dumps(asked)).hexdigest()

    def get(self, key: str) -> str | None:
        """The answer, if it is known."""
        row = self._database.execute("select text from answers where key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def put(self, key: str, text: str) -> None:
        """Keep an answer; it survives a crash from here on."""
        with self._database:
            self._database.execute("insert or replace into answers values (?, ?)", (key, text))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


async def ask(
    model: ChatModel,
    questions: Sequence[Question],
    cache_file: Path,
    policy: AskingPolicy,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Answers:
    """Answer what the cache does not know by the model; a failure is counted and leaves None."""
    answers = Answers([None] * len(questions))
    pending = iter(range(len(questions)))
    in_a_row = 0
    done = 0

    async def work(cache: AnswerCache) -> None:
        nonlocal in_a_row, done
        for place in pending:
            key = cache.key(model.name, questions[place])
            known = cache.get(key)
            if known is not None:
                answers.texts[place] = known
                answers.cached += 1
            elif in_a_row >= policy.failures_in_a_row:
                answers.failures["given_up"] += 1
            else:
                answers.asked += 1
                try:
                    text = await _complete(model, questions[place], policy.retry_seconds)
                except ModelFailure as failure:
                    answers.failures[failure.reason] += 1
                    in_a_row += 1
                else:
                    in_a_row = 0
                    cache.put(key, text)
                    answers.texts[place] = text
            done += 1
            progress(done, len(questions))

    with closing(AnswerCache(cache_file)) as cache:
        async with asyncio.TaskGroup() as workers:
            for _ in range(policy.concurrency):
                workers.create_task(work(cache))
    return answers


async def _complete(model: ChatModel, question: Question, rests: Sequence[float]) -> str:
    for rest in rests:
        try:
            return await model.complete(question.messages, question.max_tokens)
        except ModelFailure as failure:
            if not failure.is_transient:
                raise
        await asyncio.sleep(rest)
    return await model.complete(question.messages, question.max_tokens)
