"""Starts the service: python -m twin_rag_api."""

import signal
import sys

from twin_common.telemetry import configure


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    # uvicorn hands the signal on when it is done: ending with 0 is what a supervisor takes for a clean end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    configure("rag-api")

    import uvicorn

    from twin_common.configuration import read
    from twin_common.embedding import (
        Embedder,
        EmbeddingSettings,
        SparseEmbedder,
        load_embedder,
        load_sparse_embedder,
    )
    from twin_common.index_builds import IndexBuild
    from twin_common.kafka_settings import KafkaSettings
    from twin_common.vector_index import VectorIndexSettings, connect
    from twin_common.warehouse import Warehouse, WarehouseSettings
    from twin_rag_api.app import create_app
    from twin_rag_api.resources import Resources
    from twin_rag_api.retrieval.encoding import Encoding
    from twin_rag_api.server import DrainingServer
    from twin_rag_api.settings import ApiSettings

    settings = read(ApiSettings)
    embedding = read(EmbeddingSettings)

    def load(build: IndexBuild | None) -> tuple[Embedder, SparseEmbedder]:
        settings = build.embedding_settings(embedding) if build else embedding
        return load_embedder(settings), load_sparse_embedder()

    resources = Resources.build(
        settings,
        warehouse=Warehouse(read(WarehouseSettings)),
        index=connect(read(VectorIndexSettings)),
        encoding=Encoding(load),
        kafka=read(KafkaSettings),
    )
    config = uvicorn.Config(
        create_app(resources),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.finish_seconds,
    )
    DrainingServer(config, settings.drain_seconds, resources.drain).run()


if __name__ == "__main__":
    main()
