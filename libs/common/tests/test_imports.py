"""What importing twin_common costs: no service pays for a library that another one uses."""

import subprocess
import sys

_HEAVY = {
    *(
        "torch",
        "transformers",
        "sentence_transformers",
        "onnxruntime",
        "tokenizers",
        "numpy",
        "qdrant_client",
    ),
    *(
        "qdrant_edge",
        "scrapy",
        "bytewax",
        "fastapi",
        "starlette",
        "uvicorn",
        "faststream",
        "aiokafka",
    ),
    *("confluent_kafka", "httpx", "opentelemetry.exporter"),
}
_ADAPTERS = {
    f"twin_common.embedding.{name}"
    for name in ("onnx", "sentence_transformers", "text_embeddings_inference", "bm25", "vectors", "words")
}
_FAKES = {f"twin_common.testing{name}" for name in ("", ".embedding", ".hub", ".text_embeddings_inference")}

_IMPORT_ALL = f"""
import pkgutil, sys, importlib, twin_common
names = [module.name for module in pkgutil.walk_packages(twin_common.__path__, "twin_common.")]
for name in names:
    if name not in {_ADAPTERS | _FAKES!r}:
        importlib.import_module(name)
assert len(names) > 20
print(*sorted({_HEAVY!r} & set(sys.modules)))
"""


class TestImports:
    def test_no_contract_loads_a_heavy_library(self) -> None:
        command = [sys.executable, "-c", _IMPORT_ALL]
        finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert finished.stdout.strip() == ""
