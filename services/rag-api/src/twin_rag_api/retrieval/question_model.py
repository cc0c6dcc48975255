"""The language model as a reader of questions: a short answer soon, or none."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import structlog

from twin_rag_api.gen_ai import operation
from twin_rag_api.generation.circuit_breaker import CircuitBreaker, Outcome
from twin_rag_api.metrics import QUESTION_MODEL
from twin_rag_api.settings import ApiSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = structlog.get_logger(__name__)

_Value = TypeVar("_Value")
_MOST_CHARACTERS = 4000


class QuestionModel:
    """Asks the configured server; whatever goes wrong there, the search goes on without an answer.

    Its circuit breaker is its own: a server that is too slow for a search may well be quick enough to write.
    """

    def __init__(self, client: "AsyncOpenAI", name: str, provider: str) -> None:
        self._client = client
        self._breaker = CircuitBreaker()
        self._name = name
        self._provider = provider

    @classmethod
    def connect(cls, settings: ApiSettings) -> "QuestionModel | None":
        """The model that answers, too, by OpenAI's chat API, which TGI speaks as well; None without one."""
        from httpx2 import Timeout
        from openai import AsyncOpenAI

        if not settings.llm_url:
            return None
        url = settings.llm_url.rstrip("/")
        client = AsyncOpenAI(
            base_url=f"{url.removesuffix('/v1')}/v1" if settings.llm_protocol == "tgi" else url,
            api_key=settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none",
            max_retries=0,  # a plain search is sooner than a second try
            timeout=Timeout(settings.llm_connect_timeout_seconds, read=settings.question_timeout_seconds),
        )
        return cls(client, settings.llm_model or "tgi", urlsplit(url).hostname or "openai")

    async def ask(
        self,
        task: str,
        instructions: str,
        question: str,
        read: Callable[[str], _Value],
        *,
        deadline: float,
        most_tokens: int,
    ) -> _Value | None:
        """What `read` makes of the model's answer; None if none came in time that it could read.

        Args:
            task: what is asked, in a word for counting.
            instructions: the system message.
            question: what the instructions are about.
            read: raises ValueError where the answer is none.
            deadline: by the clock of the event loop, in seconds.
            most_tokens: how long the answer may be.
        """
        admission = self._breaker.admit()
        if admission is None:
            QUESTION_MODEL.labels(task, "paused").inc()
            return None
        came = Outcome.WITHDRAWN
        try:
            async with asyncio.timeout_at(deadline):
                answer = read(await self._complete(instructions, question, most_tokens))
        except TimeoutError:
            came = Outcome.FAILED
            QUESTION_MODEL.labels(task, "timeout").inc()
            return None
        except Exception as error:  # of a server that may answer anything
            came = Outcome.FAILED
            outcome = "unreadable" if isinstance(error, ValueError) else "failed"
            QUESTION_MODEL.labels(task, outcome).inc()
            log.warning("the language model did not read a question", task=task, error=str(error)[:200])
            return None
        else:
            came = Outcome.SUCCEEDED
            QUESTION_MODEL.labels(task, "done").inc()
            return answer
        finally:
            self._breaker.settle(admission, came)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _complete(self, instructions: str, question: str, most_tokens: int) -> str:
        with operation("chat", self._provider, self._name) as current:
            completion = await self._client.chat.completions.create(
                model=self._name,
                messages=[
                    {"role": "system", "content": instructions},
                    {"role": "user", "content": f"<question>\n{question}\n</question>"},
                ],
                temperature=0.0,
                max_tokens=most_tokens,
            )
            if completion.usage is not None:
                current.used(completion.usage.prompt_tokens, completion.usage.completion_tokens)
            return (completion.choices[0].message.content or "")[:_MOST_CHARACTERS]
