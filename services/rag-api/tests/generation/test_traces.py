"""The spans of an answer, in OpenTelemetry's GenAI words."""

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest import MonkeyPatch

from ..conftest import Api, chunk, put_chunks


async def _spans(api: Api, monkeypatch: MonkeyPatch) -> dict[str, ReadableSpan]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    await put_chunks(api.resources.index, [chunk("Tides turn twice a day in this harbour.")])
    body = {"messages": [{"role": "user", "content": "when do tides turn"}]}
    assert (await api.post("/v1/chat/completions", body)).status_code == 200
    return {span.name: span for span in exporter.get_finished_spans()}


class TestSpans:
    async def test_retrieval_and_chat(self, api: Api, monkeypatch: MonkeyPatch) -> None:
        spans = await _spans(api, monkeypatch)
        assert {"retrieval", "embeddings hashing", "search index", "chat extractive"} <= spans.keys()
        parent = spans["embeddings hashing"].parent
        context = spans["retrieval"].context
        assert parent is not None
        assert context is not None
        assert parent.span_id == context.span_id
        chat = spans["chat extractive"].attributes
        assert chat is not None
        assert chat["gen_ai.operation.name"] == "chat"
        assert chat["gen_ai.provider.name"] == "twin"
        assert chat["gen_ai.request.model"] == "extractive"
        assert chat["gen_ai.response.finish_reasons"] == ("stop",)
        assert all(isinstance(chat[f"gen_ai.usage.{kind}_tokens"], int) for kind in ("input", "output"))
        assert isinstance(chat["gen_ai.response.time_to_first_chunk"], float)
        embeddings = spans["embeddings hashing"].attributes
        assert embeddings is not None
        assert embeddings["gen_ai.operation.name"] == "embeddings"
        assert embeddings["gen_ai.request.model"] == "hashing"
        assert all("tide" not in str(span.attributes).lower() for span in spans.values())


class TestMetrics:
    async def test_durations_first_words_and_tokens_under_the_names_of_the_conventions(
        self, api: Api, monkeypatch: MonkeyPatch
    ) -> None:
        await _spans(api, monkeypatch)
        labels = 'gen_ai_provider_name="twin",gen_ai_request_model="extractive"'
        chat = f'{{gen_ai_operation_name="chat",{labels}}}'
        assert await api.figure(f"gen_ai_client_operation_duration_seconds_count{chat}") >= 1
        assert await api.figure(f"gen_ai_server_time_to_first_token_seconds_count{chat}") >= 1
        written = f'{{gen_ai_operation_name="chat",{labels},gen_ai_token_type="output"}}'
        assert await api.figure(f"gen_ai_client_token_usage_sum{written}") > 0
