"""Panels and rules ask for what services really export: a platform at work, and a real Prometheus."""

import re
from pathlib import Path

from deploy.observability.dashboards.catalog import ALL
from tests.observability.rules import all_rules
from tests.observability.work import platform_at_work

_SELECTOR = re.compile(r"\b(?:twin_\w+|process_\w+|up\b|job(?:_route)?:[\w:]+)(?:\{[^}]*\})?")

# What a platform that is well does not have, and why.
WITHOUT_DATA = {
    'twin_http_request_duration_seconds_count{status=~"5.."}': "no request fails here",
}


def selectors(expression: str) -> set[str]:
    """What an expression reads."""
    return set(_SELECTOR.findall(expression))


class TestExpressions:
    async def test_every_panel_and_every_rule_has_data(self, tmp_path: Path) -> None:
        async with platform_at_work(tmp_path) as server:
            read = set().union(*(selectors(rule.expression) for rule in all_rules()))
            assert len(read) > 20
            assert await server.without_data(sorted(read - WITHOUT_DATA.keys())) == []

            groups = (await server.get("rules"))["groups"]
            ill = [rule for group in groups for rule in group["rules"] if rule["health"] != "ok"]
            assert ill == []

            asked = [
                query.expression.replace("$__rate_interval", "10m")
                for dashboard in ALL
                for panel in dashboard.panels
                for query in panel.queries
            ]
            assert await server.without_data(asked) == []
            assert await server.values("sum(rate(twin_nobody_exports_this_total[10m]))") == []

    def test_it_finds_what_an_expression_reads(self) -> None:
        assert selectors('sum by (job) (rate(twin_x_total{a="b"}[5m])) / job:twin_y:rate5m > up') == {
            'twin_x_total{a="b"}',
            "job:twin_y:rate5m",
            "up",
        }
