"""Every command of the README does what the README says."""

import json
import os
import re
import subprocess

import pytest
from pydantic_settings import BaseSettings

from tests.e2e.conftest import REPOSITORY, RunningTwin
from twin_common.embedding import EmbeddingSettings
from twin_common.kafka_settings import KafkaSettings
from twin_common.telemetry import TelemetrySettings
from twin_common.vector_index import VectorIndexSettings
from twin_common.warehouse import WarehouseSettings
from twin_crawler.settings import CrawlerSettings
from twin_feature_stream.settings import FeatureStreamSettings
from twin_rag_api.settings import ApiSettings

pytestmark = pytest.mark.integration


def commands() -> list[str]:
    """The lines of the README's shell blocks."""
    blocks = re.findall(r"```bash\n(.*?)```", (REPOSITORY / "README.md").read_text(), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_two_commands_are_there() -> None:
    assert commands()[:2] == ["make demo", "make up"]


def test_the_demo_ends_with_a_cited_answer(tmp_path: os.PathLike[str]) -> None:
    environment = os.environ | {"TWIN_HOME": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run(
        ["make", "demo"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for stage in ("Installed:", "started in", "crawled in", "imported in", "searchable in", "answered in"):
        assert stage in done.stdout
    assert re.search(r"\[1\] .* http://127\.0\.0\.1:8099/articles/", done.stdout)


def test_the_commands_of_what_happens_next(running: RunningTwin) -> None:
    for command in commands()[2:]:
        assert command.startswith(".venv/bin/twin "), f"who runs {command!r}?"
        if "reconcile" in command or "search" in command:
            wait_until_searchable(running)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=REPOSITORY,
            env=running.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        assert done.stdout.strip()


def test_every_variable_of_the_table_is_read() -> None:
    table = re.findall(r"^\| (`.*?) \|", (REPOSITORY / "README.md").read_text(), flags=re.MULTILINE)
    named = {name for cell in table for name in re.findall(r"`([A-Z_]+)`", cell)}
    settings: list[type[BaseSettings]] = [
        CrawlerSettings,
        EmbeddingSettings,
        FeatureStreamSettings,
        KafkaSettings,
        ApiSettings,
        TelemetrySettings,
        VectorIndexSettings,
        WarehouseSettings,
    ]
    read = {
        f"{each.model_config.get('env_prefix', '')}{field}".upper()
        for each in settings
        for field in each.model_fields
    }
    assert named <= read | {"TWIN_HOME", "TWIN_PORT", "TWIN_API_KEY", "RAG_API_URL"}


def wait_until_searchable(running: RunningTwin) -> None:
    for _ in range(240):
        documents = json.loads(running.twin("status", "--json").stdout)["documents"]
        if documents["pending"] == 0:
            return
    raise AssertionError(f"still pending: {documents}")
