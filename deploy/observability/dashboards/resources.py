"""What the services use, and what a document and an answer cost."""

from deploy.observability.dashboards.model import Dashboard, Panel, Query, Row, rate, ratio

_JOBS = 'job=~"crawler|cdc|feature-stream|rag-api|trainer"'


_PROCESSES = Row(
    "Processes",
    (
        Panel(
            "Processor",
            "Cores in use. Crawls and trainings run in child processes, which are not counted here.",
            (Query(rate(f"process_cpu_seconds_total{{{_JOBS}}}", "job"), "{{job}}"),),
            stacked=True,
        ),
        Panel(
            "Memory",
            "Resident bytes of the largest copy.",
            (Query(f"max by (job) (process_resident_memory_bytes{{{_JOBS}}})", "{{job}}"),),
            unit="bytes",
        ),
        Panel(
            "Open files",
            "As a share of the limit; connections count.",
            (Query(f"max by (job) (process_open_fds{{{_JOBS}}} / process_max_fds{{{_JOBS}}})", "{{job}}"),),
            unit="percentunit",
            threshold=0.8,
        ),
        Panel(
            "Running since",
            "Of the youngest copy; a drop to 0 is a restart.",
            (Query(f"time() - max by (job) (process_start_time_seconds{{{_JOBS}}})", "{{job}}"),),
            unit="s",
        ),
    ),
)

_COST = Row(
    "Cost of the work",
    (
        Panel(
            "Processor time to index a document",
            "Seconds of a core, that of an idle stream included: read it while documents flow.",
            (
                Query(
                    ratio(
                        'process_cpu_seconds_total{job="feature-stream"}',
                        "twin_feature_stream_documents_total",
                    ),
                    "seconds",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Processor time of an answer",
            "Seconds of a core in the API; a language model of its own is not counted.",
            (Query(ratio('process_cpu_seconds_total{job="rag-api"}', "twin_answers_total"), "seconds"),),
            unit="s",
        ),
        Panel(
            "Tokens of an answer",
            "Times the model's price, this is what an answer costs.",
            (
                Query(
                    f"{rate('twin_generation_tokens_total', 'kind')} / on () group_left ()"
                    f" {rate('twin_answers_total')}",
                    "{{kind}}",
                ),
            ),
        ),
        Panel(
            "Vectors saved",
            "The share of chunks that kept their vector instead of being encoded.",
            (
                Query(
                    ratio(
                        'twin_feature_stream_chunks_total{origin="reused"}',
                        "twin_feature_stream_chunks_total",
                    ),
                    "reused",
                ),
            ),
            unit="percentunit",
        ),
    ),
)

RESOURCES = Dashboard(
    "twin-resources",
    "Resources and cost",
    "What the services use, and what a document and an answer cost.",
    (_PROCESSES, _COST),
)
