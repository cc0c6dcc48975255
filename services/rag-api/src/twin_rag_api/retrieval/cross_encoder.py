"""The order of passages by a cross-encoder, which reads question and passage together.

The server is Text Embeddings Inference, by its route /rerank:
https://huggingface.github.io/text-embeddings-inference/
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from pydantic import BaseModel, FiniteFloat, TypeAdapter

from twin_rag_api.generation.circuit_breaker import CircuitBreaker, Outcome
from twin_rag_api.metrics import CROSS_ENCODER
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.settings import ApiSettings

if TYPE_CHECKING:
    from httpx2 import AsyncClient

log = structlog.get_logger(__name__)

_TEXTS_A_REQUEST = 32
"""What the server admits unless it is started with another --max-client-batch-size."""


class _Rank(BaseModel):
    index: int
    score: FiniteFloat


_RANKS = TypeAdapter(list[_Rank])


@dataclass(frozen=True)
class CrossEncoderPolicy:
    """How much is read, and for how long."""

    passages: int
    """How many of the best passages are put in order."""
    seconds: float
    """After so long the order stays as it was."""


class CrossEncoder:
    """Asks the server; whatever goes wrong there, the passages stay as they were."""

    def __init__(self, client: "AsyncClient", policy: CrossEncoderPolicy) -> None:
        self._client = client
        self._breaker = CircuitBreaker()
        self.policy = policy

    @classmethod
    def connect(cls, settings: ApiSettings) -> "CrossEncoder | None":
        """The server of the settings; None where they name none."""
        from httpx2 import AsyncClient

        if settings.cross_encoder_url is None:
            return None
        policy = CrossEncoderPolicy(settings.cross_encoder_passages, settings.cross_encoder_timeout_seconds)
        url = settings.cross_encoder_url.rstrip("/")
        return cls(AsyncClient(base_url=url, timeout=policy.seconds), policy)

    async def rerank(self, question: str, passages: Sequence[Passage]) -> list[Passage]:
        """The passages in the server's order, or as they are if it gives none in time.

        What it scores with differs from model to model, so only the differences count: they are moved so that
        the first passage has the score that the first had before, by which "nothing found" is told.
        """
        if not passages:
            return []
        admission = self._breaker.admit()
        if admission is None:
            CROSS_ENCODER.labels("paused").inc()
            return list(passages)
        came, looked_at = Outcome.WITHDRAWN, passages[: self.policy.passages]
        try:
            async with asyncio.timeout(self.policy.seconds):
                scores = await self._scores(question, [passage.text for passage in looked_at])
            came = Outcome.SUCCEEDED
            CROSS_ENCODER.labels("done").inc()
        except TimeoutError:
            came = Outcome.FAILED
            CROSS_ENCODER.labels("timeout").inc()
            return list(passages)
        except Exception as error:  # of a server that may answer anything
            came = Outcome.FAILED
            CROSS_ENCODER.labels("failed").inc()
            log.warning("the cross-encoder gave no order", error=f"{type(error).__name__}: {error}"[:200])
            return list(passages)
        finally:
            self._breaker.settle(admission, came)
        lift = passages[0].score - max(scores)
        order = sorted(range(len(looked_at)), key=lambda place: -scores[place])
        return [replace(looked_at[place], score=scores[place] + lift) for place in order]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _scores(self, question: str, texts: Sequence[str]) -> list[float]:
        starts = range(0, len(texts), _TEXTS_A_REQUEST)
        parts = await asyncio.gather(
            *(self._scores_of(question, texts[start : start + _TEXTS_A_REQUEST]) for start in starts)
        )
        return [score for part in parts for score in part]

    async def _scores_of(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score a text, in their order.

        Raises:
            HTTPError: the server does not answer, or refuses.
            ValueError: its answer is not one score for each of the texts.
        """
        body = {"query": question, "texts": texts, "truncate": True}
        response = await self._client.post("/rerank", json=body)
        response.raise_for_status()
        scores = {rank.index: rank.score for rank in _RANKS.validate_json(response.content)}
        if scores.keys() != set(range(len(texts))):
            raise ValueError(f"it scored {len(scores)} of {len(texts)} texts")
        return [scores[place] for place in range(len(texts))]
