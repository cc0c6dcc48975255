"""What a chat completion is asked with: OpenAI's shape, and `writing` besides."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from twin_rag_api.endpoints.search import MAX_QUESTION_CHARACTERS
from twin_rag_api.errors import InvalidRequest, UnsupportedParameter
from twin_rag_api.generation.engine_registry import TWIN
from twin_rag_api.generation.engines import Engine, Sampling, Turn
from twin_rag_api.writing.presets import Preset, presets

MOST_CHOICES = 4
_MOST_LINKS = 8
Text = Annotated[str, Field(max_length=MAX_QUESTION_CHARACTERS)]


class ContentPart(BaseModel):
    """A part of a message; only text is read."""

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(BaseModel):
    """How a stream ends."""

    include_usage: bool = False


class JsonSchema(BaseModel):
    """A schema that the answer is to follow."""

    model_config = ConfigDict(extra="allow")
    name: str = Field(min_length=1, max_length=64)
    schema_: dict[str, JsonValue] = Field(alias="schema")


class ResponseFormat(BaseModel):
    """What the answer's whole text is to parse as."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


def _known(name: str) -> str:
    if name not in presets():
        raise ValueError(f"there is no such preset: choose among {', '.join(presets())}")
    return name


class WritingRequest(BaseModel):
    """What is to be written of the last user message, which is the idea; an extension of OpenAI's shape."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    preset: Annotated[str, AfterValidator(_known)]
    """A kind of text, as `GET /v1/presets` lists them."""
    skeleton: Text | None = None
    """The points of the text, a line each; for a reply what it replies to, for code its beginning."""
    links: list[Annotated[str, Field(min_length=1, max_length=2048)]] = Field(
        default_factory=list, max_length=_MOST_LINKS
    )
    """Pages, PDFs and repositories to draw on besides the author's documents."""

    @property
    def kind(self) -> Preset:
        return presets()[self.preset]


class ChatRequest(BaseModel):
    """A conversation whose last user message is the question; other fields of OpenAI's API are ignored.

    A parameter that the chosen model cannot follow is answered with 400 and its name.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)
    model: Annotated[str, Field(max_length=200)] = TWIN
    messages: list[ChatMessage] = Field(min_length=1, max_length=200)
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    stop: (
        Annotated[str, Field(max_length=200)]
        | Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=4)]
        | None
    ) = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    n: int | None = Field(default=None, ge=1, le=MOST_CHOICES)
    """How many answers are written."""
    response_format: ResponseFormat | None = None
    writing: WritingRequest | None = None
    """Write a text instead of an answer."""

    @property
    def choices(self) -> int:
        return self.n or 1

    def question(self) -> str:
        """The last user message.

        Raises:
            InvalidRequest: there is none, or it is too long.
        """
        asked = [message.text for message in self.messages if message.role == "user"]
        if not asked or not asked[-1].strip():
            raise InvalidRequest("messages", "the last user message is empty: write a question")
        if len(asked[-1]) > MAX_QUESTION_CHARACTERS:
            limit = f"{MAX_QUESTION_CHARACTERS:,}"
            raise InvalidRequest("messages", f"the question is longer than {limit} characters: shorten it")
        return asked[-1].strip()

    def history(self) -> tuple[Turn, ...]:
        """What was said before the question."""
        last = max(place for place, message in enumerate(self.messages) if message.role == "user")
        return tuple(
            Turn("user" if message.role == "user" else "assistant", message.text)
            for message in self.messages[:last]
            if message.role in ("user", "assistant") and message.text.strip()
        )

    def instructions(self) -> str | None:
        """What the caller's system messages say."""
        told = [message.text for message in self.messages if message.role in ("system", "developer")]
        return "\n".join(text for text in told if text.strip()) or None

    def sampling(self, engine: Engine) -> Sampling:
        """What is wished of the engine.

        Raises:
            InvalidRequest: a schema is announced and not given.
            UnsupportedParameter: the engine cannot follow one of the wishes.
        """
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        sampling = Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=tuple(filter(None, stop)),
            seed=self.seed,
            response_format=self._format(),
        )
        wished = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "stop": sampling.stop or None,
            "seed": sampling.seed,
        }
        for parameter, value in wished.items():
            if value is not None and parameter not in engine.heeds:
                raise UnsupportedParameter(parameter, engine.name, "leave it out, or choose another model")
        if self.choices > 1 and "n" not in engine.heeds:
            raise UnsupportedParameter("n", engine.name, "it has a single answer to a question")
        if sampling.response_format is not None:
            kind = str(sampling.response_format["type"])
            if kind not in engine.heeds:
                raise UnsupportedParameter("response_format", engine.name, f"it does not write {kind}")
        return sampling

    def _format(self) -> dict[str, JsonValue] | None:
        wished = self.response_format
        if wished is None or wished.type == "text":
            return None
        if wished.type == "json_schema" and wished.json_schema is None:
            raise InvalidRequest("response_format.json_schema", "the type is json_schema: give the schema")
        return wished.model_dump(mode="json", by_alias=True, exclude_none=True)
