"""What is said about an environment that cannot be used."""

from typing import Any

import pytest
from pydantic_settings import BaseSettings

from twin_common.configuration import read
from twin_common.kafka_settings import KafkaSettings
from twin_common.telemetry import TelemetrySettings
from twin_common.vector_index import VectorIndexSettings
from twin_common.warehouse import WarehouseSettings

_WRONG: list[Any] = [
    (WarehouseSettings, {"MONGODB_URL": None}, "MONGODB_URL is not set. What it is for: MongoDB's"),
    (WarehouseSettings, {"MONGODB_URL": "http://canary@host"}, "MONGODB_URL is not usable: "),
    (WarehouseSettings, {"MONGODB_URL": "mongodb://twin:canary@host:port/"}, "MONGODB_URL is not usable: "),
    (KafkaSettings, {"KAFKA_BOOTSTRAP_SERVERS": None}, "KAFKA_BOOTSTRAP_SERVERS is not set"),
    (KafkaSettings, {"KAFKA_BOOTSTRAP_SERVERS": "kafka"}, "'kafka' is not host:port"),
    (KafkaSettings, {"KAFKA_SECURITY_PROTOCOL": "SASL"}, "KAFKA_SECURITY_PROTOCOL is not usable: "),
    (
        KafkaSettings,
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
        "so KAFKA_SASL_USERNAME and KAFKA_SASL",
    ),
    (VectorIndexSettings, {"QDRANT_URL": None}, "QDRANT_URL is not set"),
    (VectorIndexSettings, {"QDRANT_URL": "qdrant:6333"}, "it must be http://host:port"),
    (TelemetrySettings, {"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is not usable: "),
]
_RIGHT = {
    "MONGODB_URL": "mongodb://127.0.0.1:27017",
    "KAFKA_BOOTSTRAP_SERVERS": "a.example:9092, [::1]:9093",
    "QDRANT_URL": "https://qdrant.example",
}


@pytest.fixture(autouse=True)
def right(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that can be used."""
    for name, value in _RIGHT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("settings", "changes", "sentence"), _WRONG)
def test_a_wrong_variable_is_named_and_its_value_is_not(
    settings: type[BaseSettings],
    changes: dict[str, str | None],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in changes.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        read(settings)
    assert sentence in str(ended.value)
    assert "canary" not in str(ended.value)
    assert ended.value.__suppress_context__


@pytest.mark.parametrize("settings", [WarehouseSettings, KafkaSettings, VectorIndexSettings])
def test_what_is_right_is_read(settings: type[BaseSettings]) -> None:
    assert isinstance(read(settings), settings)
