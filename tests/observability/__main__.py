"""Every panel's queries asked of a platform at work, as a table: `python -m tests.observability`.

Grafana draws the same answers; this is what there is to see of the dashboards without it.
"""

import asyncio
import tempfile
from pathlib import Path

from deploy.observability.dashboards.catalog import ALL
from deploy.observability.dashboards.model import Dashboard, Query
from tests.observability.prometheus_server import PrometheusServer
from tests.observability.work import platform_at_work

TABLE = Path(__file__).parents[2] / "docs/operations/panels.md"
_HEAD = """# What each panel shows

The newest answer of every query of every dashboard, asked of a real Prometheus beside the local platform
after two rounds of work: a crawl, an import, a search and a question each. `python -m tests.observability`
writes this page anew; `tests/observability` fails where a query has no answer. Grafana itself has not been
run: it cannot be had here.
"""


async def _ask() -> str:
    with tempfile.TemporaryDirectory() as folder:
        async with platform_at_work(Path(folder)) as server:
            missing = await server.without_data([_now(query) for query in _queries()])
            assert missing == [], f"these have no answer: {missing}"
            return "\n".join([_HEAD, *[await _page(server, dashboard) for dashboard in ALL]])


async def _page(server: PrometheusServer, dashboard: Dashboard) -> str:
    lines = [f"## {dashboard.title}", "", "| panel | series | unit | now |", "|---|---|---|---|"]
    for panel in dashboard.panels:
        for query in panel.queries:
            values = ", ".join(f"{value:.4g}" for value in sorted(await server.values(_now(query)))[:6])
            series = query.legend.replace("{{", "").replace("}}", "") or "-"
            lines.append(f"| {panel.title} | {series} | {panel.unit} | {values} |")
    return "\n".join([*lines, ""])


def _queries() -> list[Query]:
    return [query for dashboard in ALL for panel in dashboard.panels for query in panel.queries]


def _now(query: Query) -> str:
    """The expression as Grafana would send it."""
    return query.expression.replace("$__rate_interval", "10m")


if __name__ == "__main__":
    TABLE.write_text(asyncio.run(_ask()))
