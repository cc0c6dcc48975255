"""The environment variables that the services read, out of their settings classes."""

from pydantic_settings import BaseSettings

from twin_cdc.settings import CdcSettings
from twin_common.embedding import EmbeddingSettings
from twin_common.kafka_settings import KafkaSettings
from twin_common.telemetry import TelemetrySettings
from twin_common.vector_index import VectorIndexSettings
from twin_common.warehouse import WarehouseSettings
from twin_crawler.settings import CrawlerSettings
from twin_feature_stream.datasets.settings import DatasetSettings
from twin_feature_stream.settings import FeatureStreamSettings
from twin_rag_api.settings import ApiSettings
from twin_trainer.settings import TrainerSettings

_SERVERS: tuple[type[BaseSettings], ...] = (KafkaSettings, WarehouseSettings, TelemetrySettings)
READ_BY: dict[str, tuple[type[BaseSettings], ...]] = {
    "crawler": (CrawlerSettings, *_SERVERS),
    "cdc": (CdcSettings, *_SERVERS),
    "feature-stream": (FeatureStreamSettings, *_SERVERS, VectorIndexSettings, EmbeddingSettings),
    "rag-api": (ApiSettings, *_SERVERS, VectorIndexSettings, EmbeddingSettings),
    "trainer": (TrainerSettings, *_SERVERS),
    "topics": (KafkaSettings,),
    "datasets": (DatasetSettings, *_SERVERS, VectorIndexSettings),
}
SERVICES = ("crawler", "cdc", "feature-stream", "rag-api")
# Runs only where a person asks for it: its stack is large.
OPTIONAL = ("trainer",)
# Of the `twin` command, which has no settings class.
OF_THE_COMMAND = {"RAG_API_URL", "TWIN_HOME", "TWIN_API_KEY"}


def variables(settings: type[BaseSettings]) -> set[str]:
    """The names that a class reads."""
    prefix = settings.model_config.get("env_prefix", "")
    return {f"{prefix}{name}".upper() for name in settings.model_fields}


ALL_VARIABLES = {name for classes in READ_BY.values() for cls in classes for name in variables(cls)}


def read_by(service: str) -> set[str]:
    """Every variable that a service reads."""
    return {name for cls in READ_BY[service] for name in variables(cls)}
