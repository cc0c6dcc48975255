"""Panels and rules ask for what services really export: a platform at work, and a real Prometheus."""

import re
from pathlib import Path

from deploy.observability.dashboards.catalog import ALL
from tests.observability.prometheus_server import prometheus
from tests.observability.rules import all_rules
from tests.observability.work import do_some_work
from twin_crawler.testing.mock_site import MockSite, serve
from twin_local.connection import Connection
from twin_local.home import TwinHome
from twin_local.platform import SERVICES, Platform, PlatformOptions, port_variable
from twin_local.ports import free_port

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
        home = TwinHome(tmp_path / "home")
        with serve(MockSite()) as site:
            environment = {
                "CRAWLER_TRUSTED_ENDPOINTS": site.endpoint,
                "CRAWLER_DOWNLOAD_DELAY_SECONDS": "0",
            }
            options = PlatformOptions(home, api_port=free_port(), environment=environment)
            async with Platform(options) as platform:
                ports = {name: int(platform.environment[port_variable(name)]) for name in SERVICES}
                connection = Connection(home, platform.environment)
                async with prometheus(tmp_path / "prometheus", ports) as server:
                    await server.until_scraped(len(SERVICES))
                    await do_some_work(connection, site, 1)
                    # A rate needs a series that was seen before it grew.
                    await server.until_scraped(len(SERVICES))
                    await do_some_work(connection, site, 2)

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
