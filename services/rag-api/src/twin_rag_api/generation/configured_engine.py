"""The engine that the settings name, and those of trained models."""

from twin_common.models import ServingAddress
from twin_rag_api.generation.circuit_breaker import CircuitBreaker
from twin_rag_api.generation.engines import Engine
from twin_rag_api.generation.extractive import ExtractiveEngine
from twin_rag_api.generation.openai_compatible import OpenAICompatibleEngine
from twin_rag_api.generation.protection import ProtectedEngine
from twin_rag_api.generation.tgi import TgiEngine
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.settings import ApiSettings


def configured_engine(settings: ApiSettings, encoding: Encoding) -> Engine:
    """The language model behind a circuit breaker, or quotes where none is configured.

    Raises:
        UnreadableTokenizer: the settings name a tokenizer that is none.
    """
    if not settings.llm_url:
        return ExtractiveEngine(encoding)
    connect = TgiEngine.connect if settings.llm_protocol == "tgi" else OpenAICompatibleEngine.connect
    return ProtectedEngine(connect(settings), CircuitBreaker())


def trained_engine(settings: ApiSettings, served: ServingAddress) -> Engine:
    """A trained model at its own address, asked and guarded as a configured one."""
    there = {"llm_url": served.url, "llm_model": served.name, "llm_api_key": None}
    return ProtectedEngine(
        OpenAICompatibleEngine.connect(settings.model_copy(update=there)), CircuitBreaker()
    )
