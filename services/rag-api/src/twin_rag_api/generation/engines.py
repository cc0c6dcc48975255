"""What an engine is given, what it gives, and how it fails."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from twin_common.errors import TwinError
from twin_rag_api.generation.token_counting import TokenCounter
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.writing.presets import Preset


@dataclass(frozen=True)
class Source:
    """A passage under the number by which the answer cites it."""

    number: int
    passage: Passage
    linked: bool = False
    """From a page that the request linked to, instead of the author's documents."""


@dataclass(frozen=True)
class Turn:
    """Something said earlier in the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Sampling:
    """What the caller wishes of a model; None leaves it to the model."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    response_format: Mapping[str, object] | None = None
    """OpenAI's object, such as {"type": "json_object"}: what the answer's whole text must parse as."""


@dataclass(frozen=True)
class Task:
    """A question, and all an answer may rest on."""

    question: str
    sources: tuple[Source, ...]
    history: tuple[Turn, ...] = ()
    instructions: str | None = None
    """What the caller's own system message says about the form of the answer."""
    sampling: Sampling = Sampling()
    preset: Preset | None = None
    """What is to be written; None for an answer. Then `question` is the idea."""
    skeleton: str | None = None
    """The points of the text to be written, or the text that a reply is to."""
    style_examples: tuple[str, ...] = ()
    """Texts of the owner of that kind: their sound is to be met, and nothing in them is a source."""
    links: frozenset[str] = frozenset()
    """The addresses that the caller named."""


@dataclass(frozen=True)
class Text:
    """The next words of an answer, and the numbers of the sources that they cite."""

    text: str
    cited: tuple[int, ...] = ()


@dataclass(frozen=True)
class Usage:
    """What an answer cost, in tokens of the engine."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Finish:
    """Why the engine stopped."""

    reason: Literal["stop", "length", "content_filter"]


@dataclass(frozen=True)
class Notice:
    """Something the reader of an answer should know about how it came to be."""

    code: str
    """A word for programs, such as turns_left_out."""
    detail: str
    """The same as a sentence."""


Piece = Text | Usage | Finish


class EngineFailure(TwinError):
    """The engine gave no answer, or broke off; `reason` is a word for counting."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True)
class ContextWindow:
    """How much a model reads and writes at most, in tokens of its own."""

    input_tokens: int
    total_tokens: int
    """Of prompt and answer together."""
    answer_tokens: int
    """Kept free for the answer where the request does not say how long it may be."""
    counter: TokenCounter

    def room(self, task: Task) -> int:
        """What the prompt may have."""
        answer = task.sampling.max_tokens or self.answer_tokens
        return max(0, min(self.input_tokens, self.total_tokens - answer))


class Engine(Protocol):
    """Writes answers that cite as [1], [2] and so on what the task gives as sources, and nothing else."""

    @property
    def name(self) -> str:
        """For metrics and traces."""

    @property
    def provider(self) -> str:
        """For traces, in OpenTelemetry's words."""

    @property
    def heeds(self) -> frozenset[str]:
        """Which of OpenAI's parameters it can follow, such as temperature, stop or n."""

    async def window(self) -> ContextWindow | None:
        """How much it reads and writes at most; None for one that reads everything.

        Raises:
            EngineFailure: it does not say, since it is away.
        """

    def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece; closing the iterator stops the work behind it.

        Raises:
            EngineFailure: at any point.
        """

    async def close(self) -> None:
        """Let go of the connections."""
