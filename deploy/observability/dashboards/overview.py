"""The whole platform on one page: from a crawl to a searchable document, and whether that is fast enough."""

from deploy.observability.dashboards.model import Dashboard, Panel, Query, Row, quantile, quantiles, rate

FRESHNESS_BUDGET = 0.05
"""Of all writes, how many may take longer than a second; rules/freshness.yaml alerts on the same share."""

_FRESHNESS = "twin_feature_stream_freshness_seconds"


def _burn_rate(window: str) -> Query:
    late = f"max(job:twin_freshness_late:ratio_rate{window})"
    return Query(f"{late} / {FRESHNESS_BUDGET}", window)


_STATE = Row(
    "Is it well?",
    (
        Panel(
            "Copies that answer",
            "Copies of each service that Prometheus reaches; none means that the service is down.",
            (Query('sum by (job) (up{job=~"crawler|cdc|feature-stream|rag-api|trainer"})', "{{job}}"),),
            kind="stat",
        ),
        Panel(
            "Freshness, p95",
            "From stored in the warehouse to searchable. The objective: 95 % within one second.",
            (Query(quantile(0.95, _FRESHNESS)),),
            unit="s",
            kind="stat",
            threshold=1,
        ),
        Panel(
            "Error budget burn, 1 h",
            "1 uses up the budget of 30 days in 30 days; 14.4 pages somebody.",
            (_burn_rate("1h"),),
            kind="stat",
            threshold=6,
        ),
        Panel(
            "Dead letters, 24 h",
            "Messages that nobody could use. Each wants a look: twin dlq list.",
            (
                Query(
                    "sum(increase(twin_crawler_dead_letters_total[24h]))"
                    " + sum(increase(twin_feature_stream_dead_letters_total[24h]))"
                ),
            ),
            kind="stat",
            threshold=1,
        ),
    ),
)

_FLOW = Row(
    "Flow: what passes each hop a second",
    (
        Panel(
            "Pages crawled",
            "Pages the crawler dealt with, by what became of them.",
            (Query(rate("twin_crawler_pages_total", "outcome"), "{{outcome}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Changes captured",
            "Changes of documents that Kafka has confirmed.",
            (Query(rate("twin_cdc_events_total", "operation"), "{{operation}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Documents indexed",
            "What the index did with them; repeated ones changed nothing.",
            (Query(rate("twin_feature_stream_documents_total", "outcome"), "{{outcome}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Answers",
            "Answers of the chat, by how they ended.",
            (Query(rate("twin_answers_total", "outcome"), "{{outcome}}"),),
            unit="ops",
            stacked=True,
        ),
    ),
)

_LAG = Row(
    "Lag at each hop",
    (
        Panel(
            "Waiting at the crawler",
            "Requests whose crawl has not begun.",
            (Query("sum(twin_crawler_runs_waiting)", "requests"),),
        ),
        Panel(
            "Warehouse to Kafka",
            "The relay's delay, and the age of the oldest change that Kafka has not confirmed.",
            (
                Query(quantile(0.95, "twin_cdc_lag_seconds"), "p95"),
                Query("max(twin_cdc_behind_seconds)", "oldest change"),
            ),
            unit="s",
            threshold=60,
        ),
        Panel(
            "Kafka to index",
            "Events that the stream has not read; 1 a partition is the marker that ends a transaction.",
            (Query("sum(twin_feature_stream_lag_events)", "events"),),
        ),
        Panel(
            "Time to first words",
            "From a question to the first words of the answer.",
            (Query(quantile(0.95, "twin_generation_first_token_seconds"), "p95"),),
            unit="s",
        ),
    ),
)

_OBJECTIVE = Row(
    "Objective: 95 % of all writes searchable within one second",
    (
        Panel(
            "Freshness",
            "From stored in the warehouse to searchable, of versions that are new.",
            quantiles(_FRESHNESS),
            unit="s",
            threshold=1,
        ),
        Panel(
            "Late writes",
            "The share of writes that took longer than a second.",
            (Query("max(job:twin_freshness_late:ratio_rate5m)", "5m"),),
            unit="percentunit",
            threshold=FRESHNESS_BUDGET,
        ),
        Panel(
            "Burn rate of the error budget",
            "How many times faster than allowed, over each window that an alert looks at.",
            tuple(_burn_rate(window) for window in ("5m", "30m", "1h", "6h")),
            threshold=14.4,
        ),
    ),
)

OVERVIEW = Dashboard(
    "twin-overview",
    "Platform overview",
    "From a crawl to a searchable document: what flows, where it waits, and whether it is fast enough.",
    (_STATE, _FLOW, _LAG, _OBJECTIVE),
)
