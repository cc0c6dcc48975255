"""The rules of the service-level objective read metrics that exist."""

import re
from pathlib import Path

import yaml
from prometheus_client import REGISTRY, generate_latest

from twin_feature_stream import metrics

RULES = Path(__file__).parents[3] / "deploy/observability/rules/freshness.yaml"


def expressions() -> str:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return "\n".join(rule["expr"] for group in groups for rule in group["rules"])


class TestFreshnessRules:
    def test_they_name_metrics_that_the_service_has(self) -> None:
        metrics.DOCUMENTS.labels("searchable").inc(0)
        metrics.LAG.labels("0").set(0)
        exposed = generate_latest(REGISTRY).decode()
        names = set(re.findall(r"\btwin_feature_stream_\w+", expressions()))
        assert len(names) >= 4
        for name in names:
            assert re.search(rf"^{name}[{{ ]", exposed, re.MULTILINE), name

    def test_they_read_a_bucket_that_there_is(self) -> None:
        exposed = generate_latest(REGISTRY).decode()
        for bound in set(re.findall(r'le="([^"]+)"', expressions())):
            assert f'twin_feature_stream_freshness_seconds_bucket{{le="{bound}"}}' in exposed
