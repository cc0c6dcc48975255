"""What can be set about this service; see the README for the table."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from twin_rag_api.generation.waiting import PhaseTimeouts


class ApiSettings(BaseSettings):
    """The chat API; read from `RAG_API_*`."""

    model_config = SettingsConfigDict(env_prefix="RAG_API_", use_attribute_docstrings=True)

    http_host: str = "127.0.0.1"
    http_port: int = 8000
    max_body_bytes: int = Field(256 * 1024, ge=1024)
    """A longer request body answers 413."""
    drain_seconds: float = Field(0.0, ge=0)
    """How long a copy that is told to end goes on answering, unready, until every proxy looks elsewhere."""
    finish_seconds: int = Field(3, ge=1)
    """How long answers under way may then take; what takes longer is cut off."""
    requests_per_minute: int = Field(1200, ge=1)
    """How often one API key may ask, in each replica; more answers 429."""
    cors_origins: tuple[str, ...] = ()
    """Pages of other origins that may call the API from a browser, such as https://notes.example."""

    llm_protocol: Literal["openai", "tgi"] = "openai"
    """What the language model's server speaks: OpenAI's chat API, or Text Generation Inference's own."""
    trace_content: bool = True
    """Whether a trace keeps question and answer; without, it keeps numbers, times and ids of documents."""
    trace_redaction: bool = True
    """Whether keys, mail addresses, accounts, cards and phone numbers are replaced before a trace is kept."""
    trace_retention_days: int = Field(30, ge=1, le=3650)
    """After how many days a trace is forgotten."""
    rerank: Literal["words", "none"] = "words"
    """words: what was found is compared with the question word by word, as far as the index keeps words."""

    self_query: Literal["none", "rules", "model"] = "rules"
    """Whether "my LinkedIn posts of 2024" searches those alone; model: the language model reads it, too."""
    query_variants: int = Field(0, ge=0, le=8)
    """For how many other ways to put a question the language model is asked; all are searched for at once."""
    question_timeout_seconds: float = Field(2.0, gt=0)
    """How long the language model may take for all it is asked of one question; then the search goes on."""
    cross_encoder_url: str | None = None
    """Text Embeddings Inference with a model that reranks, such as http://127.0.0.1:8081."""
    cross_encoder_passages: int = Field(30, ge=1, le=100)
    """How many of the passages that were found it puts in order."""
    cross_encoder_timeout_seconds: float = Field(1.0, gt=0)
    """After so long the order stays as it was."""

    llm_url: str | None = None
    """Base of the server, such as http://127.0.0.1:8080/v1; without it answers are quotes."""
    llm_model: str | None = None
    """The model's name there; needed with the URL, but for tgi, which serves a single one."""
    llm_api_key: SecretStr | None = None
    llm_tokenizer: Path | None = None
    """The model's tokenizer.json, by which prompts are measured; without it two bytes count as a token.
    TGI is asked instead."""
    llm_context_tokens: int = Field(8192, ge=256)
    """How much the model reads and writes at most; TGI says so itself."""
    llm_answer_tokens: int = Field(1024, ge=16)
    """How long an answer may be where the request does not say."""
    llm_connect_timeout_seconds: float = 5.0
    llm_first_token_timeout_seconds: float = 60.0
    """How long the model may read before it writes its first word."""
    llm_next_token_timeout_seconds: float = 20.0
    """How long it may pause between two words."""

    redact_personal_data: bool = False
    """Whether e-mail addresses, telephone numbers, bank accounts and cards are left out of answers."""
    trusted_endpoints: Annotated[frozenset[str], NoDecode] = frozenset()
    """host:port pairs, comma-separated, that linked pages may come from although they are not public."""

    def llm_timeouts(self) -> PhaseTimeouts:
        """The phases of a question to the language model."""
        return PhaseTimeouts(
            self.llm_connect_timeout_seconds,
            self.llm_first_token_timeout_seconds,
            self.llm_next_token_timeout_seconds,
        )

    @field_validator("trusted_endpoints", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _model_is_named(self) -> Self:
        if self.llm_url and not self.llm_model and self.llm_protocol == "openai":
            raise ValueError("RAG_API_LLM_URL is set, so RAG_API_LLM_MODEL must name the model there")
        return self
