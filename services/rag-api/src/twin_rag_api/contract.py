"""The API's contract as a file: `python -m twin_rag_api.contract FILE` writes the OpenAPI document."""

import argparse
import asyncio
import json
from pathlib import Path

from pydantic import SecretStr

from twin_common.embedding import Embedder, SparseEmbedder
from twin_common.kafka_settings import KafkaSettings
from twin_common.vector_index import VectorIndexSettings, connect
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_rag_api.app import create_app
from twin_rag_api.resources import Resources
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.settings import ApiSettings


async def openapi_document() -> str:
    """The OpenAPI document of this version; equal code gives equal text. Nothing is connected to."""
    resources = Resources.build(
        ApiSettings(),
        Warehouse(WarehouseSettings(url=SecretStr("mongodb://nowhere.example"))),
        connect(VectorIndexSettings(url="http://nowhere.example")),
        Encoding(_no_encoder),
        KafkaSettings(bootstrap_servers="nowhere.example:9092"),
    )
    document = create_app(resources).openapi()
    await resources.close()
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _no_encoder(_: object) -> tuple[Embedder, SparseEmbedder]:
    raise AssertionError("a document needs no encoder")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.parse_args().file.write_text(asyncio.run(openapi_document()), encoding="utf-8")
