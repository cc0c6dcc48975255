"""The way of a change: captured by cdc, made searchable by the feature stream."""

from deploy.observability.dashboards.model import (
    Dashboard,
    Panel,
    Query,
    Row,
    quantile,
    quantiles,
    rate,
    ratio,
)

_CAPTURE = Row(
    "Change capture (cdc)",
    (
        Panel(
            "Copies that relay",
            "Exactly one holds the lease; the others wait for it.",
            (Query("sum(twin_cdc_lease_held)", "relaying"), Query("count(twin_cdc_lease_held)", "copies")),
        ),
        Panel(
            "Changes",
            "Changes that Kafka has confirmed.",
            (Query(rate("twin_cdc_events_total", "operation"), "{{operation}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Write to Kafka's confirmation",
            "By the warehouse's clock.",
            quantiles("twin_cdc_lag_seconds"),
            unit="s",
        ),
        Panel(
            "Oldest change not confirmed",
            "Grows while Kafka is away or too slow.",
            (Query("max(twin_cdc_behind_seconds)", "age"),),
            unit="s",
            threshold=60,
        ),
    ),
)

_POSITION = Row(
    "Position and back-fill (cdc)",
    (
        Panel(
            "Changes in hand",
            "Read and not confirmed.",
            (Query("sum(twin_cdc_pending_events)", "changes"),),
        ),
        Panel(
            "Last change",
            "How long ago one was captured; only a busy platform has to have a recent one.",
            (Query("time() - max(twin_cdc_last_event_timestamp_seconds > 0)", "ago"),),
            unit="s",
        ),
        Panel(
            "Back-fill",
            "All documents are published anew at the first start, and when the position was lost.",
            (
                Query("max(twin_cdc_back_fill_expected_documents)", "expected"),
                Query("max(twin_cdc_back_fill_published_documents)", "published"),
            ),
        ),
        Panel(
            "Interruptions, in an hour",
            "Positions lost, back-fills, and restarts of the relay by the server that failed it.",
            (
                Query("sum(increase(twin_cdc_resume_token_lost_total[1h]))", "position lost"),
                Query("sum(increase(twin_cdc_back_fills_total[1h]))", "back-fill"),
                Query("sum by (server) (increase(twin_cdc_failures_total[1h]))", "{{server}} failed"),
            ),
        ),
    ),
)

_INDEXING = Row(
    "Indexing (feature-stream)",
    (
        Panel(
            "Documents",
            "By what the index did with them.",
            (Query(rate("twin_feature_stream_documents_total", "outcome"), "{{outcome}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Events not read",
            "By partition; 1 is the marker that ends a transaction, one that grows alone has a stuck worker.",
            (Query("sum by (partition) (twin_feature_stream_lag_events)", "{{partition}}"),),
        ),
        Panel(
            "Freshness",
            "From stored in the warehouse to searchable.",
            quantiles("twin_feature_stream_freshness_seconds"),
            unit="s",
            threshold=1,
        ),
        Panel(
            "Last event",
            "How long ago one was read.",
            (Query("time() - max(twin_feature_stream_last_event_timestamp_seconds > 0)", "ago"),),
            unit="s",
        ),
    ),
)

_WORK = Row(
    "Work (feature-stream)",
    (
        Panel(
            "Stages, p95",
            "Time of one stage for one micro-batch; the slowest one bounds the stream.",
            (Query(quantile(0.95, "twin_feature_stream_stage_seconds", "stage"), "{{stage}}"),),
            unit="s",
        ),
        Panel(
            "Time by stage",
            "Seconds of each stage a second: where the stream spends itself.",
            (Query(rate("twin_feature_stream_stage_seconds_sum", "stage"), "{{stage}}"),),
            unit="percentunit",
            stacked=True,
        ),
        Panel(
            "Chunks",
            "A chunk whose text did not change keeps its vector.",
            (Query(rate("twin_feature_stream_chunks_total", "origin"), "{{origin}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Tokens encoded",
            "What the encoder reads a second.",
            (Query(rate("twin_feature_stream_tokens_total"), "tokens"),),
            unit="cps",
        ),
    ),
)

_TROUBLE = Row(
    "What went wrong (feature-stream)",
    (
        Panel(
            "Dead letters, in an hour",
            "twin dlq list names them.",
            (Query("sum by (reason) (increase(twin_feature_stream_dead_letters_total[1h]))", "{{reason}}"),),
            threshold=1,
        ),
        Panel(
            "Failed share",
            "Of all documents, those that became no part of the index.",
            (
                Query(
                    ratio(
                        'twin_feature_stream_documents_total{outcome="failed"}',
                        "twin_feature_stream_documents_total",
                    ),
                    "failed",
                ),
            ),
            unit="percentunit",
            threshold=0.01,
        ),
        Panel(
            "Differences mended, in a day",
            "What reconciliation found between warehouse and index; all but a few want an explanation.",
            (
                Query(
                    "sum by (kind) (increase(twin_feature_stream_reconciled_documents_total[24h]))",
                    "{{kind}}",
                ),
            ),
        ),
    ),
)

STREAM = Dashboard(
    "twin-stream",
    "Stream",
    "From a change in the warehouse through Kafka into the index.",
    (_CAPTURE, _POSITION, _INDEXING, _WORK, _TROUBLE),
)
