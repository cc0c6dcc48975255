"""A runbook names only settings, ports and pages that exist."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.observability.dashboards.catalog import ALL
from tests.observability.prometheus_server import CONFIGURATION
from twin_cdc.settings import CdcSettings
from twin_common.kafka_settings import KafkaSettings
from twin_common.vector_index import VectorIndexSettings
from twin_common.warehouse import WarehouseSettings
from twin_crawler.settings import CrawlerSettings
from twin_feature_stream.settings import FeatureStreamSettings
from twin_rag_api.settings import ApiSettings
from twin_trainer.settings import TrainerSettings

RUNBOOKS = sorted((Path(__file__).parents[2] / "docs/runbooks").glob("*.md"))
SERVICES: dict[str, type[BaseSettings]] = {
    "crawler": CrawlerSettings,
    "cdc": CdcSettings,
    "feature-stream": FeatureStreamSettings,
    "rag-api": ApiSettings,
    "trainer": TrainerSettings,
}
SETTINGS: list[type[BaseSettings]] = [
    *SERVICES.values(),
    KafkaSettings,
    WarehouseSettings,
    VectorIndexSettings,
]
VARIABLES = {
    f"{settings.model_config['env_prefix']}{field}".upper()
    for settings in SETTINGS
    for field in settings.model_fields
} | {"RAG_API_URL"}  # the twin command's own

every_runbook = pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)


@every_runbook
def test_its_variables_are_settings(path: Path) -> None:
    named = set(re.findall(r"`\$?([A-Z]+_[A-Z_]+)\b", path.read_text()))
    assert named <= VARIABLES


@every_runbook
def test_its_dashboards_and_panels_exist(path: Path) -> None:
    known = {title for board in ALL for title in (board.title, *(row.title for row in board.rows))}
    known |= {panel.title for board in ALL for panel in board.panels}
    named = set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", path.read_text()))
    assert named <= known | {"Targets"}  # a page of Prometheus itself


@every_runbook
def test_its_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_prometheus_asks_each_service_at_the_port_of_its_settings() -> None:
    jobs = yaml.safe_load(CONFIGURATION.read_text())["scrape_configs"]
    asked = {
        (job["job_name"], *entry["names"], entry["port"]) for job in jobs for entry in job["dns_sd_configs"]
    }
    assert asked == {
        (name, name, settings.model_fields["http_port"].default) for name, settings in SERVICES.items()
    }
