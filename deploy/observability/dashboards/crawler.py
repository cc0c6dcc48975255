"""What the crawler fetches, and what it does not get."""

from deploy.observability.dashboards.model import Dashboard, Panel, Query, Row, quantiles, rate, ratio

_RUNS = Row(
    "Runs",
    (
        Panel(
            "Under way and waiting",
            "An author's runs keep their order, and only a few authors are crawled at once.",
            (
                Query("sum(twin_crawler_runs_under_way)", "under way"),
                Query("sum(twin_crawler_runs_waiting)", "waiting"),
            ),
        ),
        Panel(
            "Runs ended in an hour",
            "A run fails as a whole or not at all: single pages that failed do not make a failed run.",
            (Query("sum by (status) (increase(twin_crawler_run_duration_seconds_count[1h]))", "{{status}}"),),
        ),
        Panel(
            "Duration",
            "How long a crawl took from its first page to its report.",
            quantiles("twin_crawler_run_duration_seconds"),
            unit="s",
        ),
    ),
)

_PAGES = Row(
    "Pages",
    (
        Panel(
            "By outcome",
            "An unchanged page costs a request and nothing else; a page is deleted when it is gone twice.",
            (Query(rate("twin_crawler_pages_total", "outcome"), "{{outcome}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Failed share",
            "Of all pages, those that gave nothing although they should.",
            (
                Query(
                    ratio('twin_crawler_pages_total{outcome="failed"}', "twin_crawler_pages_total"), "failed"
                ),
            ),
            unit="percentunit",
            threshold=0.2,
        ),
        Panel(
            "Received",
            "Bytes from sites, before decompression.",
            (Query(rate("twin_crawler_received_bytes_total"), "bytes"),),
            unit="Bps",
        ),
    ),
)

_REFUSALS = Row(
    "What did not come",
    (
        Panel(
            "Addresses without a document, in an hour",
            "By reason; the run's report (twin crawl) names each address.",
            (Query("sum by (reason) (increase(twin_crawler_link_errors_total[1h]))", "{{reason}}"),),
        ),
        Panel(
            "Unusable requests, in an hour",
            "Crawl requests that became dead letters: twin dlq list.",
            (Query("sum by (reason) (increase(twin_crawler_dead_letters_total[1h]))", "{{reason}}"),),
            threshold=1,
        ),
    ),
)

CRAWLER = Dashboard(
    "twin-crawler",
    "Crawler",
    "Runs, pages, and why addresses gave no document.",
    (_RUNS, _PAGES, _REFUSALS),
)
