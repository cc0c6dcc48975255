"""What can be set about this service; see the README for the table."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """The chat API; read from `RAG_API_*`."""

    model_config = SettingsConfigDict(env_prefix="RAG_API_", use_attribute_docstrings=True)

    http_host: str = "127.0.0.1"
    http_port: int = 8000
    max_body_bytes: int = Field(256 * 1024, ge=1024)
    """A longer request body answers 413."""
    requests_per_minute: int = Field(1200, ge=1)
    """How often one API key may ask, in each replica; more answers 429."""
    cors_origins: tuple[str, ...] = ()
    """Pages of other origins that may call the API from a browser, such as https://notes.example."""

    rerank: Literal["none", "words"] = "none"
    """words: what was found is compared with the question word by word, at the encoder's expense."""
    rerank_passages: int = Field(100, ge=1, le=500)
    """How many of the chunks that were found are compared."""
    rerank_timeout_seconds: float = Field(2.0, gt=0)
    """After so long a search goes on as if there were no reranking."""

    llm_url: str | None = None
    """Base of an OpenAI-compatible API, such as http://127.0.0.1:8080/v1; without it answers are quotes."""
    llm_model: str | None = None
    """The model's name at that API; needed when `llm_url` is set."""
    llm_api_key: SecretStr | None = None
    llm_connect_timeout_seconds: float = 5.0
    llm_first_token_timeout_seconds: float = 60.0
    """How long the model may read before it writes its first word."""
    llm_next_token_timeout_seconds: float = 20.0
    """How long it may pause between two words."""

    @model_validator(mode="after")
    def _model_is_named(self) -> Self:
        if self.llm_url and not self.llm_model:
            raise ValueError("RAG_API_LLM_URL is set, so RAG_API_LLM_MODEL must name the model there")
        return self
