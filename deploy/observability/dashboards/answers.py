"""Search and chat: how much is asked, how fast it is answered, and how well."""

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

_REQUESTS = "twin_http_request_duration_seconds_count"


def _answered(status: str) -> str:
    """Requests answered with a status that matches; 0, not nothing, where none was."""
    matching = f'{_REQUESTS}{{status=~"{status}"}}'
    return f"({rate(matching)} or 0 * {rate(_REQUESTS)})"


_HTTP = Row(
    "Requests",
    (
        Panel(
            "By route",
            "Probes and scrapes left out.",
            (Query(rate(_REQUESTS + '{route=~"/v1/.*"}', "route"), "{{route}}"),),
            unit="reqps",
            stacked=True,
        ),
        Panel(
            "By status",
            "429 is a rate limit, 401 a missing or wrong key, 503 a server that is away.",
            (Query(rate(_REQUESTS + '{route=~"/v1/.*"}', "status"), "{{status}}"),),
            unit="reqps",
            stacked=True,
        ),
        Panel(
            "Under way",
            "Requests that are not answered to the end, streams included; the scrape itself is one.",
            (Query("sum(twin_http_requests_under_way)", "requests"),),
        ),
        Panel(
            "Latency, p95",
            "From arrival to the last byte.",
            (
                Query(
                    "histogram_quantile(0.95, sum by (le, route)"
                    ' (rate(twin_http_request_duration_seconds_bucket{route=~"/v1/.*"}[$__rate_interval])))',
                    "{{route}}",
                ),
            ),
            unit="s",
        ),
    ),
)

_REFUSED = Row(
    "Refused and failed",
    (
        Panel(
            "Refused by a rate limit",
            "A key asked more often than RAG_API_REQUESTS_PER_MINUTE allows.",
            (Query(_answered("429"), "requests"),),
            unit="reqps",
        ),
        Panel(
            "Refused without a valid key",
            "Many of them: somebody guesses, or a key was rotated and a client was forgotten.",
            (Query(_answered("401"), "requests"),),
            unit="reqps",
        ),
        Panel(
            "Failed share",
            "Of all requests, those answered with 5xx.",
            (Query(f"{_answered('5..')} / {rate(_REQUESTS)}", "5xx"),),
            unit="percentunit",
            threshold=0.01,
        ),
    ),
)

_RETRIEVAL = Row(
    "Retrieval",
    (
        Panel(
            "Steps, p95",
            "encode is the question's vector, search the index, widen the neighbours of what was found.",
            (Query(quantile(0.95, "twin_retrieval_step_duration_seconds", "step"), "{{step}}"),),
            unit="s",
        ),
        Panel(
            "Searches",
            "Those of the chat included.",
            (Query(rate('twin_retrieval_step_duration_seconds_count{step="search"}'), "searches"),),
            unit="reqps",
        ),
    ),
)

_GENERATION = Row(
    "Answers",
    (
        Panel(
            "First words",
            "From the question to the first words, by engine.",
            quantiles("twin_generation_first_token_seconds", "engine"),
            unit="s",
        ),
        Panel(
            "Whole answer",
            "From the question to the last word.",
            quantiles("twin_generation_step_duration_seconds"),
            unit="s",
        ),
        Panel(
            "Tokens",
            "Read and written, by engine; what a hosted model charges for.",
            (Query(rate("twin_generation_tokens_total", "engine, kind"), "{{engine}} {{kind}}"),),
            unit="cps",
            stacked=True,
        ),
        Panel(
            "Failures of the language model",
            "Each is answered with quotes instead.",
            (Query(rate("twin_engine_failures_total", "reason"), "{{reason}}"),),
            unit="ops",
            stacked=True,
        ),
    ),
)

_QUALITY = Row(
    "Quality",
    (
        Panel(
            "Answers by outcome",
            "nothing_found is a refusal: the sources do not answer; fallback means that the model failed.",
            (Query(rate("twin_answers_total", "outcome"), "{{outcome}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Refused and substituted share",
            "Many refusals: the twin is asked what its author never wrote of, or the index lacks something.",
            (
                Query(ratio('twin_answers_total{outcome="nothing_found"}', "twin_answers_total"), "refused"),
                Query(ratio('twin_answers_total{outcome="fallback"}', "twin_answers_total"), "substituted"),
            ),
            unit="percentunit",
        ),
        Panel(
            "Sources an answer cites",
            "On average; an answer without any is a refusal.",
            (Query(ratio("twin_answer_citations_sum", "twin_answer_citations_count"), "sources"),),
        ),
        Panel(
            "Guardrails",
            "What the rules noticed: orders, false turns, hidden text and secrets in sources; foreign links, "
            "secrets, personal data and recited instructions in answers.",
            (Query(rate("twin_guardrail_findings_total", "rule, place"), "{{rule}} in {{place}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Notices in answers",
            "What answers told of how they came to be: turns that gave way, links that could not be used.",
            (Query(rate("twin_answer_notices_total", "code"), "{{code}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Linked pages",
            "Pages that requests linked to, by what became of them; read is the good one.",
            (Query(rate("twin_writing_links_total", "outcome"), "{{outcome}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            "Supported and cited sentences",
            "Of what answers state: what stands in their sources by words and numbers, and what cites one.",
            (
                Query(
                    ratio('twin_answer_sentences_total{support="supported"}', "twin_answer_sentences_total"),
                    "supported",
                ),
                Query(ratio("twin_answer_sentences_cited_total", "twin_answer_sentences_total"), "cited"),
            ),
            unit="percentunit",
        ),
        Panel(
            "Likeness to the author",
            "Share of the author's own passages that are less typical of them; one half is the author's own"
            " style, near 0 a stranger's.",
            (Query(ratio("twin_answer_style_score_sum", "twin_answer_style_score_count"), "style"),),
            unit="percentunit",
        ),
        Panel(
            "Traces",
            "What becomes of the traces of answers; dropped ones are missing in the page.",
            (Query(rate("twin_traces_total", "outcome"), "{{outcome}}"),),
            unit="ops",
        ),
        Panel(
            "Feedback, in a day",
            "What owners said of the answers.",
            (Query("sum by (rating) (increase(twin_feedback_total[24h]))", "{{rating}}"),),
        ),
    ),
)

ANSWERS = Dashboard(
    "twin-answers",
    "Retrieval and chat",
    "Search and chat: how much is asked, how fast it is answered, and how well.",
    (_HTTP, _REFUSED, _RETRIEVAL, _GENERATION, _QUALITY),
)
