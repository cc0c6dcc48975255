"""The connection to MongoDB and the rooms behind it."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

import structlog
from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from twin_common.errors import ServerUnavailable
from twin_common.warehouse.author_leases import AuthorLeases
from twin_common.warehouse.authors import Authors
from twin_common.warehouse.crawl_records import CrawlRecords
from twin_common.warehouse.dataset_records import DatasetRecords
from twin_common.warehouse.documents import Documents
from twin_common.warehouse.erasures import Erasures
from twin_common.warehouse.feedback_records import FeedbackRecords
from twin_common.warehouse.model_records import ModelRecords
from twin_common.warehouse.training_jobs import TrainingJobs

log = structlog.get_logger(__name__)


class WarehouseSettings(BaseSettings):
    """Where MongoDB is; read from `MONGODB_*`."""

    model_config = SettingsConfigDict(env_prefix="MONGODB_", use_attribute_docstrings=True)

    url: SecretStr
    """MongoDB's connection string; change streams need a replica set (or the local server)."""
    database: str = "twin"
    timeout_seconds: float = 5.0
    """How long to look for a server before an operation fails."""

    @field_validator("url")
    @classmethod
    def _is_a_connection_string(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value()
        if text.startswith("mongodb+srv://"):  # to look into it would ask the network
            return url
        try:
            parse_uri(text)
        except (PyMongoError, ValueError) as error:
            raise ValueError(str(error)) from None
        return url


class Warehouse:
    """One client for one database; `documents`, `authors`, `crawls` and `erasures` are its rooms."""

    def __init__(self, settings: WarehouseSettings) -> None:
        timeout_ms = int(settings.timeout_seconds * 1000)
        self.client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            settings.url.get_secret_value(),
            serverSelectionTimeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            tz_aware=True,
        )
        self.database = self.client[settings.database]
        self.documents = Documents(self.database)
        self.authors = Authors(self.database)
        self.crawls = CrawlRecords(self.database)
        self.erasures = Erasures(self.database)
        self.author_leases = AuthorLeases(self.database)
        self.feedback = FeedbackRecords(self.database)
        self.models = ModelRecords(self.database)
        self.training_jobs = TrainingJobs(self.database)
        self.datasets = DatasetRecords(self.database)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def ping(self) -> None:
        """Raise ServerUnavailable when the server does not answer, or refuses who we are."""
        try:
            await self.client.admin.command("ping")
        except (ConnectionFailure, OperationFailure) as error:
            raise ServerUnavailable(_sentence(error)) from error

    async def wait_until_ready(
        self, interval_seconds: float = 1.0, on_problem: Callable[[str], None] = lambda _: None
    ) -> None:
        """Wait for the server, say so, and create the indexes that the rooms rely on.

        Args:
            on_problem: told why it waits, each time that it has asked in vain.
        """
        while True:
            try:
                await self.ping()
                break
            except ServerUnavailable as error:
                on_problem(str(error)[:300])
                log.warning("waiting for the warehouse", error=str(error)[:300])
                await asyncio.sleep(interval_seconds)
        await self.documents.create_indexes()
        await self.crawls.create_indexes()
        await self.feedback.create_indexes()
        await self.models.create_indexes()
        await self.training_jobs.create_indexes()
        await self.datasets.create_indexes()


def _sentence(error: PyMongoError) -> str:
    """What is wrong with the server, and what to do where it is the password."""
    # While one connection is refused, the driver tells the others that the server is away, and why.
    if isinstance(error, OperationFailure) or "authentication failed" in str(error).lower():
        reason = str(error).partition(", full error")[0]
        return f"the warehouse refuses us: {reason}; check the user and the password in MONGODB_URL"
    return f"the warehouse does not answer: {error}"
