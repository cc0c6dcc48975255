"""How the crawler runs; read from `CRAWLER_*`."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class CrawlPolicy(BaseModel):
    """How one crawl behaves towards the sites it visits; handed to the child process that runs it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    user_agent: str = "twin-crawler/0.1 (personal archive of the site's own author)"
    """What sites see; the part before the slash is the name that robots.txt files may address."""
    download_delay_seconds: float = Field(default=1.0, ge=0)
    """Between two requests to one host; a longer Crawl-delay of its robots.txt counts instead."""
    concurrent_hosts: int = Field(default=16, ge=1)
    """How many requests may be under way at once, one a host."""
    download_timeout_seconds: float = Field(default=30.0, gt=0)
    """For one request as a whole, its body included."""
    retries: int = Field(default=2, ge=0)
    """How often a request is repeated after a lost connection, a timeout or a 5xx or 429."""
    retry_pause_seconds: float = Field(default=1.0, ge=0)
    """Before the first repetition; it doubles with each further one. A `Retry-After` counts instead."""
    max_body_bytes: int = Field(default=20 * 1024 * 1024, ge=1024)
    """The largest body, also after decompression."""
    max_pages_per_link: int = Field(default=10_000, ge=1)
    """How many pages of a link one crawl fetches; what is left out is the next crawl's."""
    max_listed_per_link: int = Field(default=100_000, ge=1)
    """How many pages a link may list."""
    chromium_path: str | None = None
    """The browser that renders pages of JavaScript; by default the Chromium or Chrome on PATH."""
    secrets_path: Path | None = None
    """The folder in which each author has a folder of secrets, which `file:` references name."""
    trusted_endpoints: Annotated[frozenset[str], NoDecode] = frozenset()
    """host:port, several apart by commas: places the link guard lets through, such as a demo on loopback."""

    @field_validator("trusted_endpoints", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip().lower() for part in value.split(",") if part.strip())
        return value


class CrawlerSettings(CrawlPolicy, BaseSettings):
    """The service's own settings, with the policy of its crawls among them."""

    model_config = SettingsConfigDict(env_prefix="CRAWLER_", frozen=True, use_attribute_docstrings=True)

    http_host: str = "127.0.0.1"
    http_port: int = 8001
    """Where /livez, /readyz and /metrics are served."""
    concurrent_runs: int = Field(default=2, ge=1)
    """How many crawls run at once, each in a process of its own and each of another author."""
    max_waiting_runs: int = Field(default=100, ge=1)
    """How many requests are taken from Kafka before their crawl can start."""
    run_stall_seconds: float = Field(default=900.0, gt=0)
    """A crawl that says nothing for so long is ended and reported as failed."""

    @property
    def policy(self) -> CrawlPolicy:
        """The part that a child process needs."""
        return CrawlPolicy(**self.model_dump(include=set(CrawlPolicy.model_fields)))
